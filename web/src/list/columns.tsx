// The columns of the list: title, width, the fields that they need, and cell. `api/event-fragments.ts` describes how to
// add a field.
import {
  columnOrderingFeature,
  columnVisibilityFeature,
  createColumnHelper,
  tableFeatures,
} from '@tanstack/react-table'
import type { ReactNode } from 'react'
import { GROUP_SOURCE_LABELS, OPERATION_TYPE_LABELS, RESOURCE_TYPE_LABELS, STATUS_LABELS } from '../api/enums'
import { ACTOR_ICONS } from '../filter/actor-choices'
import { useCatalogue } from '../filter/catalogue'
import { Icon } from '../ui/icon'
import { Time } from '../ui/time'
import { EventLink } from './event-link'
import type { FieldGroup, FieldGroups, Row } from './query'

export const features = tableFeatures({ columnVisibilityFeature, columnOrderingFeature })

const helper = createColumnHelper<typeof features, Row>()

/** The label of a target: its name, principal name, id or type, in this order of preference. */
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

function changedPropertyNames(row: Row): string {
  const names = row.targets.flatMap((target) => target.modifiedProperties?.map((one) => one.name) ?? [])
  return [...new Set(names)].join(', ')
}

/** The display name of a catalogue key; the key itself until the catalogue is loaded. */
function CatalogueName({ kind, name }: { kind: 'service' | 'category'; name: string | undefined }) {
  const { names } = useCatalogue()
  return <span className="clip">{name !== undefined && names[kind](name)}</span>
}

/** The width of a column: its share of the remaining space, and its minimum in pixels. */
export interface Width {
  share: number
  min: number
  /** The minimum in pixels if times are shown as relative. */
  minRelative?: number
}

interface ColumnDefinition {
  title: string
  width: Width
  fieldGroup?: FieldGroup
  /** The columns of an export for it: paths of API fields. */
  exportColumns: string[]
  cell: (row: Row) => ReactNode
}

const clipped = (text: string | null | undefined) => <span className="clip">{text}</span>

