// A page of events with what belongs around it: how many there are, the way to older and newer ones, and what to say
// when there are none or the server cannot answer. While the next page is on its way, the last one stays.
import { useEffect, useMemo, useState } from 'react'
import { useQuery } from 'urql'
import { Failure } from '../ui/error-message'
import { Icon } from '../ui/icon'
import { usePreferences } from '../view/preferences'
import { useView } from '../view/use-view'
import type { Live } from '../live/use-live'
import { Count } from './event-count'
import { Empty } from './empty-list'
import { EventTable } from './event-table'
import { Events, pageVariables, type Parts, type Point, type Row } from './query'
import './list.css'

interface Props {
  /** Changes when the list is to be read again. */
  reading: number
  live: Live
  /** The columns shown, and what they need. */
  shown: string[]
  parts: Parts
  /** The ids of the page's events, newest first, for walking through them in the detail. */
  onRows: (ids: string[]) => void
  /** The point of the log, and the period, that the page was answered for; undefined until it is. */
  onPoint: (point: Point | undefined) => void
}

export function EventList({ reading, live, shown, parts, onRows, onPoint }: Props) {
  const { view, look } = useView()
  const { preferences } = usePreferences()
  const { filters, place } = view
  const variables = useMemo(
    () => pageVariables({ filters, place }, preferences.rows, parts),
    [filters, place, preferences.rows, parts],
  )
  const key = JSON.stringify(variables)
  const [{ data, error, fetching, stale }, again] = useQuery({ query: Events, variables })
  useEffect(() => {
    if (reading > 0) again({ requestPolicy: 'network-only' })
  }, [reading, again])

  const page = data?.auditEvents
  const isTop = place === undefined
  const read: Row[] = useMemo(() => page?.nodes ?? [], [page])
  const late = useMemo(() => {
    const known = new Set(read.map((row) => row.id))
    return isTop ? live.rows.filter((row) => !known.has(row.id)) : []
  }, [read, live.rows, isTop])
  const rows = useMemo(() => [...late, ...read], [late, read])
  useEffect(() => onRows(rows.map((row) => row.id)), [rows, onRows])
  useEffect(() => {
    onPoint(page && !fetching ? { asOf: page.asOf, from: page.period.from, to: page.period.to } : undefined)
  }, [page, fetching, onPoint])
  const waiting = useSlow(fetching || stale)
  const info = page?.pageInfo

  // Backwards from a cursor that has nothing before it is the top of the list.
  const isStranded = page !== undefined && read.length === 0 && place !== undefined
  useEffect(() => {
    if (isStranded && !fetching) look({ ...view, place: undefined })
  }, [isStranded, fetching, look, view])

  return (
    <section className="list" aria-label="Audit events" aria-busy={waiting}>
      <div className={waiting ? 'progress on' : 'progress'} />
      {error && (
        <div className="list-error">
          <Failure error={error} again={again} />
        </div>
      )}
      {!error && page && rows.length === 0 && !fetching && !isStranded && <Empty key={key} filters={filters} />}
      {!error && (rows.length > 0 || fetching) && (
        <EventTable key={place ? JSON.stringify(place) : 'top'} rows={rows} shown={shown} fresh={live.fresh} />
      )}
      <footer className="pager">
        <Count filters={filters} reading={reading} enough={page !== undefined} more={late.length} />
        <label className="pager-size">
          <span className="wide-only">Events a page</span>
          <RowsChoice />
        </label>
        <nav aria-label="Pages" className="row">
          {place !== undefined && (
            <button type="button" className="button" onClick={() => look({ ...view, place: undefined })}>
              Newest
            </button>
          )}
          <button
            type="button"
            className="button"
            disabled={info?.hasPreviousPage !== true}
            onClick={() => look({ ...view, place: { before: info?.startCursor ?? '' } })}
          >
            <Icon name="left" /> Newer
          </button>
          <button
            type="button"
            className="button"
            disabled={info?.hasNextPage !== true}
            onClick={() => look({ ...view, place: { after: info?.endCursor ?? '' } })}
          >
            Older <Icon name="right" />
          </button>
        </nav>
      </footer>
    </section>
  )
}

function RowsChoice() {
  const { preferences, prefer } = usePreferences()
  const { view, look } = useView()
  return (
    <select
      aria-label="Events a page"
      value={preferences.rows}
      onChange={(event) => {
        const rows = ([50, 100, 200] as const).find((one) => String(one) === event.target.value) ?? 50
        prefer({ rows })
        look({ ...view, place: undefined })
      }}
    >
      <option value={50}>50</option>
      <option value={100}>100</option>
      <option value={200}>200</option>
    </select>
  )
}

/** Whether something takes so long that it should be said. */
function useSlow(busy: boolean): boolean {
  const [slow, setSlow] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSlow(busy), busy ? 150 : 0)
    return () => clearTimeout(timer)
  }, [busy])
  return slow
}
