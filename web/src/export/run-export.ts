// An export: asked for, streamed into a file, and compared with what the server says that it sent. Only what is whole
// is kept, so nobody takes a part of the log for all of it.
import { Arriving } from './progress'
import type { Question } from './request'
import { MEMORY_BYTES_MAX, type Sink, TooLarge } from './file-sink'

export interface Progress {
  events: number
  bytes: number
}

/** A file that is whole. */
export interface Whole extends Progress {
  /** The checksum of its rows, as the server's receipt has it too. */
  sha256: string
  /** Whether the receipt could be read; if not, only the transfer itself says that nothing is missing. */
  isCompared: boolean
}

/** Why there is no file, for people. */
export class Incomplete extends Error {
  constructor(
    sentence: string,
    readonly code?: string,
  ) {
    super(sentence)
  }
}

/** What the server says that it sent. */
interface Receipt {
  state: string
  count: number
  sha256: string
  error: { code: string; message: string } | null
}

const address = new URL('v1/events/export', document.baseURI).href

/** Exports into a file that stays only if it is whole. */
export async function run(
  question: Question,
  token: string,
  sink: Sink,
  signal: AbortSignal,
  tell: (progress: Progress) => void,
): Promise<Whole> {
  try {
    const whole = await received(question, token, sink, signal, tell)
    await sink.finish()
    return whole
  } catch (error) {
    await sink.discard()
    throw error
  }
}

async function received(
  question: Question,
  token: string,
  sink: Sink,
  signal: AbortSignal,
  tell: (progress: Progress) => void,
): Promise<Whole> {
  const ask = (path: string, init: RequestInit) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    return fetch(path, { headers, credentials: 'omit', cache: 'no-store', signal, ...init })
  }
  const answer = await ask(address, { method: 'POST', body: JSON.stringify(question) }).catch(unlessCancelled(signal))
  if (!answer.ok || !answer.body) throw await refusal(answer)
  const arriving = new Arriving(question.format)
  const reader = answer.body.getReader()
  for (;;) {
    const { done, value } = await reader.read().catch(unlessCancelled(signal))
    if (done) break
    arriving.take(value)
    await sink.write(value).catch(notWritten)
    tell({ events: arriving.events, bytes: arriving.bytes })
  }
  const id = answer.headers.get('x-auditgraph-export-id') ?? ''
  const receipt =
    question.format === 'ndjson'
      ? receiptIn(arriving.last())
      : await ask(`${address}/${id}`, {}).then(
          (found) => (found.ok ? (found.json() as Promise<Receipt>) : undefined),
          () => undefined,
        )
  signal.throwIfAborted()
  const { events, bytes } = arriving
  const sha256 = arriving.checksum()
  if (receipt) compare(receipt, events, sha256)
  else if (question.format === 'ndjson') throw new Incomplete('The file has no last line that says that it is whole.')
  return { events, bytes, sha256, isCompared: receipt !== undefined }
}

function receiptIn(last: unknown): Receipt | undefined {
  return typeof last === 'object' && last !== null && 'export' in last ? (last.export as Receipt) : undefined
}

function compare(receipt: Receipt, events: number, sha256: string): void {
  if (receipt.error) throw new Incomplete(`The server could not go on: ${receipt.error.message}.`, receipt.error.code)
  if (receipt.state !== 'COMPLETE' || receipt.count !== events || receipt.sha256 !== sha256)
    throw new Incomplete(`What arrived is not what the server sent: ${events} of ${receipt.count} events.`)
}

/** Why the server does not begin. */
async function refusal(answer: Response): Promise<Incomplete> {
  try {
    const { errors } = (await answer.json()) as { errors: [{ message: string; extensions: { code: string } }] }
    return new Incomplete(`The server refused: ${errors[0].message}.`, errors[0].extensions.code)
  } catch {
    return new Incomplete(`The server refused with status ${answer.status}.`)
  }
}

function unlessCancelled(signal: AbortSignal): () => never {
  return () => {
    signal.throwIfAborted()
    throw new Incomplete('The connection to the server broke off.')
  }
}

function notWritten(error: unknown): never {
  if (error instanceof TooLarge)
    throw new Incomplete(
      `It is larger than the ${MEMORY_BYTES_MAX / 2 ** 20} MB that this browser can hold. A shorter period or one more filter helps; so does a browser that saves while it loads, such as Chrome or Edge.`,
    )
  throw new Incomplete(`The file cannot be written: ${error instanceof Error ? error.message : String(error)}`)
}
