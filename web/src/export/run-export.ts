// Runs an export: requests it, streams it into a file, and verifies count and checksum against the server's status. An
// incomplete file is never kept, so that it cannot be mistaken for the whole log.
import { ProgressTracker } from './progress'
import type { ExportRequest } from './request'
import { type FileSink, FileTooLarge, MEMORY_BYTES_MAX } from './file-sink'

export interface ExportProgress {
  events: number
  bytes: number
}

/** The result of a complete export. */
export interface CompletedExport extends ExportProgress {
  /** The SHA-256 checksum of the rows, in hex; equal to that of the server's status. */
  sha256: string
  /** Whether the server's status confirmed it; if not, only the end of the transfer shows that it is complete. */
  isVerified: boolean
}

/** The reason why an export failed, as a sentence for users. */
export class ExportError extends Error {
  constructor(
    message: string,
    readonly code?: string,
  ) {
    super(message)
  }
}

/** The status of an export as the server reports it. */
interface ExportStatus {
  state: string
  count: number
  sha256: string
  error: { code: string; message: string } | null
}

const endpoint = new URL('v1/events/export', document.baseURI).href

/** Exports into `sink`. Discards the sink and throws an `ExportError` if the export does not complete. */
export async function runExport(
  request: ExportRequest,
  token: string,
  sink: FileSink,
  signal: AbortSignal,
  onProgress: (progress: ExportProgress) => void,
): Promise<CompletedExport> {
  try {
    const completed = await download(request, token, sink, signal, onProgress)
    await sink.finish()
    return completed
  } catch (error) {
    await sink.discard()
    throw error
  }
}

async function download(
  request: ExportRequest,
  token: string,
  sink: FileSink,
  signal: AbortSignal,
  onProgress: (progress: ExportProgress) => void,
): Promise<CompletedExport> {
  const send = (path: string, init: RequestInit) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    return fetch(path, { headers, credentials: 'omit', cache: 'no-store', signal, ...init })
  }
  const response = await send(endpoint, { method: 'POST', body: JSON.stringify(request) }).catch(
    throwConnectionError(signal, 'The server cannot be reached.'),
  )
  if (!response.ok || !response.body) throw await responseError(response)
  const tracker = new ProgressTracker(request.format)
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read().catch(throwConnectionError(signal))
    if (done) break
    tracker.push(value)
    await sink.write(value).catch(throwWriteError)
    onProgress({ events: tracker.events, bytes: tracker.bytes })
  }
  const id = response.headers.get('x-auditgraph-export-id') ?? ''
  const status =
    request.format === 'ndjson'
      ? trailerStatus(tracker.trailer())
      : await send(`${endpoint}/${id}`, {}).then(
          (result) => (result.ok ? (result.json() as Promise<ExportStatus>) : undefined),
          () => undefined,
        )
  signal.throwIfAborted()
  const { events, bytes } = tracker
  const sha256 = tracker.checksum()
  if (status) verify(status, events, sha256)
  else if (request.format === 'ndjson') throw new ExportError('The file has no last line that says that it is whole.')
  return { events, bytes, sha256, isVerified: status !== undefined }
}

function trailerStatus(trailer: unknown): ExportStatus | undefined {
  return typeof trailer === 'object' && trailer !== null && 'export' in trailer
    ? (trailer.export as ExportStatus)
    : undefined
}

function verify(status: ExportStatus, events: number, sha256: string): void {
  if (status.error) throw new ExportError(`The server could not go on: ${status.error.message}.`, status.error.code)
  if (status.state !== 'COMPLETE' || status.count !== events || status.sha256 !== sha256)
    throw new ExportError(`What arrived is not what the server sent: ${events} of ${status.count} events.`)
}

/** Converts an error response to an `ExportError`. */
async function responseError(response: Response): Promise<ExportError> {
  try {
    const { errors } = (await response.json()) as { errors: [{ message: string; extensions: { code: string } }] }
    return new ExportError(`The server refused: ${errors[0].message}.`, errors[0].extensions.code)
  } catch {
    return new ExportError(`The server refused with status ${response.status}.`)
  }
}

function throwConnectionError(signal: AbortSignal, message = 'The connection to the server broke off.'): () => never {
  return () => {
    signal.throwIfAborted()
    throw new ExportError(message)
  }
}

function throwWriteError(error: unknown): never {
  if (error instanceof FileTooLarge)
    throw new ExportError(
      `It is larger than the ${MEMORY_BYTES_MAX / 2 ** 20} MB that this browser can hold. A shorter period or one more filter helps; so does a browser that saves while it loads, such as Chrome or Edge.`,
    )
  throw new ExportError(`The file cannot be written: ${error instanceof Error ? error.message : String(error)}`)
}
