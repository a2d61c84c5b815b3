// Where the token is kept: in this tab, until it is closed. Nothing of it reaches the disk or the server's logs.

const NAME = 'auditgraph.token'

export function keptToken(): string | null {
  return sessionStorage.getItem(NAME)
}

export function keepToken(token: string): void {
  sessionStorage.setItem(NAME, token)
}

export function forgetToken(): void {
  sessionStorage.removeItem(NAME)
}

/** A pasted token without what tends to come along: the scheme, quotes, line breaks, the demo's `token ROLE`. */
export function cleaned(pasted: string): string {
  const parts = pasted
    .trim()
    .split(/\s+/)
    .map((part) => part.replace(/^["']|["',;]$/g, ''))
  return parts.findLast((part) => part.split('.').length === 3) ?? ''
}
