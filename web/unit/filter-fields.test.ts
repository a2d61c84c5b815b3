// The texts of the filters.
import { expect, test } from 'vitest'
import {
  activeFilters,
  ALL_CLEARED,
  FILTER_FIELDS,
  FILTER_NAMES,
  isChanged,
  periodName,
  withoutFilter,
} from '../src/filter/filter-fields'
import { type Filters, NO_FILTERS } from '../src/view/view'

const NAMES = { service: (key: string) => `service ${key}`, category: (key: string) => `category ${key}` }

const SET: Filters = {
  period: '7d',
  service: ['a', 'b'],
  category: ['c'],
  resource: ['USER', 'GROUP', 'DEVICE'],
  source: 'AZURE_AD',
  activity: ['Add user'],
  status: ['TIMEOUT'],
  actor: [{ key: 'k', name: 'Ada' }],
  actorText: 'gr',
  target: [],
  targetText: 'lap',
  property: { name: 'Enabled', to: 'false' },
  involving: 'x',
  correlation: 'y',
  text: 'z',
  asOf: 5,
}

test('every set filter has a text', () => {
  const texts = Object.fromEntries(activeFilters(SET, NAMES, 'UTC').map(({ name, value }) => [name, value]))
  expect(texts).toEqual({
    period: 'Last 7 days',
    actor: 'Ada, “gr”',
    service: 'service a, service b',
    category: 'category c',
    resource: 'User +2',
    source: 'Azure AD',
    activity: 'Add user',
    status: 'Timed out',
    target: '“lap”',
    property: 'Enabled anything → false',
    involving: 'x',
    correlation: 'y',
    asOf: '5',
    text: '“z”',
  })
})

test('clearing a filter returns it to its default and leaves the others', () => {
  for (const name of FILTER_NAMES) {
    const filters = { ...SET, ...FILTER_FIELDS[name].cleared }
    expect(FILTER_NAMES.filter((other) => !isChanged(other, filters))).toEqual([name])
  }
})

test('leaving out a filter leaves the others', () => {
  for (const name of FILTER_NAMES) {
    const filters = { ...SET, ...withoutFilter(name) }
    const names = activeFilters(filters, NAMES, 'UTC').map((filter) => filter.name)
    expect(names).toEqual(FILTER_NAMES.filter((other) => other !== name))
  }
})

test('clearing all filters returns to the defaults', () => {
  expect({ ...SET, ...ALL_CLEARED }).toEqual(NO_FILTERS)
  expect(FILTER_NAMES.filter((name) => isChanged(name, NO_FILTERS))).toEqual([])
})

test('the period always has a text, in the chosen zone', () => {
  for (const period of ['24h', '7d', '30d', 'all'] as const) expect(periodName(period, 'UTC')).not.toBe('')
  expect(periodName({ from: '2026-07-02T03:04:00Z' }, 'UTC')).toMatch(/^Since .*03:04$/)
  expect(periodName({ from: '2026-07-02T03:04:00Z' }, 'local')).toMatch(/^Since .*04:04$/)
  expect(periodName({ to: '2026-01-02T03:04:05Z' }, 'UTC')).toMatch(/^Until .*03:04:05$/)
  expect(periodName({ from: '2026-07-02T00:00:00Z', to: '2026-07-03T00:00:00Z' }, 'UTC')).toMatch(/00:00.*00:00$/)
})
