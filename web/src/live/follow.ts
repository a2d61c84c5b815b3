// Follows the log over a WebSocket: every event from a cursor on, none missed and none twice, over any number of
// broken connections. The cursor of what came last is all that has to be remembered.
import { stringifyDocument } from '@urql/core'
import { type Client, createClient } from 'graphql-ws'
import { endpoint } from '../api/client'
import type { RecordedSubscription, RecordedSubscriptionVariables } from '../api/gql/graphql'
import { Recorded } from './query'

export type Batch = RecordedSubscription['auditEventsRecorded']

/** How following stands: not connected yet, connected, or connecting again after it broke. */
export type Standing = 'connecting' | 'live' | 'broken'

interface Following {
  token: string
  after: string
  variables: Omit<RecordedSubscriptionVariables, 'after'>
  onBatch: (batch: Batch) => void
  onStanding: (standing: Standing) => void
  /** The server does not take the token any more. */
  onSignedOut: () => void
  /** The log cannot go on from the cursor: it was restored. */
  onExpired: () => void
}

const LONGEST_PAUSE = 15_000
/** Close codes of the protocol that mean "not with this token". */
const REFUSED = new Set([4401, 4403])

/** Waits before asking again, the longer the more often it failed in a row. */
export async function pause(failures: number): Promise<void> {
  // Not all at once, when a server comes back that many people follow.
  const wait = Math.min(LONGEST_PAUSE, 500 * 2 ** failures) * (0.5 + Math.random() / 2)
  await new Promise((resolve) => setTimeout(resolve, wait))
}

/** Begins to follow; what it returns ends it. */
export function follow(following: Following): () => void {
  let ended = false
  // Asked by a function, because it changes while something is awaited.
  const isOver = () => ended
  let client: Client | undefined
  const run = async () => {
    let { after } = following
    for (let failures = 0; !isOver();) {
      try {
        client = createClient({
          url: endpoint.replace(/^http/, 'ws'),
          connectionParams: { authorization: `Bearer ${following.token}` },
          retryAttempts: 0,
          on: { connected: () => following.onStanding('live') },
        })
        const query = stringifyDocument(Recorded)
        const batches = client.iterate<RecordedSubscription>({ query, variables: { ...following.variables, after } })
        for await (const { data, errors } of batches) {
          if (isOver()) return
          if (errors !== undefined) throw new Problem(errors)
          if (!data) continue
          failures = 0
          after = data.auditEventsRecorded.resumeCursor
          following.onBatch(data.auditEventsRecorded)
        }
      } catch (problem) {
        if (isOver()) return
        if (REFUSED.has(closeCode(problem))) {
          following.onSignedOut()
          return
        }
        if (codes(problem).includes('CURSOR_EXPIRED')) {
          following.onExpired()
          return
        }
      } finally {
        void client?.dispose()
      }
      if (isOver()) return
      following.onStanding('broken')
      failures += 1
      await pause(failures)
    }
  }
  void run()
  return () => {
    ended = true
    void client?.dispose()
  }
}

class Problem extends Error {
  constructor(readonly errors: readonly unknown[]) {
    super('the subscription ended with an error')
  }
}

function closeCode(problem: unknown): number {
  const code = typeof problem === 'object' && problem !== null && 'code' in problem ? problem.code : undefined
  return typeof code === 'number' ? code : 0
}

/** The codes of GraphQL errors, which come as a list or inside a result. */
function codes(problem: unknown): unknown[] {
  const errors: readonly unknown[] = problem instanceof Problem ? problem.errors : Array.isArray(problem) ? problem : []
  return errors.map((error) => (error as { extensions?: { code?: unknown } }).extensions?.code)
}
