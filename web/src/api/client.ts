// The GraphQL client: endpoint, authorization, and the callback for a rejected token.
//
// Responses are not cached, because readers of a log want its current state. Queries whose result rarely changes (the
// catalogue) opt in with `cache-first`.
import { cacheExchange, Client, type CombinedError, fetchExchange, mapExchange } from '@urql/core'
import { exactFetch } from './exact-json'

/** The server's GraphQL endpoint, relative to the page: a reverse proxy may serve the viewer below a path. */
export const endpoint = new URL('graphql', document.baseURI).href

/** Returns whether the server rejected the token: it is missing, invalid or expired. */
export function isUnauthenticated(error: CombinedError): boolean {
  return error.graphQLErrors.some((graphQLError) => graphQLError.extensions['code'] === 'UNAUTHENTICATED')
}

/** The error code of a failed response, or `NETWORK` if there is no response. */
export function errorCode(error: CombinedError): string {
  const code = error.graphQLErrors[0]?.extensions['code']
  return typeof code === 'string' ? code : error.networkError ? 'NETWORK' : 'INTERNAL_SERVER_ERROR'
}

/** The error as a sentence for users. */
export function errorMessage(error: CombinedError): string {
  if (error.networkError && error.graphQLErrors.length === 0) return 'The server cannot be reached.'
  if (errorCode(error) === 'TIMEOUT')
    return 'This took the server too long. A shorter period, or one more filter, helps.'
  return error.graphQLErrors[0]?.message ?? error.message
}

/** The extension of a result with the time of its arrival. */
const READ_AT = 'readAt'

/** When a result arrived, in milliseconds. */
export function readTime(extensions: Record<string, unknown> | undefined): number {
  return Number(extensions?.[READ_AT] ?? 0)
}

/**
 * Creates a client that sends `token` with each request.
 *
 * Calls `onUnauthenticated` if the server rejects the token; its argument is whether an earlier request succeeded.
 */
export function clientFor(token: string, onUnauthenticated: (wasAuthenticated: boolean) => void): Client {
  let wasAuthenticated = false
  return new Client({
    url: endpoint,
    fetch: exactFetch,
    requestPolicy: 'network-only',
    preferGetMethod: false,
    fetchOptions: {
      headers: { authorization: `Bearer ${token}`, accept: 'application/graphql-response+json, application/json' },
      credentials: 'omit',
      cache: 'no-store',
    },
    exchanges: [
      mapExchange({
        onResult(result) {
          const { error, extensions } = result
          if (error && isUnauthenticated(error)) onUnauthenticated(wasAuthenticated)
          else if (!error) wasAuthenticated = true
          return { ...result, extensions: { ...extensions, [READ_AT]: Date.now() } }
        },
      }),
      cacheExchange,
      fetchExchange,
    ],
  })
}
