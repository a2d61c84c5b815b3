// Shares the token between the tabs of this origin, so that an event opened in a new tab does not ask for it again. The
// token goes through a `BroadcastChannel`, which keeps nothing, and signing out in one tab signs out all of them.
import { loadToken } from './token-storage'

type Message =
  { kind: 'request'; id: string } | { kind: 'token'; id: string; token: string } | { kind: 'signed-out'; token: string }

const channel = new BroadcastChannel('auditgraph.session')
/** How long a new tab waits for another one before it shows the sign-in page, in milliseconds. */
const RESPONSE_TIMEOUT_MS = 300

/** Sends the token of this tab to other tabs on request. Returns a function that ends it. */
export function shareToken(token: string, onSignedOut: () => void): () => void {
  const onMessage = ({ data }: MessageEvent<Message>) => {
    // After the end of the session, this tab has no token any more.
    if (data.kind === 'request' && loadToken() === token) post({ kind: 'token', id: data.id, token })
    if (data.kind === 'signed-out' && data.token === token) onSignedOut()
  }
  channel.addEventListener('message', onMessage)
  return () => channel.removeEventListener('message', onMessage)
}

/** Announces to the other tabs that the user has signed out. */
export function announceSignOut(token: string): void {
  post({ kind: 'signed-out', token })
}

/**
 * Requests the token from other tabs.
 *
 * Calls `onToken` if one responds, also late, and `onTimeout` if none has responded in time. Returns a function that ends
 * the request.
 */
export function requestToken(onToken: (token: string) => void, onTimeout: () => void): () => void {
  // `crypto.randomUUID` exists in secure contexts only.
  const id = crypto.getRandomValues(new Uint32Array(4)).join('-')
  const timer = setTimeout(onTimeout, RESPONSE_TIMEOUT_MS)
  const onMessage = ({ data }: MessageEvent<Message>) => {
    if (data.kind !== 'token' || data.id !== id) return
    end()
    onToken(data.token)
  }
  const end = () => {
    clearTimeout(timer)
    channel.removeEventListener('message', onMessage)
  }
  channel.addEventListener('message', onMessage)
  post({ kind: 'request', id })
  return end
}

function post(message: Message): void {
  channel.postMessage(message)
}
