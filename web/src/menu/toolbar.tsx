// The toolbar of the list: list or overview, live events, times, columns, permanent link, export, refresh.
import { ExportMenu } from '../export/export-menu'
import type { ExportControls } from '../export/use-export'
import { ColumnMenu } from '../list/column-menu'
import { pinView, type Snapshot } from '../list/query'
import type { ConnectionState } from '../live/follow'
import { LiveSwitch } from '../live/live-switch'
import { canBeLive } from '../live/use-live'
import { CopyButton } from '../ui/copy-button'
import { Icon } from '../ui/icon'
import { toFragment } from '../view/url-fragment'
import { useView } from '../view/use-view'
import type { View } from '../view/view'
import { TimeMenu } from './time-menu'

interface Props {
  isLive: boolean
  connection: ConnectionState | undefined
  /** The snapshot that the page shows; `undefined` while the page loads. */
  snapshot: Snapshot | undefined
  exportControls: ExportControls
  onLive: (on: boolean) => void
  onRefresh: () => void
}

export function Toolbar({ isLive, connection, snapshot, exportControls, onLive, onRefresh }: Props) {
  const { view, setView } = useView()
  const isList = view.page === 'events'
  const pinned = snapshot && isList ? pinView(view, snapshot) : view
  const tab = (page: View['page'], name: string) => (
    <button
      type="button"
      aria-pressed={view.page === page}
      onClick={() => setView({ ...view, page, position: undefined, event: undefined })}
    >
      {name}
    </button>
  )
  return (
    <div className="tools">
      <span className="tabs" role="group" aria-label="Show as">
        {tab('events', 'Events')}
        {tab('overview', 'Overview')}
      </span>
      {isList && (
        <LiveSwitch isOn={isLive} connection={connection} disabledReason={liveDisabledReason(view)} onChange={onLive} />
      )}
      <TimeMenu />
      {isList && <ColumnMenu />}
      {isList && (
        <CopyButton
          label="Link to what is shown"
          isSquare
          icon="link"
          // While the page loads there is no snapshot to link to.
          disabled={snapshot === undefined}
          text={() => new URL(toFragment(pinned), location.href).href}
        />
      )}
      {/* Live events are newer than the page's snapshot. */}
      <ExportMenu filters={isLive ? view.filters : pinned.filters} controls={exportControls} />
      <button type="button" className="button square" aria-label="Read again" title="Read again" onClick={onRefresh}>
        <Icon name="refresh" />
      </button>
    </div>
  )
}

function liveDisabledReason({ position, filters }: View): string | undefined {
  if (position !== undefined) return 'Only the newest page can be live'
  return canBeLive(filters) ? undefined : 'This view ends in the past'
}
