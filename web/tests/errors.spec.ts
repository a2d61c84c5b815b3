// A failed request is shown as an error where its result belongs, can be retried, and never looks like an empty result.
import {
  countEvents,
  expect,
  expectAccessible,
  expectCount,
  failWithTimeout,
  rows,
  test,
  tokenOf,
  url,
} from './fixtures'

const TIMEOUT_MESSAGE = 'This took the server too long.'

const hasOperationName = (name: string) => (request: { operationName: string }) => request.operationName === name

test('unreachable server is not shown as an empty log', async ({ open, page, allowedErrors }) => {
  allowedErrors.push('ERR_FAILED')
  let isOffline = true
  await page.route('**/graphql', (route) =>
    isOffline && route.request().postData()?.includes('query AnyEvent') === true ? route.abort() : route.fallback(),
  )
  await open('#category=Policy&text=nosuchthinganywhere')
  const alert = page.getByRole('alert')
  await expect(alert).toContainText('The reason cannot be told. The server cannot be reached.')
  await expect(page.getByText('Nothing that you may see')).toBeHidden()
  await expectAccessible(page)
  isOffline = false
  await alert.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('button', { name: 'Without text' })).toBeVisible()
})

test('failed probe of a filter is not counted as a result', async ({ open, page }) => {
  const isWithoutText = (filter?: object | null) => filter != null && !('search' in filter)
  const restore = await failWithTimeout(
    page,
    ({ operationName, variables }) => operationName === 'AnyEvent' && isWithoutText(variables.filter),
  )
  await open('#category=Policy&text=nosuchthinganywhere')
  const alert = page.getByRole('alert')
  await expect(alert).toContainText(`The reason cannot be told. ${TIMEOUT_MESSAGE}`)
  await expect(page.getByText('No single filter is the reason')).toBeHidden()
  restore()
  await alert.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByText('One filter excludes everything')).toBeVisible()
})

test('failed refresh keeps the rows and is retried', async ({ open, page, allowedErrors }) => {
  allowedErrors.push('ERR_FAILED')
  let isOffline = false
  await page.route('**/graphql', (route) => (isOffline ? route.abort() : route.fallback()))
  // Other tests record events meanwhile, but none of this activity.
  await open('#activity=Update%20user')
  const count = await countEvents({ activity: { eq: 'Update user' } })
  await expectCount(page, count)
  const before = (await rows(page).allInnerTexts()).slice(0, 5)
  await page.getByRole('switch', { name: 'Live' }).click()
  const status = page.getByRole('status')
  await expect(status.filter({ hasText: /^Live$/ })).toBeAttached()
  isOffline = true
  await page.getByRole('button', { name: 'Read again' }).click()
  const alert = page.getByRole('alert')
  await expect(alert).toContainText('The server cannot be reached. This was read at')
  // The socket is still open, but the list is not live.
  await expect(status.filter({ hasText: 'Connecting again' })).toBeAttached()
  expect((await rows(page).allInnerTexts()).slice(0, 5)).toEqual(before)
  await expectCount(page, count)
  await expectAccessible(page)
  isOffline = false
  await expect(alert).toBeHidden()
  await expect(status.filter({ hasText: /^Live$/ })).toBeAttached()

  // Other filters have other rows, so those of before do not stay.
  isOffline = true
  await page.getByRole('navigation', { name: 'Services' }).getByText('Core Directory').click()
  await expect(alert).toHaveText(/^ ?The server cannot be reached.Try again$/)
  await expect(rows(page)).toHaveCount(0)
  isOffline = false
  await expect(rows(page).first()).toBeVisible()
})

test('failed refresh keeps the overview and is retried', async ({ open, page, allowedErrors }) => {
  allowedErrors.push('ERR_FAILED')
  await open('#page=overview&activity=Update%20user')
  const total = page.locator('.overview-total b')
  const before = await total.innerText()
  await page.route('**/graphql', (route) => route.abort())
  await page.getByRole('button', { name: 'Read again' }).click()
  await expect(page.getByRole('alert')).toContainText('The server cannot be reached. This was read at')
  await expect(total).toHaveText(before)
  await page.unroute('**/graphql')
  await expect(page.getByRole('alert')).toBeHidden()
  await expect(total).toHaveText(before)
})

test('failed count is shown as an error', async ({ open, page }) => {
  const restore = await failWithTimeout(page, hasOperationName('CountEvents'), {
    auditEvents: { __typename: 'AuditEventConnection', countUpTo: null },
  })
  await open()
  await expect(page.locator('.count')).toContainText(`Not counted. ${TIMEOUT_MESSAGE}`)
  restore()
  await page.locator('.count').getByRole('button', { name: 'Try again' }).click()
  await expectCount(page, await countEvents({}))
  await failWithTimeout(page, hasOperationName('Events'))
  await page
    .getByRole('navigation', { name: 'Services' })
    .getByRole('button', { name: 'Microsoft Intune', exact: true })
    .click()
  await expect(page.getByRole('alert')).toContainText(TIMEOUT_MESSAGE)
  await expect(page.locator('.count')).toHaveText('')
})

