// The labels of the histogram's bars.
import { expect, test } from 'vitest'
import { axisLabels, rangeLabel } from '../src/overview/bar-labels'

const NOW = Date.parse('2026-07-01T12:00:00Z')
const HOUR = 3_600_000

/** Bars of equal length. */
function bars(start: string, count: number, hours: number) {
  const timestamp = (index: number) => new Date(Date.parse(start) + index * hours * HOUR).toISOString()
  return Array.from({ length: count }, (_, index) => ({ startsAt: timestamp(index), endsAt: timestamp(index + 1) }))
}

/** The numbers in a text, sorted: their order depends on the locale of the machine. */
const numbers = (text: string) => [...text.matchAll(/\d+/g)].map(([digits]) => Number(digits)).sort((a, b) => a - b)

test('label of bars ends with the last moment of the last bar', () => {
  const label = (interval: 'HOUR' | 'DAY' | 'WEEK' | 'MONTH', startsAt: string, endsAt: string) =>
    numbers(rangeLabel({ startsAt, endsAt }, interval, 'UTC'))
  expect(label('DAY', '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z')).toEqual([2, 2026])
  expect(label('DAY', '2026-01-02T00:00:00Z', '2026-01-05T00:00:00Z')).toEqual([2, 4, 2026])
  expect(label('WEEK', '2026-01-02T00:00:00Z', '2026-01-09T00:00:00Z')).toEqual([2, 8, 2026])
  expect(label('MONTH', '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z')).toEqual([2026])
  expect(label('HOUR', '2026-01-02T10:00:00Z', '2026-01-02T12:00:00Z')).toEqual([0, 2, 10, 11, 59, 2026])
})

test('axis labels name the year where it differs', () => {
  const labels = (start: string) =>
    axisLabels(bars(start, 6, 24), 'DAY', 'UTC', 2, NOW).map(({ text }) => numbers(text))
  expect(labels('2026-01-02T00:00:00Z')).toEqual([[2], [4], [6]])
  expect(labels('2025-12-29T00:00:00Z')).toEqual([[29, 2025], [31], [2, 2026]])
})

test('hours have their time and midnight the date', () => {
  const labels = axisLabels(bars('2026-01-01T22:00:00Z', 16, 1), 'HOUR', 'UTC', 5, NOW)
  expect(labels.map(({ index }) => index)).toEqual([2, 8, 14])
  expect(labels.map(({ text }) => numbers(text))).toEqual([[2], [0, 6], [0, 12]])
})
