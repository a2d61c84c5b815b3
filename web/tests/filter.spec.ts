// The filters: each one shows the events that the API finds for it, and the URL reproduces them.
import type { AuditEventFilter } from '../src/api/gql/graphql'
import { check, countEvents, expect, expectCount, rows, runQuery, test, url } from './fixtures'

interface Actor {
  key: string
  name: string
}

async function findActor(): Promise<Actor> {
  const data = await runQuery<{ auditActors: Actor[] }>('{ auditActors(search: "adele", first: 1) { key name } }')
  const [actor] = data.auditActors
  if (!actor) throw new Error('the demo data has no actor Adele')
  return actor
}

test('actor filter suggests actors while typing', async ({ open }) => {
  const page = await open('#period=all')
  const actor = await findActor()
  await page.getByRole('button', { name: 'Filter by initiated by' }).click()
  await page.getByLabel('Name or principal name').pressSequentially('adel')
  await check(page.getByRole('checkbox', { name: actor.name }).first())
  await page.keyboard.press('Escape')
  await expectCount(page, await countEvents({ actor: { key: { in: [actor.key] } } }, null))
  await expect(rows(page).first()).toContainText(actor.name)
  await expect(page.getByRole('button', { name: `Initiated by: ${actor.name}` })).toBeVisible()
  await page.getByRole('button', { name: 'Clear Initiated by' }).click()
  await expectCount(page, await countEvents({}, null))
})

test('actor filter accepts a part of a name', async ({ open }) => {
  const page = await open()
  await page.getByRole('button', { name: 'Filter by initiated by' }).click()
  await page.getByLabel('Name or principal name').fill('kel')
  await page.keyboard.press('Enter')
  await expectCount(page, await countEvents({ actor: { search: 'kel' } }))
})

test('category, resource type and source narrow the activities', async ({ open }) => {
  const page = await open('#period=all')
  await page.getByRole('button', { name: 'Filter by category' }).click()
  await page.getByLabel('Find in Category').fill('group man')
  await check(page.getByRole('checkbox', { name: 'Group management' }))
  await page.keyboard.press('Escape')
  await expect(page.getByRole('button', { name: 'Filter by source' })).toBeHidden()
  await page.getByRole('button', { name: 'Filter by resource type' }).click()
  await check(page.getByRole('checkbox', { name: 'Group' }))
  await page.keyboard.press('Escape')
  const filter: AuditEventFilter = { category: { in: ['GroupManagement'] }, resourceType: { in: ['GROUP'] } }
  await expectCount(page, await countEvents(filter, null))

  const types = await runQuery<{ auditActivityTypes: { nodes: { key: string; displayName: string }[] } }>(
    '{ auditActivityTypes(first: 1000, categories: ["GroupManagement"], resourceTypes: [GROUP]) { nodes { key displayName } } }',
  )
  await page.getByRole('button', { name: 'Filter by activity' }).click()
  const choices = page.getByRole('dialog', { name: 'Activity' }).getByRole('checkbox')
  await expect(choices).toHaveCount(new Set(types.auditActivityTypes.nodes.map(({ key }) => key)).size)
  await page.getByLabel('Find in Activity').fill('Add member to group')
  await check(page.getByRole('checkbox', { name: /^Add member to group/ }).first())
  await page.keyboard.press('Escape')
  await expectCount(page, await countEvents({ ...filter, activity: { in: ['Add member to group'] } }, null))

  await page.getByRole('button', { name: 'Filter by source' }).click()
  await check(page.getByRole('checkbox', { name: 'Office 365' }))
  await page.keyboard.press('Escape')
  await expectCount(
    page,
    await countEvents({ ...filter, activity: { in: ['Add member to group'] }, groupSource: { eq: 'O365' } }, null),
  )
  // The source stays, and is shown, when the resource type is cleared.
  await page.getByRole('button', { name: 'Clear Resource type' }).click()
  await expect(page.getByRole('button', { name: 'Filter by resource type' })).toBeFocused()
  await expect(page.getByRole('button', { name: 'Source: Office 365' })).toBeVisible()
  await page.getByRole('button', { name: 'Clear Source' }).click()
  await expect(page.getByRole('searchbox', { name: 'Search activities' })).toBeFocused()
  await expect(page.getByRole('button', { name: /^(Source|Filter by source)/ })).toBeHidden()
})

test('changed category and resource type keep the chosen activity', async ({ open }) => {
  const page = await open('#period=all&category=GroupManagement&activity=Add%20member%20to%20group')
  const activity: AuditEventFilter = { activity: { in: ['Add member to group'] } }
  const chip = page.getByRole('button', { name: 'Activity: Add member to group' })
  await page.getByRole('button', { name: /^Category:/ }).click()
  await page.getByRole('checkbox', { name: 'Group management' }).click()
  await expect(page.getByRole('checkbox', { name: 'Group management' })).not.toBeChecked()
  await page.keyboard.press('Escape')
  await expect(chip).toBeVisible()
  await expectCount(page, await countEvents(activity, null))
  await page.getByRole('button', { name: 'Filter by resource type' }).click()
  await check(page.getByRole('checkbox', { name: 'Group' }))
  await page.keyboard.press('Escape')
  await expect(chip).toBeVisible()
  await expectCount(page, await countEvents({ ...activity, resourceType: { in: ['GROUP'] } }, null))
  await page
    .getByRole('navigation', { name: 'Services' })
    .getByRole('button', { name: 'Core Directory', exact: true })
    .click()
  await expect(chip).toBeVisible()
})

