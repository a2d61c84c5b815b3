// The session. All components that send requests are inside of it. Without a session it shows the sign-in page; the
// view stays in the URL meanwhile, so that signing in again returns to it.
import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react'
import { Provider, useQuery } from 'urql'
import { clientFor, errorCode, errorMessage } from '../api/client'
import { graphql } from '../api/gql'
import { SESSION_ENDED, SessionContext, type Viewer } from './context'
import { type IssuerRedirect, isThisPage, signInErrorMessage } from './open-id'
import { SignIn } from './sign-in'
import { storeToken } from './token-storage'
import { useSharedToken } from './use-shared-token'

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
        seesRedactedValues
      }
    }
  }
`)

const TOKEN_REJECTED = 'The server does not accept this token: it is not one of its issuer, or it has expired.'
/** The maximum delay of a timer, in milliseconds. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

/** Shows the sign-in page until there is a valid token, then the children. */
export function Session({
  issuerRedirect,
  children,
}: {
  issuerRedirect: IssuerRedirect | undefined
  children: ReactNode
}) {
  const sharedToken = useSharedToken(issuerRedirect === undefined)
  const { token, isPending, begin: beginShared, end: endShared, signOut } = sharedToken
  const [reason, setReason] = useState<string>()
  const [isRedirected, setRedirected] = useState(issuerRedirect !== undefined)

  const end = useCallback(
    (message?: string) => {
      if (message === undefined) signOut()
      else endShared()
      setReason(message)
    },
    [signOut, endShared],
  )
  const begin = useCallback(
    (newToken: string) => {
      setReason(undefined)
      beginShared(newToken)
    },
    [beginShared],
  )

  useEffect(() => {
    issuerRedirect?.token.then(
      (newToken) => {
        if (isThisPage(issuerRedirect.returnUrl)) {
          begin(newToken)
          setRedirected(false)
        } else {
          // The issuer redirects to the viewer only; the API explorer is another page.
          storeToken(newToken)
          location.replace(issuerRedirect.returnUrl)
        }
      },
      (error: unknown) => {
        setReason(signInErrorMessage(error))
        setRedirected(false)
      },
    )
  }, [issuerRedirect, begin])

  if (isRedirected || isPending) return <main className="notice" aria-busy="true" />
  if (token === null) return <SignIn reason={reason} onToken={begin} />
  return (
    <AuthenticatedSession key={token} token={token} onEnd={end}>
      {children}
    </AuthenticatedSession>
  )
}

function AuthenticatedSession(props: { token: string; onEnd: (reason?: string) => void; children: ReactNode }) {
  const { token, onEnd, children } = props
  const client = useMemo(
    () => clientFor(token, (wasAuthenticated) => onEnd(wasAuthenticated ? SESSION_ENDED : TOKEN_REJECTED)),
    [token, onEnd],
  )
  return (
    <Provider value={client}>
      <ViewerGate token={token} onEnd={onEnd}>
        {children}
      </ViewerGate>
    </Provider>
  )
}

function ViewerGate({
  token,
  onEnd,
  children,
}: {
  token: string
  onEnd: (reason?: string) => void
  children: ReactNode
}) {
  const [{ data, error }, retry] = useQuery({ query: WhoAmI })
  const viewer: Viewer | undefined = data?.viewer
  const expiresAt = viewer?.tokenExpiresAt

  useEffect(() => {
    // An API key may not expire.
    if (!expiresAt) return undefined
    const delay = Date.parse(expiresAt) - Date.now()
    const timer = setTimeout(() => onEnd(SESSION_ENDED), Math.min(Math.max(delay, 0), TIMEOUT_MAX_MS))
    return () => clearTimeout(timer)
  }, [expiresAt, onEnd])

  const session = useMemo(
    () => viewer && { token, viewer, signOut: () => onEnd(undefined), endSession: () => onEnd(SESSION_ENDED) },
    [token, viewer, onEnd],
  )
  if (error && !viewer)
    return (
      <main className="notice" role="alert">
        <h1>{errorCode(error) === 'FORBIDDEN' ? 'No access' : 'Not reachable'}</h1>
        <p>{errorMessage(error)}</p>
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
