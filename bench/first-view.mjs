// Measures the time until the viewer shows its list, in a browser with an empty cache.
//
//   TOKEN=eyJ... node bench/first-view.mjs [URL] [TIMES]      after `npm ci` in web; CHROMIUM names the browser
//
// From the start of the navigation to the frame after the first row: page, script, the signed-in user, and the first events.
import { createRequire } from 'node:module'

const { chromium } = createRequire(new URL('../web/package.json', import.meta.url))('@playwright/test')
const [url = 'http://127.0.0.1:8080', times = '15'] = process.argv.slice(2)
const token = process.env.TOKEN
if (!token) throw new Error('TOKEN is not set')

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' })
const found = []
for (let time = 0; time < Number(times); time += 1) {
  // A new context has an empty cache.
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  await page.addInitScript((kept) => {
    sessionStorage.setItem('auditgraph.token', kept)
    new MutationObserver((_changes, observer) => {
      if (!document.querySelector('tr.event')) return
      observer.disconnect()
      requestAnimationFrame(() => setTimeout(() => (window.shownAt = performance.now())))
    }).observe(document, { childList: true, subtree: true })
  }, token)
  await page.goto(url)
  await page.waitForFunction(() => window.shownAt !== undefined)
  found.push(await page.evaluate(() => window.shownAt))
  await context.close()
}
await browser.close()
found.sort((a, b) => a - b)
const at = (part) => Math.round(found[Math.floor((found.length - 1) * part)])
console.log(`first view: median ${at(0.5)} ms, worst ${at(1)} ms of ${found.length}`)
