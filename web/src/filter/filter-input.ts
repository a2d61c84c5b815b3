// Converts the filters of a view to the arguments of the API.
import type {
  AuditEventFilter,
  AuditPeriodInput,
  ModifiedPropertyFilter,
  StringFilter,
  TargetFilter,
} from '../api/gql/graphql'
import { type Filters, type Period, type Property, TIME_WINDOWS } from '../view/view'

/** The period argument. */
export function periodInput(period: Period): AuditPeriodInput {
  if (period === 'all') return { window: 'ALL' }
  if (typeof period === 'string') return { window: TIME_WINDOWS[period] }
  const { from, to } = period
  return { between: { ...(from !== undefined && { from }), ...(to !== undefined && { to }) } }
}

/** The filter argument, or `undefined` if no filter is set. */
export function filterInput(filters: Filters): AuditEventFilter | undefined {
  const result: AuditEventFilter = {}
  const { actor, actorText, target, targetText } = filters
  if (actor.length > 0 || actorText !== undefined)
    result.actor = {
      ...(actor.length > 0 && { key: { in: actor.map((party) => party.key) } }),
      ...(actorText !== undefined && { search: actorText }),
    }
  if (filters.service.length > 0) result.service = { in: filters.service }
  if (filters.category.length > 0) result.category = { in: filters.category }
  if (filters.activity.length > 0) result.activity = { in: filters.activity }
  if (filters.resource.length > 0) result.resourceType = { in: filters.resource }
  if (filters.source !== undefined) result.groupSource = { eq: filters.source }
  if (filters.status.length > 0) result.status = { in: filters.status }
  if (filters.involving !== undefined) result.involving = exactOrContains(filters.involving)
  if (filters.correlation !== undefined) result.correlationId = { eq: filters.correlation }
  if (filters.text !== undefined) result.search = filters.text
  const party: TargetFilter = {
    ...(target.length > 0 && { key: { in: target.map((one) => one.key) } }),
    ...(targetText !== undefined && { search: targetText }),
  }
  Object.assign(result, targetConditions(party, filters.property))
  return Object.keys(result).length > 0 ? result : undefined
}

/** Matches a complete principal name or id exactly, which uses an index, and anything else as a substring. */
function exactOrContains(text: string): StringFilter {
  const isExact = /^\S+@\S+\.\S+$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
  return isExact ? { eq: text } : { contains: text }
}

/** The conditions on one target: its identity and its modified properties. */
function targetConditions(party: TargetFilter, property: Property | undefined): AuditEventFilter {
  if (property === undefined) return Object.keys(party).length > 0 ? { target: party } : {}
  const name = property.name === undefined ? {} : { name: { eq: property.name } }
  if (property.from === undefined && property.to === undefined) return { target: { ...party, modifiedProperty: name } }
  const alternatives = VALUE_ENCODINGS.map((encode) => ({
    ...(property.from !== undefined && valueCondition('from', encode(property.from))),
    ...(property.to !== undefined && valueCondition('to', encode(property.to))),
  }))
  const distinct = new Map(alternatives.map((alternative) => [JSON.stringify(alternative), alternative]))
  return {
    // The name is repeated outside of `or`, so that the query can start from the index on property names.
    ...(property.name !== undefined && { target: { ...party, modifiedProperty: name } }),
    or: [...distinct.values()].map((alternative) => ({
      target: { ...party, modifiedProperty: { ...name, ...alternative } },
    })),
  }
}

/**
 * The encodings that a typed value may have in the log. Users type `false`; Entra records `[false]`, Intune `"False"`.
 * So a value is tried as JSON and as a string, each bare and as the only element of an array.
 */
const VALUE_ENCODINGS: ((typed: string) => unknown)[] = [
  (typed) => parseJson(typed),
  (typed) => [parseJson(typed)],
  (typed) => typed,
  (typed) => [typed],
]

/** The condition that a value equals another. The API takes null as an omitted condition. */
function valueCondition(side: 'from' | 'to', value: unknown): ModifiedPropertyFilter {
  if (value !== null) return { [side]: value }
  return side === 'from' ? { fromIsNull: true } : { toIsNull: true }
}

function parseJson(typed: string): unknown {
  try {
    return JSON.parse(typed) as unknown
  } catch {
    return typed
  }
}
