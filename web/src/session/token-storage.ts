// Where the token is kept: in this tab, until it is closed. Nothing of it reaches the disk or the server's logs.

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

/** A pasted token without what tends to come along: the scheme, quotes, line breaks, the demo's `token ROLE`. */
export function extractToken(pasted: string): string {
  const parts = pasted
    .trim()
    .split(/\s+/)
    .map((part) => part.replace(/^["']|["',;]$/g, ''))
  return parts.findLast((part) => part.split('.').length === 3) ?? ''
}
