// The query for a page of the list. Fields that only some columns show are requested only for those columns.
import { graphql } from '../api/gql'
import type { EventRowFragment, EventsQuery, EventsQueryVariables } from '../api/gql/graphql'
import { filterInput, periodInput } from '../filter/filter-input'
import type { View } from '../view/view'

export type Row = EventRowFragment

export const Events = graphql(`
  query Events(
    $first: Int
    $after: String
    $last: Int
    $before: String
    $occurredAt: AuditPeriodInput
    $filter: AuditEventFilter
    $asOf: Sequence
    $application: Boolean!
    $changes: Boolean!
    $scalars: Boolean!
    $provenance: Boolean!
  ) {
    auditEvents(
      first: $first
      after: $after
      last: $last
      before: $before
      occurredAt: $occurredAt
      filter: $filter
      asOf: $asOf
    ) {
      nodes {
        ...EventRow
      }
      asOf
      occurredAt {
        from
        to
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
`)

/** Groups of fields with a cost, requested only if a column shows them. */
export type FieldGroup = 'application' | 'changes' | 'scalars' | 'provenance'

export type FieldGroups = Record<FieldGroup, boolean>

export const NO_FIELD_GROUPS: FieldGroups = { application: false, changes: false, scalars: false, provenance: false }

/** The events that the list shows. */
export interface PageRows {
  /** Their ids, in display order. */
  ids: string[]
  /** The cursors of the page, and whether there are events beyond it. */
  pageInfo: NonNullable<EventsQuery['auditEvents']>['pageInfo'] | undefined
}

/** The state of the log that a page shows, so that it can be shown again later. */
export interface Snapshot {
  asOf: number
  from: string | null
  to: string | null
}

/** The variables for one page of a view. */
export function pageVariables(
  { filters, position }: Pick<View, 'filters' | 'position'>,
  rows: number,
  fieldGroups: FieldGroups,
): EventsQueryVariables {
  const filter = filterInput(filters)
  const isBackward = position !== undefined && 'before' in position
  return {
    ...(isBackward ? { last: rows, before: position.before } : { first: rows }),
    ...(position !== undefined && 'after' in position && { after: position.after }),
    occurredAt: periodInput(filters.period),
    ...(filter && { filter }),
    ...(filters.asOf !== undefined && { asOf: filters.asOf }),
    ...fieldGroups,
  }
}

/** Pins a view to a snapshot: a relative period becomes a fixed one, and events recorded later are left out. */
export function pinView(view: View, { asOf, from, to }: Snapshot): View {
  const { period } = view.filters
  const pinned =
    typeof period === 'string' && period !== 'all' ? { from: from ?? undefined, to: to ?? undefined } : period
  const isOpen = typeof pinned === 'object' && pinned.from === undefined && pinned.to === undefined
  return { ...view, filters: { ...view.filters, period: isOpen ? 'all' : pinned, asOf } }
}
