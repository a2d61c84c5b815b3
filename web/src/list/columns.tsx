// The columns that a list can have.
import {
  createColumnHelper,
  columnOrderingFeature,
  columnVisibilityFeature,
  tableFeatures,
} from '@tanstack/react-table'
import { ACTOR_ICONS } from '../filter/actor-choices'
import { useCatalogue } from '../filter/catalogue'
import { RESOURCE_NAMES, SOURCE_NAMES, STATUS_NAMES } from '../filter/filter-fields'
import { Icon } from '../ui/icon'
import { Time } from '../ui/time'
import { EventLink } from './event-link'
import type { Part, Parts, Row } from './query'

export const features = tableFeatures({ columnVisibilityFeature, columnOrderingFeature })

const helper = createColumnHelper<typeof features, Row>()

/** What people call a target: its name, else its principal name, else its id. */
export function targetName(target: Row['targets'][number]): string {
  return target.displayName ?? target.userPrincipalName ?? target.objectId ?? target.type ?? 'unnamed'
}

function ActorCell({ actor }: { actor: Row['actor'] }) {
  const principal = 'userPrincipalName' in actor ? actor.userPrincipalName : null
  return (
    <span className="cell-party">
      <Icon name={ACTOR_ICONS[actor.kind]} />
      <span className="clip">
        {actor.name}
        {principal !== null && principal !== actor.name && <span className="muted"> {principal}</span>}
      </span>
    </span>
  )
}

function TargetCell({ targets }: { targets: Row['targets'] }) {
  const [first] = targets
  if (!first) return <span className="muted">–</span>
  return (
    <span className="cell-party">
      <span className="clip">
        {targetName(first)}
        {first.type !== null && <span className="muted"> {first.type}</span>}
      </span>
      {targets.length > 1 && <span className="badge">+{targets.length - 1}</span>}
    </span>
  )
}

function changed(row: Row): string {
  const names = row.targets.flatMap((target) => target.modifiedProperties?.map((one) => one.name) ?? [])
  return [...new Set(names)].join(', ')
}

/** A key of the catalogue by its name, as soon as the catalogue is there. */
function Named({ kind, name }: { kind: 'service' | 'category'; name: string | undefined }) {
  const { names } = useCatalogue()
  return <span className="clip">{name !== undefined && names[kind](name)}</span>
}

/** A constant of the API as people write it. */
export const readable = (constant: string) =>
  (constant.charAt(0) + constant.slice(1).toLowerCase()).replaceAll('_', ' ')

/** How wide a column is: its share of the room, and the least of it in pixels. */
export interface Width {
  share: number
  least: number
  /** The least where times are shown as how long ago. */
  relative?: number
}

interface Described {
  title: string
  width: Width
  part?: Part
  /** What an export writes for it: paths of the API's fields. */
  paths: string[]
}

export const COLUMNS: Record<string, Described> = {
  time: { title: 'Time', width: { share: 0, least: 160, relative: 104 }, paths: ['occurredAt'] },
  actor: { title: 'Initiated by', width: { share: 3, least: 130 }, paths: ['actor.name', 'actor.userPrincipalName'] },
  activity: { title: 'Activity', width: { share: 3.4, least: 150 }, paths: ['activityDisplayName'] },
  target: {
    title: 'Target',
    width: { share: 3.4, least: 130 },
    paths: ['targets.displayName', 'targets.userPrincipalName', 'targets.objectId', 'targets.type'],
  },
  status: { title: 'Status', width: { share: 0, least: 100 }, paths: ['status'] },
  reason: { title: 'Status reason', width: { share: 2.4, least: 180 }, part: 'plain', paths: ['statusReason'] },
  changes: {
    title: 'Changed properties',
    width: { share: 2.4, least: 180 },
    part: 'changes',
    paths: ['targets.modifiedProperties'],
  },
  service: { title: 'Service', width: { share: 1.6, least: 140 }, part: 'plain', paths: ['service'] },
  category: { title: 'Category', width: { share: 1.6, least: 150 }, part: 'plain', paths: ['category'] },
  resource: { title: 'Resource type', width: { share: 0, least: 110 }, part: 'plain', paths: ['activityResourceType'] },
  source: { title: 'Group source', width: { share: 0, least: 105 }, part: 'plain', paths: ['groupSource'] },
  operation: { title: 'Operation', width: { share: 0, least: 105 }, part: 'plain', paths: ['operationType'] },
  component: { title: 'Component', width: { share: 1.4, least: 140 }, part: 'plain', paths: ['component'] },
  application: {
    title: 'Application',
    width: { share: 2, least: 170 },
    part: 'application',
    paths: ['actor.application.displayName'],
  },
  address: { title: 'IP address', width: { share: 0, least: 140 }, part: 'application', paths: ['actor.ipAddress'] },
  correlation: { title: 'Correlation id', width: { share: 0, least: 280 }, part: 'plain', paths: ['correlationId'] },
  recorded: { title: 'Recorded', width: { share: 0, least: 160, relative: 104 }, part: 'plain', paths: ['recordedAt'] },
  sequence: { title: 'Sequence', width: { share: 0, least: 90 }, part: 'plain', paths: ['sequence'] },
  key: { title: 'Event key', width: { share: 1.6, least: 200 }, part: 'plain', paths: ['eventKey'] },
  recordedBy: {
    title: 'Recorded by',
    width: { share: 1.2, least: 140 },
    part: 'provenance',
    paths: ['recording.recordedBy'],
  },
}

