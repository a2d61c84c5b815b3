// The API explorer: GraphiQL with its editor and workers served by this server. It uses the token of a tab that is
// signed in, or a pasted one.
import '../ui/base.css'
import { GraphiQL } from 'graphiql'
import 'graphiql/setup-workers/vite'
import 'graphiql/style.css'
import { StrictMode, useCallback, useEffect, useMemo, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { SignIn } from '../session/sign-in'
import { useSharedToken } from '../session/use-shared-token'
import { createFetcher } from './fetcher'
import { queryStorage, removeStoredQueries } from './query-storage'
import { repairMarkup } from './repair-markup'
import './graphiql.css'

const EXAMPLE = `# The newest failures of the last 30 days, with who, what and why.
query Failures {
  auditEvents(first: 20, filter: { status: { in: [FAILURE, TIMEOUT] } }) {
    nodes {
      occurredAt
      activityDisplayName
      statusReason
      actor {
        name
      }
      targets {
        displayName
        modifiedProperties {
          name
          oldValue
          newValue
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`

const SESSION_ENDED = 'Your session has ended. Sign in again; the queries are kept.'

function Explorer() {
  const { token, isPending, begin, end, signOut } = useSharedToken(true)
  const [reason, setReason] = useState<string>()
  const onUnauthenticated = useCallback(() => {
    setReason(SESSION_ENDED)
    end()
  }, [end])
  if (isPending) return <main aria-busy="true" />
  if (token === null)
    return (
      <SignIn
        reason={reason}
        onToken={(newToken) => {
          setReason(undefined)
          begin(newToken)
        }}
      />
    )
  return <Editor key={token} token={token} onUnauthenticated={onUnauthenticated} onSignOut={signOut} />
}

interface EditorProps {
  token: string
  onUnauthenticated: () => void
  onSignOut: () => void
}

function Editor({ token, onUnauthenticated, onSignOut }: EditorProps) {
  const { fetcher, close } = useMemo(() => createFetcher(token, onUnauthenticated), [token, onUnauthenticated])
  useEffect(() => close, [close])
  useEffect(() => (root ? repairMarkup(root) : undefined), [])
  return (
    <GraphiQL fetcher={fetcher} defaultQuery={EXAMPLE} storage={queryStorage} shouldPersistHeaders={false}>
      <GraphiQL.Logo>
        <a href="./">Audit log</a>
        <button type="button" className="button quiet" onClick={onSignOut}>
          Sign out
        </button>
      </GraphiQL.Logo>
    </GraphiQL>
  )
}

const root = document.getElementById('graphiql')
removeStoredQueries()
if (root)
  createRoot(root).render(
    <StrictMode>
      <Explorer />
    </StrictMode>,
  )
