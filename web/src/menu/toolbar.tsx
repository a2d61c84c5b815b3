// What can be done with the list: look at it as a list or as an overview, follow it live, choose columns and times,
// read it again, make a link that shows the same for ever, and export it.
import { ExportMenu } from '../export/export-menu'
import type { Exporting } from '../export/use-export'
import { ColumnMenu } from '../list/column-menu'
import { frozen, type Point } from '../list/query'
import type { Standing } from '../live/follow'
import { LiveSwitch } from '../live/live-switch'
import { canBeLive } from '../live/use-live'
import { CopyButton } from '../ui/copy-button'
import { Icon } from '../ui/icon'
import { written } from '../view/url-fragment'
import { useView } from '../view/use-view'
import type { View } from '../view/view'
import { TimeMenu } from './time-menu'

interface Props {
  isLive: boolean
  standing: Standing | undefined
  /** What the page was answered for; undefined until it is. */
  point: Point | undefined
  exporting: Exporting
  onLive: (on: boolean) => void
  onReadAgain: () => void
}

export function Tools({ isLive, standing, point, exporting, onLive, onReadAgain }: Props) {
  const { view, look } = useView()
  const isList = view.page === 'events'
  const answered = point && isList ? frozen(view, point) : view
  const tab = (page: View['page'], name: string) => (
    <button
      type="button"
      aria-pressed={view.page === page}
      onClick={() => look({ ...view, page, place: undefined, event: undefined })}
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
      {isList && <LiveSwitch on={isLive} standing={standing} reason={whyNotLive(view)} onChange={onLive} />}
      <TimeMenu />
      {isList && <ColumnMenu />}
      {isList && (
        <CopyButton
          label="Link to what is shown"
          isSquare
          icon="link"
          // While the page is read there is no point that the link could hold on to.
          disabled={point === undefined}
          text={() => new URL(written(answered), location.href).href}
        />
      )}
      {/* What has come in live is after the page's point. */}
      <ExportMenu filters={isLive ? view.filters : answered.filters} exporting={exporting} />
      <button type="button" className="button square" aria-label="Read again" title="Read again" onClick={onReadAgain}>
        <Icon name="refresh" />
      </button>
    </div>
  )
}

function whyNotLive({ place, filters }: View): string | undefined {
  if (place !== undefined) return 'Only the newest page can be live'
  return canBeLive(filters) ? undefined : 'This view ends in the past'
}
