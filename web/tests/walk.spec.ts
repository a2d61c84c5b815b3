// Walking through events in the detail panel, and the focus of the list and the panel.
import { expect, failWithTimeout, rows, runQuery, test } from './fixtures'

/** A list that other tests do not add events to. */
const LIST = '#period=all&service=Core%20Directory'

async function expectedIds(count: number): Promise<string[]> {
  const query = `query ($first: Int) { auditEvents(first: $first, occurredAt: { window: ALL },
    filter: { service: { eq: "Core Directory" } }) { nodes { id } } }`
  const data = await runQuery<{ auditEvents: { nodes: { id: string }[] } }>(query, { first: count })
  return data.auditEvents.nodes.map(({ id }) => id)
}

const eventOf = (url: string) => new URLSearchParams(new URL(url).hash.slice(1)).get('event')

test('walking goes past the page, keeps the list and is one history entry', async ({ open, page }) => {
  const ids = await expectedIds(53)
  await open(`${LIST}&event=${ids[30] ?? ''}`)
  // The list starts at the open event.
  const current = page.locator('tr[aria-current]')
  await expect(current).toBeInViewport()
  await page.keyboard.press('Escape')
  await current.waitFor({ state: 'detached' })
  await page.locator(`tr[data-id="${ids[30] ?? ''}"] a`).press('Enter')
  const historyLength = await page.evaluate(() => history.length)
  const older = page.getByRole('button', { name: 'Older event' })
  for (const id of ids.slice(31)) {
    await older.click()
    await expect.poll(() => eventOf(page.url())).toBe(id)
    await expect(page.locator(`tr[data-id="${id}"]`)).toBeInViewport()
  }
  await page.getByRole('button', { name: 'Newer event' }).click()
  await page.getByRole('button', { name: 'Newer event' }).click()
  await page.getByRole('button', { name: 'Newer event' }).click()
  await expect.poll(() => eventOf(page.url())).toBe(ids[49])
  await expect(page.locator(`tr[data-id="${ids[49] ?? ''}"]`)).toHaveAttribute('aria-current', 'true')
  expect(await page.evaluate(() => history.length)).toBe(historyLength)
  await page.goBack()
  await expect(page.getByRole('complementary', { name: 'Event' })).toBeHidden()
  await expect(rows(page).first()).toBeVisible()
})

test('failed step to the next page is shown and can be retried', async ({ open, page }) => {
  const ids = await expectedIds(51)
  const restore = await failWithTimeout(page, ({ operationName }) => operationName === 'AdjacentEvent')
  await open(`${LIST}&event=${ids[49] ?? ''}`)
  await page.getByRole('button', { name: 'Older event' }).click()
  const detail = page.getByRole('complementary', { name: 'Event' })
  await expect(detail.getByRole('alert')).toContainText('The next event cannot be read.')
  restore()
  await detail.getByRole('button', { name: 'Try again' }).click()
  await expect.poll(() => eventOf(page.url())).toBe(ids[50])
})

test('closing the event returns the focus to its row, wherever the list is', async ({ open, page }) => {
  await open(LIST)
  for (const close of ['button', 'Escape']) {
    const link = rows(page).nth(3).locator('a')
    await link.press('Enter')
    await expect(page.getByRole('complementary').getByRole('heading', { level: 2 })).toBeFocused()
    await page.locator('.table-scroller').evaluate((element) => element.scrollTo(0, element.scrollHeight))
    await expect(page.locator('tr[data-index="49"]')).toBeInViewport()
    if (close === 'button') await page.getByRole('button', { name: 'Close' }).press('Enter')
    else await page.keyboard.press('Escape')
    await expect(page.locator('tr[data-index="3"] a')).toBeFocused()
    await expect(page.locator('tr[data-index="3"]')).toBeInViewport()
  }
  // An event that is not in the list has no row.
  await rows(page).first().locator('a').click()
  await page.getByRole('button', { name: /^All by this actor/ }).click()
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused()
})

test('a focused row keeps the focus while it is scrolled out of sight', async ({ open, page }) => {
  await open(LIST)
  await rows(page).first().locator('a').focus()
  await page.locator('.table-scroller').evaluate((element) => element.scrollTo(0, element.scrollHeight))
  await expect(page.locator('tr[data-index="49"]')).toBeInViewport()
  await expect(page.locator('tr[data-index="0"] a')).toBeFocused()
  await page.keyboard.press('ArrowDown')
  await expect(page.locator('tr[data-index="1"] a')).toBeFocused()
  await expect(page.locator('tr[data-index="1"]')).toBeInViewport()
})

test('selecting text in a row does not open the event', async ({ open, page }) => {
  await page.clock.install()
  await open(LIST)
  const cell = rows(page).nth(1).locator('td[data-column="actor"] .clip')
  await cell.dblclick({ position: { x: 12, y: 8 } })
  await page.clock.fastForward(5_000)
  expect(await page.evaluate(() => getSelection()?.toString().trim().length ?? 0)).toBeGreaterThan(2)
  await expect(page.getByRole('complementary', { name: 'Event' })).toBeHidden()
  const box = await rows(page).nth(2).locator('td[data-column="actor"] .clip').boundingBox()
  if (!box) throw new Error('the row is not visible')
  await page.mouse.move(box.x + 2, box.y + box.height / 2)
  await page.mouse.down()
  await page.mouse.move(box.x + 60, box.y + box.height / 2, { steps: 5 })
  await page.mouse.up()
  expect(await page.evaluate(() => getSelection()?.toString().length ?? 0)).toBeGreaterThan(2)
  await expect(page.getByRole('complementary', { name: 'Event' })).toBeHidden()
  await rows(page).nth(2).locator('td').last().click()
  await expect(page.getByRole('complementary', { name: 'Event' })).toBeVisible()
})

test('buttons that lead no further keep the focus', async ({ open, page }) => {
  const ids = await expectedIds(60)
  await open(LIST)
  const pages = page.getByRole('navigation', { name: 'Pages' })
  const [newest, newer, older] = ['Newest', 'Newer', 'Older'].map((name) => pages.getByRole('button', { name }))
  if (!newest || !newer || !older) throw new Error('the pager has three buttons')
  await expect(older).toBeEnabled()
  await expect(newest).toBeDisabled()
  await expect(newer).toBeDisabled()
  await older.press('Enter')
  await expect(newer).toBeEnabled()
  await expect(older).toBeFocused()
  await newer.press('Enter')
  await expect(newer).toBeDisabled()
  await expect(newer).toBeFocused()
  await newer.press('Enter')
  await expect(rows(page).first()).toHaveAttribute('data-id', ids[0] ?? '')
  await older.press('Enter')
  await newest.press('Enter')
  await expect(newest).toBeDisabled()
  await expect(newest).toBeFocused()
  await rows(page).nth(1).locator('a').press('Enter')
  const newerEvent = page.getByRole('button', { name: 'Newer event' })
  await newerEvent.press('Enter')
  await expect.poll(() => eventOf(page.url())).toBe(ids[0])
  await expect(newerEvent).toBeDisabled()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Columns' }).press('Enter')
  const columns = page.getByRole('dialog', { name: 'Columns' })
  const up = columns.getByRole('listitem').nth(1).getByRole('button', { name: / up$/ })
  const label = (await up.getAttribute('aria-label')) ?? ''
  await up.press('Enter')
  const moved = columns.getByRole('button', { name: label })
  await expect(moved).toBeDisabled()
  await expect(moved).toBeFocused()
})
