// The state of the page as one plain value: list or overview, filters, position, open event. `url-fragment.ts` converts
// it to the URL.
import { valuesOf, WINDOW_HOURS } from '../api/enums'
import type { ActivityStatus, AuditTimeWindow, GroupSource, ResourceType } from '../api/gql/graphql'

/** A party selected by its key, with the name to show. */
export interface Party {
  key: string
  name: string
}

/** The predefined periods by their name in the URL, with their value in the API. */
export const TIME_WINDOWS = {
  '24h': 'LAST_24_HOURS',
  '7d': 'LAST_7_DAYS',
  '30d': 'LAST_30_DAYS',
  '90d': 'LAST_90_DAYS',
  '365d': 'LAST_365_DAYS',
} as const satisfies Record<string, Exclude<AuditTimeWindow, 'ALL'>>

export type TimeWindow = keyof typeof TIME_WINDOWS

/** The periods without a custom range. */
export const PERIODS: readonly (TimeWindow | 'all')[] = [...valuesOf(TIME_WINDOWS), 'all']

/** A window that ends now, all time, or a range (RFC 3339) that may be open at either end. */
export type Period = TimeWindow | 'all' | { from?: string | undefined; to?: string | undefined }

/** A filter by modified property. Values are as typed. */
export interface Property {
  name?: string | undefined
  from?: string | undefined
  to?: string | undefined
}

export interface Filters {
  period: Period
  service: string[]
  category: string[]
  resource: ResourceType[]
  source?: GroupSource | undefined
  activity: string[]
  status: ActivityStatus[]
  actor: Party[]
  /** A part of an actor's name. */
  actorText?: string | undefined
  target: Party[]
  /** A part of a target's name. */
  targetText?: string | undefined
  property?: Property | undefined
  involving?: string | undefined
  correlation?: string | undefined
  text?: string | undefined
  /** The sequence of the last event to include, so that a link shows the same events after more are recorded. */
  asOf?: number | undefined
}

/** The page of the list after or before a cursor; `undefined` is the first page, with the newest events. */
export type PagePosition = { after: string } | { before: string } | undefined

export interface View {
  page: 'events' | 'overview'
  filters: Filters
  position: PagePosition
  /** The id of the event in the detail panel. */
  event?: string | undefined
}

export const NO_FILTERS: Filters = {
  period: '30d',
  service: [],
  category: [],
  resource: [],
  activity: [],
  status: [],
  actor: [],
  target: [],
}

/** The length of a time window, in milliseconds. */
export function windowLength(window: TimeWindow): number {
  return WINDOW_HOURS[TIME_WINDOWS[window]] * 3_600_000
}

/** Returns the view with changed filters, on the first page, with no event open. */
export function withFilters(view: View, change: Partial<Filters>): View {
  return { ...view, filters: { ...view.filters, ...change }, position: undefined, event: undefined }
}
