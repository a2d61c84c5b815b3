// Relative and absolute times.
import { expect, test } from 'vitest'
import { absoluteTime, relativeTime, zoneName } from '../src/ui/time'

const NOW = Date.parse('2026-07-01T12:00:00Z')
const at = (secondsAgo: number) => relativeTime(new Date(NOW - secondsAgo * 1000).toISOString(), NOW)

test('relative time uses the largest unit', () => {
  expect(at(90)).toMatch(/^1 ?m.* ago$/)
  expect(at(2 * 3600)).toBe('2h ago')
  expect(at(49 * 3600)).toBe('2d ago')
  expect(at(400 * 86_400)).toBe('1y ago')
})

test('time that the clocks cannot tell apart is now', () => {
  expect(at(0)).toBe('now')
  expect(at(-20)).toBe('now')
  expect(at(-60)).toMatch(/^in 1 ?m/)
})

test('absolute time is in the chosen zone', () => {
  expect(absoluteTime('2026-07-01T12:00:00Z', 'UTC')).toContain('12:00:00')
  expect(absoluteTime('2026-07-01T12:00:00Z', 'local')).toContain('13:00:00')
  expect([zoneName('UTC'), zoneName('local')]).toEqual(['UTC', 'Europe/Lisbon'])
})
