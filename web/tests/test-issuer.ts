// An OpenID Connect issuer for the tests. It signs real tokens (ES256) and rejects what a real issuer rejects: unknown
// clients and redirect URIs, used codes, wrong verifiers. `configure` makes it misbehave.
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export const CLIENT = 'viewer'
export const AUDIENCE = 'api://auditgraph'
export const TOKEN_LIFETIME_SECONDS = 3600

/** The issuer's behavior for the next sign-in. */
export interface IssuerBehavior {
  roles: string[]
  /** The audience of the access token. */
  audience: string
  /** Redirects with this OAuth error instead of a code. */
  authorizationError?: [code: string, description: string]
  /** Returns a wrong `state` or `nonce`. */
  tamperedParameter?: 'state' | 'nonce'
}

const DEFAULT_BEHAVIOR: IssuerBehavior = { roles: ['GlobalAdmin'], audience: AUDIENCE }

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

export class Issuer {
  behavior: IssuerBehavior = DEFAULT_BEHAVIOR
  /** The only accepted redirect URI. */
  redirectUri = ''
  url = ''
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  readonly #codes = new Map<string, URLSearchParams>()
  readonly #server: Server = createServer((request, response) => void this.#handle(request, response))

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Sets the behavior, with defaults for the rest. */
  configure(behavior: Partial<IssuerBehavior> = {}): void {
    this.behavior = { ...DEFAULT_BEHAVIOR, ...behavior }
  }

  /** Signs a token. */
  token(claims: object): string {
    const now = Math.floor(Date.now() / 1000)
    const all = { iss: this.url, sub: 'ada', iat: now, exp: now + TOKEN_LIFETIME_SECONDS, ...claims }
    const signingInput = `${base64url({ alg: 'ES256', typ: 'JWT', kid: 'one' })}.${base64url(all)}`
    const signature = sign('sha256', Buffer.from(signingInput), {
      key: this.#keys.privateKey,
      dsaEncoding: 'ieee-p1363',
    })
    return `${signingInput}.${signature.toString('base64url')}`
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url)
    const json = (value: unknown, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json', 'access-control-allow-origin': '*' })
      response.end(JSON.stringify(value))
    }
    if (pathname === '/.well-known/openid-configuration')
      json({
        issuer: this.url,
        authorization_endpoint: `${this.url}/authorize`,
        token_endpoint: `${this.url}/token`,
        jwks_uri: `${this.url}/jwks`,
        response_types_supported: ['code'],
        id_token_signing_alg_values_supported: ['ES256'],
      })
    else if (pathname === '/jwks')
      json({ keys: [{ ...this.#keys.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }] })
    else if (pathname === '/authorize') this.#authorize(searchParams, response)
    else if (pathname === '/token') {
      const body = this.#exchangeCode(new URLSearchParams(await text(request)))
      json(body, 'error' in body ? 400 : 200)
    } else json({ error: 'not_found' }, 404)
  }

  #authorize(parameters: URLSearchParams, response: ServerResponse): void {
    const expected = {
      client_id: CLIENT,
      redirect_uri: this.redirectUri,
      response_type: 'code',
      code_challenge_method: 'S256',
    }
    const mismatches = Object.entries(expected).filter(([name, value]) => parameters.get(name) !== value)
    if (mismatches.length > 0 || parameters.get('scope') !== 'openid audit') {
      response.writeHead(400).end(`invalid authorization request: ${JSON.stringify([...parameters])}`)
      return
    }
    const redirect = new URL(this.redirectUri)
    redirect.searchParams.set(
      'state',
      this.behavior.tamperedParameter === 'state' ? 'another' : (parameters.get('state') ?? ''),
    )
    if (this.behavior.authorizationError) {
      const [code, description] = this.behavior.authorizationError
      redirect.searchParams.set('error', code)
      redirect.searchParams.set('error_description', description)
    } else {
      const code = randomUUID()
      this.#codes.set(code, parameters)
      redirect.searchParams.set('code', code)
    }
    response.writeHead(302, { location: redirect.href }).end()
  }

  #exchangeCode(form: URLSearchParams): object {
    const request = this.#codes.get(form.get('code') ?? '')
    this.#codes.delete(form.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (
      request?.get('code_challenge') !== challenge ||
      form.get('redirect_uri') !== this.redirectUri ||
      form.get('client_id') !== CLIENT
    )
      return { error: 'invalid_grant' }
    const nonce = this.behavior.tamperedParameter === 'nonce' ? 'another' : request.get('nonce')
    const { audience, roles } = this.behavior
    const profile = { name: 'Ada Lovelace', preferred_username: 'ada@contoso.example' }
    return {
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME_SECONDS,
      id_token: this.token({ aud: CLIENT, nonce }),
      access_token: this.token({ aud: audience, roles, scp: 'audit', ...profile }),
    }
  }
}
