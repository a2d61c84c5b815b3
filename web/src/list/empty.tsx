// Nothing to show, and why: each filter is left out in turn, and those without which there would be events are named.
import { useEffect, useState } from 'react'
import { useClient } from 'urql'
import { graphql } from '../api/gql'
import { useCatalogue } from '../filter/catalogue'
import { filterInput, periodInput } from '../filter/condition'
import { active, type FieldName, FIELDS, withoutAny } from '../filter/field'
import { useView } from '../view/use-view'
import { type Filters, NO_FILTERS } from '../view/view'

const AnyEvent = graphql(`
  query AnyEvent($period: AuditPeriodInput, $filter: AuditEventFilter) {
    auditEvents(first: 1, period: $period, filter: $filter) {
      nodes {
        id
      }
    }
  }
`)

/** What leaving out filters told: those that alone exclude everything, or that no single one does. */
interface Finding {
  culprits: FieldName[]
  /** Whether the log has any event that this caller sees. */
  hasAny: boolean
}

export function Empty({ filters }: { filters: Filters }) {
  const { filter } = useView()
  const { names } = useCatalogue()
  const finding = useFinding(filters)
  const set = active(filters, names, true)

  if (!finding) return <div className="empty" aria-busy="true" />
  if (!finding.hasAny)
    return (
      <div className="empty" role="status">
        <h2>The log is empty</h2>
        <p>Nothing that you may see has been recorded yet.</p>
      </div>
    )
  return (
    <div className="empty" role="status">
      <h2>No events match</h2>
      {finding.culprits.length > 0 ? (
        <>
          <p>{finding.culprits.length === 1 ? 'One filter excludes everything:' : 'Each of these excludes everything:'}</p>
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
      ) : (
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

function useFinding(filters: Filters): Finding | undefined {
  const client = useClient()
  const [finding, setFinding] = useState<Finding>()
  useEffect(() => {
    let wanted = true
    const plain = { category: String, service: String }
    const set = active(filters, plain, true).map((one) => one.name)
    const has = async (some: Filters) => {
      const variables = { period: periodInput(some.period), filter: filterInput(some) ?? null }
      const answer = await client.query(AnyEvent, variables, { requestPolicy: 'network-only' })
      return (answer.data?.auditEvents.nodes.length ?? 0) > 0
    }
    const find = async () => {
      const [hasAny, ...found] = await Promise.all([
        has({ ...NO_FILTERS, period: 'all' }),
        ...set.map((name) => has({ ...filters, ...FIELDS[name].cleared })),
      ])
      if (wanted) setFinding({ hasAny, culprits: set.filter((_, index) => found[index]) })
    }
    void find()
    return () => {
      wanted = false
    }
  }, [client, filters])
  return finding
}
