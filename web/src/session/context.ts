// What parts of the page know about who is signed in.
import { createContext, useContext } from 'react'
import type { WhoAmIQuery } from '../api/gql/graphql'

export type Viewer = WhoAmIQuery['viewer']

export interface SessionState {
  token: string
  viewer: Viewer
  signOut: () => void
  /** The server does not take the token any more. */
  endSession: () => void
}

export const SessionContext = createContext<SessionState | undefined>(undefined)

/** The session; only within one. */
export function useSession(): SessionState {
  const session = useContext(SessionContext)
  if (!session) throw new Error('there is no session here')
  return session
}

const ROLES = {
  GLOBAL_ADMIN: 'Global Admin',
  INTUNE_SERVICE_ADMIN: 'Intune Service Admin',
  AUDIT_READER: 'Auditor',
} as const

/** The caller's roles, as people call them. */
export function rolesOf(viewer: Viewer): string[] {
  return [...new Set(viewer.grants.map((grant) => ROLES[grant.role]))]
}
