// The token of this tab: stored, entered, or received from another tab.
import { useCallback, useEffect, useState } from 'react'
import { announceSignOut, requestToken, shareToken } from './share-token'
import { clearSession, clearToken, loadToken, storeToken } from './token-storage'

export interface SharedToken {
  /** The token; null if there is none. */
  token: string | null
  /** Whether another tab may still send one. */
  isPending: boolean
  begin: (token: string) => void
  /** Ends the session of this tab, because its token was rejected or has expired. */
  end: () => void
  /** Ends the sessions of all tabs with this token. */
  signOut: () => void
}

/** `isRequested` is whether to request the token from other tabs if none is stored. */
export function useSharedToken(isRequested: boolean): SharedToken {
  const [token, setToken] = useState(() => (isRequested ? loadToken() : null))
  const [isPending, setPending] = useState(isRequested && token === null)
  const [isWanted, setWanted] = useState(isPending)

  const begin = useCallback((newToken: string) => {
    storeToken(newToken)
    setToken(newToken)
    setPending(false)
    setWanted(false)
  }, [])
  const end = useCallback(() => {
    clearToken()
    setToken(null)
  }, [])
  const onSignedOut = useCallback(() => {
    clearSession()
    setToken(null)
  }, [])
  const signOut = useCallback(() => {
    if (token !== null) announceSignOut(token)
    onSignedOut()
  }, [token, onSignedOut])

  useEffect(() => (isWanted ? requestToken(begin, () => setPending(false)) : undefined), [isWanted, begin])
  useEffect(() => (token === null ? undefined : shareToken(token, onSignedOut)), [token, onSignedOut])
  return { token, isPending, begin, end, signOut }
}
