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

test('API key is extracted from pasted text', () => {
  for (const pasted of ['agk_1_2_3', ' agk_1_2_3\n', 'Bearer agk_1_2_3', '"agk_1_2_3",', 'KEY agk_1_2_3'])
    expect(extractToken(pasted)).toBe('agk_1_2_3')
})

test('text without a token is empty', () => {
  expect(extractToken('agk_1_2')).toBe('')
  expect(extractToken('nothing of the kind')).toBe('')
  expect(extractToken('')).toBe('')
})
