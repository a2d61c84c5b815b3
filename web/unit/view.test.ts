// The view and its filters.
import { expect, test } from 'vitest'
import { NO_FILTERS, type View, windowLength, withFilters } from '../src/view/view'

const VIEW: View = { page: 'events', filters: NO_FILTERS, position: { after: 'cursor' }, event: 'id' }

test('changed filters return to the first page without an open event', () => {
  const view = withFilters(VIEW, { status: ['FAILURE'] })
  expect(view).toMatchObject({ page: 'events', filters: { ...NO_FILTERS, status: ['FAILURE'] } })
  expect(view.position).toBeUndefined()
  expect(view.event).toBeUndefined()
})

test('changing one filter keeps the others', () => {
  const groups = withFilters(VIEW, { resource: ['GROUP'], source: 'O365', activity: ['Add group'] })
  expect(withFilters(groups, { resource: [] }).filters).toMatchObject({ source: 'O365', activity: ['Add group'] })
})

test('window lengths are in milliseconds', () => {
  expect(windowLength('24h')).toBe(86_400_000)
  expect(windowLength('7d')).toBe(7 * 86_400_000)
})
