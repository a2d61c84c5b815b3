// Signing in at an OpenID Connect issuer: the authorization code flow with PKCE, by `oauth4webapi`. The browser leaves
// for the issuer and comes back with a code; what has to be remembered meanwhile, the view too, is kept in this tab.
import type { AuthorizationServer } from 'oauth4webapi'

/** The issuer that the server offers. */
export interface OpenId {
  issuer: string
  clientId: string
  scopes: string[]
}

/** What is remembered while the browser is away. */
interface PendingSignIn {
  state: string
  nonce: string
  verifier: string
  /** The address that was left, view included. */
  returnUrl: string
}

const STORAGE_KEY = 'auditgraph.sign-in'

/** Where the issuer sends people back to; relative to the page, for servers below a path of a reverse proxy. */
const redirectUri = () => new URL('./', document.baseURI).href

const loadOAuth = () => import('oauth4webapi')

/** The issuer where people sign in, if one is configured. */
export async function fetchOpenId(): Promise<OpenId | null> {
  const response = await fetch(new URL('sign-in.json', document.baseURI), { credentials: 'omit' }).catch(
    () => undefined,
  )
  if (response?.ok !== true) throw new Error('the server cannot be reached.')
  return ((await response.json()) as { openId: OpenId | null }).openId
}

async function discoverIssuer({ issuer }: OpenId): Promise<{ server: AuthorizationServer; options: object }> {
  const oauth = await loadOAuth()
  const url = new URL(issuer)
  // The server allows an issuer without TLS on its own machine only.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so that nobody uses it unseen
  const options = { [oauth.allowInsecureRequests]: url.protocol === 'http:' }
  const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, options))
  return { server, options }
}

/** Leaves for the issuer. */
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

/** Somebody who comes from the issuer: the access token, and the address that was left. */
export interface IssuerRedirect {
  token: Promise<string>
  back: string
}

/** Whether the page was opened by the issuer; only once, before the view is read, which is put back. */
export function takeIssuerRedirect(): IssuerRedirect | undefined {
  const parameters = new URLSearchParams(location.search)
  if (!parameters.has('state') || !(parameters.has('code') || parameters.has('error'))) return undefined
  const stored = sessionStorage.getItem(STORAGE_KEY)
  sessionStorage.removeItem(STORAGE_KEY)
  const leaving = stored === null ? undefined : (JSON.parse(stored) as PendingSignIn)
  const back = leaving?.returnUrl ?? redirectUri()
  history.replaceState(null, '', isThisPage(back) ? back : redirectUri())
  const token = leaving ? exchangeCode(parameters, leaving) : Promise.reject(new Error('It was not begun in this tab.'))
  // Whoever waits for it comes later.
  token.catch(() => undefined)
  return { token, back }
}

/** Whether an address is this page's, whatever the view. */
export function isThisPage(url: string): boolean {
  return new URL(url).pathname === location.pathname
}

/** The access token for what the issuer sent along. State, issuer, nonce and audience are checked by the library. */
async function exchangeCode(parameters: URLSearchParams, { state, nonce, verifier }: PendingSignIn): Promise<string> {
  const [oauth, openId] = await Promise.all([loadOAuth(), fetchOpenId()])
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

/** What went wrong, for people: the issuer's own words where it has some. */
export function signInErrorMessage(error: unknown): string {
  const { error: code, error_description: description } = error as { error?: unknown; error_description?: unknown }
  if (typeof code === 'string') return `The issuer refused: ${typeof description === 'string' ? description : code}`
  if (error instanceof TypeError) return 'Signing in failed: the issuer cannot be reached.'
  return `Signing in failed: ${error instanceof Error ? error.message : String(error)}`
}
