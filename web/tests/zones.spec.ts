// Times in several local zones, each shown as local time and as UTC: date filter, labels and selection of the chart.
import { type Page } from '@playwright/test'
import { expect, test } from './fixtures'

const DAY = 86_400_000

/** Formats a time as the page does. */
const format = (time: Date, zone: string, parts: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', ...parts }).format(time)

const DATE = { day: 'numeric', month: 'short' } as const

/** The bars that have a label below them: the title of the bar, and the label. */
async function labelledBars(page: Page): Promise<{ title: string; label: string }[]> {
  await expect(page.locator('.histogram text.time').first()).toBeVisible()
  const found = await page.locator('.histogram svg').evaluate((chart) => {
    const areas = [...chart.querySelectorAll('.bar')].map((bar) => ({
      title: bar.querySelector('title')?.textContent ?? '',
      box: bar.querySelector('.hit-area')?.getBoundingClientRect(),
    }))
    return [...chart.querySelectorAll('text.time')].map((text) => {
      const box = text.getBoundingClientRect()
      const middle = (box.left + box.right) / 2
      const bar = areas.find((area) => area.box && area.box.left <= middle && middle < area.box.right)
      return { title: bar?.title ?? '', label: text.textContent }
    })
  })
  expect(found.length).toBeGreaterThan(2)
  return found
}

for (const timezoneId of ['UTC', 'Europe/Berlin', 'Asia/Kolkata']) {
  test.describe(timezoneId, () => {
    test.use({ timezoneId })

    for (const zone of new Set([timezoneId, 'UTC'])) {
      const preferences = zone === timezoneId ? 'local' : 'UTC'
      const title = (text: string) => `${text}, shown as ${preferences}`

      test(title('date filter is in the shown zone'), async ({ open, page }) => {
        await setZone(page, preferences)
        const [from, to] = [new Date('2026-06-30T22:30:00Z'), new Date('2026-07-02T01:00:00Z')]
        await open(`#from=${from.toISOString()}&to=${to.toISOString()}`)
        const parts = { dateStyle: 'medium', timeStyle: 'short' } as const
        const chip = page.locator('[data-filter="period"] .chip-value')
        await expect(chip).toHaveText(`${format(from, zone, parts)} – ${format(to, zone, parts)}`)
        await page.getByRole('button', { name: /^Date/ }).click()
        const wallClock = format(from, zone, { hour: '2-digit', minute: '2-digit' })
        await expect(page.getByLabel('From', { exact: true })).toHaveValue(new RegExp(`T${wallClock}`))
      })

      test(title('labels of days belong to their bars'), async ({ open, page }) => {
        await setZone(page, preferences)
        await open('#page=overview')
        const year = format(new Date(), zone, { year: 'numeric' })
        for (const bar of await labelledBars(page)) expect(bar.title).toContain(`${bar.label.replace(` ${year}`, '')} `)
        // Two bars: the caption names both days, and the filter ends with the second one.
        await page.getByRole('slider').focus()
        for (const key of ['ArrowLeft', 'ArrowLeft', 'Shift+ArrowLeft']) await page.keyboard.press(key)
        // Browsers and Node.js use different spaces.
        const caption = (await page.locator('.histogram figcaption').innerText()).replace(/\s/g, ' ')
        await page.keyboard.press('Enter')
        await expect(page).toHaveURL(/from=.*to=/)
        const range = new URLSearchParams(new URL(page.url()).hash.slice(1))
        const start = new Date(range.get('from') ?? '')
        const last = new Date(Date.parse(range.get('to') ?? '') - 1)
        expect(last.getTime() - start.getTime()).toBeGreaterThan(DAY)
        const parts = { weekday: 'short', ...DATE, year: 'numeric' } as const
        const expected = new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...parts })
          .formatRange(start, last)
          .replace(/\s/g, ' ')
        expect(caption).toContain(`${expected}:`)
        expect(format(last, zone, { hour: '2-digit', minute: '2-digit' })).toBe('23:59')
      })

      test(title('labels of hours belong to their bars'), async ({ open, page }) => {
        await setZone(page, preferences)
        await open('#page=overview&period=24h')
        for (const { title: text, label } of await labelledBars(page)) {
          const isTime = label.includes(':')
          expect(text).toContain(isTime ? `${label}–${label.slice(0, 2)}:59` : `${label} `)
        }
      })
    }

    test('time of a page that is out of date is local', async ({ open, page, allowedErrors }) => {
      allowedErrors.push('ERR_FAILED')
      await open()
      await expect(page.locator('tr.event').first()).toBeVisible()
      await page.route('**/graphql', (route) => route.abort())
      await page.getByRole('button', { name: 'Read again' }).click()
      const time = page.getByRole('alert').locator('time')
      const readAt = new Date((await time.getAttribute('datetime')) ?? '')
      expect(Math.abs(readAt.getTime() - Date.now())).toBeLessThan(DAY / 24)
      const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const
      await expect(time).toContainText(format(readAt, timezoneId, clock))
    })

    test('labels name the year where it differs', async ({ open, page }) => {
      await open('#page=overview&from=2025-12-20T00:00:00.000Z&to=2026-01-12T00:00:00.000Z')
      const labels = (await labelledBars(page)).map(({ label }) => label)
      const currentYear = new Date().getFullYear()
      const years = labels.map((label) => /\d{4}$/.exec(label)?.[0])
      expect(years[0]).toBe(currentYear === 2025 ? undefined : '2025')
      expect(labels.find((label) => label.includes('Jan'))).toMatch(/2026$/)
      expect(years.filter((year) => year !== undefined)).toHaveLength(currentYear === 2025 ? 1 : 2)
    })
  })
}

async function setZone(page: Page, zone: string): Promise<void> {
  await page.addInitScript(
    (preferences) => localStorage.setItem('auditgraph.preferences', preferences),
    JSON.stringify({ zone }),
  )
}
