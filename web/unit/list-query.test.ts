// The variables of a page, and the columns that decide on them.
import { expect, test } from 'vitest'
import { DEFAULT_COLUMNS, fieldGroupsOf, shownColumns } from '../src/list/columns'
import { pageVariables, pinView } from '../src/list/query'
import { NO_FILTERS, type View } from '../src/view/view'

const VIEW: View = { page: 'events', filters: NO_FILTERS, position: undefined }
const GROUPS = { application: false, changes: false, scalars: true, provenance: false }
const SNAPSHOT = { asOf: 42, from: '2026-01-01T00:00:00Z', to: '2026-01-31T00:00:00Z' }

test('first page has no cursor', () => {
  expect(pageVariables(VIEW, 50, GROUPS)).toEqual({ first: 50, occurredAt: { window: 'LAST_30_DAYS' }, ...GROUPS })
})

test('later pages go forward or backward from a cursor', () => {
  expect(pageVariables({ ...VIEW, position: { after: 'c' } }, 50, GROUPS)).toMatchObject({ first: 50, after: 'c' })
  const backward = pageVariables({ ...VIEW, position: { before: 'c' } }, 50, GROUPS)
  expect(backward).toMatchObject({ last: 50, before: 'c' })
  expect(backward).not.toHaveProperty('first')
})

test('field groups are those of the shown columns', () => {
  expect(fieldGroupsOf(DEFAULT_COLUMNS)).toEqual({ ...GROUPS, scalars: false })
  expect(fieldGroupsOf(['time', 'service'])).toEqual(GROUPS)
})

test('unknown columns are ignored', () => {
  expect(shownColumns(['service', 'removed'])).toEqual(['service'])
  expect(shownColumns(['removed'])).toEqual(DEFAULT_COLUMNS)
  expect(shownColumns(undefined)).toEqual(DEFAULT_COLUMNS)
})

test('pinned view has a fixed period and sequence', () => {
  const { from, to } = SNAPSHOT
  expect(pinView(VIEW, SNAPSHOT).filters).toMatchObject({ period: { from, to }, asOf: 42 })
})

test('pinned view keeps all time and custom ranges', () => {
  const pinnedPeriod = (period: View['filters']['period']) =>
    pinView({ ...VIEW, filters: { ...NO_FILTERS, period } }, SNAPSHOT).filters.period
  expect(pinnedPeriod('all')).toBe('all')
  expect(pinnedPeriod({ from: 'a' })).toEqual({ from: 'a' })
})
