// Shared by the tests: opening the viewer with a role, querying the API, and the checks on every page of every test: no
// request to another origin, no violation of the Content-Security-Policy, no error in the console.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, type Locator, type Page, test as base } from '@playwright/test'
import type { AccessRole, AuditEventFilter, AuditPeriodInput } from '../src/api/gql/graphql'

export { expect }

/** The roles of the demo's tokens: the access roles, and one that only records. */
export type Role = AccessRole | 'RECORD'

function requireEnv(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: start the tests with web/test`)
  return value
}

export const url = () => requireEnv('AUDITGRAPH_URL')
export const tokenOf = (role: Role) => requireEnv(`AUDITGRAPH_TOKEN_${role}`)

/** Runs a query and returns its data. */
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

/** The number of events that match a filter, by the API. `null` is all time. */
export async function countEvents(
  filter: AuditEventFilter,
  period: AuditPeriodInput | null = { window: 'LAST_30_DAYS' },
  role?: Role,
): Promise<number> {
  const query = `query ($filter: AuditEventFilter, $occurredAt: AuditPeriodInput) {
    auditEvents(first: 1, filter: $filter, occurredAt: $occurredAt) { countUpTo(limit: 10000) { value } }
  }`
  const data = await runQuery<{ auditEvents: { countUpTo: { value: number } } }>(
    query,
    { filter, occurredAt: period ?? { window: 'ALL' } },
    role,
  )
  return data.auditEvents.countUpTo.value
}

/** Records an event given as JSON, as an application would. */
export async function recordEvent(event: string): Promise<void> {
  const response = await fetch(`${url()}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokenOf('RECORD')}` },
    body: event,
  })
  if (response.status !== 201) throw new Error(await response.text())
}

interface Fixtures {
  /** Opens the viewer with a role and a URL fragment. */
  open: (fragment?: string, role?: Role) => Promise<Page>
  /** Substrings of errors that the page may report. */
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
        problems.push(`requested ${request.url()}`)
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
  variables: { filter?: AuditEventFilter | null }
}

/** Fails matching requests of the page with TIMEOUT and `data`, until the returned function is called. */
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

/** Checks a check box whose state is in the URL: it changes after the click, unlike `Locator.check` expects. */
export async function check(checkbox: Locator): Promise<void> {
  await checkbox.click()
  await expect(checkbox).toBeChecked()
}

/** Waits until the page shows this number of events. */
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
 * Expects no violation that axe rates as serious or critical, except those listed: a rule, with a part of the element's
 * HTML or of the summary.
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
