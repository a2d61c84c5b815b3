// The GraphQL client: who calls, where to, and what happens when the server does not know the caller any more.
//
// Answers are not cached: people look at a log to see what is there now. What hardly changes (the catalogue) asks
// for `cache-first` itself.
import { cacheExchange, Client, type CombinedError, fetchExchange, mapExchange } from '@urql/core'
import { exactFetch } from './exact-json'

/** The server's GraphQL endpoint; relative to the page, for servers below a path of a reverse proxy. */
export const endpoint = new URL('graphql', document.baseURI).href

/** Whether the answer says that the token is not (or no longer) good. */
export function isUnauthenticated(error: CombinedError): boolean {
  return error.graphQLErrors.some((one) => one.extensions['code'] === 'UNAUTHENTICATED')
}

/** The stable code of a failed answer, or `NETWORK` where there was none. */
export function errorCode(error: CombinedError): string {
  const code = error.graphQLErrors[0]?.extensions['code']
  return typeof code === 'string' ? code : error.networkError ? 'NETWORK' : 'INTERNAL_SERVER_ERROR'
}

/** What went wrong, for people. */
export function errorMessage(error: CombinedError): string {
  if (error.networkError && error.graphQLErrors.length === 0) return 'The server cannot be reached.'
  if (errorCode(error) === 'TIMEOUT')
    return 'This took the server too long. A shorter period, or one more filter, helps.'
  return error.graphQLErrors[0]?.message ?? error.message
}

/** A client that speaks for the owner of a token. */
export function clientFor(token: string, onUnauthenticated: (wasAuthenticated: boolean) => void): Client {
  let wasKnown = false
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
        onResult({ error }) {
          if (error && isUnauthenticated(error)) onUnauthenticated(wasKnown)
          else if (!error) wasKnown = true
        },
      }),
      cacheExchange,
      fetchExchange,
    ],
  })
}
