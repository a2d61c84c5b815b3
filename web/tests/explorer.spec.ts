// The API explorer: it loads everything from this server and uses the caller's token.
import type { Page } from '@playwright/test'
import { expect, expectAccessible, recordEvent, test, tokenOf, url } from './fixtures'

test('explorer runs a query and loads the schema', async ({ page }) => {
  await page.goto(`${url()}/graphiql`)
  await page.getByLabel('Access token').fill(tokenOf('GLOBAL_ADMIN'))
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.locator('.graphiql-query-editor')).toContainText('query Failures')
  await page.getByRole('button', { name: /Execute query/ }).click()
  await expect(page.locator('.result-window')).toContainText('occurredAt')
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click()
  await page.getByRole('link', { name: 'Query', exact: true }).click()
  await expect(page.getByText('Every field except')).toBeVisible()
  // The editor's worker has the schema: an unknown field is marked.
  await page.locator('.graphiql-query-editor .view-lines').click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.type('{ viewer { nosuchfield ')
  await expect(page.locator('.squiggly-error').first()).toBeVisible()
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`explorer is accessible, ${colorScheme}`, async ({ page, open }) => {
    await page.emulateMedia({ colorScheme })
    await open('graphiql')
    await expect(page.locator('.graphiql-query-editor')).toContainText('query Failures')
    await page.getByRole('button', { name: /Execute query/ }).click()
    await expect(page.locator('.result-window')).toContainText('occurredAt')
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click()
    await expect(page.getByText('Root Types')).toBeVisible()
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Show History' }).click()
    await expect(page.locator('.graphiql-history')).toBeVisible()
    await expectAccessible(page)
  })
}

/** Replaces the text of an editor. */
async function type(page: Page, editor: string, text: string): Promise<void> {
  await page.locator(`${editor} .view-lines:visible`).click()
  await page.keyboard.press('ControlOrMeta+a')
  // Inserted text would not overwrite the brackets and quotes that the editor closes.
  if (text.startsWith('{')) await page.keyboard.type(text)
  else await page.keyboard.insertText(text)
  // GraphiQL stores a document after it has found the operations in it, and only then runs them by their new names.
  const stored = () => page.evaluate(() => JSON.stringify(Object.entries(sessionStorage)))
  if (editor === '.graphiql-query-editor') await expect.poll(stored).toContain(text.split('"')[0] ?? text)
}

test('explorer runs a subscription', async ({ open }) => {
  const page = await open('graphiql')
  await expect(page.locator('.graphiql-query-editor')).toContainText('query Failures')
  const activity = `Explored ${Date.now()}`
  await type(
    page,
    '.graphiql-query-editor',
    `subscription { auditEventsRecorded(filter: { activity: { eq: "${activity}" } }) { edges { node { activity } } } }`,
  )
  const socket = page.waitForEvent('websocket')
  await page.getByRole('button', { name: /Execute query/ }).click()
  await (await socket).waitForEvent('framereceived')
  await expect(page.getByRole('button', { name: /Stop query/ })).toBeVisible()
  const record = () =>
    recordEvent(
      JSON.stringify({
        eventKey: `explored-${Date.now()}`,
        occurredAt: new Date().toISOString(),
        service: 'Contoso Viewer Tests',
        category: 'Explorer',
        activity,
        status: 'SUCCESS',
        actor: { user: { userPrincipalName: 'tester@contoso.example' } },
      }),
    )
  await expect(async () => {
    await record()
    await expect(page.locator('.result-window')).toContainText(activity, { timeout: 2_000 })
  }).toPass()
  await page.getByRole('button', { name: /Stop query/ }).click()
})

test('explorer sends the headers of its editor', async ({ open }) => {
  const page = await open('graphiql')
  await expect(page.locator('.graphiql-query-editor')).toContainText('query Failures')
  await page.getByRole('button', { name: 'Headers' }).click()
  await type(page, '.graphiql-editor-tool', '{"X-Request-Id": "explored"}')
  const request = page.waitForRequest(
    (one) => one.url().endsWith('/graphql') && one.headers()['x-request-id'] === 'explored',
  )
  await page.getByRole('button', { name: /Execute query/ }).click()
  await request
  await expect(page.locator('.result-window')).toContainText('occurredAt')
})

test('explorer keeps no queries after sign-out', async ({ open, page, allowedErrors }) => {
  // The editor measures its idle time, which the clock of the test does not support.
  allowedErrors.push("reading 'duration'")
  await page.clock.install()
  await open('graphiql')
  await expect(page.locator('.graphiql-query-editor')).toContainText('query Failures')
  await page.evaluate(() => localStorage.setItem('graphiql:query', 'adele'))
  const stored = () =>
    page.evaluate(() => JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]))
  await type(page, '.graphiql-query-editor', 'query { auditActors(search: "adele", first: 1) { name } }')
  await page.getByRole('button', { name: /Execute query/ }).click()
  await expect(page.locator('.result-window')).toContainText(/"name":\s"adele/i)
  await expect.poll(stored).toContain('auditActors')
  expect(await page.evaluate(() => JSON.stringify(Object.entries(localStorage)))).not.toContain('auditActors')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByLabel('Access token')).toBeVisible()
  // GraphiQL delays its writes by less.
  await page.clock.fastForward(10_000)
  expect(await page.evaluate(() => JSON.stringify(Object.entries(sessionStorage)))).toBe('[]')
  await page.goto(`${url()}/graphiql`)
  await expect(page.locator('.graphiql-query-editor')).toContainText('query Failures')
  expect(await stored()).not.toContain('adele')
})

test('explorer asks for a new token when the session has ended', async ({ open, page, allowedErrors }) => {
  // The editor rejects what it waits for with 'Canceled' when it is removed from the page.
  allowedErrors.push('401', 'Canceled')
  await open('graphiql')
  await expect(page.locator('.graphiql-query-editor')).toContainText('query Failures')
  await page.route('**/graphql', (route) =>
    route.continue({ headers: { ...route.request().headers(), authorization: 'Bearer a.b.c' } }),
  )
  await page.getByRole('button', { name: /Execute query/ }).click()
  await expect(page.locator('.sign-in-message')).toContainText('Your session has ended')
  await page.unroute('**/graphql')
  await page.getByLabel('Access token').fill(tokenOf('GLOBAL_ADMIN'))
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: /Execute query/ }).click()
  await expect(page.locator('.result-window')).toContainText('occurredAt')
})

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 } })

  test('explorer fits the screen', async ({ open }) => {
    const page = await open('graphiql')
    const editor = page.locator('.graphiql-query-editor')
    await expect(editor).toContainText('query Failures')
    await page.getByRole('button', { name: /Execute query/ }).click()
    const result = page.locator('.result-window')
    await expect(result).toContainText('auditEvents')
    for (const part of [editor, result]) {
      const { x = 0, width = 0, height = 0 } = (await part.boundingBox()) ?? {}
      expect(width).toBeGreaterThan(280)
      expect(x + width).toBeLessThanOrEqual(390)
      expect(height).toBeGreaterThan(150)
    }
    await expect(page.getByRole('button', { name: 'Sign out' })).toBeInViewport({ ratio: 1 })
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click()
    const docs = page.locator('.graphiql-plugin')
    await expect(docs.getByText('Root Types')).toBeInViewport()
    expect((await docs.boundingBox())?.width ?? 0).toBeGreaterThan(280)
    await expectAccessible(page)
  })
})
