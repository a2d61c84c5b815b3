// Sign-in with an OpenID Connect issuer: the view is kept, and errors are shown.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Page } from '@playwright/test'
import { expect, rows, test as base } from './fixtures'
import { AUDIENCE, CLIENT, Issuer, TOKEN_LIFETIME_SECONDS } from './test-issuer'

/** A server with an issuer and two recorded events. */
interface OpenIdServer {
  url: string
  issuer: Issuer
}

function configFile({ url }: Issuer): string {
  return `
    [[issuer]]
    iss = "${url}"
    audiences = ["${AUDIENCE}"]
    jwks_url = "${url}/jwks"
    tenant = "contoso"
    [sign_in]
    issuer = "${url}"
    client_id = "${CLIENT}"
    scopes = ["audit"]`
}

async function listenUrl(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('exit', () => reject(new Error('the server did not start')))
    if (!server.stderr) return
    createInterface(server.stderr).on('line', (line) => {
      const address = line.includes('"listening"') ? /"address":"([^"]+)"/.exec(line)?.[1] : undefined
      if (address !== undefined) resolve(`http://${address}`)
    })
  })
}

/** The environment without the variables of the tests, which `serve` refuses because they are no settings. */
const withoutSettings = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('AUDITGRAPH_')),
)

const test = base.extend<object, { openIdServer: OpenIdServer }>({
  openIdServer: [
    async ({}, provide) => {
      const issuer = new Issuer()
      await issuer.start()
      const folder = mkdtempSync(join(tmpdir(), 'auditgraph-viewer-'))
      const program = process.env['AUDITGRAPH_PROGRAM'] ?? '../target/debug/auditgraph'
      const database = ['--database-url', `sqlite://${join(folder, 'log.db')}`]
      execFileSync(program, ['tenant', 'add', 'contoso', '--name', 'Contoso', ...database])
      const file = join(folder, 'auditgraph.toml')
      writeFileSync(file, configFile(issuer))
      const options = ['--config', file, '--listen', '127.0.0.1:0', '--metrics-listen', 'off']
      const server = spawn(program, ['serve', ...database, ...options], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...withoutSettings, AUDITGRAPH_LOG: 'info', AUDITGRAPH_LOG_FORMAT: 'json' },
      })
      const ended = new Promise((resolve) => server.once('exit', resolve))
      const url = await listenUrl(server)
      issuer.redirectUri = `${url}/`
      const events = ['SUCCESS', 'FAILURE'].map((status) => ({
        eventKey: status,
        occurredAt: new Date().toISOString(),
        service: 'Payroll',
        category: 'Payments',
        activity: `Payment with ${status}`,
        status,
        actor: { user: { userPrincipalName: 'ada@contoso.example' } },
      }))
      const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${issuer.token({ aud: AUDIENCE, permissions: ['audit/write'] })}`,
      }
      const recorded = await fetch(`${url}/v1/events`, { method: 'POST', headers, body: JSON.stringify(events) })
      expect(await recorded.text()).toContain('RECORDED')
      await provide({ url, issuer })
      server.kill('SIGTERM')
      await ended
      await issuer.stop()
      rmSync(folder, { recursive: true })
    },
    { scope: 'worker' },
  ],
})

test.beforeEach(({ openIdServer, allowedErrors }) => {
  openIdServer.issuer.configure()
  allowedErrors.push(`requested ${openIdServer.url}`, `requested ${openIdServer.issuer.url}`)
})

async function signIn(page: Page, { issuer }: OpenIdServer): Promise<void> {
  await page.getByRole('button', { name: `Sign in at ${new URL(issuer.url).host}` }).click()
}

test('sign-in keeps the view and survives a reload', async ({ page, openIdServer }) => {
  await page.goto(`${openIdServer.url}/#status=FAILURE`)
  await signIn(page, openIdServer)
  await expect(rows(page)).toHaveCount(1)
  await expect(rows(page).first()).toContainText('Payment with FAILURE')
  expect(page.url()).toBe(`${openIdServer.url}/#status=FAILURE`)
  await expect(page.getByText('Ada Lovelace')).toBeVisible()
  await page.reload()
  await expect(rows(page)).toHaveCount(1)
  const storageKeys = await page.evaluate(() => Object.keys(sessionStorage).concat(Object.keys(localStorage)))
  expect(storageKeys).toEqual(['auditgraph.token'])
})

