// From a view's filters to the API's arguments.
import type { AuditEventFilter, AuditPeriodInput, StringFilter, TargetFilter } from '../api/gql/graphql'
import type { Filters, Period, Property } from '../view/view'

const WINDOWS = { '24h': 'LAST_24_HOURS', '7d': 'LAST_7_DAYS', '30d': 'LAST_30_DAYS' } as const

/** The period; null asks for everything that is kept. */
export function periodInput(period: Period): AuditPeriodInput | null {
  if (period === 'all') return null
  if (typeof period === 'string') return { window: WINDOWS[period] }
  const { from, to } = period
  return { between: { ...(from !== undefined && { from }), ...(to !== undefined && { to }) } }
}

/** The filter; undefined when nothing restricts. */
export function filterInput(filters: Filters): AuditEventFilter | undefined {
  const out: AuditEventFilter = {}
  const { actor, actorText, target, targetText } = filters
  if (actor.length > 0 || actorText !== undefined)
    out.initiatedBy = {
      ...(actor.length > 0 && { key: actor.map((party) => party.key) }),
      ...(actorText !== undefined && { search: actorText }),
    }
  if (filters.service.length > 0) out.service = { in: filters.service }
  if (filters.category.length > 0) out.category = { in: filters.category }
  if (filters.activity.length > 0) out.activity = { in: filters.activity }
  if (filters.resource.length > 0) out.activityResourceType = { in: filters.resource }
  if (filters.source !== undefined) out.groupSource = filters.source
  if (filters.status.length > 0) out.status = { in: filters.status }
  if (filters.involving !== undefined) out.involving = named(filters.involving)
  if (filters.correlation !== undefined) out.correlationId = { eq: filters.correlation }
  if (filters.text !== undefined) out.search = filters.text
  const party: TargetFilter = {
    ...(target.length > 0 && { key: target.map((one) => one.key) }),
    ...(targetText !== undefined && { search: targetText }),
  }
  Object.assign(out, targetInput(party, filters.property))
  return Object.keys(out).length > 0 ? out : undefined
}

/** What is a whole name or id is looked up as such, which an index answers; anything else is a part of one. */
function named(text: string): StringFilter {
  const whole = /^\S+@\S+\.\S+$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
  return whole ? { eq: text } : { contains: text }
}

/** Conditions on one target: who it is and what changed of it. */
function targetInput(party: TargetFilter, property: Property | undefined): AuditEventFilter {
  if (property === undefined) return Object.keys(party).length > 0 ? { target: party } : {}
  const name = property.name === undefined ? {} : { name: { eq: property.name } }
  if (property.from === undefined && property.to === undefined) return { target: { ...party, modifiedProperty: name } }
  const ways = FORMS.map((form) => ({
    ...(property.from !== undefined && { from: form(property.from) }),
    ...(property.to !== undefined && { to: form(property.to) }),
  }))
  const distinct = new Map(ways.map((way) => [JSON.stringify(way), way]))
  return {
    // The name alone stands beside the values too, so that the property's index leads.
    ...(property.name !== undefined && { target: { ...party, modifiedProperty: name } }),
    or: [...distinct.values()].map((way) => ({ target: { ...party, modifiedProperty: { ...name, ...way } } })),
  }
}

/**
 * What a typed value may be in the log. People write `false`; Entra records `[false]`, Intune `"False"`: so as JSON and
 * as text, bare and as the only element of a list.
 */
const FORMS: ((typed: string) => unknown)[] = [
  (typed) => json(typed),
  (typed) => [json(typed)],
  (typed) => typed,
  (typed) => [typed],
]

function json(typed: string): unknown {
  try {
    return JSON.parse(typed) as unknown
  } catch {
    return typed
  }
}
