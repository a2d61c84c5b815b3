// The API explorer: GraphiQL with its editor and workers served by this server. It uses the token of a tab that is
// signed in to the viewer, or a pasted one.
import '../ui/base.css'
import { createGraphiQLFetcher } from '@graphiql/toolkit'
import { GraphiQL } from 'graphiql'
import 'graphiql/setup-workers/vite'
import 'graphiql/style.css'
import { StrictMode, useMemo, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { SignIn } from '../session/sign-in'
import { clearToken, loadToken, storeToken } from '../session/token-storage'
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

const url = new URL('graphql', document.baseURI).href

function Explorer() {
  const [token, setToken] = useState(loadToken)
  const fetcher = useMemo(
    () => createGraphiQLFetcher({ url, headers: { authorization: `Bearer ${token ?? ''}` } }),
    [token],
  )
  if (token === null)
    return (
      <SignIn
        reason={undefined}
        onToken={(newToken) => {
          storeToken(newToken)
          setToken(newToken)
        }}
      />
    )
  return (
    <GraphiQL fetcher={fetcher} defaultQuery={EXAMPLE} isHeadersEditorEnabled={false}>
      <GraphiQL.Logo>
        <a href="./">Audit log</a>
        <button
          type="button"
          className="button quiet"
          onClick={() => {
            clearToken()
            setToken(null)
          }}
        >
          Sign out
        </button>
      </GraphiQL.Logo>
    </GraphiQL>
  )
}

const root = document.getElementById('graphiql')
if (root)
  createRoot(root).render(
    <StrictMode>
      <Explorer />
    </StrictMode>,
  )
