// Live events for the list. The log's end is asked for before the page is read again and followed from there, so what
// is recorded in between is in one of the two at least; what is in both is shown once.
import { useEffect, useRef, useState } from 'react'
import { type Client, useClient } from 'urql'
import { filterInput } from '../filter/filter-input'
import type { Parts, Row } from '../list/query'
import { useSession } from '../session/context'
import type { Filters } from '../view/view'
import { type Batch, follow, pause, type Standing } from './follow'
import { LogEnd } from './query'

export interface Live {
  /** Newest first. */
  rows: Row[]
  /** The ids of those that came last. */
  fresh: ReadonlySet<string>
  standing: Standing | undefined
}

const OFF: Live = { rows: [], fresh: new Set(), standing: undefined }
/** When more than this has come in, the list is read anew: its newest page has them. */
const MOST = 500

/** Where a period that ends now begins; what is older and recorded only now is not of it. */
function begins({ period }: Filters): number {
  const hours = { '24h': 24, '7d': 7 * 24, '30d': 30 * 24 }
  if (typeof period === 'object') return period.from === undefined ? 0 : Date.parse(period.from)
  return period === 'all' ? 0 : Date.now() - hours[period] * 3_600_000
}

/** Whether a view can be live at all: its top, and a period that goes on. */
export function canBeLive(filters: Filters): boolean {
  const { period, asOf } = filters
  return asOf === undefined && (typeof period === 'string' || period.to === undefined)
}

/** The cursor of the log's end, asked for until it is there; undefined when it is not wanted any more. */
async function logEnd(client: Client, isWanted: () => boolean, onFailure: () => void): Promise<string | undefined> {
  for (let failures = 1; isWanted(); failures += 1) {
    const { data } = await client.query(LogEnd, {}).toPromise()
    if (data) return data.auditLogInfo.feedCursor
    if (!isWanted()) break
    onFailure()
    await pause(failures)
  }
  return undefined
}

export function useLive(on: boolean, filters: Filters, parts: Parts, readAgain: () => void): Live {
  const client = useClient()
  const { token, endSession } = useSession()
  const cursor = useRef<string>(undefined)
  const [live, setLive] = useState<Live>(OFF)
  const [epoch, setEpoch] = useState(0)
  const key = JSON.stringify([filterInput(filters) ?? null, filters.period, parts])

  useEffect(() => {
    if (!on) {
      cursor.current = undefined
      return undefined
    }
    let stop: (() => void) | undefined
    let wanted = true
    let received = 0
    const anew = () => {
      cursor.current = undefined
      setEpoch((times) => times + 1)
    }
    const onBatch = ({ edges, resumeCursor }: Batch) => {
      cursor.current = resumeCursor
      const since = begins(filters)
      const added = edges.map(({ node }) => node).filter((row) => Date.parse(row.occurredAt) >= since)
      received += added.length
      if (received > MOST) anew()
      else if (added.length > 0)
        setLive((before) => ({
          ...before,
          rows: [...added.reverse(), ...before.rows],
          fresh: new Set(added.map(({ id }) => id)),
        }))
    }
    const start = async () => {
      setLive({ ...OFF, standing: 'connecting' })
      if (cursor.current === undefined) {
        const end = await logEnd(
          client,
          () => wanted,
          () => setLive({ ...OFF, standing: 'broken' }),
        )
        if (!wanted || end === undefined) return
        cursor.current = end
        readAgain()
      }
      stop = follow({
        token,
        after: cursor.current,
        variables: { filter: filterInput(filters) ?? null, ...parts },
        onBatch,
        onStanding: (standing) => setLive((before) => ({ ...before, standing })),
        onSignedOut: endSession,
        onExpired: anew,
      })
    }
    void start()
    return () => {
      wanted = false
      stop?.()
      setLive(OFF)
    }
    // The key stands for filters and parts.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [on, key, token, client, epoch, readAgain, endSession])
  return live
}
