// Nothing to show, and why: each filter is left out in turn, and those without which there would be events are named.
import { useCallback, useEffect, useState } from 'react'
import { type CombinedError, useClient } from 'urql'
import { graphql } from '../api/gql'
import { useCatalogue } from '../filter/catalogue'
import { filterInput, periodInput } from '../filter/filter-input'
import { active, type FieldName, FIELDS, withoutAny } from '../filter/filter-fields'
import { Failure } from '../ui/error-message'
import { useView } from '../view/use-view'
import { type Filters, NO_FILTERS } from '../view/view'

const AnyEvent = graphql(`
  query AnyEvent($period: AuditPeriodInput, $filter: AuditEventFilter, $asOf: Sequence) {
    auditEvents(first: 1, period: $period, filter: $filter, asOf: $asOf) {
      nodes {
        id
      }
    }
  }
`)

/** What leaving out filters told: those that alone exclude everything, or that no single one does. */
interface Finding {
  culprits: FieldName[]
  /** Whether the log has no event at all that this caller sees. */
  isEmpty: boolean
  /** Why some of it could not be told. */
  error: CombinedError | undefined
}

export function Empty({ filters }: { filters: Filters }) {
  const { filter } = useView()
  const { names } = useCatalogue()
  const [finding, again] = useFinding(filters)
  const set = active(filters, names, true)

  if (!finding) return <div className="empty" aria-busy="true" />
  if (finding.isEmpty)
    return (
      <div className="empty" role="status">
        <h2>The log is empty</h2>
        <p>Nothing that you may see has been recorded yet.</p>
      </div>
    )
  return (
    <div className="empty" role="status">
      <h2>No events match</h2>
      {finding.culprits.length > 0 && (
        <>
          <p>
            {finding.culprits.length === 1 ? 'One filter excludes everything:' : 'Each of these excludes everything:'}
          </p>
          <ul>
            {finding.culprits.map((name) => (
              <li key={name}>
                <b>{FIELDS[name].label}</b> {set.find((one) => one.name === name)?.told}
                <button type="button" className="button" onClick={() => filter(FIELDS[name].cleared)}>
                  {name === 'period' ? 'Look at all time' : `Without ${FIELDS[name].label.toLowerCase()}`}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      {finding.error && (
        <Failure
          lead={finding.culprits.length > 0 ? 'Not every filter could be tried.' : 'The reason cannot be told.'}
          error={finding.error}
          again={again}
        />
      )}
      {finding.culprits.length === 0 && !finding.error && (
        <>
          <p>No single filter is the reason: it is how they come together.</p>
          <p className="row">
            <button type="button" className="button" onClick={() => filter(withoutAny(filters))}>
              Clear all filters
            </button>
            <button type="button" className="button" onClick={() => filter(NO_FILTERS)}>
              Start over
            </button>
          </p>
        </>
      )}
    </div>
  )
}

function useFinding(filters: Filters): [Finding | undefined, again: () => void] {
  const client = useClient()
  const [finding, setFinding] = useState<Finding>()
  const [attempt, setAttempt] = useState(0)
  const again = useCallback(() => {
    setFinding(undefined)
    setAttempt((times) => times + 1)
  }, [])
  useEffect(() => {
    let wanted = true
    const plain = { category: String, service: String }
    const set = active(filters, plain, true).map((one) => one.name)
    const has = async (some: Filters) => {
      const variables = { period: periodInput(some.period), filter: filterInput(some) ?? null, asOf: some.asOf ?? null }
      const { data, error } = await client.query(AnyEvent, variables, { requestPolicy: 'network-only' })
      // Without an answer it is unknown, which is neither yes nor no.
      return { has: data ? data.auditEvents.nodes.length > 0 : undefined, error }
    }
    const find = async () => {
      const [any, ...found] = await Promise.all([
        has({ ...NO_FILTERS, period: 'all' }),
        ...set.map((name) => has({ ...filters, ...FIELDS[name].cleared })),
      ])
      if (!wanted) return
      setFinding({
        isEmpty: any.has === false,
        culprits: set.filter((_, index) => found[index]?.has === true),
        error: [any, ...found].find(({ error }) => error)?.error,
      })
    }
    void find()
    return () => {
      wanted = false
    }
  }, [client, filters, attempt])
  return [finding, again]
}
