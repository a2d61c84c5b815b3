// The request of an export.
import { expect, test } from 'vitest'
import { exportRequest, fileName } from '../src/export/request'
import { NO_FILTERS } from '../src/view/view'

test('request has the filters and the snapshot of the view', () => {
  const filters = { ...NO_FILTERS, status: ['FAILURE' as const], asOf: 42 }
  expect(exportRequest(filters, 'ndjson')).toEqual({
    format: 'ndjson',
    occurredAt: { window: 'LAST_30_DAYS' },
    filter: { status: { in: ['FAILURE'] } },
    asOf: 42,
  })
})

test('request has the fields of the shown columns without duplicates', () => {
  const { columns } = exportRequest(NO_FILTERS, 'csv', ['time', 'actor', 'time', 'unknown'])
  expect(columns).toEqual(['occurredAt', 'actor.name', 'actor.userPrincipalName'])
})

test('file name has the time in UTC', () => {
  expect(fileName('csv', new Date('2026-03-04T05:06:07.890Z'))).toBe('audit-events-20260304T050607Z.csv')
})
