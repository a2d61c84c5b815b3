// The texts of the filters.
import { expect, test } from 'vitest'
import { activeFilters, clearedFilters, FILTER_FIELDS, FILTER_NAMES, periodName } from '../src/filter/filter-fields'
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
  const texts = Object.fromEntries(activeFilters(SET, NAMES, true).map(({ name, value }) => [name, value]))
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

test('clearing a filter leaves the others', () => {
  for (const name of FILTER_NAMES) {
    const filters = { ...SET, ...FILTER_FIELDS[name].cleared }
    const names = activeFilters(filters, NAMES, true).map((filter) => filter.name)
    // The group source depends on the resource type.
    const cleared = name === 'resource' ? ['resource', 'source'] : [name]
    expect(names).toEqual(FILTER_NAMES.filter((other) => !cleared.includes(other)))
  }
})

test('clearing all filters keeps the period', () => {
  expect(activeFilters(clearedFilters(SET), NAMES)).toEqual([])
  expect(clearedFilters(SET).period).toBe('7d')
  expect(activeFilters(NO_FILTERS, NAMES)).toEqual([])
})

test('open ranges have a text', () => {
  expect(periodName({ from: '2026-01-02T03:04:05Z' })).toMatch(/^Since /)
  expect(periodName({ to: '2026-01-02T03:04:05Z' })).toMatch(/^Until /)
})
