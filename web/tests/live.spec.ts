// Live events: filtered, without duplicates, and without loss over a broken connection.
import { expect, failWithTimeout, recordEvent, rows, test } from './fixtures'

let eventNumber = 0

/** Records an event with an activity of this test. */
async function recordActivity(activity: string, occurredAt = new Date()): Promise<void> {
  eventNumber += 1
  await recordEvent(
    JSON.stringify({
      eventKey: `${activity}-${eventNumber}-${Date.now()}`,
      occurredAt: occurredAt.toISOString(),
      service: 'Contoso Viewer Tests',
      category: 'Live',
      activity,
      status: 'SUCCESS',
      actor: { user: { userPrincipalName: 'tester@contoso.example' } },
      targets: [{ type: 'Counter', objectId: String(eventNumber) }],
    }),
  )
}

test('live events are filtered and inserted on top', async ({ open }) => {
  const page = await open('#activity=Live%20one')
  await expect(page.getByText('No events match')).toBeVisible()
  const live = page.getByRole('switch', { name: 'Live' })
  await live.click()
  await expect(page.getByRole('status').filter({ hasText: /^Live$/ })).toBeAttached()
  await recordActivity('Live other')
  await recordActivity('Live one')
  await expect(rows(page)).toHaveCount(1)
  await recordActivity('Live one')
  await expect(rows(page)).toHaveCount(2)
  await recordActivity('Live one', new Date(Date.now() - 90 * 86_400_000))
  await recordActivity('Live one')
  // The event of three months ago is not in the period.
  await expect(rows(page)).toHaveCount(3)
  await expect(page.locator('.count')).toHaveText('3 events')
  await live.click()
  await expect(live).toHaveAttribute('aria-checked', 'false')
})

test('live events survive a broken connection without loss or duplicates', async ({ open, page, allowedErrors }) => {
  allowedErrors.push('WebSocket')
  let isOffline = false
  const sockets: { close: () => Promise<void> }[] = []
  await page.routeWebSocket('**/graphql', (socket) => {
    if (isOffline) return void socket.close()
    const server = socket.connectToServer()
    sockets.push({ close: () => Promise.all([socket.close(), server.close()]).then(() => undefined) })
  })
  await open('#activity=Live%20broken')
  await page.getByRole('switch', { name: 'Live' }).click()
  const status = page.getByRole('status')
  await expect(status.filter({ hasText: /^Live$/ })).toBeAttached()
  await recordActivity('Live broken')
  await expect(rows(page)).toHaveCount(1)
  isOffline = true
  await sockets[0]?.close()
  await expect(status.filter({ hasText: 'Connecting again' })).toBeAttached()
  await recordActivity('Live broken')
  await recordActivity('Live broken')
  const isRead = page.waitForRequest((request) => request.postData()?.includes('query Events') === true)
  isOffline = false
  await isRead
  await expect(rows(page)).toHaveCount(3)
  await expect(status.filter({ hasText: /^Live$/ })).toBeAttached()
  await recordActivity('Live broken')
  await expect(rows(page)).toHaveCount(4)
})

test('live retries after a failed query for the log end', async ({ open, page }) => {
  const restore = await failWithTimeout(page, ({ operationName }) => operationName === 'LogEnd')
  await open('#activity=Live%20late')
  await page.getByRole('switch', { name: 'Live' }).click()
  const status = page.getByRole('status')
  await expect(status.filter({ hasText: 'Connecting again' })).toBeAttached()
  await recordActivity('Live late')
  restore()
  await expect(status.filter({ hasText: /^Live$/ })).toBeAttached()
  await expect(rows(page)).toHaveCount(1)
  await recordActivity('Live late')
  await expect(rows(page)).toHaveCount(2)
})

test('live follows filter changes and is disabled on older pages', async ({ open }) => {
  const page = await open('#activity=Live%20first')
  const live = page.getByRole('switch', { name: 'Live' })
  await live.click()
  await expect(page.getByRole('status').filter({ hasText: /^Live$/ })).toBeAttached()
  await page.getByRole('button', { name: 'Clear Activity' }).click()
  await expect(rows(page).first()).toBeVisible()
  await recordActivity('Live second')
  await expect(rows(page).first()).toContainText('Live second')
  await page.getByRole('button', { name: 'Older' }).click()
  await expect(live).toBeDisabled()
  await page.getByRole('button', { name: 'Newest' }).click()
  await expect(live).toBeEnabled()
  await expect(live).toHaveAttribute('aria-checked', 'true')
})

test('a connection without responses is not live', async ({ open, page, allowedErrors }) => {
  allowedErrors.push('WebSocket')
  let isSilent = false
  await page.routeWebSocket('**/graphql', (socket) => {
    const server = socket.connectToServer()
    server.onMessage((message) => {
      if (!isSilent) socket.send(message)
    })
  })
  await open('#activity=Live%20silent')
  await page.getByRole('switch', { name: 'Live' }).click()
  const status = page.getByRole('status')
  await expect(status.filter({ hasText: /^Live$/ })).toBeAttached()
  isSilent = true
  await expect(status.filter({ hasText: 'Connecting again' })).toBeAttached()
  isSilent = false
  await recordActivity('Live silent')
  await expect(rows(page)).toHaveCount(1)
  await expect(status.filter({ hasText: /^Live$/ })).toBeAttached()
})
