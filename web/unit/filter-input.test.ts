// The arguments of the API for the filters of a view.
import { expect, test } from 'vitest'
import { filterInput, periodInput } from '../src/filter/filter-input'
import { type Filters, NO_FILTERS } from '../src/view/view'

const input = (filters: Partial<Filters>) => filterInput({ ...NO_FILTERS, ...filters })

test('period is a window, a range or all time', () => {
  expect(periodInput('24h')).toEqual({ window: 'LAST_24_HOURS' })
  expect(periodInput('all')).toEqual({ window: 'ALL' })
  expect(periodInput({ from: 'a', to: 'b' })).toEqual({ between: { from: 'a', to: 'b' } })
  expect(periodInput({ from: 'a' })).toEqual({ between: { from: 'a' } })
})

test('no filter is undefined', () => {
  expect(input({})).toBeUndefined()
})

test('every filter has its argument', () => {
  expect(
    input({
      service: ['s'],
      category: ['c'],
      activity: ['a'],
      resource: ['GROUP'],
      source: 'O365',
      status: ['FAILURE'],
      actor: [{ key: 'k', name: 'n' }],
      actorText: 'ada',
      target: [{ key: 't', name: 'n' }],
      targetText: 'lap',
      correlation: 'id',
      text: 'role',
    }),
  ).toEqual({
    service: { in: ['s'] },
    category: { in: ['c'] },
    activity: { in: ['a'] },
    resourceType: { in: ['GROUP'] },
    groupSource: { eq: 'O365' },
    status: { in: ['FAILURE'] },
    actor: { key: { in: ['k'] }, search: 'ada' },
    target: { key: { in: ['t'] }, search: 'lap' },
    correlationId: { eq: 'id' },
    search: 'role',
  })
})

test('complete names and ids are matched exactly', () => {
  const id = '06ebc4ee-1bb5-47dd-8120-11324bc54e06'
  expect(input({ involving: 'ada@contoso.example' })).toEqual({ involving: { eq: 'ada@contoso.example' } })
  expect(input({ involving: id })).toEqual({ involving: { eq: id } })
  expect(input({ involving: 'ada' })).toEqual({ involving: { contains: 'ada' } })
})

test('property name alone needs no alternatives', () => {
  expect(input({ property: { name: 'Enabled' } })).toEqual({
    target: { modifiedProperty: { name: { eq: 'Enabled' } } },
  })
  expect(input({ property: {} })).toEqual({ target: { modifiedProperty: {} } })
})

test('property value is tried in every encoding', () => {
  const name = { name: { eq: 'Enabled' } }
  const target = (values: object) => ({ target: { modifiedProperty: { ...name, ...values } } })
  expect(input({ property: { name: 'Enabled', from: 'true', to: 'x' } })).toEqual({
    target: { modifiedProperty: name },
    or: [
      target({ from: true, to: 'x' }),
      target({ from: [true], to: ['x'] }),
      target({ from: 'true', to: 'x' }),
      target({ from: ['true'], to: ['x'] }),
    ],
  })
})

test('equal encodings of a property value are sent once', () => {
  expect(input({ property: { to: 'x' } })?.or).toEqual([
    { target: { modifiedProperty: { to: 'x' } } },
    { target: { modifiedProperty: { to: ['x'] } } },
  ])
})
