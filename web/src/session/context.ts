// The session of the signed-in user.
import { createContext, useContext } from 'react'
import { ROLE_LABELS } from '../api/enums'
import type { WhoAmIQuery } from '../api/gql/graphql'

export const SESSION_ENDED = 'Your session has ended. Sign in again; the view is kept.'

export type Viewer = WhoAmIQuery['viewer']

export interface SessionState {
  token: string
  viewer: Viewer
  signOut: () => void
  /** Ends the session after the server rejected the token. */
  endSession: () => void
}

export const SessionContext = createContext<SessionState | undefined>(undefined)

/** The session. Throws outside of one. */
export function useSession(): SessionState {
  const session = useContext(SessionContext)
  if (!session) throw new Error('useSession is called outside of SessionContext')
  return session
}

/** The display names of the caller's roles. */
export function rolesOf(viewer: Viewer): string[] {
  return [...new Set(viewer.grants.map((grant) => ROLE_LABELS[grant.role]))]
}
