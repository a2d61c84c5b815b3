// The progress of an export.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { ProgressTracker } from '../src/export/progress'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** Tracks a file that arrives in chunks of `size` bytes. */
function track(format: 'csv' | 'ndjson', file: string, size: number): ProgressTracker {
  const tracker = new ProgressTracker(format)
  const bytes = Buffer.from(file)
  for (let start = 0; start < bytes.length; start += size) tracker.push(bytes.subarray(start, start + size))
  return tracker
}

test('progress is independent of chunk boundaries', () => {
  const csv = 'a,b\r\n1,"x ""y""\r\nz"\r\n2,\r\n'
  const ndjson = '{"a":"\\"\\n"}\n{"a":2}\n{"export":{"count":2}}\n'
  for (let size = 1; size <= ndjson.length; size += 1) {
    const [rows, lines] = [track('csv', csv, size), track('ndjson', ndjson, size)]
    expect([rows.events, rows.bytes, rows.checksum()]).toEqual([2, csv.length, sha256(csv)])
    expect([lines.events, lines.bytes]).toEqual([2, ndjson.length])
    expect(lines.checksum()).toBe(sha256('{"a":"\\"\\n"}\n{"a":2}\n'))
    expect(lines.trailer()).toEqual({ export: { count: 2 } })
  }
})

test('header alone is no event', () => {
  expect(track('csv', 'a,b', 10).events).toBe(0)
  expect(track('csv', 'a,b\r\n', 10).events).toBe(0)
})

test('incomplete trailer is undefined', () => {
  expect(track('ndjson', '{"a":1}\n{"exp', 100).trailer()).toBeUndefined()
})
