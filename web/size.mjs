// Fails when what a browser loads before the viewer shows anything has grown beyond its budget.
import { readFileSync } from 'node:fs'

const BUDGET_KB = { script: 200, style: 20 }

const page = readFileSync('dist/index.html', 'utf8')
const sum = (pattern) =>
  [...page.matchAll(pattern)].reduce((bytes, [, file]) => bytes + readFileSync(`dist/${file}.gz`).length, 0)

const sizes = {
  script: sum(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g),
  style: sum(/href="\.\/(assets\/[^"]+\.css)"/g),
}
for (const [what, bytes] of Object.entries(sizes)) {
  const kilobytes = bytes / 1000
  console.log(`initial ${what}: ${kilobytes.toFixed(1)} kB compressed by gzip, of ${BUDGET_KB[what]} kB`)
  if (bytes === 0 || kilobytes > BUDGET_KB[what]) process.exitCode = 1
}
