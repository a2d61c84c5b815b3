// The API explorer: it loads everything from this server and uses the caller's token.
import { expect, expectAccessible, test, tokenOf, url } from './fixtures'

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

/** Violations in GraphiQL's own markup. */
const GRAPHIQL_VIOLATIONS: [rule: string, part: string][] = [
  ['nested-interactive', 'class="graphiql-tab'],
  ['label-content-name-mismatch', 'graphiql-history-item-label'],
]

for (const colorScheme of ['light', 'dark'] as const) {
  test(`explorer is accessible, ${colorScheme}`, async ({ page, open }) => {
    await page.emulateMedia({ colorScheme })
    await open('graphiql')
    await expect(page.locator('.graphiql-query-editor')).toContainText('query Failures')
    await page.getByRole('button', { name: /Execute query/ }).click()
    await expect(page.locator('.result-window')).toContainText('occurredAt')
    await expectAccessible(page, GRAPHIQL_VIOLATIONS)
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click()
    await expect(page.getByText('Root Types')).toBeVisible()
    await expectAccessible(page, GRAPHIQL_VIOLATIONS)
    await page.getByRole('button', { name: 'Show History' }).click()
    await expect(page.locator('.graphiql-history')).toBeVisible()
    await expectAccessible(page, GRAPHIQL_VIOLATIONS)
  })
}