test('a choice stays in its place while it is changed', async ({ open }) => {
  const page = await open('#period=all')
  for (const [name, panel] of [
    ['Filter by category', 'Category'],
    ['Filter by activity', 'Activity'],
    ['Filter by service', 'Service'],
  ] as const) {
    await page.getByRole('button', { name }).click()
    const labels = page.getByRole('dialog', { name: panel }).locator('.choice')
    const third = labels.nth(2)
    await expect(third).toBeVisible()
    const [text, box] = [await third.innerText(), await third.boundingBox()]
    await check(third.getByRole('checkbox'))
    await expect(third).toHaveText(text, { useInnerText: true })
    expect(await third.boundingBox()).toEqual(box)
    await third.getByRole('checkbox').click()
    await expect(third.getByRole('checkbox')).not.toBeChecked()
    expect(await third.boundingBox()).toEqual(box)
    await page.keyboard.press('Escape')
  }
  await page.getByRole('button', { name: 'Filter by initiated by' }).click()
  await page.getByLabel('Name or principal name').fill('a')
  const suggestion = page.getByRole('dialog', { name: 'Initiated by' }).locator('.choice').nth(1)
  await expect(suggestion).toBeVisible()
  const box = await suggestion.boundingBox()
  await check(suggestion.getByRole('checkbox'))
  await expect(page.getByRole('button', { name: /^Remove/ })).toBeVisible()
  expect(await suggestion.boundingBox()).toEqual(box)
})

test('status and service filters', async ({ open }) => {
  const page = await open('#period=all')
  await page.getByRole('button', { name: 'Filter by status' }).click()
  await check(page.getByRole('checkbox', { name: 'Failure' }))
  await check(page.getByRole('checkbox', { name: 'Timed out' }))
  await page.keyboard.press('Escape')
  await expectCount(page, await countEvents({ status: { in: ['FAILURE', 'TIMEOUT'] } }, null))
  await page.getByRole('button', { name: 'Filter by service' }).click()
  await page.getByLabel('Find in Service').fill('core')
  await check(page.getByRole('checkbox', { name: 'Core Directory' }))
  await page.keyboard.press('Escape')
  await expectCount(
    page,
    await countEvents({ status: { in: ['FAILURE', 'TIMEOUT'] }, service: { eq: 'Core Directory' } }, null),
  )
})

test('target, changed property, involving and text filters', async ({ open }) => {
  const page = await open('#period=all')
  await page.getByRole('button', { name: 'Filter by target' }).click()
  await page.getByRole('textbox', { name: 'Target', exact: true }).fill('contoso')
  await page.keyboard.press('Enter')
  await expectCount(page, await countEvents({ target: { search: 'contoso' } }, null))
  await page.getByRole('button', { name: 'Clear Target' }).click()

  // The API holds [true] and [false]; users type true and false.
  await page.getByRole('button', { name: 'Filter by changed property' }).click()
  await page.getByRole('textbox', { name: 'Property', exact: true }).fill('IsCompliant')
  await page.getByRole('textbox', { name: 'From' }).fill('true')
  await page.getByRole('textbox', { name: 'To', exact: true }).fill('false')
  await page.keyboard.press('Enter')
  const change = { name: { eq: 'IsCompliant' }, from: [true], to: [false] }
  const expected = await countEvents({ target: { modifiedProperty: change } }, null)
  expect(expected).toBeGreaterThan(0)
  await expectCount(page, expected)
  await page.getByRole('button', { name: 'Clear Changed property' }).click()

  const actor = await findActor()
  await page.getByRole('button', { name: 'Filter by involving' }).click()
  await page.getByRole('textbox', { name: 'Involving', exact: true }).fill('adele.keller@contoso.com')
  await page.keyboard.press('Enter')
  await expectCount(page, await countEvents({ involving: { eq: 'adele.keller@contoso.com' } }, null))
  await page.getByRole('button', { name: 'Clear Involving' }).click()

  await page.getByRole('searchbox', { name: 'Search activities' }).fill(`${actor.name.slice(0, 5)} update`)
  await page.keyboard.press('Enter')
  await expectCount(page, await countEvents({ search: `${actor.name.slice(0, 5)} update` }, null))
})

