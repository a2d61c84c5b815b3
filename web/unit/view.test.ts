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

test('group source is kept only while groups are the only resource type', () => {
  const groups = withFilters(VIEW, { resource: ['GROUP'], source: 'O365' })
  expect(groups.filters.source).toBe('O365')
  expect(withFilters(groups, { resource: ['GROUP', 'USER'] }).filters.source).toBeUndefined()
  expect(withFilters(groups, { resource: [] }).filters.source).toBeUndefined()
})

test('window lengths are in milliseconds', () => {
  expect(windowLength('24h')).toBe(86_400_000)
  expect(windowLength('7d')).toBe(7 * 86_400_000)
})
