// The raw event as it is stored, and the unmapped fields of an imported record.
import { toJson } from '../api/exact-json'
import { CopyButton } from '../ui/copy-button'
import type { Event } from './query'

export function RawEvent({ event }: { event: Event }) {
  const unmapped = event.unmapped
  return (
    <>
      {unmapped !== null && unmapped !== undefined && (
        <details className="raw">
          <summary>Beyond the fields</summary>
          <pre tabIndex={0}>{toJson(unmapped, 2)}</pre>
        </details>
      )}
      <details className="raw">
        <summary>Raw event</summary>
        {event.raw === null || event.raw === undefined ? (
          <p className="muted">Withheld as a whole, because parts of it are.</p>
        ) : (
          <>
            <CopyButton label="Copy" icon="copy" text={() => toJson(event.raw, 2)} />
            <pre tabIndex={0}>{toJson(event.raw, 2)}</pre>
          </>
        )}
      </details>
    </>
  )
}
