// The list: order, pages, columns, times, keyboard.
import type { Page } from '@playwright/test'
import { expect, rows, runQuery, test } from './fixtures'

const ids = (page: Page) =>
  rows(page)
    .locator('.event-link')
    .evaluateAll((links) =>
      links.map((link) => new URLSearchParams((link as HTMLAnchorElement).hash.slice(1)).get('event')),
    )

/** The ids of all rows of the page. Only visible rows are in the document, so the list is scrolled to the end. */
async function allIds(page: Page): Promise<string[]> {
  const found: string[] = []
  const scroller = page.locator('.table-scroller')
  // A spacer stands for rows that are not rendered. It is visible until the rows of the scroll position are.
  const hasVisibleSpacer = () =>
    scroller.evaluate((element) => {
      const { top, bottom } = element.getBoundingClientRect()
      const spacers = [...element.querySelectorAll('.spacer')].map((spacer) => spacer.getBoundingClientRect())
      return spacers.some((spacer) => spacer.bottom > top && spacer.top < bottom)
    })
  await scroller.evaluate((element) => element.scrollTo(0, 0))
  for (;;) {
    await expect.poll(hasVisibleSpacer).toBe(false)
    for (const id of await ids(page)) if (id !== null && !found.includes(id)) found.push(id)
    const end = await scroller.evaluate((element) => {
      const before = element.scrollTop
      element.scrollBy(0, element.clientHeight * 0.8)
      return element.scrollTop === before
    })
    if (end) return found
  }
}

async function newest(count: number): Promise<string[]> {
  const query = 'query ($first: Int) { auditEvents(first: $first) { nodes { id } } }'
  const data = await runQuery<{ auditEvents: { nodes: { id: string }[] } }>(query, { first: count })
  return data.auditEvents.nodes.map(({ id }) => id)
}

test('pages are newest first without gaps or duplicates', async ({ open }) => {
  const page = await open()
  await expect(rows(page).first()).toBeVisible()
  const expected = await newest(150)
  const first = await allIds(page)
  expect(first).toEqual(expected.slice(0, 50))
  await expect(page.getByRole('button', { name: 'Newer' })).toBeDisabled()
  await page.getByRole('button', { name: 'Older' }).click()
  await expect.poll(() => allIds(page)).toEqual(expected.slice(50, 100))
  await page.getByRole('button', { name: 'Older' }).click()
  await expect.poll(() => allIds(page)).toEqual(expected.slice(100, 150))
  await page.getByRole('button', { name: 'Newer' }).click()
  await expect.poll(() => allIds(page)).toEqual(expected.slice(50, 100))
  const secondPageUrl = page.url()
  await page.getByRole('button', { name: 'Newest' }).click()
  await expect.poll(() => allIds(page)).toEqual(first)
  await page.goto(secondPageUrl)
  await expect.poll(() => allIds(page)).toEqual(expected.slice(50, 100))
})

test('columns can be chosen and reordered, and persist', async ({ open }) => {
  const page = await open()
  const headers = page.getByRole('columnheader')
  await expect(headers).toHaveText(['Time', 'Initiated by', 'Activity', 'Target'])
  await page.getByRole('button', { name: 'Columns' }).click()
  const panel = page.getByRole('dialog', { name: 'Columns' })
  await panel.getByRole('checkbox', { name: 'Category' }).check()
  await panel.getByRole('checkbox', { name: 'Changed properties' }).check()
  await panel.getByRole('checkbox', { name: 'Target' }).uncheck()
  await panel.getByRole('button', { name: 'Move Category up' }).click()
  const expected = ['Time', 'Initiated by', 'Category', 'Activity', 'Changed properties']
  await expect(headers).toHaveText(expected)
  await page.keyboard.press('Escape')
  await expect(rows(page).first().locator('td[data-column=category]')).not.toBeEmpty()
  await page.reload()
  await expect(headers).toHaveText(expected)
  await page.getByRole('button', { name: 'Columns' }).click()
  await page
    .getByRole('listitem')
    .filter({ hasText: 'Time' })
    .dragTo(page.getByRole('listitem').filter({ hasText: 'Category' }))
  await expect(headers.first()).toHaveText('Initiated by')
  await panel.getByRole('button', { name: 'Back to the usual columns' }).click()
  await expect(headers).toHaveText(['Time', 'Initiated by', 'Activity', 'Target'])
})

