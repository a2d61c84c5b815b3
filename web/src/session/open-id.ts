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
interface Leaving {
  state: string
  nonce: string
  verifier: string
  /** The address that was left, view included. */
  back: string
}

const NAME = 'auditgraph.sign-in'

/** Where the issuer sends people back to; relative to the page, for servers below a path of a reverse proxy. */
const home = () => new URL('./', document.baseURI).href

const library = () => import('oauth4webapi')

/** The issuer where people sign in, if one is configured. */
export async function offered(): Promise<OpenId | null> {
  const answer = await fetch(new URL('sign-in.json', document.baseURI), { credentials: 'omit' }).catch(() => undefined)
  if (answer?.ok !== true) throw new Error('the server cannot be reached.')
  return ((await answer.json()) as { openId: OpenId | null }).openId
}

async function issuerOf({ issuer }: OpenId): Promise<{ server: AuthorizationServer; options: object }> {
  const oauth = await library()
  const address = new URL(issuer)
  // The server allows an issuer without TLS on its own machine only.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so that nobody uses it unseen
  const options = { [oauth.allowInsecureRequests]: address.protocol === 'http:' }
  const server = await oauth.processDiscoveryResponse(address, await oauth.discoveryRequest(address, options))
  return { server, options }
}

/** Leaves for the issuer. */
export async function leave(openId: OpenId): Promise<void> {
  if (!isSecureContext) throw new Error('This page has to be opened by https to sign in there.')
  const oauth = await library()
  const { server } = await issuerOf(openId)
  if (server.authorization_endpoint === undefined) throw new Error('The issuer has no place to sign in.')
  const leaving: Leaving = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
    back: location.href,
  }
  sessionStorage.setItem(NAME, JSON.stringify(leaving))
  const address = new URL(server.authorization_endpoint)
  const asked = {
    client_id: openId.clientId,
    redirect_uri: home(),
    response_type: 'code',
    scope: openId.scopes.join(' '),
    state: leaving.state,
    nonce: leaving.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(leaving.verifier),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(asked)) address.searchParams.set(name, value)
  location.assign(address)
}

/** Somebody who comes from the issuer: the access token, and the address that was left. */
export interface Arrival {
  token: Promise<string>
  back: string
}

/** Whether the page was opened by the issuer; only once, before the view is read, which is put back. */
export function arrival(): Arrival | undefined {
  const given = new URLSearchParams(location.search)
  if (!given.has('state') || !(given.has('code') || given.has('error'))) return undefined
  const kept = sessionStorage.getItem(NAME)
  sessionStorage.removeItem(NAME)
  const leaving = kept === null ? undefined : (JSON.parse(kept) as Leaving)
  const back = leaving?.back ?? home()
  history.replaceState(null, '', isHere(back) ? back : home())
  const token = leaving ? redeemed(given, leaving) : Promise.reject(new Error('It was not begun in this tab.'))
  // Whoever waits for it comes later.
  token.catch(() => undefined)
  return { token, back }
}

/** Whether an address is this page's, whatever the view. */
export function isHere(address: string): boolean {
  return new URL(address).pathname === location.pathname
}

/** The access token for what the issuer sent along. State, issuer, nonce and audience are checked by the library. */
async function redeemed(given: URLSearchParams, { state, nonce, verifier }: Leaving): Promise<string> {
  const [oauth, openId] = await Promise.all([library(), offered()])
  if (!openId) throw new Error('The server offers it no more.')
  const { server, options } = await issuerOf(openId)
  const client = { client_id: openId.clientId }
  const code = oauth.validateAuthResponse(server, client, given, state)
  const answer = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    code,
    home(),
    verifier,
    options,
  )
  const checks = { expectedNonce: nonce, requireIdToken: true }
  return (await oauth.processAuthorizationCodeResponse(server, client, answer, checks)).access_token
}

/** What went wrong, for people: the issuer's own words where it has some. */
export function problem(error: unknown): string {
  const { error: code, error_description: words } = error as { error?: unknown; error_description?: unknown }
  if (typeof code === 'string') return `The issuer refused: ${typeof words === 'string' ? words : code}`
  if (error instanceof TypeError) return 'Signing in failed: the issuer cannot be reached.'
  return `Signing in failed: ${error instanceof Error ? error.message : String(error)}`
}