test('expired token leads to sign-in and back to the view', async ({ page, openIdServer }) => {
  await page.clock.install()
  await page.goto(`${openIdServer.url}/#period=7d&status=SUCCESS`)
  await signIn(page, openIdServer)
  await expect(rows(page)).toHaveCount(1)
  await page.clock.fastForward(TOKEN_LIFETIME_SECONDS * 1000)
  await expect(page.getByRole('alert')).toContainText('session has ended')
  await page.clock.setSystemTime(new Date())
  await signIn(page, openIdServer)
  await expect(rows(page).first()).toContainText('Payment with SUCCESS')
  expect(page.url()).toBe(`${openIdServer.url}/#period=7d&status=SUCCESS`)
})

test('error of the issuer is shown and the view is kept', async ({ page, openIdServer }) => {
  openIdServer.issuer.configure({ authorizationError: ['access_denied', 'You are not assigned to this application.'] })
  await page.goto(`${openIdServer.url}/#status=FAILURE`)
  await signIn(page, openIdServer)
  await expect(page.getByRole('alert')).toHaveText('The issuer refused: You are not assigned to this application.')
  expect(page.url()).toBe(`${openIdServer.url}/#status=FAILURE`)
})

for (const parameter of ['state', 'nonce'] as const) {
  test(`response with a wrong ${parameter} is rejected`, async ({ page, openIdServer }) => {
    openIdServer.issuer.configure({ tamperedParameter: parameter })
    await page.goto(openIdServer.url)
    await signIn(page, openIdServer)
    await expect(page.getByRole('alert')).toContainText(`"${parameter}"`)
    expect(await page.evaluate(() => sessionStorage.getItem('auditgraph.token'))).toBeNull()
  })
}

test('unsolicited response is rejected without showing its text', async ({ page, openIdServer }) => {
  await page.goto(`${openIdServer.url}/?state=x&error=y&error_description=Call+this+number`)
  await expect(page.getByRole('alert')).toHaveText('Signing in failed: It was not begun in this tab.')
  expect(page.url()).toBe(`${openIdServer.url}/`)
})

test('token for another audience is rejected and sign-in can be retried', async ({
  page,
  openIdServer,
  allowedErrors,
}) => {
  allowedErrors.push('401')
  openIdServer.issuer.configure({ audience: 'api://another' })
  await page.goto(openIdServer.url)
  await signIn(page, openIdServer)
  await expect(page.getByRole('alert')).toContainText('does not accept this token')
  await expect(page.getByRole('button', { name: 'Sign in at' })).toBeEnabled()
})

test('unreachable issuer is reported', async ({ page, openIdServer, allowedErrors }) => {
  allowedErrors.push('ERR_FAILED', 'Failed to load resource')
  await page.goto(openIdServer.url)
  await page.route(`${openIdServer.issuer.url}/**`, (route) => route.abort())
  await signIn(page, openIdServer)
  await expect(page.getByRole('alert')).toHaveText('Signing in failed: the issuer cannot be reached.')
})

test('pasted token is accepted beside the issuer', async ({ page, openIdServer }) => {
  await page.goto(openIdServer.url)
  await page.getByText('Sign in with a token').click()
  // Only the demo prints tokens.
  await expect(page.getByText('The token is kept in this tab')).toBeVisible()
  await expect(page.getByText('demo')).toHaveCount(0)
  await page.getByLabel('Access token').fill(openIdServer.issuer.token({ aud: AUDIENCE, roles: ['AuditLog.Read.All'] }))
  await page.keyboard.press('Enter')
  await expect(page.getByText('Auditor · Contoso')).toBeVisible()
})

test('explorer signs in with the issuer and is returned to', async ({ page, openIdServer }) => {
  await page.goto(`${openIdServer.url}/graphiql`)
  await signIn(page, openIdServer)
  await expect(page.locator('.graphiql-query-editor')).toContainText('query Failures')
  expect(page.url()).toBe(`${openIdServer.url}/graphiql`)
})
