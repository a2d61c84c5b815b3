// What a page of the list asks for. What only some columns show is asked for only when they are shown.
import { graphql } from '../api/gql'
import type { EventRowFragment, EventsQueryVariables } from '../api/gql/graphql'
import { filterInput, periodInput } from '../filter/filter-input'
import type { View } from '../view/view'

export type Row = EventRowFragment

graphql(`
  fragment EventRow on AuditEvent {
    id
    occurredAt
    activity
    activityDisplayName
    status
    isRedacted
    actor {
      key
      kind
      name
      application @include(if: $application) {
        displayName
      }
      ipAddress @include(if: $application)
      ... on UserActor {
        userPrincipalName
      }
    }
    targets {
      key
      displayName
      userPrincipalName
      objectId
      type
      modifiedProperties @include(if: $changes) {
        name
      }
    }
    service @include(if: $plain)
    category @include(if: $plain)
    component @include(if: $plain)
    activityResourceType @include(if: $plain)
    groupSource @include(if: $plain)
    operationType @include(if: $plain)
    statusReason @include(if: $plain)
    correlationId @include(if: $plain)
    recordedAt @include(if: $plain)
    sequence @include(if: $plain)
    eventKey @include(if: $plain)
    recording @include(if: $provenance) {
      route
      recordedBy
    }
  }
`)

export const Events = graphql(`
  query Events(
    $first: Int
    $after: String
    $last: Int
    $before: String
    $period: AuditPeriodInput
    $filter: AuditEventFilter
    $asOf: Sequence
    $application: Boolean!
    $changes: Boolean!
    $plain: Boolean!
    $provenance: Boolean!
  ) {
    auditEvents(
      first: $first
      after: $after
      last: $last
      before: $before
      period: $period
      filter: $filter
      asOf: $asOf
    ) {
      nodes {
        ...EventRow
      }
      asOf
      period {
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

/** Parts of an event that cost something, and so are asked for only where a column shows them. */
export type Part = 'application' | 'changes' | 'plain' | 'provenance'

export type Parts = Record<Part, boolean>

/** What an answer stands for, so that it can be given again. */
export interface Point {
  asOf: number
  from: string | null
  to: string | null
}

/** The arguments for one page of a view. */
export function pageVariables(
  { filters, place }: Pick<View, 'filters' | 'place'>,
  rows: number,
  parts: Parts,
): EventsQueryVariables {
  const filter = filterInput(filters)
  const backwards = place !== undefined && 'before' in place
  return {
    ...(backwards ? { last: rows, before: place.before } : { first: rows }),
    ...(place !== undefined && 'after' in place && { after: place.after }),
    period: periodInput(filters.period),
    ...(filter && { filter }),
    ...(filters.asOf !== undefined && { asOf: filters.asOf }),
    ...parts,
  }
}

/** The view as it was answered: a period that ends now has ends, and what is recorded later stays out. */
export function frozen(view: View, { asOf, from, to }: Point): View {
  const { period } = view.filters
  const fixed =
    typeof period === 'string' && period !== 'all' ? { from: from ?? undefined, to: to ?? undefined } : period
  const isOpen = typeof fixed === 'object' && fixed.from === undefined && fixed.to === undefined
  return { ...view, filters: { ...view.filters, period: isOpen ? 'all' : fixed, asOf } }
}
