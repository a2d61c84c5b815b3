// A page of events with its count, pager and messages for an empty list or an error. The previous page stays visible
// while the next one loads, and the page stays when reading it again fails.
import { useEffect, useMemo, useState } from 'react'
import { useRefreshedQuery } from '../api/use-refreshed-query'
import { ErrorMessage } from '../ui/error-message'
import { Icon } from '../ui/icon'
import { StaleNotice } from '../ui/stale-notice'
import { StepButton } from '../ui/step-button'
import { usePreferences } from '../view/preferences'
import { useView } from '../view/use-view'
import type { Live } from '../live/use-live'
import { EventCount } from './event-count'
import { EmptyList } from './empty-list'
import { EventTable } from './event-table'
import { Events, type FieldGroups, type PageRows, pageVariables, type Row, type Snapshot } from './query'
import './list.css'

interface Props {
  /** Incremented to reload the list. */
  refreshCount: number
  live: Live
  /** The columns shown, and the field groups that they need. */
  shown: string[]
  fieldGroups: FieldGroups
  /** Receives the events that the list shows, for the detail panel. */
  onRows: (rows: PageRows) => void
  /** Receives the snapshot of the log that the page shows; `undefined` while the page loads. */
  onSnapshot: (snapshot: Snapshot | undefined) => void
  /** Receives whether the page is out of date, because reading it again failed. */
  onStale: (isStale: boolean) => void
}

export function EventList({ refreshCount, live, shown, fieldGroups, onRows, onSnapshot, onStale }: Props) {
  const { view, setView } = useView()
  const { preferences } = usePreferences()
  const { filters, position } = view
  const variables = useMemo(
    () => pageVariables({ filters, position }, preferences.rows, fieldGroups),
    [filters, position, preferences.rows, fieldGroups],
  )
  const key = JSON.stringify(variables)
  const { data, error, staleSince, fetching, reload } = useRefreshedQuery(Events, variables, refreshCount)
  const hasFailed = error !== undefined && staleSince === undefined
  useEffect(() => onStale(error !== undefined), [error, onStale])

  const page = data?.auditEvents ?? undefined
  const isTop = position === undefined
  const pageRows: Row[] = useMemo(() => page?.nodes ?? [], [page])
  const liveRows = useMemo(() => {
    const pageIds = new Set(pageRows.map((row) => row.id))
    return isTop ? live.rows.filter((row) => !pageIds.has(row.id)) : []
  }, [pageRows, live.rows, isTop])
  const rows = useMemo(() => [...liveRows, ...pageRows], [liveRows, pageRows])
  useEffect(() => {
    onSnapshot(page && !fetching ? { asOf: page.asOf, from: page.occurredAt.from, to: page.occurredAt.to } : undefined)
  }, [page, fetching, onSnapshot])
  const showsProgress = useDelayed(fetching)
  const pageInfo = page?.pageInfo
  useEffect(() => onRows({ ids: rows.map((row) => row.id), pageInfo }), [rows, pageInfo, onRows])

  // An empty page before a cursor means that the cursor was the first event, so show the first page.
  const isPastStart = page !== undefined && pageRows.length === 0 && position !== undefined
  useEffect(() => {
    if (isPastStart && !fetching) setView({ ...view, position: undefined })
  }, [isPastStart, fetching, setView, view])

  return (
    <section className="list" aria-label="Audit events" aria-busy={showsProgress}>
      <div className={showsProgress ? 'progress on' : 'progress'} />
      {hasFailed && (
        <div className="list-error">
          <ErrorMessage error={error} retry={reload} />
        </div>
      )}
      {staleSince !== undefined && error && <StaleNotice error={error} since={staleSince} retry={reload} />}
      {!hasFailed && page && rows.length === 0 && !fetching && !isPastStart && (
        <EmptyList key={key} filters={filters} />
      )}
      {!hasFailed && (rows.length > 0 || fetching) && (
        <EventTable
          key={position ? JSON.stringify(position) : 'top'}
          rows={rows}
          shown={shown}
          freshIds={live.freshIds}
        />
      )}
      <footer className="pager">
        <EventCount
          filters={filters}
          refreshCount={refreshCount}
          isReady={page !== undefined && !hasFailed}
          addedCount={liveRows.length}
        />
        <label className="pager-size">
          <span className="wide-only">Events a page</span>
          <RowsChoice />
        </label>
        <nav aria-label="Pages" className="row">
          <StepButton
            className="button"
            isEnabled={position !== undefined}
            onClick={() => setView({ ...view, position: undefined })}
          >
            Newest
          </StepButton>
          <StepButton
            className="button"
            isEnabled={pageInfo?.hasPreviousPage === true}
            onClick={() => setView({ ...view, position: { before: pageInfo?.startCursor ?? '' } })}
          >
            <Icon name="left" /> Newer
          </StepButton>
          <StepButton
            className="button"
            isEnabled={pageInfo?.hasNextPage === true}
            onClick={() => setView({ ...view, position: { after: pageInfo?.endCursor ?? '' } })}
          >
            Older <Icon name="right" />
          </StepButton>
        </nav>
      </footer>
    </section>
  )
}

function RowsChoice() {
  const { preferences, setPreferences } = usePreferences()
  const { view, setView } = useView()
  return (
    <select
      aria-label="Events a page"
      value={preferences.rows}
      onChange={(event) => {
        const rows = ([50, 100, 200] as const).find((one) => String(one) === event.target.value) ?? 50
        setPreferences({ rows })
        setView({ ...view, position: undefined })
      }}
    >
      <option value={50}>50</option>
      <option value={100}>100</option>
      <option value={200}>200</option>
    </select>
  )
}

/** Returns `value`, but only after it has been true for 150 ms, so that short waits show no progress bar. */
function useDelayed(value: boolean): boolean {
  const [delayed, setDelayed] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setDelayed(value), value ? 150 : 0)
    return () => clearTimeout(timer)
  }, [value])
  return delayed
}
