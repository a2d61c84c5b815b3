// The API explorer: everything it needs comes from this server, and it asks in the caller's name.
import { expect, test, tokenOf, url } from './fixture'

test('a query is run and the schema is known', async ({ page }) => {
  await page.goto(`${url()}/graphiql`)
  await page.getByLabel('Access token').fill(tokenOf('GLOBAL_ADMIN'))
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.locator('.graphiql-query-editor')).toContainText('query Failures')
  await page.getByRole('button', { name: /Execute query/ }).click()
  await expect(page.locator('.result-window')).toContainText('occurredAt')
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click()
  await expect(page.getByText('Everything that can be read')).toBeVisible()
  // The editor's worker knows the schema: a field that is not there is marked.
  await page.locator('.graphiql-query-editor .view-lines').click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.type('{ viewer { nosuchfield ')
  await expect(page.locator('.squiggly-error').first()).toBeVisible()
})
