// Fails if the files that the browser loads for the first view exceed their size budget.
import { readFileSync } from 'node:fs'

const BUDGET_KB = { script: 200, style: 20 }

const page = readFileSync('dist/index.html', 'utf8')
const sum = (pattern) =>
  [...page.matchAll(pattern)].reduce((bytes, [, file]) => bytes + readFileSync(`dist/${file}.gz`).length, 0)

const sizes = {
  script: sum(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g),
  style: sum(/href="\.\/(assets\/[^"]+\.css)"/g),
}
for (const [kind, bytes] of Object.entries(sizes)) {
  const kilobytes = bytes / 1000
  console.log(`initial ${kind}: ${kilobytes.toFixed(1)} kB compressed by gzip, of ${BUDGET_KB[kind]} kB`)
  if (bytes === 0 || kilobytes > BUDGET_KB[kind]) process.exitCode = 1
}
