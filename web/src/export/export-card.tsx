// The progress and result of an export, in a corner of the page, so that the log stays usable meanwhile.
import { CopyButton } from '../ui/copy-button'
import { Icon } from '../ui/icon'
import type { ExportControls, ExportState } from './use-export'
import './export.css'

const UNITS = ['B', 'kB', 'MB', 'GB']

function formatBytes(bytes: number): string {
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1)
  return `${(bytes / 1000 ** step).toLocaleString(undefined, { maximumFractionDigits: step === 0 ? 0 : 1 })} ${UNITS[step]}`
}

const formatCounts = ({ events, bytes }: { events: number; bytes: number }) =>
  `${events.toLocaleString()} ${events === 1 ? 'event' : 'events'}, ${formatBytes(bytes)}`

export function ExportCard({ controls: { state, cancel, dismiss } }: { controls: ExportControls }) {
  const isRunning = state?.status === 'running'
  return (
    <aside className={state ? 'export-card' : 'visually-hidden'} aria-label="Export">
      {/* Screen readers announce the start and the end, not each change of the counts. */}
      <div role="status">{state && <ExportMessage state={state} />}</div>
      {isRunning && (
        <>
          <progress aria-label="Exporting" />
          <p className="export-figures">{formatCounts(state)}</p>
        </>
      )}
      {state?.status === 'complete' && <CopyButton label="Copy the checksum" icon="copy" text={() => state.sha256} />}
      {state && (
        <button type="button" className="button" onClick={isRunning ? cancel : dismiss}>
          {isRunning ? 'Cancel' : 'Close'}
        </button>
      )}
    </aside>
  )
}

function ExportMessage({ state }: { state: ExportState }) {
  switch (state.status) {
    case 'running':
      return <p>Exporting to {state.name}</p>
    case 'cancelled':
      return <p>The export was cancelled. No file was saved.</p>
    case 'failed':
      return (
        <p className="export-failed">
          <b>The export is not whole, so no file was saved.</b> {state.message}
        </p>
      )
    case 'complete':
      return (
        <>
          <p>
            <Icon name="check" /> <b>{state.name}</b> is saved: {formatCounts(state)}.
          </p>
          <p className="muted">
            {state.isVerified
              ? 'It is whole: count and checksum (SHA-256) are those of the server.'
              : 'The transfer ended as it should; the server has no receipt to compare count and checksum with.'}
          </p>
        </>
      )
  }
}
