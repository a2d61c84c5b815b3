// The sink of an export in memory.
import { expect, test } from 'vitest'
import { FileTooLarge, memorySink } from '../src/export/file-sink'

test('memory sink rejects data beyond its limit', async () => {
  const sink = memorySink('a.csv', 3)
  await sink.write(new Uint8Array(3))
  await expect(sink.write(new Uint8Array(1))).rejects.toThrow(FileTooLarge)
})
