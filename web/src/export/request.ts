// The request of an export: all events of a view, with the columns of the list or with all fields.
import type { AuditEventFilter, AuditPeriodInput } from '../api/gql/graphql'
import { filterInput, periodInput } from '../filter/filter-input'
import { COLUMNS } from '../list/columns'
import type { Filters } from '../view/view'

export type Format = 'csv' | 'ndjson'

/** The body of `POST /v1/events/export`. */
export interface ExportRequest {
  format: Format
  columns?: string[]
  occurredAt: AuditPeriodInput
  filter?: AuditEventFilter
  asOf?: number
}

/** Builds the request for a view. Without `shown`, all fields are exported. */
export function exportRequest(filters: Filters, format: Format, shown?: readonly string[]): ExportRequest {
  const filter = filterInput(filters)
  const paths = shown?.flatMap((id) => COLUMNS[id]?.exportColumns ?? [])
  return {
    format,
    occurredAt: periodInput(filters.period),
    ...(paths && { columns: [...new Set(paths)] }),
    ...(filter && { filter }),
    ...(filters.asOf !== undefined && { asOf: filters.asOf }),
  }
}

/** The file name, with the current time in UTC. */
export function fileName(format: Format, now: Date): string {
  return `audit-events-${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z.${format}`
}
