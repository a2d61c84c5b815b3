// Live events for the list. The hook requests the cursor of the log's end before it reloads the page, and follows from
// that cursor: an event recorded in between is in the page, in the feed or in both. Duplicates are removed.
import { useEffect, useRef, useState } from 'react'
import { type Client, useClient } from 'urql'
import { filterInput } from '../filter/filter-input'
import type { FieldGroups, Row } from '../list/query'
import { useSession } from '../session/context'
import { type Filters, windowLength } from '../view/view'
import { backoff, type Batch, type ConnectionState, follow } from './follow'
import { LogEnd } from './query'

export interface Live {
  /** The live events, newest first. */
  rows: Row[]
  /** The ids of the events in the last batch. */
  freshIds: ReadonlySet<string>
  connection: ConnectionState | undefined
}

const LIVE_OFF: Live = { rows: [], freshIds: new Set(), connection: undefined }
/** After more live events than this, the list is reloaded: its newest page contains them. */
const LIVE_ROWS_MAX = 500

/** The start of the period, in milliseconds; events that happened earlier but are recorded now are left out. */
function periodStart({ period }: Filters): number {
  if (typeof period === 'object') return period.from === undefined ? 0 : Date.parse(period.from)
  return period === 'all' ? 0 : Date.now() - windowLength(period)
}

/** Returns whether a view with these filters can be live: its period has no end in the past. */
export function canBeLive(filters: Filters): boolean {
  const { period, asOf } = filters
  return asOf === undefined && (typeof period === 'string' || period.to === undefined)
}

/** Requests the cursor of the log's end until it succeeds. Returns `undefined` if it is no longer wanted. */
async function logEnd(client: Client, isWanted: () => boolean, onFailure: () => void): Promise<string | undefined> {
  for (let failures = 1; isWanted(); failures += 1) {
    const { data } = await client.query(LogEnd, {}).toPromise()
    if (data?.auditLogInfo) return data.auditLogInfo.feedCursor
    if (!isWanted()) break
    onFailure()
    await backoff(failures)
  }
  return undefined
}

export function useLive(isOn: boolean, filters: Filters, fieldGroups: FieldGroups, refresh: () => void): Live {
  const client = useClient()
  const { token, endSession } = useSession()
  const cursor = useRef<string>(undefined)
  const [live, setLive] = useState<Live>(LIVE_OFF)
  const [restarts, setRestarts] = useState(0)
  const key = JSON.stringify([filterInput(filters) ?? null, filters.period, fieldGroups])

  useEffect(() => {
    if (!isOn) {
      cursor.current = undefined
      return undefined
    }
    let unfollow: (() => void) | undefined
    let isActive = true
    let received = 0
    let isBroken = false
    const restart = () => {
      cursor.current = undefined
      setRestarts((times) => times + 1)
    }
    const onBatch = ({ edges, resumeCursor }: Batch) => {
      cursor.current = resumeCursor
      const since = periodStart(filters)
      const added = edges.map(({ node }) => node).filter((row) => Date.parse(row.occurredAt) >= since)
      received += added.length
      if (received > LIVE_ROWS_MAX) restart()
      else if (added.length > 0)
        setLive((before) => ({
          ...before,
          rows: [...added.reverse(), ...before.rows],
          freshIds: new Set(added.map(({ id }) => id)),
        }))
    }
    const start = async () => {
      setLive({ ...LIVE_OFF, connection: 'connecting' })
      if (cursor.current === undefined) {
        const end = await logEnd(
          client,
          () => isActive,
          () => setLive({ ...LIVE_OFF, connection: 'broken' }),
        )
        if (!isActive || end === undefined) return
        cursor.current = end
        refresh()
      }
      unfollow = follow({
        token,
        after: cursor.current,
        variables: { filter: filterInput(filters) ?? null, ...fieldGroups },
        onBatch,
        onConnectionState: (connection) => {
          // What else the page shows, such as the count, may have changed meanwhile.
          if (connection === 'live' && isBroken) refresh()
          isBroken = connection === 'broken'
          setLive((before) => ({ ...before, connection }))
        },
        onUnauthenticated: endSession,
        onCursorExpired: restart,
      })
    }
    void start()
    return () => {
      isActive = false
      unfollow?.()
      setLive(LIVE_OFF)
    }
    // `key` covers the filters and the field groups.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [isOn, key, token, client, restarts, refresh, endSession])
  return live
}
