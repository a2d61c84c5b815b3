// Converts a view to the fragment of the URL and back, so that a link reproduces the view. Browsers do not send the
// fragment, so names in it do not appear in server logs. Unknown or invalid parameters are ignored.
import { GROUP_SOURCE_LABELS, RESOURCE_TYPE_LABELS, STATUS_LABELS, valuesOf } from '../api/enums'
import { type Filters, NO_FILTERS, type PagePosition, type Party, type Period, PERIODS, type View } from './view'

/** Formats a view as a fragment, including `#`. */
export function toFragment({ page, filters, position, event }: View): string {
  const parameters = new URLSearchParams()
  const appendAll = (name: string, values: readonly string[]) =>
    values.forEach((value) => parameters.append(name, value))
  const setOne = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== '') parameters.set(name, value)
  }
  const appendParties = (name: string, values: readonly Party[]) =>
    values.forEach((party) => {
      parameters.append(name, party.key)
      parameters.append(`${name}.name`, party.name)
    })
  if (page === 'overview') parameters.set('page', page)
  const { period } = filters
  if (typeof period === 'object') {
    setOne('from', period.from)
    setOne('to', period.to)
  } else if (period !== NO_FILTERS.period) parameters.set('period', period)
  appendAll('service', filters.service)
  appendAll('category', filters.category)
  appendAll('resource', filters.resource)
  setOne('source', filters.source)
  appendAll('activity', filters.activity)
  appendAll('status', filters.status)
  appendParties('actor', filters.actor)
  setOne('actor.contains', filters.actorText)
  appendParties('target', filters.target)
  setOne('target.contains', filters.targetText)
  setOne('property', filters.property?.name)
  setOne('property.from', filters.property?.from)
  setOne('property.to', filters.property?.to)
  setOne('involving', filters.involving)
  setOne('correlation', filters.correlation)
  setOne('text', filters.text)
  setOne('asOf', filters.asOf?.toString())
  if (position) setOne('after' in position ? 'after' : 'before', 'after' in position ? position.after : position.before)
  setOne('event', event)
  return `#${parameters}`
}

/** Parses a fragment. */
export function parseFragment(fragment: string): View {
  const parameters = new URLSearchParams(fragment.replace(/^#/, ''))
  const first = (name: string) => parameters.get(name) ?? undefined
  const filters: Filters = {
    period: parsePeriod(parameters),
    service: parameters.getAll('service'),
    category: parameters.getAll('category'),
    resource: knownValues(valuesOf(RESOURCE_TYPE_LABELS), parameters.getAll('resource')),
    source: knownValues(valuesOf(GROUP_SOURCE_LABELS), parameters.getAll('source'))[0],
    activity: parameters.getAll('activity'),
    status: knownValues(valuesOf(STATUS_LABELS), parameters.getAll('status')),
    actor: parseParties(parameters, 'actor'),
    actorText: first('actor.contains'),
    target: parseParties(parameters, 'target'),
    targetText: first('target.contains'),
    property: parseProperty(first('property'), first('property.from'), first('property.to')),
    involving: first('involving'),
    correlation: first('correlation'),
    text: first('text'),
    asOf: parseSequence(first('asOf')),
  }
  const page = parameters.get('page') === 'overview' ? 'overview' : 'events'
  return { page, filters, position: parsePosition(first('after'), first('before')), event: first('event') }
}

function knownValues<T extends string>(known: readonly T[], values: string[]): T[] {
  return known.filter((value) => values.includes(value))
}

function parseParties(parameters: URLSearchParams, name: string): Party[] {
  const names = parameters.getAll(`${name}.name`)
  return parameters.getAll(name).map((key, index) => ({ key, name: names[index] ?? key }))
}

function parseProperty(name?: string, from?: string, to?: string) {
  return name === undefined && from === undefined && to === undefined ? undefined : { name, from, to }
}

function parseSequence(text?: string): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

function parsePosition(after?: string, before?: string): PagePosition {
  return after !== undefined ? { after } : before !== undefined ? { before } : undefined
}

function parsePeriod(parameters: URLSearchParams): Period {
  const timestamp = (name: string) => {
    const time = Date.parse(parameters.get(name) ?? '')
    return Number.isNaN(time) ? undefined : new Date(time).toISOString()
  }
  const [from, to] = [timestamp('from'), timestamp('to')]
  if (from !== undefined || to !== undefined) return { from, to }
  return knownValues(PERIODS, parameters.getAll('period'))[0] ?? NO_FILTERS.period
}