export const COLUMNS: Record<string, ColumnDefinition> = {
  time: {
    title: 'Time',
    width: { share: 0, min: 160, minRelative: 104 },
    exportColumns: ['occurredAt'],
    cell: ({ occurredAt }) => <Time timestamp={occurredAt} />,
  },
  actor: {
    title: 'Initiated by',
    width: { share: 3, min: 130 },
    exportColumns: ['actor.name', 'actor.userPrincipalName'],
    cell: ({ actor }) => <ActorCell actor={actor} />,
  },
  activity: {
    title: 'Activity',
    width: { share: 3.4, min: 150 },
    exportColumns: ['activityDisplayName'],
    cell: (row) => <EventLink row={row} />,
  },
  target: {
    title: 'Target',
    width: { share: 3.4, min: 130 },
    exportColumns: ['targets.displayName', 'targets.userPrincipalName', 'targets.objectId', 'targets.type'],
    cell: ({ targets }) => <TargetCell targets={targets} />,
  },
  status: {
    title: 'Status',
    width: { share: 0, min: 100 },
    exportColumns: ['status'],
    cell: ({ status }) => <span className={`badge ${status}`}>{STATUS_LABELS[status]}</span>,
  },
  reason: {
    title: 'Status reason',
    width: { share: 2.4, min: 180 },
    fieldGroup: 'scalars',
    exportColumns: ['statusReason'],
    cell: ({ statusReason }) => clipped(statusReason),
  },
  changes: {
    title: 'Changed properties',
    width: { share: 2.4, min: 180 },
    fieldGroup: 'changes',
    exportColumns: ['targets.modifiedProperties'],
    cell: (row) => clipped(changedPropertyNames(row)),
  },
  service: {
    title: 'Service',
    width: { share: 1.6, min: 140 },
    fieldGroup: 'scalars',
    exportColumns: ['service'],
    cell: ({ service }) => <CatalogueName kind="service" name={service} />,
  },
  category: {
    title: 'Category',
    width: { share: 1.6, min: 150 },
    fieldGroup: 'scalars',
    exportColumns: ['category'],
    cell: ({ category }) => <CatalogueName kind="category" name={category} />,
  },
  resource: {
    title: 'Resource type',
    width: { share: 0, min: 110 },
    fieldGroup: 'scalars',
    exportColumns: ['resourceType'],
    cell: ({ resourceType: type }) => clipped(type && RESOURCE_TYPE_LABELS[type]),
  },
  source: {
    title: 'Group source',
    width: { share: 0, min: 105 },
    fieldGroup: 'scalars',
    exportColumns: ['groupSource'],
    cell: ({ groupSource }) => clipped(groupSource && GROUP_SOURCE_LABELS[groupSource]),
  },
  operation: {
    title: 'Operation',
    width: { share: 0, min: 105 },
    fieldGroup: 'scalars',
    exportColumns: ['operationType'],
    cell: ({ operationType: type }) => clipped(type && OPERATION_TYPE_LABELS[type]),
  },
  component: {
    title: 'Component',
    width: { share: 1.4, min: 140 },
    fieldGroup: 'scalars',
    exportColumns: ['component'],
    cell: ({ component }) => clipped(component),
  },
  application: {
    title: 'Application',
    width: { share: 2, min: 170 },
    fieldGroup: 'application',
    exportColumns: ['actor.application.displayName'],
    cell: ({ actor }) => clipped(actor.application?.displayName),
  },
  address: {
    title: 'IP address',
    width: { share: 0, min: 140 },
    fieldGroup: 'application',
    exportColumns: ['actor.ipAddress'],
    cell: ({ actor }) => clipped(actor.ipAddress),
  },
  correlation: {
    title: 'Correlation id',
    width: { share: 0, min: 280 },
    fieldGroup: 'scalars',
    exportColumns: ['correlationId'],
    cell: ({ correlationId }) => <span className="clip mono">{correlationId}</span>,
  },
  recorded: {
    title: 'Recorded',
    width: { share: 0, min: 160, minRelative: 104 },
    fieldGroup: 'scalars',
    exportColumns: ['recordedAt'],
    cell: ({ recordedAt }) => recordedAt !== undefined && <Time timestamp={recordedAt} />,
  },
  sequence: {
    title: 'Sequence',
    width: { share: 0, min: 90 },
    fieldGroup: 'scalars',
    exportColumns: ['sequence'],
    cell: ({ sequence }) => clipped(sequence?.toString()),
  },
  key: {
    title: 'Event key',
    width: { share: 1.6, min: 200 },
    fieldGroup: 'scalars',
    exportColumns: ['eventKey'],
    cell: ({ eventKey }) => <span className="clip mono">{eventKey}</span>,
  },
  recordedBy: {
    title: 'Recorded by',
    width: { share: 1.2, min: 140 },
    fieldGroup: 'provenance',
    exportColumns: ['recording.recordedBy'],
    cell: ({ recording }) => clipped(recording?.recordedBy),
  },
}

export const DEFAULT_COLUMNS = ['time', 'actor', 'activity', 'target']

/**
 * The column definitions for the table library. They are created once: React treats each cell as a component, and a new
 * definition would remount the cells, which loses the focus.
 */
export const columns = Object.entries(COLUMNS).map(([id, { cell }]) =>
  helper.display({ id, cell: ({ row }) => cell(row.original) }),
)

/** The columns to show: the stored ones that exist, or the default. */
export function shownColumns(stored: string[] | undefined): string[] {
  const known = stored?.filter((id) => Object.hasOwn(COLUMNS, id)) ?? []
  return known.length > 0 ? known : DEFAULT_COLUMNS
}

/** The field groups that these columns need. */
export function fieldGroupsOf(shown: readonly string[]): FieldGroups {
  const has = (group: FieldGroup) => shown.some((id) => COLUMNS[id]?.fieldGroup === group)
  return {
    application: has('application'),
    changes: has('changes'),
    scalars: has('scalars'),
    provenance: has('provenance'),
  }
}
