// The access token in session storage: it lasts until the tab is closed and never reaches the disk or a server's log.

const STORAGE_KEY = 'auditgraph.token'

export function loadToken(): string | null {
  return sessionStorage.getItem(STORAGE_KEY)
}

export function storeToken(token: string): void {
  sessionStorage.setItem(STORAGE_KEY, token)
}

export function clearToken(): void {
  sessionStorage.removeItem(STORAGE_KEY)
}

/** Removes the token and everything else that the session has stored, such as the queries of the API explorer. */
export function clearSession(): void {
  sessionStorage.clear()
}

/** Extracts the token or API key from pasted text: without scheme, quotes, line breaks, or the demo's `token ROLE`. */
export function extractToken(pasted: string): string {
  const parts = pasted
    .trim()
    .split(/\s+/)
    .map((part) => part.replace(/^["']|["',;]+$/g, ''))
  return parts.findLast((part) => part.split('.').length === 3 || /^agk(_[0-9A-Za-z]+){3}$/.test(part)) ?? ''
}
