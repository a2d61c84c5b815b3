// Messages of a failed sign-in.
import { expect, test } from 'vitest'
import { signInErrorMessage } from '../src/session/open-id'

test('error of the issuer is shown with its description', () => {
  const error = { error: 'access_denied', error_description: 'Not assigned.' }
  expect(signInErrorMessage(error)).toBe('The issuer refused: Not assigned.')
  expect(signInErrorMessage({ error: 'access_denied' })).toBe('The issuer refused: access_denied')
})

test('network error has its own message', () => {
  expect(signInErrorMessage(new TypeError('Failed to fetch'))).toContain('the issuer cannot be reached')
  expect(signInErrorMessage(new Error('expired'))).toBe('Signing in failed: expired')
})
