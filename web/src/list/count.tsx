// How many events match, counted no further than people care to know, and only after the page is there.
import { useEffect, useMemo } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../api/gql'
import { filterInput, periodInput } from '../filter/condition'
import type { Filters } from '../view/view'

const CountEvents = graphql(`
  query CountEvents($period: AuditPeriodInput, $filter: AuditEventFilter, $limit: Int!) {
    auditEvents(first: 1, period: $period, filter: $filter) {
      countUpTo(limit: $limit) {
        value
        isExact
      }
    }
  }
`)

const LIMIT = 10_000

export function Count({ filters, reading, enough }: { filters: Filters; reading: number; enough: boolean }) {
  const variables = useMemo(
    () => ({ period: periodInput(filters.period), filter: filterInput(filters) ?? null, limit: LIMIT }),
    [filters],
  )
  const [{ data, fetching }, again] = useQuery({ query: CountEvents, variables, pause: !enough })
  useEffect(() => {
    if (reading > 0) again({ requestPolicy: 'network-only' })
  }, [reading, again])
  const count = data?.auditEvents.countUpTo
  if (!count) return <p className="count" aria-live="polite" />
  const events = count.value === 1 ? 'event' : 'events'
  return (
    <p className="count" aria-live="polite" aria-busy={fetching}>
      {count.isExact ? '' : 'more than '}
      <b>{count.value.toLocaleString()}</b> {events}
    </p>
  )
}