test('failed catalogue is shown in the menu and the filters', async ({ open, page }) => {
  const restore = await failWithTimeout(page, hasOperationName('Services'))
  await open()
  const menu = page.getByRole('navigation', { name: 'Services' })
  await expect(menu.getByRole('alert')).toContainText(
    `The services and their categories cannot be read. ${TIMEOUT_MESSAGE}`,
  )
  await page.getByRole('button', { name: 'Filter by category' }).click()
  const panel = page.getByRole('dialog', { name: 'Category' })
  await expect(panel.getByText('Nothing matches.')).toBeHidden()
  restore()
  await panel.getByRole('alert').getByRole('button', { name: 'Try again' }).click()
  await expect(panel.getByRole('checkbox', { name: 'Group management' })).toBeVisible()
  await expect(menu.getByRole('button', { name: 'Microsoft Intune', exact: true })).toBeVisible()
  await expect(page.getByRole('alert')).toHaveCount(0)
})

test('failed choices are not shown as no match', async ({ open, page }) => {
  const restore = await failWithTimeout(page, ({ operationName }) =>
    ['Actors', 'ActivityTypes'].includes(operationName),
  )
  await open('#activity=Add%20user')
  await page.getByRole('button', { name: 'Filter by initiated by' }).click()
  await page.getByLabel('Name or principal name').fill('adel')
  await expect(page.getByRole('alert')).toContainText(`Nobody can be suggested. ${TIMEOUT_MESSAGE}`)
  await expect(page.getByText('Nobody by that name')).toBeHidden()
  await page.keyboard.press('Escape')
  // Without the catalogue of activities, only the chosen one is listed.
  await page.getByRole('button', { name: 'Activity: Add user' }).click()
  await expect(page.getByRole('alert')).toContainText(`The activities cannot be read. ${TIMEOUT_MESSAGE}`)
  await expect(page.getByRole('dialog', { name: 'Activity' }).getByRole('checkbox')).toHaveCount(1)
  restore()
  await page.getByRole('alert').getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('dialog', { name: 'Activity' }).getByRole('checkbox').nth(1)).toBeVisible()
})

test('failed event is not shown as not found', async ({ open, page }) => {
  const [restoreEvent, restoreOthers] = [
    await failWithTimeout(page, hasOperationName('EventById')),
    await failWithTimeout(page, hasOperationName('SameRequest')),
  ]
  await open('#period=all&activity=Add%20service%20principal%20credentials')
  await rows(page).first().locator('a').click()
  const detail = page.getByRole('complementary', { name: 'Event' })
  await expect(detail.getByRole('heading', { name: 'The event cannot be read' })).toBeVisible()
  await expect(detail.getByRole('alert')).toContainText(TIMEOUT_MESSAGE)
  restoreEvent()
  await detail.getByRole('button', { name: 'Try again' }).click()
  await expect(detail.getByRole('heading', { name: 'Add service principal credentials' })).toBeVisible()
  const otherEvents = detail.getByRole('region', { name: 'In the same request' })
  await expect(otherEvents.getByRole('alert')).toContainText(TIMEOUT_MESSAGE)
  restoreOthers()
  await otherEvents.getByRole('button', { name: 'Try again' }).click()
  await expect(otherEvents.getByRole('link').first()).toBeVisible()
})

test('failed overview can be retried', async ({ open, page }) => {
  const [restoreLogSpan, restoreOverview] = [
    await failWithTimeout(page, hasOperationName('LogSpan')),
    await failWithTimeout(page, hasOperationName('Overview'), { all: null, failures: null }),
  ]
  await open('#page=overview')
  const overview = page.getByRole('region', { name: 'Overview' })
  await expect(overview.getByRole('alert')).toContainText(TIMEOUT_MESSAGE)
  restoreLogSpan()
  const counts = page.waitForRequest((request) => request.postData()?.includes('query Overview') === true)
  await overview.getByRole('button', { name: 'Try again' }).click()
  await counts
  await expect(overview.getByRole('alert')).toContainText(TIMEOUT_MESSAGE)
  restoreOverview()
  await overview.getByRole('button', { name: 'Try again' }).click()
  await expect(page.locator('.overview-total b')).toHaveText((await countEvents({})).toLocaleString('en-GB'))
})

test('overview and export recover after the server was away', async ({ open, page, allowedErrors }) => {
  allowedErrors.push('ERR_FAILED')
  // Without a dialog to choose the file.
  await page.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker'))
  await open('#activity=Update%20user')
  await expect(rows(page).first()).toBeVisible()
  await page.route('**/*', (route) => route.abort())
  await page.getByRole('button', { name: 'Overview', exact: true }).click()
  await expect(page.getByRole('alert')).toContainText('The server cannot be reached.')
  await page.getByRole('button', { name: 'Export' }).click()
  await page.getByRole('dialog', { name: 'Export' }).getByRole('button', { name: 'Export' }).click()
  await expect(page.locator('.export-failed')).toContainText('no file was saved. The server cannot be reached.')
  await page.unroute('**/*')
  await expect(page.locator('.overview-total b')).toBeVisible()
  await page.getByRole('button', { name: 'Export' }).click()
  const download = page.waitForEvent('download')
  await page.getByRole('dialog', { name: 'Export' }).getByRole('button', { name: 'Export' }).click()
  await download
  await expect(page.getByText('It is whole')).toBeVisible()
})

test('failed sign-in configuration can be retried', async ({ page, allowedErrors }) => {
  allowedErrors.push('503')
  await page.route('**/sign-in.json', (route) => route.fulfill({ status: 503, json: { errors: [] } }))
  await page.goto(url())
  await expect(page.getByRole('alert')).toContainText('it is not known where you can sign in')
  await page.unroute('**/sign-in.json')
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('alert')).toBeHidden()
  await page.getByLabel('Access token').fill(tokenOf('GLOBAL_ADMIN'))
  await page.keyboard.press('Enter')
  await expect(rows(page).first()).toBeVisible()
})
