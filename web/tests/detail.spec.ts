// The detail panel: differences, withheld values, exact numbers, and links to related events.
import { countEvents, expect, expectCount, recordEvent, rows, runQuery, test, url } from './fixtures'

interface FoundEvent {
  id: string
  correlationId: string
  actor: { key: string; name: string }
  targets: { key: string; displayName: string }[]
}

async function findEvent(activity: string): Promise<FoundEvent> {
  const query = `query ($activity: String) { auditEvents(first: 1, occurredAt: { window: ALL }, filter: { activity: { eq: $activity } }) {
    nodes { id correlationId actor { key name } targets { key displayName } } } }`
  const data = await runQuery<{ auditEvents: { nodes: FoundEvent[] } }>(query, { activity })
  const [event] = data.auditEvents.nodes
  if (!event) throw new Error(`the demo data has no event ${activity}`)
  return event
}

test('differences inside JSON values are highlighted', async ({ open }) => {
  const event = await findEvent('Update named location')
  const page = await open(`#event=${event.id}`)
  const detail = page.getByRole('complementary', { name: 'Event' })
  await expect(detail.getByRole('heading', { name: 'Update named location' })).toBeVisible()
  const changed = detail.locator('.sides')
  await expect(changed.locator('.before.differs')).toHaveCount(1)
  await expect(changed.locator('.after.differs')).toHaveCount(1)
  await expect(changed.locator('del')).toHaveText(/^\d+$/)
  await expect(changed.locator('ins')).toHaveText(/^\d+$/)
  await expect(changed).toContainText('"displayName"')
})

test('request, actor, target and property link to their events', async ({ open }) => {
  const event = await findEvent('Update named location')
  const page = await open(`#event=${event.id}`)
  const detail = page.getByRole('complementary', { name: 'Event' })
  await detail.getByRole('button', { name: 'All by this actor' }).click()
  await expectCount(page, await countEvents({ actor: { key: { in: [event.actor.key] } } }, null))
  await page.goBack()
  await detail.getByRole('button', { name: 'All on this target' }).click()
  const [target] = event.targets
  await expectCount(page, await countEvents({ target: { key: { in: [target?.key ?? ''] } } }, null))
  await page.goBack()
  await detail.getByRole('button', { name: 'IpNamedLocation' }).click()
  await expectCount(
    page,
    await countEvents({ target: { modifiedProperty: { name: { eq: 'IpNamedLocation' } } } }, null),
  )
  await page.goBack()
  await detail.getByRole('button', { name: 'All of this request' }).click()
  await expectCount(page, await countEvents({ correlationId: { eq: event.correlationId } }, null))
})

test('values are withheld from an auditor but not from an administrator', async ({ open, page, context }) => {
  const event = await findEvent('Add service principal credentials')
  await open(`#event=${event.id}`, 'AUDIT_READER')
  const detail = page.getByRole('complementary', { name: 'Event' })
  await expect(detail.getByText('Parts of this event are withheld')).toBeVisible()
  await expect(detail.getByText('Withheld: sensitive').first()).toBeVisible()
  await expect(detail.getByText('CredentialType')).toBeHidden()
  await detail.getByText('Raw event').click()
  await expect(detail.getByText('Withheld as a whole')).toBeVisible()

  const admin = await context.newPage()
  await admin.addInitScript(
    (token) => sessionStorage.setItem('auditgraph.token', token),
    process.env['AUDITGRAPH_TOKEN_GLOBAL_ADMIN'] ?? '',
  )
  await admin.goto(`${url()}/#event=${event.id}`)
  await expect(admin.getByRole('complementary').getByText('CredentialType').first()).toBeVisible()
  await expect(admin.getByText('Parts of this event are withheld')).toBeHidden()
})

test('raw event and copied JSON keep the digits of numbers', async ({ open, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const key = `exact-${Date.now()}`
  const body = {
    eventKey: key,
    occurredAt: new Date().toISOString(),
    service: 'Contoso Viewer Tests',
    category: 'Numbers',
    activity: 'Count exactly',
    status: 'SUCCESS',
    actor: { user: { userPrincipalName: 'tester@contoso.example' } },
    targets: [{ type: 'Counter', objectId: '1', modifiedProperties: [{ name: 'count', oldValue: 7, newValue: 8 }] }],
  }
  const exact = JSON.stringify(body)
    .replace('"oldValue":7', '"oldValue":12345678901234567890')
    .replace('"newValue":8', '"newValue":1.0')
  await recordEvent(exact)
  const query = 'query ($key: String!) { auditEventByKey(service: "Contoso Viewer Tests", eventKey: $key) { id } }'
  const { auditEventByKey: event } = await runQuery<{ auditEventByKey: { id: string } }>(query, { key })
  const page = await open(`#event=${event.id}`)
  const detail = page.getByRole('complementary', { name: 'Event' })
  await expect(detail.locator('.changes del')).toHaveText('12345678901234567890')
  await expect(detail.locator('.changes ins')).toHaveText('1.0')
  await detail.getByRole('button', { name: 'Copy JSON' }).click()
  await expect(detail.getByText('Copied')).toBeVisible()
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  expect(copied).toContain('12345678901234567890')
  expect(JSON.parse(copied)).toMatchObject({ activity: 'Count exactly' })
  await detail.getByText('Raw event').click()
  await expect(detail.locator('.raw pre')).toContainText('12345678901234567890')
})

test('other events of the same request are listed', async ({ open }) => {
  const event = await findEvent('Add service principal credentials')
  const page = await open(`#event=${event.id}`)
  const others = page.getByRole('region', { name: 'In the same request' }).getByRole('link')
  const name = await others.first().innerText()
  await others.first().click()
  await expect(page.getByRole('complementary').getByRole('heading', { name, level: 2 })).toBeVisible()
})

test('clicking a row opens it and the panel steps through the page', async ({ open }) => {
  const page = await open()
  await rows(page).nth(2).locator('td').last().click()
  await expect(rows(page).nth(2)).toHaveAttribute('aria-current', 'true')
  await page.getByRole('button', { name: 'Newer event' }).click()
  await expect(rows(page).nth(1)).toHaveAttribute('aria-current', 'true')
  await page.getByRole('button', { name: 'Close' }).click()
  await expect(page.getByRole('complementary', { name: 'Event' })).toBeHidden()
})
