// The interval of the histogram.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { intervalFor } from '../src/overview/query'

const DAY = 86_400_000
const NOW = Date.parse('2026-07-01T12:00:00Z')
const daysAgo = (days: number) => new Date(NOW - days * DAY).toISOString()

beforeEach(() => {
  vi.useFakeTimers({ now: NOW })
})
afterEach(() => {
  vi.useRealTimers()
})

test('interval follows the length of the period', () => {
  const empty = { oldestEventAt: null, newestEventAt: null }
  expect(intervalFor('24h', empty)).toBe('HOUR')
  expect(intervalFor('7d', empty)).toBe('DAY')
  expect(intervalFor('all', empty)).toBe('HOUR')
  expect(intervalFor({ from: daysAgo(200), to: daysAgo(190) }, empty)).toBe('DAY')
  expect(intervalFor({ from: daysAgo(500) }, empty)).toBe('WEEK')
})

test('interval of an open period follows the span of the log', () => {
  expect(intervalFor('all', { oldestEventAt: daysAgo(2), newestEventAt: daysAgo(1) })).toBe('HOUR')
  expect(intervalFor('all', { oldestEventAt: daysAgo(1_000), newestEventAt: daysAgo(1) })).toBe('MONTH')
  expect(intervalFor({ to: daysAgo(10) }, { oldestEventAt: daysAgo(12), newestEventAt: daysAgo(1) })).toBe('HOUR')
})
