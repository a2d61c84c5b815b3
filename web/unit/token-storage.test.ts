// Pasted tokens.
import { expect, test } from 'vitest'
import { extractToken } from '../src/session/token-storage'

test('token is extracted from pasted text', () => {
  for (const pasted of [
    'a.b.c',
    ' a.b.c\n',
    'Bearer a.b.c',
    '"a.b.c"',
    'token GLOBAL_ADMIN a.b.c',
    "Authorization: 'a.b.c'",
    'a.b.c,',
  ])
    expect(extractToken(pasted)).toBe('a.b.c')
})

test('text without a token is empty', () => {
  expect(extractToken('nothing of the kind')).toBe('')
  expect(extractToken('')).toBe('')
})
