// The activity of a row as a link to the event's details. It opens on click, on Enter, or in a new tab.
import { STATUS_LABELS } from '../api/enums'
import { Icon } from '../ui/icon'
import { toFragment } from '../view/url-fragment'
import { useView } from '../view/use-view'
import type { Row } from './query'

export function EventLink({ row }: { row: Row }) {
  const { view } = useView()
  return (
    <span className="cell-party">
      <a className="clip event-link" href={toFragment({ ...view, event: row.id })}>
        {row.activityDisplayName}
      </a>
      {row.status !== 'SUCCESS' && <span className={`badge ${row.status}`}>{STATUS_LABELS[row.status]}</span>}
      {row.isRedacted && (
        <span className="cell-lock" title="Values of this event are withheld from you">
          <Icon name="lock" />
          <span className="visually-hidden">values withheld</span>
        </span>
      )}
    </span>
  )
}
