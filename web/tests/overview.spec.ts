// The overview: its counts are those of the API, and each item leads to the events that it counts.
import { countEvents, expect, expectAccessible, expectCount, recordEvent, rows, runQuery, test } from './fixtures'

interface Facet {
  buckets: { value: string; displayName: string; count: number }[]
}

const query = `query { auditEventSummary(occurredAt: { window: ALL }) { totalCount
  activities: facet(field: ACTIVITY, top: 8) { buckets { value displayName count } }
  actors: facet(field: ACTOR, top: 8) { buckets { value displayName count } }
  targets: facet(field: TARGET, top: 8) { buckets { value displayName count } } } }`

test('top activities, actors and targets lead to their events', async ({ open }) => {
  const { auditEventSummary: all } = await runQuery<{
    auditEventSummary: Record<'activities' | 'actors' | 'targets', Facet>
  }>(query)
  const page = await open('#page=overview&period=all')
  for (const [title, facet] of [
    ['Activities', all.activities],
    ['Initiated by', all.actors],
    ['Targets', all.targets],
  ] as const) {
    const list = page.getByRole('region', { name: title })
    await expect(list.getByRole('listitem')).toHaveCount(8)
    const [first] = facet.buckets
    const top = list.getByRole('button').first()
    await expect(top).toContainText(first?.displayName ?? '')
    const shownCount = Number((await top.locator('.top-count').innerText()).replaceAll(',', ''))
    await top.click()
    await expectCount(page, shownCount)
    await page.goBack()
  }
})

test('failures lead to failed events', async ({ open }) => {
  const page = await open('#page=overview&period=all')
  await page.getByRole('button', { name: /failed$/ }).click()
  await expectCount(page, await countEvents({ status: { in: ['FAILURE', 'TIMEOUT'] } }, null))
  await page.goBack()
  const top = page.getByRole('region', { name: 'Failures' }).getByRole('button').first()
  const shownCount = Number((await top.locator('.top-count').innerText()).replaceAll(',', ''))
  await top.click()
  await expectCount(page, shownCount)
})

test('histogram zooms by drag and by keyboard', async ({ open }) => {
  const page = await open('#page=overview')
  const chart = page.getByRole('slider', { name: 'Events over time' })
  await expect(chart).toBeVisible()
  const box = await chart.boundingBox()
  if (!box) throw new Error('the chart is not visible')
  await page.mouse.move(box.x + box.width * 0.5, box.y + 60)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.75, box.y + 60, { steps: 5 })
  const caption = page.locator('.histogram figcaption')
  await expect(caption).toContainText('events')
  await page.mouse.up()
  await expect(page).toHaveURL(/from=.*to=/)
  const range = new URLSearchParams(new URL(page.url()).hash.slice(1))
  const expected = await countEvents({}, { between: { from: range.get('from'), to: range.get('to') } })
  await expect(page.locator('.overview-total b')).toHaveText(expected.toLocaleString('en-GB'))
  await page.goBack()
  await chart.focus()
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('Shift+ArrowLeft')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/from=.*to=/)
  await page.getByRole('button', { name: 'Events', exact: true }).click()
  await expect(rows(page).first()).toBeVisible()
})

test('permanent link excludes events recorded later', async ({ open, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const page = await open('#period=all&text=evidence')
  const recordEvidence = (number: number) =>
    recordEvent(
      JSON.stringify({
        eventKey: `evidence-${number}-${Date.now()}`,
        occurredAt: new Date().toISOString(),
        service: 'Contoso Viewer Tests',
        category: 'Evidence',
        activity: `Give evidence ${number}`,
        status: 'SUCCESS',
        actor: { user: { userPrincipalName: 'tester@contoso.example' } },
      }),
    )
  await recordEvidence(1)
  await page.getByRole('button', { name: 'Read again' }).click()
  await expectCount(page, 1)
  await page.getByRole('button', { name: 'Link to what is shown' }).click()
  const link = await page.evaluate(() => navigator.clipboard.readText())
  await recordEvidence(2)
  await page.getByRole('button', { name: 'Read again' }).click()
  await expectCount(page, 2)
  await page.goto(link)
  await expectCount(page, 1)
  await page.getByRole('button', { name: 'Clear As of event' }).click()
  await expectCount(page, 2)
})

test('permanent link is disabled while the page loads', async ({ open }) => {
  const page = await open('#period=all')
  const link = page.getByRole('button', { name: 'Link to what is shown' })
  await expect(link).toBeEnabled()
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  await page.route('**/graphql', async (route) => {
    if (route.request().postData()?.includes('query Events') === true) await released
    await route.continue()
  })
  await page.getByRole('button', { name: 'Read again' }).click()
  await expect(link).toBeDisabled()
  release()
  await expect(link).toBeEnabled()
})

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme })
    test('overview is accessible', async ({ open }) => {
      const page = await open('#page=overview')
      await expect(page.getByRole('region', { name: 'Targets' }).getByRole('listitem').first()).toBeVisible()
      await expectAccessible(page)
    })
  })
}
