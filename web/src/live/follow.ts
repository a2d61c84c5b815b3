// Follows the log over a WebSocket, starting from a cursor. Reconnects as often as needed; the cursor of the last event
// is the only state, so that no event is missed or delivered twice.
import { stringifyDocument } from '@urql/core'
import { type Client, createClient } from 'graphql-ws'
import { endpoint } from '../api/client'
import type { RecordedSubscription, RecordedSubscriptionVariables } from '../api/gql/graphql'
import { Recorded } from './query'

export type Batch = RecordedSubscription['auditEventsRecorded']

/** The state of the connection: `broken` while reconnecting. */
export type ConnectionState = 'connecting' | 'live' | 'broken'

interface FollowOptions {
  token: string
  after: string
  variables: Omit<RecordedSubscriptionVariables, 'after'>
  onBatch: (batch: Batch) => void
  onConnectionState: (state: ConnectionState) => void
  /** The server rejected the token. */
  onUnauthenticated: () => void
  /** The log cannot be followed from the cursor, because it was restored from a backup. */
  onCursorExpired: () => void
}

const BACKOFF_MAX_MS = 15_000
/** A connection without a response to a ping is broken, although the socket may stay open for minutes. */
const PING_INTERVAL_MS = 10_000
const PONG_TIMEOUT_MS = 5_000
/** WebSocket close codes for a rejected token. */
export const UNAUTHORIZED_CLOSE_CODES = new Set([4401, 4403])

/** Waits before the next attempt, with exponential backoff. */
export async function backoff(failures: number): Promise<void> {
  // The random part spreads out the clients when a server comes back.
  const delay = Math.min(BACKOFF_MAX_MS, 500 * 2 ** failures) * (0.5 + Math.random() / 2)
  await new Promise((resolve) => setTimeout(resolve, delay))
}

/** Starts following the log. Returns a function that stops it. */
export function follow(options: FollowOptions): () => void {
  let ended = false
  // A function, because TypeScript would narrow the variable across the `await`s that may change it.
  const isEnded = () => ended
  let client: Client | undefined
  let pongTimer: ReturnType<typeof setTimeout> | undefined
  const run = async () => {
    let { after } = options
    for (let failures = 0; !isEnded();) {
      try {
        client = createClient({
          url: endpoint.replace(/^http/, 'ws'),
          connectionParams: { authorization: `Bearer ${options.token}` },
          retryAttempts: 0,
          keepAlive: PING_INTERVAL_MS,
          on: {
            connected: () => options.onConnectionState('live'),
            ping: (isReceived) => {
              if (!isReceived) pongTimer = setTimeout(() => client?.terminate(), PONG_TIMEOUT_MS)
            },
            pong: () => clearTimeout(pongTimer),
            closed: () => clearTimeout(pongTimer),
          },
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

function closeCode(error: unknown): number {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'number' ? code : 0
}

/** The codes of GraphQL errors, from a list or from a result. */
function errorCodes(error: unknown): unknown[] {
  const errors: readonly unknown[] =
    error instanceof SubscriptionError ? error.errors : Array.isArray(error) ? error : []
  return errors.map((item) => (item as { extensions?: { code?: unknown } }).extensions?.code)
}
