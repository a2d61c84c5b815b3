// Who is signed in. Everything that asks the server stands inside a session; without one there is the sign-in page,
// and the view stays in the address meanwhile, so that signing in again leads back to it.
import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react'
import { Provider, useQuery } from 'urql'
import { clientFor, codeOf, sentence } from '../api/client'
import { graphql } from '../api/gql'
import { SessionContext, type Viewer } from './context'
import { type Arrival, isHere, problem } from './open-id'
import { SignIn } from './sign-in'
import { forgetToken, keepToken, keptToken } from './token-storage'

const WhoAmI = graphql(`
  query WhoAmI {
    viewer {
      subject
      userPrincipalName
      displayName
      tokenExpiresAt
      canRecordAuditEvents
      tenant {
        displayName
      }
      grants {
        role
        services
        seesSensitiveValues
      }
    }
  }
`)

const ENDED = 'Your session has ended. Sign in again; the view is kept.'
const REFUSED = 'The server does not accept this token: it is not one of its issuer, or it has expired.'
/** Timers cannot wait longer than this. */
const LONGEST_WAIT = 2 ** 31 - 1

/** Asks for a token until there is a good one, then shows what is inside. */
export function Session({ arrival, children }: { arrival: Arrival | undefined; children: ReactNode }) {
  const [token, setToken] = useState(() => (arrival ? null : keptToken()))
  const [reason, setReason] = useState<string>()
  const [isArriving, setArriving] = useState(arrival !== undefined)

  const end = useCallback((why?: string) => {
    forgetToken()
    setToken(null)
    setReason(why)
  }, [])
  const begin = useCallback((given: string) => {
    keepToken(given)
    setReason(undefined)
    setToken(given)
  }, [])

  useEffect(() => {
    arrival?.token.then(
      (given) => {
        if (isHere(arrival.back)) {
          begin(given)
          setArriving(false)
        } else {
          // The issuer sends everybody to the viewer, and the API explorer is another page.
          keepToken(given)
          location.replace(arrival.back)
        }
      },
      (error: unknown) => {
        setReason(problem(error))
        setArriving(false)
      },
    )
  }, [arrival, begin])

  if (isArriving) return <main className="notice" aria-busy="true" />
  if (token === null) return <SignIn reason={reason} onToken={begin} />
  return (
    <SignedIn key={token} token={token} onEnd={end}>
      {children}
    </SignedIn>
  )
}

function SignedIn(props: { token: string; onEnd: (why?: string) => void; children: ReactNode }) {
  const { token, onEnd, children } = props
  const client = useMemo(() => clientFor(token, (wasKnown) => onEnd(wasKnown ? ENDED : REFUSED)), [token, onEnd])
  return (
    <Provider value={client}>
      <Known token={token} onEnd={onEnd}>
        {children}
      </Known>
    </Provider>
  )
}

function Known({ token, onEnd, children }: { token: string; onEnd: (why?: string) => void; children: ReactNode }) {
  const [{ data, error }, retry] = useQuery({ query: WhoAmI })
  const viewer: Viewer | undefined = data?.viewer
  const expiresAt = viewer?.tokenExpiresAt

  useEffect(() => {
    if (expiresAt === undefined) return undefined
    const wait = Date.parse(expiresAt) - Date.now()
    const timer = setTimeout(() => onEnd(ENDED), Math.min(Math.max(wait, 0), LONGEST_WAIT))
    return () => clearTimeout(timer)
  }, [expiresAt, onEnd])

  const session = useMemo(
    () => viewer && { token, viewer, signOut: () => onEnd(undefined), endSession: () => onEnd(ENDED) },
    [token, viewer, onEnd],
  )
  if (error && !viewer)
    return (
      <main className="notice" role="alert">
        <h1>{codeOf(error) === 'FORBIDDEN' ? 'No access' : 'Not reachable'}</h1>
        <p>{sentence(error)}</p>
        <p className="row">
          <button className="button" onClick={() => retry({ requestPolicy: 'network-only' })}>
            Try again
          </button>
          <button className="button" onClick={() => onEnd()}>
            Sign in as somebody else
          </button>
        </p>
      </main>
    )
  if (!session) return <main className="notice" aria-busy="true" />
  if (session.viewer.grants.length === 0)
    return (
      <main className="notice">
        <h1>Nothing to read</h1>
        <p>This token grants no role that reads the audit log of {session.viewer.tenant.displayName}.</p>
        <button className="button" onClick={() => onEnd()}>
          Sign in as somebody else
        </button>
      </main>
    )
  return <SessionContext value={session}>{children}</SessionContext>
}
