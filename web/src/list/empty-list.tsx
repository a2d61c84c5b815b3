// The message of an empty list. Each filter is left out in turn, to find those that exclude all events on their own.
import { useCallback, useEffect, useState } from 'react'
import { type CombinedError, useClient } from 'urql'
import { graphql } from '../api/gql'
import { useCatalogue } from '../filter/catalogue'
import { filterInput, periodInput } from '../filter/filter-input'
import { activeFilters, ALL_CLEARED, FILTER_FIELDS, type FilterName, withoutFilter } from '../filter/filter-fields'
import { ErrorMessage } from '../ui/error-message'
import { usePreferences } from '../view/preferences'
import { useView } from '../view/use-view'
import { type Filters, NO_FILTERS } from '../view/view'

const AnyEvent = graphql(`
  query AnyEvent($occurredAt: AuditPeriodInput, $filter: AuditEventFilter, $asOf: Sequence) {
    auditEvents(first: 1, occurredAt: $occurredAt, filter: $filter, asOf: $asOf) {
      nodes {
        id
      }
    }
  }
`)

/** The result of leaving out each filter in turn. */
interface EmptyReason {
  excludingFilters: FilterName[]
  /** Whether the caller sees no event at all in the log. */
  isEmpty: boolean
  /** The first error, if not every filter could be tried. */
  error: CombinedError | undefined
}

export function EmptyList({ filters }: { filters: Filters }) {
  const { setFilters } = useView()
  const { names } = useCatalogue()
  const [reason, retry] = useEmptyReason(filters)
  const { zone } = usePreferences().preferences
  const active = activeFilters(filters, names, zone)

  if (!reason) return <div className="empty" aria-busy="true" />
  if (reason.isEmpty)
    return (
      <div className="empty" role="status">
        <h2>The log is empty</h2>
        <p>Nothing that you may see has been recorded yet.</p>
      </div>
    )
  return (
    <div className="empty" role="status">
      <h2>No events match</h2>
      {reason.excludingFilters.length > 0 && (
        <>
          <p>
            {reason.excludingFilters.length === 1
              ? 'One filter excludes everything:'
              : 'Each of these excludes everything:'}
          </p>
          <ul>
            {reason.excludingFilters.map((name) => (
              <li key={name}>
                <b>{FILTER_FIELDS[name].label}</b> {active.find((filter) => filter.name === name)?.value}
                <button type="button" className="button" onClick={() => setFilters(withoutFilter(name))}>
                  {name === 'period' ? 'Look at all time' : `Without ${FILTER_FIELDS[name].label.toLowerCase()}`}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      {reason.error && (
        <ErrorMessage
          lead={reason.excludingFilters.length > 0 ? 'Not every filter could be tried.' : 'The reason cannot be told.'}
          error={reason.error}
          retry={retry}
        />
      )}
      {reason.excludingFilters.length === 0 && !reason.error && (
        <>
          <p>No single filter is the reason: it is how they come together.</p>
          <p className="row">
            <button type="button" className="button" onClick={() => setFilters(ALL_CLEARED)}>
              Clear all filters
            </button>
          </p>
        </>
      )}
    </div>
  )
}

function useEmptyReason(filters: Filters): [EmptyReason | undefined, retry: () => void] {
  const client = useClient()
  const [reason, setReason] = useState<EmptyReason>()
  const [attempt, setAttempt] = useState(0)
  const retry = useCallback(() => {
    setReason(undefined)
    setAttempt((times) => times + 1)
  }, [])
  useEffect(() => {
    let isCurrent = true
    const keyNames = { category: String, service: String }
    const activeNames = activeFilters(filters, keyNames, 'UTC').map(({ name }) => name)
    const hasEvents = async (candidate: Filters) => {
      const variables = {
        occurredAt: periodInput(candidate.period),
        filter: filterInput(candidate) ?? null,
        asOf: candidate.asOf ?? null,
      }
      const { data, error } = await client.query(AnyEvent, variables, { requestPolicy: 'network-only' })
      // A failed query has no result, which is neither true nor false.
      return { isFound: data?.auditEvents ? data.auditEvents.nodes.length > 0 : undefined, error }
    }
    const find = async () => {
      const [unfiltered, ...results] = await Promise.all([
        hasEvents({ ...NO_FILTERS, period: 'all' }),
        ...activeNames.map((name) => hasEvents({ ...filters, ...withoutFilter(name) })),
      ])
      if (!isCurrent) return
      setReason({
        isEmpty: unfiltered.isFound === false,
        excludingFilters: activeNames.filter((_, index) => results[index]?.isFound === true),
        error: [unfiltered, ...results].find(({ error }) => error)?.error,
      })
    }
    void find()
    return () => {
      isCurrent = false
    }
  }, [client, filters, attempt])
  return [reason, retry]
}