test('every column shows the value of the API', async ({ open }) => {
  const page = await open('#period=all&activity=Create%20MobileAppAssignment')
  await page.getByRole('button', { name: 'Columns' }).click()
  const others = page.getByRole('list', { name: 'Other columns' }).getByRole('checkbox')
  while ((await others.count()) > 0) await others.first().click()
  await page.keyboard.press('Escape')
  const query = `{ auditEvents(first: 1, occurredAt: { window: ALL }, filter: { activity: { eq: "Create MobileAppAssignment" } }) {
    nodes { sequence eventKey correlationId component service actor { application { displayName } } } } }`
  interface Node {
    sequence: number
    eventKey: string
    correlationId: string
    component: string
    service: string
    actor: { application: { displayName: string } }
  }
  const [node] = (await runQuery<{ auditEvents: { nodes: Node[] } }>(query)).auditEvents.nodes
  const cell = (column: string) => rows(page).first().locator(`td[data-column=${column}]`)
  await expect(cell('sequence')).toHaveText(String(node?.sequence))
  await expect(cell('key')).toHaveText(node?.eventKey ?? '')
  await expect(cell('correlation')).toHaveText(node?.correlationId ?? '')
  await expect(cell('component')).toHaveText(node?.component ?? '')
  await expect(cell('service')).toHaveText(node?.service ?? '')
  await expect(cell('application')).toHaveText(node?.actor.application.displayName ?? '')
  await expect(cell('recordedBy')).toHaveText('demo')
  await expect(cell('status')).toHaveText(/Success|Failure/)
  await expect(cell('resource')).toHaveText('Application')
  await expect(cell('operation')).toHaveText('Assign')
  await expect(cell('changes')).toContainText('Intent')
})

test('time format and zone can be chosen, and persist', async ({ open }) => {
  const page = await open()
  const time = rows(page).first().locator('time')
  await expect(time).toHaveText(/ago$/)
  const timestamp = new Date((await time.getAttribute('datetime')) ?? '')
  await page.getByRole('button', { name: 'Times' }).click()
  await page.getByLabel('The exact time').check()
  await page.getByLabel('UTC').check()
  const utc = `${timestamp.toISOString().slice(0, 10).split('-').reverse().join('/')}, ${timestamp.toISOString().slice(11, 19)}`
  await expect(time).toHaveText(utc)
  await expect(time).toHaveAttribute('title', /UTC/)
  await page.reload()
  await expect(time).toHaveText(utc)
})

test('keyboard reaches rows and detail panel', async ({ open }) => {
  const page = await open()
  await expect(rows(page).first()).toBeVisible()
  await page.keyboard.press('Tab')
  await expect(page.getByText('Skip to the events')).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(rows(page).nth(0).locator('a')).toBeFocused()
  for (let step = 0; step < 30; step += 1) await page.keyboard.press('ArrowDown')
  const link = page.locator('tr[data-index="30"] a')
  await expect(link).toBeFocused()
  const name = await link.innerText()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('complementary').getByRole('heading', { name, level: 2 })).toBeFocused()
  await page.getByRole('button', { name: 'Older event' }).press('Enter')
  await expect(page.locator('tr[data-index="31"]')).toHaveAttribute('aria-current', 'true')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('complementary', { name: 'Event' })).toBeHidden()
  await expect(page.locator('tr[data-index="31"] a')).toBeFocused()
})

test('focus stays when the catalogue loads late', async ({ open, page }) => {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  await page.route('**/graphql', async (route) => {
    if (route.request().postData()?.includes('query Services') === true) await released
    await route.continue()
  })
  await open()
  const link = rows(page).first().locator('a')
  await link.focus()
  release()
  await expect(page.getByRole('navigation', { name: 'Services' }).getByText('Microsoft Intune')).toBeVisible()
  await expect(link).toBeFocused()
})
