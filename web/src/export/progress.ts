// A file as it arrives: how many events are in it, how many bytes, and the checksum of its rows. In NDJSON the last
// line is no event: it says what the file should be, and stays out of the checksum.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import type { Format } from './request'

const [NEWLINE, QUOTE] = [10, 34]

export class ProgressTracker {
  bytes = 0
  #lines = 0
  #isQuoted = false
  #lastLine: Uint8Array = new Uint8Array()
  readonly #hash = sha256.create()

  constructor(private readonly format: Format) {}

  /** The next piece, cut anywhere. */
  push(chunk: Uint8Array): void {
    this.bytes += chunk.length
    if (this.format === 'csv') {
      this.#addRows(chunk)
      return
    }
    const pending = this.#lastLine.length === 0 ? chunk : concatBytes(this.#lastLine, chunk)
    const pendingStart = pending.subarray(0, -1).lastIndexOf(NEWLINE) + 1
    this.#addRows(pending.subarray(0, pendingStart))
    this.#lastLine = pending.slice(pendingStart)
  }

  #addRows(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    for (const byte of bytes) {
      // A cell in quotes may hold line ends; a quote inside of it is doubled, which changes nothing here.
      if (byte === QUOTE && this.format === 'csv') this.#isQuoted = !this.#isQuoted
      else if (byte === NEWLINE && !this.#isQuoted) this.#lines += 1
    }
  }

  /** How many events have come; CSV begins with a line of names. */
  get events(): number {
    return this.format === 'csv' ? Math.max(0, this.#lines - 1) : this.#lines
  }

  /** The checksum of the rows so far. */
  checksum(): string {
    return bytesToHex(this.#hash.clone().digest())
  }

  /** What the last line of NDJSON holds; undefined while it is no JSON. */
  trailer(): unknown {
    try {
      return JSON.parse(new TextDecoder().decode(this.#lastLine))
    } catch {
      return undefined
    }
  }
}
