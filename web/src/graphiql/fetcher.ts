// The requests of the API explorer: over HTTP, and subscriptions over a WebSocket. Both report a rejected token.
import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit'
import { createClient } from 'graphql-ws'
import { endpoint } from '../api/client'
import { UNAUTHORIZED_CLOSE_CODES } from '../live/follow'

/** Creates a fetcher with a token, and the function that closes its WebSocket. */
export function createFetcher(token: string, onUnauthenticated: () => void): { fetcher: Fetcher; close: () => void } {
  const authorization = `Bearer ${token}`
  const fetchWithToken: typeof fetch = async (input, init) => {
    const headers = new Headers()
    // The headers of the editor come last. Their names may differ in case.
    for (const [name, value] of Object.entries((init?.headers ?? {}) as Record<string, string>))
      headers.set(name, value)
    const response = await fetch(input, { ...init, headers, credentials: 'omit', cache: 'no-store' })
    if (response.status === 401 && headers.get('authorization') === authorization) onUnauthenticated()
    return response
  }
  const wsClient = createClient({
    url: endpoint.replace(/^http/, 'ws'),
    connectionParams: { authorization },
    on: {
      closed: (event) => {
        if (event instanceof CloseEvent && UNAUTHORIZED_CLOSE_CODES.has(event.code)) onUnauthenticated()
      },
    },
  })
  const fetcher = createGraphiQLFetcher({
    url: endpoint,
    fetch: fetchWithToken,
    headers: { authorization, accept: 'application/graphql-response+json, application/json' },
    enableIncrementalDelivery: false,
    wsClient,
  })
  return { fetcher, close: () => void wsClient.dispose() }
}
