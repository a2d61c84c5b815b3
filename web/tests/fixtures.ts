// What the tests share: opening the viewer as somebody, asking the API the same question, and what must hold on every
// page of every test: nothing is loaded from elsewhere, nothing is refused by the policy, nothing fails unseen.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test as base, expect, type Page } from '@playwright/test'

export { expect }

export type Role = 'GLOBAL_ADMIN' | 'INTUNE_SERVICE_ADMIN' | 'AUDIT_READER' | 'RECORD'

function told(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: start the tests with web/test`)
  return value
}

export const url = () => told('AUDITGRAPH_URL')
export const tokenOf = (role: Role) => told(`AUDITGRAPH_TOKEN_${role}`)

/** Asks the API what the page should show. */
export async function ask<T>(query: string, variables: object = {}, role: Role = 'GLOBAL_ADMIN'): Promise<T> {
  const answer = await fetch(`${url()}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokenOf(role)}` },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await answer.json()) as { data: T; errors?: unknown }
  if (errors !== undefined) throw new Error(JSON.stringify(errors))
  return data
}

/** How many events the API counts for a filter. */
export async function count(
  filter: object,
  period: object | null = { window: 'LAST_30_DAYS' },
  role?: Role,
): Promise<number> {
  const query = `query ($filter: AuditEventFilter, $period: AuditPeriodInput) {
    auditEvents(first: 1, filter: $filter, period: $period) { countUpTo(limit: 10000) { value } }
  }`
  const data = await ask<{ auditEvents: { countUpTo: { value: number } } }>(query, { filter, period }, role)
  return data.auditEvents.countUpTo.value
}

/** Records an event now, as an application would; its JSON goes as it is given. */
export async function record(event: string): Promise<void> {
  const answer = await fetch(`${url()}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokenOf('RECORD')}` },
    body: event,
  })
  if (answer.status !== 201) throw new Error(await answer.text())
}

interface Fixtures {
  /** Opens the viewer as somebody of a role, looking at what a fragment describes. */
  open: (fragment?: string, role?: Role) => Promise<Page>
  /** What failed on the page and is allowed to: texts of console errors. */
  allowed: string[]
}

export const test = base.extend<Fixtures>({
  allowed: async ({}, give) => give([]),
  page: async ({ page, allowed }, give) => {
    const faults: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
    })
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith(url()) && !request.url().startsWith('blob:')) faults.push(`asked ${request.url()}`)
    })
    await give(page)
    expect(faults.filter((fault) => !allowed.some((text) => fault.includes(text)))).toEqual([])
  },
  open: async ({ page }, give) => {
    await give(async (fragment = '', role = 'GLOBAL_ADMIN') => {
      await page.addInitScript((token) => {
        if (!('signedOut' in sessionStorage)) sessionStorage.setItem('auditgraph.token', token)
      }, tokenOf(role))
      await page.goto(`${url()}/${fragment}`)
      return page
    })
  },
})

interface Asked {
  operationName: string
  variables: { filter?: object | null }
}

/** The server answers a question of the page with TIMEOUT, in this form, until what is returned is called. */
export async function failing(
  page: Page,
  which: (asked: Asked) => boolean,
  data: object | null = null,
): Promise<() => void> {
  let fails = true
  const errors = [{ message: 'the query took too long', extensions: { code: 'TIMEOUT' } }]
  await page.route('**/graphql', async (route) => {
    const isMeant = fails && route.request().method() === 'POST' && which(route.request().postDataJSON() as Asked)
    await (isMeant ? route.fulfill({ json: { data, errors } }) : route.fallback())
  })
  return () => {
    fails = false
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
export async function expectAccessible(page: Page, known: readonly [rule: string, part: string][] = []): Promise<void> {
  await page.evaluate(AXE)
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: () => Promise<{ violations: Violation[] }> } }
    return (await axe.run()).violations
  })
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  const found = serious.flatMap(({ id, nodes }) =>
    nodes.map((node) => [id, `${node.html} ${node.failureSummary}`] as const),
  )
  expect(found.filter(([id, told]) => !known.some(([rule, part]) => rule === id && told.includes(part)))).toEqual([])
}
