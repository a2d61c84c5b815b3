// What the tests share: opening the viewer as somebody, asking the API the same question, and what must hold on every
// page of every test: nothing is loaded from elsewhere, nothing is refused by the policy, nothing fails unseen.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test as base, expect, type Page } from '@playwright/test'

export { expect }

export type Role = 'GLOBAL_ADMIN' | 'INTUNE_SERVICE_ADMIN' | 'AUDIT_READER' | 'RECORD'

function requireEnv(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: start the tests with web/test`)
  return value
}

export const url = () => requireEnv('AUDITGRAPH_URL')
export const tokenOf = (role: Role) => requireEnv(`AUDITGRAPH_TOKEN_${role}`)

/** Asks the API what the page should show. */
export async function runQuery<T>(document: string, variables: object = {}, role: Role = 'GLOBAL_ADMIN'): Promise<T> {
  const response = await fetch(`${url()}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokenOf(role)}` },
    body: JSON.stringify({ query: document, variables }),
  })
  const { data, errors } = (await response.json()) as { data: T; errors?: unknown }
  if (errors !== undefined) throw new Error(JSON.stringify(errors))
  return data
}

/** How many events the API counts for a filter. */
export async function countEvents(
  filter: object,
  period: object | null = { window: 'LAST_30_DAYS' },
  role?: Role,
): Promise<number> {
  const query = `query ($filter: AuditEventFilter, $period: AuditPeriodInput) {
    auditEvents(first: 1, filter: $filter, period: $period) { countUpTo(limit: 10000) { value } }
  }`
  const data = await runQuery<{ auditEvents: { countUpTo: { value: number } } }>(query, { filter, period }, role)
  return data.auditEvents.countUpTo.value
}

/** Records an event now, as an application would; its JSON goes as it is given. */
export async function recordEvent(event: string): Promise<void> {
  const response = await fetch(`${url()}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokenOf('RECORD')}` },
    body: event,
  })
  if (response.status !== 201) throw new Error(await response.text())
}

interface Fixtures {
  /** Opens the viewer as somebody of a role, looking at what a fragment describes. */
  open: (fragment?: string, role?: Role) => Promise<Page>
  /** What failed on the page and is allowed to: texts of console errors. */
  allowedErrors: string[]
}

export const test = base.extend<Fixtures>({
  allowedErrors: async ({}, provide) => provide([]),
  page: async ({ page, allowedErrors }, provide) => {
    const problems: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith(url()) && !request.url().startsWith('blob:'))
        problems.push(`asked ${request.url()}`)
    })
    await provide(page)
    expect(problems.filter((problem) => !allowedErrors.some((text) => problem.includes(text)))).toEqual([])
  },
  open: async ({ page }, provide) => {
    await provide(async (fragment = '', role = 'GLOBAL_ADMIN') => {
      await page.addInitScript((token) => {
        if (!('signedOut' in sessionStorage)) sessionStorage.setItem('auditgraph.token', token)
      }, tokenOf(role))
      await page.goto(`${url()}/${fragment}`)
      return page
    })
  },
})

interface GraphqlRequest {
  operationName: string
  variables: { filter?: object | null }
}

/** The server answers a question of the page with TIMEOUT, in this form, until what is returned is called. */
export async function failWithTimeout(
  page: Page,
  matches: (request: GraphqlRequest) => boolean,
  data: object | null = null,
): Promise<() => void> {
  let isFailing = true
  const errors = [{ message: 'the query took too long', extensions: { code: 'TIMEOUT' } }]
  await page.route('**/graphql', async (route) => {
    const isMatch =
      isFailing && route.request().method() === 'POST' && matches(route.request().postDataJSON() as GraphqlRequest)
    await (isMatch ? route.fulfill({ json: { data, errors } }) : route.fallback())
  })
  return () => {
    isFailing = false
  }
}

/** The rows of the list. */
export const rows = (page: Page) => page.locator('tbody tr.event')

/** Waits until the list shows so many events and the page says so. */
export async function expectCount(page: Page, value: number): Promise<void> {
  const text = `${value > 10_000 ? 'more than ' : ''}${value.toLocaleString('en-GB')} ${value === 1 ? 'event' : 'events'}`
  await expect(page.locator('.count')).toHaveText(text)
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  id: string
  impact: string
  nodes: { html: string; failureSummary: string }[]
}

/**
 * No violation that axe calls serious or worse, of WCAG 2.2 A and AA and of its best practices, but those named: rules
 * with the part of the page that breaks them.
 */
export async function expectAccessible(
  page: Page,
  exceptions: readonly [rule: string, part: string][] = [],
): Promise<void> {
  await page.evaluate(AXE)
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: () => Promise<{ violations: Violation[] }> } }
    return (await axe.run()).violations
  })
  const seriousViolations = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  const found = seriousViolations.flatMap(({ id, nodes }) =>
    nodes.map((node) => [id, `${node.html} ${node.failureSummary}`] as const),
  )
  expect(found.filter(([id, html]) => !exceptions.some(([rule, part]) => rule === id && html.includes(part)))).toEqual(
    [],
  )
}
