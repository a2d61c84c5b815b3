// The number of matching events, counted up to `COUNT_MAX`, after the page itself is loaded.
import { useMemo } from 'react'
import { errorMessage } from '../api/client'
import { graphql } from '../api/gql'
import { useRefreshedQuery } from '../api/use-refreshed-query'
import { filterInput, periodInput } from '../filter/filter-input'
import type { Filters } from '../view/view'

const CountEvents = graphql(`
  query CountEvents($occurredAt: AuditPeriodInput, $filter: AuditEventFilter, $asOf: Sequence, $limit: Int!) {
    auditEvents(first: 1, occurredAt: $occurredAt, filter: $filter, asOf: $asOf) {
      countUpTo(limit: $limit) {
        value
        isExact
      }
    }
  }
`)

const COUNT_MAX = 10_000

interface Props {
  filters: Filters
  refreshCount: number
  /** Whether the page is loaded. */
  isReady: boolean
  /** The number of live events since the page was loaded. */
  addedCount: number
}

export function EventCount({ filters, refreshCount, isReady, addedCount }: Props) {
  const variables = useMemo(
    () => ({
      occurredAt: periodInput(filters.period),
      filter: filterInput(filters) ?? null,
      asOf: filters.asOf ?? null,
      limit: COUNT_MAX,
    }),
    [filters],
  )
  const { data, error, fetching, reload } = useRefreshedQuery(CountEvents, variables, refreshCount, !isReady)
  const count = isReady ? data?.auditEvents?.countUpTo : undefined
  if (!count)
    return (
      <p className="count" aria-live="polite" aria-busy={fetching}>
        {isReady && error && (
          <>
            Not counted. {errorMessage(error)}{' '}
            <button type="button" className="link" onClick={reload}>
              Try again
            </button>
          </>
        )}
      </p>
    )
  const value = count.value + addedCount
  const events = value === 1 ? 'event' : 'events'
  return (
    <p className="count" aria-live="polite" aria-busy={fetching}>
      {count.isExact ? '' : 'more than '}
      <b>{value.toLocaleString()}</b> {events}
    </p>
  )
}
