// Export: content of the file, verification against the server's status, and no file after an incomplete export.
import { readFileSync } from 'node:fs'
import type { Download, Page } from '@playwright/test'
import { createHash } from 'node:crypto'
import type { AuditEventFilter } from '../src/api/gql/graphql'
import { countEvents, expect, recordEvent, rows, runQuery, test } from './fixtures'

const FAILURES: AuditEventFilter = { status: { in: ['FAILURE'] } }
const exportCard = (page: Page) => page.getByRole('complementary', { name: 'Export' })

/** Opens a view in a browser without the File System Access API. */
async function openWithDownloads(
  open: (fragment: string) => Promise<Page>,
  page: Page,
  fragment: string,
): Promise<Page> {
  await page.addInitScript('delete window.showSaveFilePicker')
  return open(fragment)
}

async function downloadExport(page: Page, choices: string[] = []): Promise<Download> {
  await page.getByRole('button', { name: 'Export' }).click()
  const menu = page.getByRole('dialog', { name: 'Export' })
  for (const choice of choices) await menu.getByRole('radio', { name: choice }).check()
  const download = page.waitForEvent('download')
  await menu.getByRole('button', { name: 'Export' }).click()
  return download
}

const readDownload = async (download: Download) => readFileSync(await download.path(), 'utf8')

test('CSV export has the filter, columns and snapshot of the view', async ({ open, page }) => {
  await openWithDownloads(open, page, '#status=FAILURE')
  await expect(rows(page).first()).toBeVisible()
  const expected = await countEvents(FAILURES)
  const now = new Date().toISOString()
  const actor = '"actor": { "user": { "userPrincipalName": "late@contoso.example" } }'
  await recordEvent(
    `{ "eventKey": "late-${now}", "occurredAt": "${now}", "service": "Late", "category": "Late", "activity": "Too late", "status": "FAILURE", ${actor} }`,
  )
  const download = await downloadExport(page)
  expect(download.suggestedFilename()).toMatch(/^audit-events-\d{8}T\d{6}Z\.csv$/)
  const lines = (await readDownload(download)).trimEnd().split('\r\n')
  expect(lines[0]).toBe(
    'occurredAt,actor.name,actor.userPrincipalName,activityDisplayName,targets.displayName,targets.userPrincipalName,targets.objectId,targets.type',
  )
  expect(lines).toHaveLength(expected + 1)
  expect(lines.join()).not.toContain('Too late')
  await expect(exportCard(page)).toContainText(`is saved: ${expected} events`)
  await expect(exportCard(page)).toContainText('It is whole')
  await exportCard(page).getByRole('button', { name: 'Close' }).click()
  await expect(exportCard(page)).toHaveText('')
})