test('period filter accepts predefined and custom ranges', async ({ open }) => {
  const page = await open()
  for (const [name, window] of [
    ['Last 24 hours', 'LAST_24_HOURS'],
    ['Last 7 days', 'LAST_7_DAYS'],
    ['Last month', 'LAST_30_DAYS'],
  ] as const) {
    await page.getByRole('button', { name: /^Date/ }).click()
    await page.getByRole('button', { name, exact: true }).click()
    await expectCount(page, await countEvents({}, { window }))
  }
  const day = (back: number) => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10)
  await page.getByRole('button', { name: /^Date/ }).click()
  await page.getByLabel('From', { exact: true }).fill(`${day(5)}T00:00:00`)
  await page.getByLabel('To (not included)').fill(`${day(6)}T00:00:00`)
  await expect(page.getByRole('alert')).toContainText('after the start')
  await page.getByLabel('To (not included)').fill(`${day(2)}T12:30:00`)
  await page.getByRole('button', { name: 'Apply' }).click()
  const toUtc = (text: string) => page.evaluate((value) => new Date(value).toISOString(), text)
  const between = { from: await toUtc(`${day(5)}T00:00:00`), to: await toUtc(`${day(2)}T12:30:00`) }
  await expectCount(page, await countEvents({}, { between }))
})

test('service menu filters by service and category', async ({ open }) => {
  const page = await open('#period=all')
  const menu = page.getByRole('navigation', { name: 'Services' })
  await menu.getByRole('button', { name: 'Microsoft Intune', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'Microsoft Intune', level: 1 })).toBeVisible()
  await expectCount(page, await countEvents({ service: { eq: 'Microsoft Intune' } }, null))
  await menu.getByRole('button', { name: 'Compliance', exact: true }).click()
  await expectCount(
    page,
    await countEvents({ service: { eq: 'Microsoft Intune' }, category: { eq: 'Compliance' } }, null),
  )
  await expect(page.getByRole('button', { name: 'Category: Compliance' })).toBeVisible()
  await menu.getByRole('button', { name: 'All services' }).click()
  await expectCount(page, await countEvents({}, null))
})

test('URL reproduces the view and back undoes a filter', async ({ open, page }) => {
  const actor = await findActor()
  const fragment = new URLSearchParams([
    ['period', 'all'],
    ['service', 'Core Directory'],
    ['status', 'SUCCESS'],
    ['actor', actor.key],
    ['actor.name', actor.name],
    ['resource', 'USER'],
    ['resource', 'GROUP'],
  ])
  await open(`#${fragment}`)
  const wider: AuditEventFilter = {
    service: { eq: 'Core Directory' },
    status: { in: ['SUCCESS'] },
    actor: { key: { in: [actor.key] } },
  }
  const filter: AuditEventFilter = { ...wider, resourceType: { in: ['USER', 'GROUP'] } }
  await expectCount(page, await countEvents(filter, null))
  await page.getByRole('button', { name: 'Clear Resource type' }).click()
  await expectCount(page, await countEvents(wider, null))
  await page.goBack()
  await expectCount(page, await countEvents(filter, null))
  await page.getByRole('button', { name: 'Clear all' }).click()
  await expectCount(page, await countEvents({}))
  expect(new URL(page.url()).hash).toBe('')
  await expect(page.getByRole('button', { name: 'Clear all' })).toBeHidden()
})

test('the date says its value, and clearing returns to the default', async ({ open }) => {
  const page = await open('#text=update&involving=adele')
  const date = page.locator('[data-filter="period"]')
  await expect(date).toHaveText('Date: Last month')
  await expect(date).not.toHaveClass(/set/)
  await date.getByRole('button').click()
  await page.getByRole('button', { name: 'All time', exact: true }).click()
  await expect(date).toHaveText('Date: All time')
  await expect(date).toHaveClass(/set/)
  await page.getByRole('button', { name: 'Clear Date' }).click()
  await expect(date).toHaveText('Date: Last month')
  await expect(date.getByRole('button')).toBeFocused()
  await page.getByRole('button', { name: 'Clear all' }).click()
  await expectCount(page, await countEvents({}))
  await expect(page.getByRole('searchbox', { name: 'Search activities' })).toBeFocused()
  // Not every event has a target.
  await page.getByRole('searchbox', { name: 'Search activities' }).fill('update user')
  await page.keyboard.press('Enter')
  await expectCount(page, await countEvents({ search: 'update user' }))
  await rows(page).first().locator('a').click()
  await page
    .getByRole('button', { name: /^All on this target/ })
    .first()
    .click()
  await expect(date).toHaveText('Date: All time')
})

test('empty list names the excluding filter', async ({ open }) => {
  const page = await open('#category=Policy&status=SUCCESS&text=nosuchthinganywhere')
  await expect(page.getByText('One filter excludes everything')).toBeVisible()
  await page.getByRole('button', { name: 'Without text' }).click()
  await expectCount(page, await countEvents({ category: { eq: 'Policy' }, status: { in: ['SUCCESS'] } }))
  await page.goto(`${url()}/#from=2001-01-01T00:00:00.000Z&to=2001-01-02T00:00:00.000Z&status=FAILURE`)
  await page.getByRole('button', { name: 'Look at all time' }).click()
  await expectCount(page, await countEvents({ status: { in: ['FAILURE'] } }, null))
})