export const DEFAULT_COLUMNS = ['time', 'actor', 'activity', 'target']

const text = (id: string, value: (row: Row) => string | null | undefined) =>
  helper.display({ id, cell: ({ row }) => <span className="clip">{value(row.original)}</span> })

/**
 * The columns for the table library. They are made once: a cell is a component to React, and one made anew would take
 * the focus from what it shows.
 */
export const columns = [
  helper.display({ id: 'time', cell: ({ row }) => <Time moment={row.original.occurredAt} /> }),
  helper.display({ id: 'actor', cell: ({ row }) => <ActorCell actor={row.original.actor} /> }),
  helper.display({ id: 'activity', cell: ({ row }) => <EventLink row={row.original} /> }),
  helper.display({ id: 'target', cell: ({ row }) => <TargetCell targets={row.original.targets} /> }),
  helper.display({
    id: 'status',
    cell: ({ row: { original } }) => (
      <span className={`badge ${original.status}`}>{STATUS_NAMES[original.status]}</span>
    ),
  }),
  text('reason', (row) => row.statusReason),
  text('changes', changed),
  helper.display({ id: 'service', cell: ({ row }) => <Named kind="service" name={row.original.service} /> }),
  helper.display({ id: 'category', cell: ({ row }) => <Named kind="category" name={row.original.category} /> }),
  text('resource', (row) => row.activityResourceType && RESOURCE_NAMES[row.activityResourceType]),
  text('source', (row) => row.groupSource && SOURCE_NAMES[row.groupSource]),
  text('operation', (row) => row.operationType && readable(row.operationType)),
  text('component', (row) => row.component),
  text('application', (row) => row.actor.application?.displayName),
  text('address', (row) => row.actor.ipAddress),
  helper.display({
    id: 'correlation',
    cell: ({ row }) => <span className="clip mono">{row.original.correlationId}</span>,
  }),
  helper.display({
    id: 'recorded',
    cell: ({ row }) => row.original.recordedAt !== undefined && <Time moment={row.original.recordedAt} />,
  }),
  text('sequence', (row) => row.sequence?.toString()),
  helper.display({ id: 'key', cell: ({ row }) => <span className="clip mono">{row.original.eventKey}</span> }),
  text('recordedBy', (row) => row.recording?.recordedBy),
]

/** The columns to show: those chosen, as far as they exist. */
export function shownColumns(chosen: string[] | undefined): string[] {
  const known = chosen?.filter((id) => Object.hasOwn(COLUMNS, id)) ?? []
  return known.length > 0 ? known : DEFAULT_COLUMNS
}

/** The parts of an event that these columns show. */
export function partsOf(shown: readonly string[]): Parts {
  const has = (part: Part) => shown.some((id) => COLUMNS[id]?.part === part)
  return {
    application: has('application'),
    changes: has('changes'),
    plain: has('plain'),
    provenance: has('provenance'),
  }
}
