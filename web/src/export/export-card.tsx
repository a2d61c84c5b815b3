// How the export stands: in a corner, so that one can go on looking at the log meanwhile.
import { CopyButton } from '../ui/copy-button'
import { Icon } from '../ui/icon'
import type { Exporting, Standing } from './use-export'
import './export.css'

const UNITS = ['B', 'kB', 'MB', 'GB']

function size(bytes: number): string {
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1)
  return `${(bytes / 1000 ** step).toLocaleString(undefined, { maximumFractionDigits: step === 0 ? 0 : 1 })} ${UNITS[step]}`
}

const counted = ({ events, bytes }: { events: number; bytes: number }) =>
  `${events.toLocaleString()} ${events === 1 ? 'event' : 'events'}, ${size(bytes)}`

export function ExportCard({ exporting: { standing, cancel, dismiss } }: { exporting: Exporting }) {
  const isRunning = standing?.is === 'running'
  return (
    <aside className={standing ? 'export-card' : 'visually-hidden'} aria-label="Export">
      {/* Figures move too fast to be read out; beginning and end are. */}
      <div role="status">{standing && <Told standing={standing} />}</div>
      {isRunning && (
        <>
          <progress aria-label="Exporting" />
          <p className="export-figures">{counted(standing)}</p>
        </>
      )}
      {standing?.is === 'whole' && <CopyButton label="Copy the checksum" icon="copy" text={() => standing.sha256} />}
      {standing && (
        <button type="button" className="button" onClick={isRunning ? cancel : dismiss}>
          {isRunning ? 'Cancel' : 'Close'}
        </button>
      )}
    </aside>
  )
}

function Told({ standing }: { standing: Standing }) {
  switch (standing.is) {
    case 'running':
      return <p>Exporting to {standing.name}</p>
    case 'cancelled':
      return <p>The export was cancelled. No file was saved.</p>
    case 'failed':
      return (
        <p className="export-failed">
          <b>The export is not whole, so no file was saved.</b> {standing.reason}
        </p>
      )
    case 'whole':
      return (
        <>
          <p>
            <Icon name="check" /> <b>{standing.name}</b> is saved: {counted(standing)}.
          </p>
          <p className="muted">
            {standing.isCompared
              ? 'It is whole: count and checksum (SHA-256) are those of the server.'
              : 'The transfer ended as it should; the server has no receipt to compare count and checksum with.'}
          </p>
        </>
      )
  }
}
