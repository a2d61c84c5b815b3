// How many events match, counted no further than people care to know, and only after the page is there.
import { useEffect, useMemo } from 'react'
import { useQuery } from 'urql'
import { sentence } from '../api/client'
import { graphql } from '../api/gql'
import { filterInput, periodInput } from '../filter/filter-input'
import type { Filters } from '../view/view'

const CountEvents = graphql(`
  query CountEvents($period: AuditPeriodInput, $filter: AuditEventFilter, $asOf: Sequence, $limit: Int!) {
    auditEvents(first: 1, period: $period, filter: $filter, asOf: $asOf) {
      countUpTo(limit: $limit) {
        value
        isExact
      }
    }
  }
`)

const LIMIT = 10_000

interface Props {
  filters: Filters
  reading: number
  /** Whether the page is there. */
  enough: boolean
  /** How many came in since it was read. */
  more: number
}

export function Count({ filters, reading, enough, more }: Props) {
  const variables = useMemo(
    () => ({
      period: periodInput(filters.period),
      filter: filterInput(filters) ?? null,
      asOf: filters.asOf ?? null,
      limit: LIMIT,
    }),
    [filters],
  )
  const [{ data, error, fetching }, again] = useQuery({ query: CountEvents, variables, pause: !enough })
  useEffect(() => {
    if (reading > 0) again({ requestPolicy: 'network-only' })
  }, [reading, again])
  const count = enough ? data?.auditEvents.countUpTo : undefined
  if (!count)
    return (
      <p className="count" aria-live="polite" aria-busy={fetching}>
        {enough && error && (
          <>
            Not counted. {sentence(error)}{' '}
            <button type="button" className="link" onClick={() => again({ requestPolicy: 'network-only' })}>
              Try again
            </button>
          </>
        )}
      </p>
    )
  const value = count.value + more
  const events = value === 1 ? 'event' : 'events'
  return (
    <p className="count" aria-live="polite" aria-busy={fetching}>
      {count.isExact ? '' : 'more than '}
      <b>{value.toLocaleString()}</b> {events}
    </p>
  )
}
