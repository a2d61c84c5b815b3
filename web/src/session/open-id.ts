// Sign-in with an OpenID Connect issuer: the authorization code flow with PKCE, by `oauth4webapi`. The browser goes to
// the issuer and comes back with a code. The state in between, including the view, is kept in session storage.
import type { AuthorizationServer } from 'oauth4webapi'

/** The issuer that the server offers. */
export interface OpenId {
  issuer: string
  clientId: string
  scopes: string[]
}

/** The ways to sign in that the server offers. */
export interface SignInOptions {
  /** The issuer, or null if there is none. */
  openId: OpenId | null
  /** Whether the server is the demo, which prints a token for each role. */
  isDemo?: boolean
}

/** The state of a sign-in while the browser is at the issuer. */
interface PendingSignIn {
  state: string
  nonce: string
  verifier: string
  /** The URL to return to, including the view. */
  returnUrl: string
}

const STORAGE_KEY = 'auditgraph.sign-in'

/** The redirect URI, relative to the page: a reverse proxy may serve the viewer below a path. */
const redirectUri = () => new URL('./', document.baseURI).href

const loadOAuth = () => import('oauth4webapi')

/** The ways to sign in. Throws if the server cannot be reached. */
export async function fetchSignInOptions(): Promise<SignInOptions> {
  const response = await fetch(new URL('sign-in.json', document.baseURI), { credentials: 'omit' }).catch(
    () => undefined,
  )
  if (response?.ok !== true) throw new Error('the server cannot be reached.')
  return (await response.json()) as SignInOptions
}

async function discoverIssuer({ issuer }: OpenId): Promise<{ server: AuthorizationServer; options: object }> {
  const oauth = await loadOAuth()
  const url = new URL(issuer)
  // The server accepts an issuer without TLS only on a loopback address.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- deprecated by the library as a warning
  const options = { [oauth.allowInsecureRequests]: url.protocol === 'http:' }
  const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, options))
  return { server, options }
}

/** Redirects the browser to the issuer. */
export async function redirectToIssuer(openId: OpenId): Promise<void> {
  if (!isSecureContext) throw new Error('This page has to be opened by https to sign in there.')
  const oauth = await loadOAuth()
  const { server } = await discoverIssuer(openId)
  if (server.authorization_endpoint === undefined) throw new Error('The issuer has no place to sign in.')
  const pending: PendingSignIn = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
    returnUrl: location.href,
  }
  sessionStorage.setItem(STORAGE_KEY, JSON.stringify(pending))
  const url = new URL(server.authorization_endpoint)
  const parameters = {
    client_id: openId.clientId,
    redirect_uri: redirectUri(),
    response_type: 'code',
    scope: openId.scopes.join(' '),
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  location.assign(url)
}

/** The result of a redirect from the issuer: the access token, and the URL to return to. */
export interface IssuerRedirect {
  token: Promise<string>
  returnUrl: string
}

/**
 * Returns the result of a redirect from the issuer, or `undefined` if this page load is not one.
 *
 * Call it once, before the view is read: it restores the URL.
 */
export function takeIssuerRedirect(): IssuerRedirect | undefined {
  const parameters = new URLSearchParams(location.search)
  if (!parameters.has('state') || !(parameters.has('code') || parameters.has('error'))) return undefined
  const stored = sessionStorage.getItem(STORAGE_KEY)
  sessionStorage.removeItem(STORAGE_KEY)
  const pending = stored === null ? undefined : (JSON.parse(stored) as PendingSignIn)
  const returnUrl = pending?.returnUrl ?? redirectUri()
  history.replaceState(null, '', isThisPage(returnUrl) ? returnUrl : redirectUri())
  const token = pending ? exchangeCode(parameters, pending) : Promise.reject(new Error('It was not begun in this tab.'))
  // Avoids an unhandled rejection until the session attaches its handlers.
  token.catch(() => undefined)
  return { token, returnUrl }
}

/** Returns whether a URL is of this page, regardless of the view. */
export function isThisPage(url: string): boolean {
  return new URL(url).pathname === location.pathname
}

/** Exchanges the code for an access token. The library checks state, issuer, nonce and audience. */
async function exchangeCode(parameters: URLSearchParams, { state, nonce, verifier }: PendingSignIn): Promise<string> {
  const [oauth, { openId }] = await Promise.all([loadOAuth(), fetchSignInOptions()])
  if (!openId) throw new Error('The server offers it no more.')
  const { server, options } = await discoverIssuer(openId)
  const client = { client_id: openId.clientId }
  const code = oauth.validateAuthResponse(server, client, parameters, state)
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    code,
    redirectUri(),
    verifier,
    options,
  )
  const checks = { expectedNonce: nonce, requireIdToken: true }
  return (await oauth.processAuthorizationCodeResponse(server, client, response, checks)).access_token
}

/** The error as a sentence for users, with the issuer's own description if there is one. */
export function signInErrorMessage(error: unknown): string {
  const { error: code, error_description: description } = error as { error?: unknown; error_description?: unknown }
  if (typeof code === 'string') return `The issuer refused: ${typeof description === 'string' ? description : code}`
  if (error instanceof TypeError) return 'Signing in failed: the issuer cannot be reached.'
  return `Signing in failed: ${error instanceof Error ? error.message : String(error)}`
}
