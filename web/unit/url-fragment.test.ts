// The view in the URL's fragment.
import { expect, test } from 'vitest'
import { parseFragment, toFragment } from '../src/view/url-fragment'
import { NO_FILTERS, PERIODS, type View } from '../src/view/view'

const DEFAULT_VIEW: View = { page: 'events', filters: NO_FILTERS, position: undefined }

const FULL_VIEW: View = {
  page: 'overview',
  filters: {
    period: { from: '2026-01-02T03:04:05.000Z', to: '2026-02-03T04:05:06.000Z' },
    service: ['Core Directory', 'a&b=c#d'],
    category: ['Policy'],
    resource: ['USER', 'GROUP'],
    source: 'O365',
    activity: ['Add user', 'Löschen “x”'],
    status: ['FAILURE', 'TIMEOUT'],
    actor: [
      { key: 'user:1', name: 'Ada' },
      { key: 'user:2', name: 'Grace' },
    ],
    actorText: 'ad',
    target: [{ key: 'target:1', name: 'Laptop' }],
    targetText: 'lap',
    property: { name: 'AccountEnabled', from: 'true', to: 'false' },
    involving: 'ada@contoso.example',
    correlation: 'c-1',
    text: 'role',
    asOf: 123,
  },
  position: { after: 'cursor' },
  event: 'event-id',
}

test('default view is an empty fragment', () => {
  expect(toFragment(DEFAULT_VIEW)).toBe('#')
  expect(parseFragment('')).toMatchObject(DEFAULT_VIEW)
  expect(parseFragment('#')).toMatchObject(DEFAULT_VIEW)
})

test('every part of a view survives the round trip', () => {
  expect(parseFragment(toFragment(FULL_VIEW))).toEqual(FULL_VIEW)
  const before: View = { ...FULL_VIEW, page: 'events', position: { before: 'cursor' } }
  expect(parseFragment(toFragment(before))).toEqual(before)
})

test('every predefined period survives the round trip', () => {
  for (const period of PERIODS) {
    const view = { ...DEFAULT_VIEW, filters: { ...NO_FILTERS, period } }
    expect(parseFragment(toFragment(view)).filters.period).toBe(period)
  }
})

test('range may be open at either end', () => {
  expect(parseFragment('#from=2026-01-02T03:04:05Z').filters.period).toEqual({ from: '2026-01-02T03:04:05.000Z' })
  expect(parseFragment('#to=2026-01-02').filters.period).toEqual({ to: '2026-01-02T00:00:00.000Z' })
})

test('unknown and invalid values are ignored', () => {
  const { page, filters } = parseFragment(
    '#page=x&period=x&from=x&status=x&status=FAILURE&resource=&source=x&asOf=-1&y=z',
  )
  expect(page).toBe('events')
  expect(filters).toMatchObject({ period: NO_FILTERS.period, status: ['FAILURE'], resource: [] })
  expect(filters.source).toBeUndefined()
  expect(filters.asOf).toBeUndefined()
})

test('party without a name is shown by its key', () => {
  expect(parseFragment('#actor=user:1').filters.actor).toEqual([{ key: 'user:1', name: 'user:1' }])
})
