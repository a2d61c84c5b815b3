// The filters by name: what each is called, whether it is set, how its chip reads, and the view without it. Chips,
// the filter bar and the sentence about an empty list all go through this one table.
import type { ActivityResourceType, ActivityStatus, GroupSource } from '../api/gql/graphql'
import { type Filters, NO_FILTERS, type Party, type Period, type Property } from '../view/view'

export type FieldName = Exclude<keyof Filters, 'actorText' | 'targetText'>

export interface Field {
  label: string
  /** What the filter is set to, in words; undefined when it does not restrict. */
  told: (filters: Filters, names: Names) => string | undefined
  cleared: Partial<Filters>
}

/** Display names of catalogue keys; the key itself where there is none. */
export interface Names {
  category: (key: string) => string
  service: (key: string) => string
}

export const RESOURCE_NAMES: Record<ActivityResourceType, string> = {
  USER: 'User',
  GROUP: 'Group',
  APPLICATION: 'Application',
  DEVICE: 'Device',
  POLICY: 'Policy',
  DIRECTORY: 'Directory',
  OTHER: 'Other',
}
export const STATUS_NAMES: Record<ActivityStatus, string> = {
  SUCCESS: 'Success',
  FAILURE: 'Failure',
  TIMEOUT: 'Timed out',
  UNKNOWN: 'Unknown',
}
export const SOURCE_NAMES: Record<GroupSource, string> = { AZURE_AD: 'Azure AD', O365: 'Office 365' }

const PERIOD_NAMES = { '24h': 'Last 24 hours', '7d': 'Last 7 days', '30d': 'Last month', all: 'All time' } as const

/** A period in words. */
export function periodName(period: Period): string {
  if (typeof period === 'string') return PERIOD_NAMES[period]
  const day = (moment: string) =>
    new Date(moment).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })
  if (period.from === undefined) return `Until ${day(period.to ?? '')}`
  return period.to === undefined ? `Since ${day(period.from)}` : `${day(period.from)} – ${day(period.to)}`
}

function listed(values: readonly string[]): string | undefined {
  const [first, second] = values
  if (first === undefined) return undefined
  return values.length < 3 ? [first, second].filter(Boolean).join(', ') : `${first} +${values.length - 1}`
}

function party(chosen: Party[], text: string | undefined): string | undefined {
  const names = chosen.map((one) => one.name)
  return listed(text === undefined ? names : [...names, `“${text}”`])
}

function propertyName({ name, from, to }: Property): string {
  const values = from !== undefined || to !== undefined ? ` ${from ?? 'anything'} → ${to ?? 'anything'}` : ''
  return `${name ?? 'Any'}${values}`
}

export const FIELDS: Record<FieldName, Field> = {
  period: {
    label: 'Date',
    told: ({ period }) => (period === 'all' ? undefined : periodName(period)),
    cleared: { period: 'all' },
  },
  actor: {
    label: 'Initiated by',
    told: ({ actor, actorText }) => party(actor, actorText),
    cleared: { actor: [], actorText: undefined },
  },
  service: {
    label: 'Service',
    told: ({ service }, names) => listed(service.map(names.service)),
    cleared: { service: [] },
  },
  category: {
    label: 'Category',
    told: ({ category }, names) => listed(category.map(names.category)),
    cleared: { category: [] },
  },
  resource: {
    label: 'Resource type',
    told: ({ resource }) => listed(resource.map((one) => RESOURCE_NAMES[one])),
    cleared: { resource: [], source: undefined },
  },
  source: {
    label: 'Source',
    told: ({ source }) => source && SOURCE_NAMES[source],
    cleared: { source: undefined },
  },
  activity: { label: 'Activity', told: ({ activity }) => listed(activity), cleared: { activity: [] } },
  status: {
    label: 'Status',
    told: ({ status }) => listed(status.map((one) => STATUS_NAMES[one])),
    cleared: { status: [] },
  },
  target: {
    label: 'Target',
    told: ({ target, targetText }) => party(target, targetText),
    cleared: { target: [], targetText: undefined },
  },
  property: {
    label: 'Changed property',
    told: ({ property }) => property && propertyName(property),
    cleared: { property: undefined },
  },
  involving: {
    label: 'Involving',
    told: ({ involving }) => involving,
    cleared: { involving: undefined },
  },
  correlation: {
    label: 'Correlation',
    told: ({ correlation }) => correlation,
    cleared: { correlation: undefined },
  },
  asOf: {
    label: 'As of event',
    told: ({ asOf }) => asOf?.toLocaleString(),
    cleared: { asOf: undefined },
  },
  text: { label: 'Text', told: ({ text }) => text && `“${text}”`, cleared: { text: undefined } },
}

export const FIELD_NAMES = Object.keys(FIELDS) as FieldName[]

/** The filters that restrict, with their values in words. The period counts only when asked for. */
export function active(
  filters: Filters,
  names: Names,
  period = false,
): { name: FieldName; label: string; told: string }[] {
  return FIELD_NAMES.flatMap((name) => {
    const told = name === 'period' && !period ? undefined : FIELDS[name].told(filters, names)
    return told === undefined ? [] : [{ name, label: FIELDS[name].label, told }]
  })
}

/** Everything cleared but the period. */
export function withoutAny(filters: Filters): Filters {
  return { ...NO_FILTERS, period: filters.period }
}
