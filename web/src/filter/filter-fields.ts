// One entry per filter: its label, its value as text, and the change that clears it. The filter bar, its chips and the
// message about an empty list all use this table.
import { GROUP_SOURCE_LABELS, RESOURCE_TYPE_LABELS, STATUS_LABELS } from '../api/enums'
import { mediumTimeRange, mediumTime, type Zone } from '../ui/time'
import { type Filters, NO_FILTERS, type Party, type Period, type Property, type TimeWindow } from '../view/view'

export type FilterName = Exclude<keyof Filters, 'actorText' | 'targetText'>

export interface FilterField {
  label: string
  /** The value of the filter for users, or `undefined` if it is not set. */
  describe: (filters: Filters, names: CatalogueNames, zone: Zone) => string | undefined
  cleared: Partial<Filters>
}

/** Returns the display name of a catalogue key, or the key itself if it is unknown. */
export interface CatalogueNames {
  category: (key: string) => string
  service: (key: string) => string
}

const PERIOD_LABELS: Record<TimeWindow | 'all', string> = {
  '24h': 'Last 24 hours',
  '7d': 'Last 7 days',
  '30d': 'Last month',
  '90d': 'Last 90 days',
  '365d': 'Last year',
  all: 'All time',
}

/** The period for users, with its times in `zone`. */
export function periodName(period: Period, zone: Zone): string {
  if (typeof period === 'string') return PERIOD_LABELS[period]
  const { from, to } = period
  if (from === undefined) return to === undefined ? PERIOD_LABELS.all : `Until ${mediumTime(to, zone)}`
  return to === undefined ? `Since ${mediumTime(from, zone)}` : mediumTimeRange(from, to, zone)
}

function summarize(values: readonly string[]): string | undefined {
  const [first, second] = values
  if (first === undefined) return undefined
  return values.length < 3 ? [first, second].filter(Boolean).join(', ') : `${first} +${values.length - 1}`
}

function describeParties(chosen: Party[], text: string | undefined): string | undefined {
  const names = chosen.map((one) => one.name)
  return summarize(text === undefined ? names : [...names, `“${text}”`])
}

function describeProperty({ name, from, to }: Property): string {
  const values = from !== undefined || to !== undefined ? ` ${from ?? 'anything'} → ${to ?? 'anything'}` : ''
  return `${name ?? 'Any'}${values}`
}

export const FILTER_FIELDS: Record<FilterName, FilterField> = {
  period: {
    label: 'Date',
    describe: ({ period }, _names, zone) => periodName(period, zone),
    cleared: { period: NO_FILTERS.period },
  },
  actor: {
    label: 'Initiated by',
    describe: ({ actor, actorText }) => describeParties(actor, actorText),
    cleared: { actor: [], actorText: undefined },
  },
  service: {
    label: 'Service',
    describe: ({ service }, names) => summarize(service.map(names.service)),
    cleared: { service: [] },
  },
  category: {
    label: 'Category',
    describe: ({ category }, names) => summarize(category.map(names.category)),
    cleared: { category: [] },
  },
  resource: {
    label: 'Resource type',
    describe: ({ resource }) => summarize(resource.map((one) => RESOURCE_TYPE_LABELS[one])),
    cleared: { resource: [] },
  },
  source: {
    label: 'Source',
    describe: ({ source }) => source && GROUP_SOURCE_LABELS[source],
    cleared: { source: undefined },
  },
  activity: { label: 'Activity', describe: ({ activity }) => summarize(activity), cleared: { activity: [] } },
  status: {
    label: 'Status',
    describe: ({ status }) => summarize(status.map((one) => STATUS_LABELS[one])),
    cleared: { status: [] },
  },
  target: {
    label: 'Target',
    describe: ({ target, targetText }) => describeParties(target, targetText),
    cleared: { target: [], targetText: undefined },
  },
  property: {
    label: 'Changed property',
    describe: ({ property }) => property && describeProperty(property),
    cleared: { property: undefined },
  },
  involving: {
    label: 'Involving',
    describe: ({ involving }) => involving,
    cleared: { involving: undefined },
  },
  correlation: {
    label: 'Correlation',
    describe: ({ correlation }) => correlation,
    cleared: { correlation: undefined },
  },
  asOf: {
    label: 'As of event',
    describe: ({ asOf }) => asOf?.toLocaleString(),
    cleared: { asOf: undefined },
  },
  text: { label: 'Text', describe: ({ text }) => text && `“${text}”`, cleared: { text: undefined } },
}

export const FILTER_NAMES = Object.keys(FILTER_FIELDS) as FilterName[]

/** The change that returns every filter to its default. */
export const ALL_CLEARED = FILTER_NAMES.reduce<Partial<Filters>>(
  (change, name) => ({ ...change, ...FILTER_FIELDS[name].cleared }),
  {},
)

/** Returns whether a filter differs from its default. */
export function isChanged(name: FilterName, filters: Filters): boolean {
  if (name === 'period') return filters.period !== NO_FILTERS.period
  return Object.keys(FILTER_FIELDS[name].cleared).some((key) => {
    const value = filters[key as keyof Filters]
    return Array.isArray(value) ? value.length > 0 : value !== undefined
  })
}

/** The filters that leave out events, with their values as text. All time is not among them. */
export function activeFilters(
  filters: Filters,
  names: CatalogueNames,
  zone: Zone,
): { name: FilterName; label: string; value: string }[] {
  return FILTER_NAMES.flatMap((name) => {
    const isActive = name === 'period' ? filters.period !== 'all' : isChanged(name, filters)
    const value = isActive ? FILTER_FIELDS[name].describe(filters, names, zone) : undefined
    return value === undefined ? [] : [{ name, label: FILTER_FIELDS[name].label, value }]
  })
}

/** The change that makes a filter leave out no event: for the period this is all time, not the default. */
export function withoutFilter(name: FilterName): Partial<Filters> {
  return name === 'period' ? { period: 'all' } : FILTER_FIELDS[name].cleared
}
