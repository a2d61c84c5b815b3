// Errors of the API.
import { CombinedError } from 'urql'
import { expect, test } from 'vitest'
import { errorCode, errorMessage, isUnauthenticated } from '../src/api/client'

const withCode = (code: string) =>
  new CombinedError({ graphQLErrors: [{ message: `failed with ${code}`, extensions: { code } }] })

test('code and message are those of the first error', () => {
  expect(errorCode(withCode('FORBIDDEN'))).toBe('FORBIDDEN')
  expect(errorMessage(withCode('FORBIDDEN'))).toBe('failed with FORBIDDEN')
})

test('timeout has a message that helps', () => {
  expect(errorMessage(withCode('TIMEOUT'))).toContain('A shorter period')
})

test('missing response is a network error', () => {
  const error = new CombinedError({ networkError: new Error('refused') })
  expect(errorCode(error)).toBe('NETWORK')
  expect(errorMessage(error)).toBe('The server cannot be reached.')
})

test('rejected token is recognized', () => {
  expect(isUnauthenticated(withCode('UNAUTHENTICATED'))).toBe(true)
  expect(isUnauthenticated(withCode('FORBIDDEN'))).toBe(false)
})
