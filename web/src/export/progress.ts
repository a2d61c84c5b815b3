// Tracks a download: number of events and bytes, and the checksum of the rows. The last line of NDJSON is not an event
// but the export's status, which is not part of the checksum.
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

  /** Adds the next chunk, which may end anywhere. */
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
      // A quoted CSV cell may contain line breaks. A quote inside it is doubled, which toggles the flag twice.
      if (byte === QUOTE && this.format === 'csv') this.#isQuoted = !this.#isQuoted
      else if (byte === NEWLINE && !this.#isQuoted) this.#lines += 1
    }
  }

  /** The number of events so far; the first line of CSV is the header. */
  get events(): number {
    return this.format === 'csv' ? Math.max(0, this.#lines - 1) : this.#lines
  }

  /** The SHA-256 checksum of the rows so far, in hex. */
  checksum(): string {
    return bytesToHex(this.#hash.clone().digest())
  }

  /** The parsed last line of NDJSON, or `undefined` if it is not JSON. */
  trailer(): unknown {
    try {
      return JSON.parse(new TextDecoder().decode(this.#lastLine))
    } catch {
      return undefined
    }
  }
}
