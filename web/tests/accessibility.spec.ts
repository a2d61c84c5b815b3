// Accessibility by axe, in light and dark mode, wide and narrow, and the layout on a phone.
import { expect, expectAccessible, rows, runQuery, test, url } from './fixtures'

async function eventWithWithheldValues(): Promise<string> {
  const data = await runQuery<{ auditEvents: { nodes: { id: string }[] } }>(
    '{ auditEvents(first: 1, occurredAt: { window: ALL }, filter: { activity: { eq: "Add service principal credentials" } }) { nodes { id } } }',
  )
  return data.auditEvents.nodes[0]?.id ?? ''
}

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme })

    test('sign-in page is accessible', async ({ page }) => {
      await page.goto(url())
      await expect(page.getByLabel('Access token')).toBeVisible()
      await expectAccessible(page)
    })

    test('list, detail panel and menus are accessible', async ({ open }) => {
      const page = await open(`#status=SUCCESS&event=${await eventWithWithheldValues()}`, 'AUDIT_READER')
      await expect(page.getByText('Withheld: sensitive').first()).toBeVisible()
      await expect(rows(page).first()).toBeVisible()
      await expectAccessible(page)
      for (const name of [
        /^Date/,
        'Filter by initiated by',
        'Filter by category',
        'Filter by changed property',
        'Columns',
        'Times',
        'Export',
      ]) {
        await page.getByRole('button', { name }).click()
        await expect(page.getByRole('dialog')).toBeVisible()
        await expectAccessible(page)
        await page.keyboard.press('Escape')
      }
    })

    test('empty list is accessible', async ({ open }) => {
      const page = await open('#text=nosuchthinganywhere')
      await expect(page.getByText('One filter excludes everything')).toBeVisible()
      await expectAccessible(page)
    })
  })
}

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true })

  test('list, menu and detail panel fit the screen', async ({ open }) => {
    const page = await open()
    await expect(rows(page).first()).toBeVisible()
    await expectAccessible(page)
    const overflow = () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    expect(await overflow()).toBe(0)
    for (const button of await page.locator('.title-bar button:visible').all()) {
      const { width = 0, height = 0 } = (await button.boundingBox()) ?? {}
      expect(Math.min(width, height), (await button.getAttribute('aria-label')) ?? 'a button').toBeGreaterThanOrEqual(
        28,
      )
    }
    await page.getByRole('button', { name: 'Menu' }).tap()
    await page
      .getByRole('dialog', { name: 'Menu' })
      .getByRole('button', { name: 'Microsoft Intune', exact: true })
      .tap()
    await expect(page.getByRole('heading', { name: 'Microsoft Intune', level: 1 })).toBeVisible()
    await expect(page.getByRole('dialog', { name: 'Menu' })).toBeHidden()
    await rows(page).first().tap()
    await expect(page.getByRole('complementary', { name: 'Event' })).toBeVisible()
    expect(await overflow()).toBe(0)
    await expectAccessible(page)
  })
})

test.describe('at a zoom of 400 %', () => {
  // A window of 1440 by 900 pixels.
  test.use({ viewport: { width: 360, height: 225 } })

  test('the list has room and the detail panel can be read', async ({ open }) => {
    const page = await open()
    await expect(rows(page).first()).toBeVisible()
    const list = page.locator('.table-scroller')
    await list.scrollIntoViewIfNeeded()
    expect((await list.boundingBox())?.height ?? 0).toBeGreaterThan(140)
    await rows(page).first().locator('a').focus()
    for (let step = 0; step < 5; step += 1) await page.keyboard.press('ArrowDown')
    await expect(page.locator('tr[data-index="5"] a')).toBeInViewport()
    await page.keyboard.press('Enter')
    await expect(page.getByRole('complementary').getByRole('heading', { level: 2 })).toBeInViewport()
    expect((await page.locator('.detail-body').boundingBox())?.height ?? 0).toBeGreaterThan(140)
    await page.keyboard.press('Escape')
    await expect(page.locator('tr[data-index="5"] a')).toBeFocused()
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(
      0,
    )
  })
})
