// Sign-in with a token, the end of a session, and what each role sees.
import { expect, expectCount, rows, test, tokenOf, url } from './fixtures'

test('pasted token signs in and is removed on sign-out', async ({ page }) => {
  await page.goto(url())
  await expect(page.getByText('The demo printed one for each role')).toBeVisible()
  await page.getByLabel('Access token').fill('nothing of the kind')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toContainText('three parts')
  await page.getByLabel('Access token').fill(`token GLOBAL_ADMIN ${tokenOf('GLOBAL_ADMIN')}\n`)
  await page.keyboard.press('Enter')
  await expect(rows(page).first()).toBeVisible()
  await expect(page.getByText('Global Admin · Contoso')).toBeVisible()
  await page.reload()
  await expect(rows(page).first()).toBeVisible()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByLabel('Access token')).toBeVisible()
  expect(
    await page.evaluate(() => JSON.stringify(Object.entries(sessionStorage).concat(Object.entries(localStorage)))),
  ).not.toContain('eyJ')
})

test('invalid token is rejected', async ({ page, allowedErrors }) => {
  allowedErrors.push('401')
  await page.goto(url())
  await page.getByLabel('Access token').fill(tokenOf('GLOBAL_ADMIN').slice(0, -4) + 'AAAA')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toContainText('does not accept this token')
})

test('sign-in after the session ended restores the view', async ({ open, allowedErrors }) => {
  allowedErrors.push('401')
  const page = await open('#status=FAILURE&period=7d')
  await expect(rows(page).first()).toBeVisible()
  const before = await page.locator('.count').innerText()
  await page.route('**/graphql', (route) =>
    route.continue({ headers: { ...route.request().headers(), authorization: 'Bearer a.b.c' } }),
  )
  await page.getByRole('button', { name: 'Read again' }).click()
  await expect(page.getByRole('alert')).toContainText('session has ended')
  expect(page.url()).toContain('#period=7d&status=FAILURE'.slice(1).split('&')[1])
  await page.unroute('**/graphql')
  await page.getByLabel('Access token').fill(tokenOf('GLOBAL_ADMIN'))
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.locator('.count')).toHaveText(before)
  await expect(page.getByRole('button', { name: 'Status: Failure' })).toBeVisible()
})

test('Intune administrator sees Intune services only', async ({ open }) => {
  const page = await open('', 'INTUNE_SERVICE_ADMIN')
  await expect(rows(page).first()).toBeVisible()
  await expect(page.getByText('Intune Service Admin · Contoso')).toBeVisible()
  const items = page.getByRole('navigation', { name: 'Services' }).locator('> ul > li > button')
  await expect(items).toHaveText(['All services', 'Microsoft Intune', 'Windows 365'])
})

test('recorder cannot read', async ({ open }) => {
  const page = await open('', 'RECORD')
  await expect(page.getByRole('heading', { name: 'Nothing to read' })).toBeVisible()
})

test('link to an unknown event shows not found', async ({ open }) => {
  const page = await open('#event=nonsense')
  await expect(page.getByRole('heading', { name: 'No such event' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('complementary', { name: 'Event' })).toBeHidden()
  await expectCount(page, Number((await page.locator('.count b').innerText()).replace(',', '')))
})

test('a new tab takes the token of another tab until the user signs out', async ({ open, page, context }) => {
  await open()
  const link = rows(page).first().locator('a')
  const name = await link.innerText()
  const [linked] = await Promise.all([context.waitForEvent('page'), link.click({ button: 'middle' })])
  await expect(linked.getByRole('complementary').getByRole('heading', { name, level: 2 })).toBeVisible()
  const cell = rows(page).first().locator('td').last()
  const [clicked] = await Promise.all([context.waitForEvent('page'), cell.click({ modifiers: ['ControlOrMeta'] })])
  await expect(clicked.getByRole('complementary').getByRole('heading', { name, level: 2 })).toBeVisible()
  expect(await clicked.evaluate(() => JSON.stringify(Object.entries(localStorage)))).not.toContain('eyJ')
  await expect(page.getByRole('complementary', { name: 'Event' })).toBeHidden()

  await clicked.keyboard.press('Escape')
  await clicked.getByRole('button', { name: 'Sign out' }).click()
  for (const tab of [clicked, linked, page]) await expect(tab.getByLabel('Access token')).toBeVisible()
  await clicked.reload()
  await expect(clicked.getByLabel('Access token')).toBeVisible()
})

test('copying works without the clipboard API of secure pages', async ({ open, page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.addInitScript(() => {
    const { clipboard } = navigator
    Object.assign(window, { readClipboard: () => clipboard.readText() })
    Object.defineProperty(navigator, 'clipboard', { value: undefined })
  })
  await open()
  await rows(page).first().locator('a').click()
  const copy = page.getByRole('button', { name: 'Copy link' })
  await copy.click()
  await expect(page.getByText('Copied')).toBeVisible()
  await expect(page.getByRole('complementary').getByRole('button', { name: 'Copied' })).toBeFocused()
  const copied = await page.evaluate(() =>
    (window as unknown as { readClipboard: () => Promise<string> }).readClipboard(),
  )
  expect(copied).toBe(page.url())
})
