// Live events: which views can be live, and the backoff of the connection.
import { expect, test, vi } from 'vitest'
import { backoff } from '../src/live/follow'
import { canBeLive } from '../src/live/use-live'
import { NO_FILTERS } from '../src/view/view'

test('view with an end in the past cannot be live', () => {
  expect(canBeLive(NO_FILTERS)).toBe(true)
  expect(canBeLive({ ...NO_FILTERS, period: { from: '2026-01-01T00:00:00Z' } })).toBe(true)
  expect(canBeLive({ ...NO_FILTERS, period: { to: '2026-01-01T00:00:00Z' } })).toBe(false)
  expect(canBeLive({ ...NO_FILTERS, asOf: 1 })).toBe(false)
})

test('backoff doubles up to its maximum', async () => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(1)
  const setTimeout = vi.spyOn(globalThis, 'setTimeout')
  for (const failures of [1, 2, 3, 10]) {
    const waited = backoff(failures)
    await vi.runAllTimersAsync()
    await waited
  }
  expect(setTimeout.mock.calls.map(([, delay]) => delay)).toEqual([1_000, 2_000, 4_000, 15_000])
  vi.restoreAllMocks()
  vi.useRealTimers()
})
