// A view as the fragment of the address, and back. The fragment never leaves the browser, so names in it do not end
// up in a server's log; a link reproduces the view. What cannot be read is left out rather than guessed.
import type { ActivityResourceType, ActivityStatus, GroupSource } from '../api/gql/graphql'
import { type Filters, NO_FILTERS, type Party, type Period, type Place, type View } from './view'

export const RESOURCES: readonly ActivityResourceType[] = [
  'USER',
  'GROUP',
  'APPLICATION',
  'DEVICE',
  'POLICY',
  'DIRECTORY',
  'OTHER',
]
export const STATUSES: readonly ActivityStatus[] = ['SUCCESS', 'FAILURE', 'TIMEOUT', 'UNKNOWN']
export const SOURCES: readonly GroupSource[] = ['AZURE_AD', 'O365']

/** The view as a fragment, `#` included. */
export function written({ page, filters, place, event }: View): string {
  const out = new URLSearchParams()
  const all = (name: string, values: readonly string[]) => values.forEach((value) => out.append(name, value))
  const one = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== '') out.set(name, value)
  }
  const parties = (name: string, values: readonly Party[]) =>
    values.forEach((party) => {
      out.append(name, party.key)
      out.append(`${name}.name`, party.name)
    })
  if (page === 'overview') out.set('page', page)
  const { period } = filters
  if (typeof period === 'object') {
    one('from', period.from)
    one('to', period.to)
  } else if (period !== NO_FILTERS.period) out.set('period', period)
  all('service', filters.service)
  all('category', filters.category)
  all('resource', filters.resource)
  one('source', filters.source)
  all('activity', filters.activity)
  all('status', filters.status)
  parties('actor', filters.actor)
  one('actor.contains', filters.actorText)
  parties('target', filters.target)
  one('target.contains', filters.targetText)
  one('property', filters.property?.name)
  one('property.from', filters.property?.from)
  one('property.to', filters.property?.to)
  one('involving', filters.involving)
  one('correlation', filters.correlation)
  one('text', filters.text)
  one('asOf', filters.asOf?.toString())
  if (place) one('after' in place ? 'after' : 'before', 'after' in place ? place.after : place.before)
  one('event', event)
  return `#${out}`
}

/** The view that a fragment describes. */
export function read(fragment: string): View {
  const given = new URLSearchParams(fragment.replace(/^#/, ''))
  const one = (name: string) => given.get(name) ?? undefined
  const filters: Filters = {
    period: period(given),
    service: given.getAll('service'),
    category: given.getAll('category'),
    resource: among(RESOURCES, given.getAll('resource')),
    source: among(SOURCES, given.getAll('source'))[0],
    activity: given.getAll('activity'),
    status: among(STATUSES, given.getAll('status')),
    actor: parties(given, 'actor'),
    actorText: one('actor.contains'),
    target: parties(given, 'target'),
    targetText: one('target.contains'),
    property: property(one('property'), one('property.from'), one('property.to')),
    involving: one('involving'),
    correlation: one('correlation'),
    text: one('text'),
    asOf: sequence(one('asOf')),
  }
  const page = given.get('page') === 'overview' ? 'overview' : 'events'
  return { page, filters, place: place(one('after'), one('before')), event: one('event') }
}

function among<T extends string>(known: readonly T[], given: string[]): T[] {
  return known.filter((value) => given.includes(value))
}

function parties(given: URLSearchParams, name: string): Party[] {
  const names = given.getAll(`${name}.name`)
  return given.getAll(name).map((key, index) => ({ key, name: names[index] ?? key }))
}

function property(name?: string, from?: string, to?: string) {
  return name === undefined && from === undefined && to === undefined ? undefined : { name, from, to }
}

function sequence(text?: string): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

function place(after?: string, before?: string): Place {
  return after !== undefined ? { after } : before !== undefined ? { before } : undefined
}

function period(given: URLSearchParams): Period {
  const moment = (name: string) => {
    const time = Date.parse(given.get(name) ?? '')
    return Number.isNaN(time) ? undefined : new Date(time).toISOString()
  }
  const [from, to] = [moment('from'), moment('to')]
  if (from !== undefined || to !== undefined) return { from, to }
  return among(['24h', '7d', '30d', 'all'] as const, given.getAll('period'))[0] ?? NO_FILTERS.period
}