test('NDJSON export has all fields and the checksum of its last line', async ({ open, page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await openWithDownloads(open, page, '#period=all')
  await expect(rows(page).first()).toBeVisible()
  const lines = (await readDownload(await downloadExport(page, ['NDJSON', 'Everything']))).trimEnd().split('\n')
  const { export: trailer } = JSON.parse(lines.pop() ?? '') as {
    export: { state: string; count: number; asOf: number; sha256: string }
  }
  expect([trailer.state, trailer.count]).toEqual(['COMPLETE', lines.length])
  const query =
    'query ($asOf: Sequence) { auditEvents(first: 1, occurredAt: { window: ALL }, asOf: $asOf) { nodes { id } } }'
  const [first] = (await runQuery<{ auditEvents: { nodes: { id: string }[] } }>(query, { asOf: trailer.asOf }))
    .auditEvents.nodes
  expect(JSON.parse(lines[0] ?? '')).toMatchObject(first ?? {})
  await expect(exportCard(page)).toContainText('It is whole')
  await exportCard(page).getByRole('button', { name: 'Copy the checksum' }).click()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(trailer.sha256)
})

test('export has a field for every column of the list', async ({ open, page }) => {
  await openWithDownloads(open, page, '#period=all&activity=Create%20MobileAppAssignment')
  await page.getByRole('button', { name: 'Columns' }).click()
  const others = page.getByRole('list', { name: 'Other columns' }).getByRole('checkbox')
  await expect(others.first()).toBeVisible()
  while ((await others.count()) > 0) await others.first().click()
  await page.keyboard.press('Escape')
  const [row] = (await readDownload(await downloadExport(page, ['NDJSON']))).split('\n')
  const found = JSON.parse(row ?? '') as Record<string, unknown>
  expect(Object.keys(found)).toHaveLength(24)
  expect(found).toMatchObject({
    'recording.recordedBy': 'demo',
    resourceType: 'APPLICATION',
    operationType: 'ASSIGN',
  })
  expect(JSON.stringify(found['targets.modifiedProperties'])).toContain('Intent')
})

test('export withholds values from an auditor', async ({ open, page }) => {
  const auditor = (fragment: string) => open(fragment, 'AUDIT_READER')
  await openWithDownloads(auditor, page, '#period=all&activity=Add%20service%20principal%20credentials')
  await expect(rows(page).first()).toBeVisible()
  await page.getByRole('button', { name: 'Export' }).click()
  await expect(page.getByText('What is withheld from you is withheld in the file.')).toBeVisible()
  await page.keyboard.press('Escape')
  const [row] = (await readDownload(await downloadExport(page, ['NDJSON', 'Everything']))).split('\n')
  const { isRedacted, targets } = JSON.parse(row ?? '') as { isRedacted: boolean; targets: object[] }
  expect(isRedacted).toBe(true)
  expect(JSON.stringify(targets)).toContain('"newValue":null,"oldValue":null,"redaction":"SENSITIVE"')
})

test('export writes the chosen file and removes it on cancel', async ({ open, page }) => {
  // The browser's private file system replaces the dialog, which a test cannot operate.
  await page.addInitScript(() => {
    const picker = async ({ suggestedName }: { suggestedName: string }) => {
      const folder = await navigator.storage.getDirectory()
      const handle = await folder.getFileHandle(suggestedName.replace(/.*\./, 'chosen.'), { create: true })
      const createWritable = async () => {
        const file = await handle.createWritable()
        const write = async (chunk: FileSystemWriteChunkType) => {
          await released
          await file.write(chunk)
        }
        return { write, close: () => file.close(), abort: () => file.abort() }
      }
      return {
        name: handle.name,
        createWritable,
        getFile: () => handle.getFile(),
        remove: () => folder.removeEntry(handle.name),
      }
    }
    // The first write waits, so that the export cannot end before it is cancelled.
    let releaseWrites = () => {}
    const released = new Promise<void>((resolve) => (releaseWrites = resolve))
    Object.assign(window, { showSaveFilePicker: picker, releaseWrites })
  })
  await open('#period=all')
  await expect(rows(page).first()).toBeVisible()
  const start = async (choices: string[]) => {
    await page.getByRole('button', { name: 'Export' }).click()
    const menu = page.getByRole('dialog', { name: 'Export' })
    for (const choice of choices) await menu.getByRole('radio', { name: choice }).check()
    await menu.getByRole('button', { name: 'Export' }).click()
  }
  const files = () =>
    page.evaluate(async () => {
      const found: [string, string][] = []
      for await (const [name, handle] of (await navigator.storage.getDirectory()) as unknown as AsyncIterable<
        [string, FileSystemFileHandle]
      >)
        found.push([name, await (await handle.getFile()).text()])
      return found
    })
  await start(['NDJSON', 'Everything'])
  await expect(exportCard(page)).toContainText(/Exporting to chosen\.ndjson/)
  await expect(page.getByRole('progressbar')).toBeVisible()
  await exportCard(page).getByRole('button', { name: 'Cancel' }).click()
  await page.evaluate(() => (window as unknown as { releaseWrites: () => void }).releaseWrites())
  await expect(exportCard(page)).toContainText('was cancelled. No file was saved.')
  expect(await files()).toEqual([])
  await start(['CSV', 'Those of the list'])
  await expect(exportCard(page)).toContainText('chosen.csv is saved')
  const [file] = await files()
  expect(file?.[0]).toBe('chosen.csv')
  expect(file?.[1].trimEnd().split('\r\n')).toHaveLength((await countEvents({}, null)) + 1)
})

test('incomplete export is reported and not saved', async ({ open, page, allowedErrors }) => {
  await openWithDownloads(open, page, '')
  await expect(rows(page).first()).toBeVisible()
  let downloads = 0
  page.on('download', () => (downloads += 1))
  const end = (members: object) =>
    `{"export":${JSON.stringify({ error: null, state: 'COMPLETE', count: 1, sha256: 'x', ...members })}}\n`
  const body = '{"id":"one"}\n'
  const sha256 = createHash('sha256').update(body).digest('hex')
  for (const [file, sentence] of [
    [body, 'no last line'],
    [body + end({}), 'What arrived is not what the server sent: 1 of 1 events'],
    [body + end({ sha256, count: 2 }), '1 of 2 events'],
    [
      body + end({ sha256, state: 'FAILED', error: { code: 'TIMEOUT', message: 'too slow' } }),
      'could not go on: too slow.',
    ],
  ] as const) {
    await page.route('**/v1/events/export', (route) => route.fulfill({ body: file }))
    await page.getByRole('button', { name: 'Export' }).click()
    const menu = page.getByRole('dialog', { name: 'Export' })
    await menu.getByRole('radio', { name: 'NDJSON' }).check()
    await menu.getByRole('button', { name: 'Export' }).click()
    await expect(exportCard(page)).toContainText('not whole, so no file was saved')
    await expect(exportCard(page)).toContainText(sentence)
    await page.unroute('**/v1/events/export')
  }
  allowedErrors.push('ERR_FAILED')
  await page.route('**/v1/events/export', (route) => route.abort())
  await page.getByRole('button', { name: 'Export' }).click()
  await page.getByRole('dialog', { name: 'Export' }).getByRole('button', { name: 'Export' }).click()
  await expect(exportCard(page)).toContainText('The server cannot be reached.')
  expect(downloads).toBe(0)
})
