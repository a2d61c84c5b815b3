// Follows the log over a WebSocket: every event from a cursor on, none missed and none twice, over any number of
// broken connections. The cursor of what came last is all that has to be remembered.
import { stringifyDocument } from '@urql/core'
import { type Client, createClient } from 'graphql-ws'
import { endpoint } from '../api/client'
import type { RecordedSubscription, RecordedSubscriptionVariables } from '../api/gql/graphql'
import { Recorded } from './query'

export type Batch = RecordedSubscription['auditEventsRecorded']

/** How following stands: not connected yet, connected, or connecting again after it broke. */
export type ConnectionState = 'connecting' | 'live' | 'broken'

interface FollowOptions {
  token: string
  after: string
  variables: Omit<RecordedSubscriptionVariables, 'after'>
  onBatch: (batch: Batch) => void
  onConnectionState: (state: ConnectionState) => void
  /** The server does not take the token any more. */
  onUnauthenticated: () => void
  /** The log cannot go on from the cursor: it was restored. */
  onCursorExpired: () => void
}

const BACKOFF_MAX_MS = 15_000
/** Close codes of the protocol that mean "not with this token". */
const UNAUTHORIZED_CLOSE_CODES = new Set([4401, 4403])

/** Waits before asking again, the longer the more often it failed in a row. */
export async function backoff(failures: number): Promise<void> {
  // Not all at once, when a server comes back that many people follow.
  const delay = Math.min(BACKOFF_MAX_MS, 500 * 2 ** failures) * (0.5 + Math.random() / 2)
  await new Promise((resolve) => setTimeout(resolve, delay))
}

/** Begins to follow; what it returns ends it. */
export function follow(options: FollowOptions): () => void {
  let ended = false
  // Asked by a function, because it changes while something is awaited.
  const isEnded = () => ended
  let client: Client | undefined
  const run = async () => {
    let { after } = options
    for (let failures = 0; !isEnded();) {
      try {
        client = createClient({
          url: endpoint.replace(/^http/, 'ws'),
          connectionParams: { authorization: `Bearer ${options.token}` },
          retryAttempts: 0,
          on: { connected: () => options.onConnectionState('live') },
        })
        const query = stringifyDocument(Recorded)
        const batches = client.iterate<RecordedSubscription>({ query, variables: { ...options.variables, after } })
        for await (const { data, errors } of batches) {
          if (isEnded()) return
          if (errors !== undefined) throw new SubscriptionError(errors)
          if (!data) continue
          failures = 0
          after = data.auditEventsRecorded.resumeCursor
          options.onBatch(data.auditEventsRecorded)
        }
      } catch (error) {
        if (isEnded()) return
        if (UNAUTHORIZED_CLOSE_CODES.has(closeCode(error))) {
          options.onUnauthenticated()
          return
        }
        if (errorCodes(error).includes('CURSOR_EXPIRED')) {
          options.onCursorExpired()
          return
        }
      } finally {
        void client?.dispose()
      }
      if (isEnded()) return
      options.onConnectionState('broken')
      failures += 1
      await backoff(failures)
    }
  }
  void run()
  return () => {
    ended = true
    void client?.dispose()
  }
}

class SubscriptionError extends Error {
  constructor(readonly errors: readonly unknown[]) {
    super('the subscription ended with an error')
  }
}

function closeCode(problem: unknown): number {
  const code = typeof problem === 'object' && problem !== null && 'code' in problem ? problem.code : undefined
  return typeof code === 'number' ? code : 0
}

/** The codes of GraphQL errors, which come as a list or inside a result. */
function errorCodes(problem: unknown): unknown[] {
  const errors: readonly unknown[] =
    problem instanceof SubscriptionError ? problem.errors : Array.isArray(problem) ? problem : []
  return errors.map((error) => (error as { extensions?: { code?: unknown } }).extensions?.code)
}
