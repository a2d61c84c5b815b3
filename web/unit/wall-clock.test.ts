// Times of `datetime-local` inputs. The local zone of the tests is Europe/Lisbon.
import { expect, test } from 'vitest'
import { formatWallClock, parseWallClock } from '../src/filter/wall-clock'

test('timestamp is formatted in UTC or local time', () => {
  expect(formatWallClock('2026-07-01T12:00:00.500Z', 'UTC')).toBe('2026-07-01T12:00:00')
  expect(formatWallClock('2026-07-01T12:00:00Z', 'local')).toBe('2026-07-01T13:00:00')
  expect(formatWallClock('2026-01-01T12:00:00Z', 'local')).toBe('2026-01-01T12:00:00')
})

test('value is parsed in UTC or local time', () => {
  expect(parseWallClock('2026-07-01T12:00', 'UTC')).toBe('2026-07-01T12:00:00.000Z')
  expect(parseWallClock('2026-07-01T13:00:00', 'local')).toBe('2026-07-01T12:00:00.000Z')
})

test('empty and invalid values have no timestamp', () => {
  expect(formatWallClock(undefined, 'UTC')).toBe('')
  expect(parseWallClock('', 'local')).toBeUndefined()
  expect(parseWallClock('x', 'UTC')).toBeUndefined()
})
