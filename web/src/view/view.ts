// What is looked at: page, period, filters, the event that is open. One plain value, from which everything else
// follows; `url-fragment.ts` writes it into the address.
import type { ActivityResourceType, ActivityStatus, GroupSource } from '../api/gql/graphql'

/** A party chosen by its key, with the name it was chosen by. */
export interface Party {
  key: string
  name: string
}

export type TimeWindow = '24h' | '7d' | '30d'

/** When: a span that ends now, everything, or between two moments (RFC 3339), either of which may be open. */
export type Period = TimeWindow | 'all' | { from?: string | undefined; to?: string | undefined }

/** A changed property; values as people type them. */
export interface Property {
  name?: string | undefined
  from?: string | undefined
  to?: string | undefined
}

export interface Filters {
  period: Period
  service: string[]
  category: string[]
  resource: ActivityResourceType[]
  source?: GroupSource | undefined
  activity: string[]
  status: ActivityStatus[]
  actor: Party[]
  /** Part of an initiator's name. */
  actorText?: string | undefined
  target: Party[]
  /** Part of a target's name. */
  targetText?: string | undefined
  property?: Property | undefined
  involving?: string | undefined
  correlation?: string | undefined
  text?: string | undefined
  /** The place in the log up to which is looked at: what was recorded later does not count. For evidence. */
  asOf?: number | undefined
}

/** Where in the list: the page after or before a cursor; without one, the newest events. */
export type PagePosition = { after: string } | { before: string } | undefined

export interface View {
  page: 'events' | 'overview'
  filters: Filters
  position: PagePosition
  /** The id of the event whose detail is open. */
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

/** The view with other filters: from the top of the list again, with nothing open. */
export function withFilters(view: View, change: Partial<Filters>): View {
  const filters = { ...view.filters, ...change }
  // The portals' rule: a source is a question about groups only.
  if (!filters.resource.includes('GROUP') || filters.resource.length > 1) filters.source = undefined
  return { ...view, filters, position: undefined, event: undefined }
}
