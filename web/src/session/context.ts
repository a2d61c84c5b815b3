// The session of the signed-in user.
import { createContext, useContext } from 'react'
import type { WhoAmIQuery } from '../api/gql/graphql'

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

const ROLES = {
  GLOBAL_ADMIN: 'Global Admin',
  INTUNE_SERVICE_ADMIN: 'Intune Service Admin',
  AUDIT_READER: 'Auditor',
} as const

/** The display names of the caller's roles. */
export function rolesOf(viewer: Viewer): string[] {
  return [...new Set(viewer.grants.map((grant) => ROLES[grant.role]))]
}
