// Timestamps as the user prefers them: relative or absolute, in the local zone or UTC. The tooltip always has the exact
// time with its zone.
import { useSyncExternalStore } from 'react'
import { type Preferences, usePreferences } from '../view/preferences'

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Infinity],
]

export type Zone = Preferences['zone']

const relative = new Intl.RelativeTimeFormat('en', { style: 'narrow' })

export const dateTimeFormat = (zone: Zone, parts: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat(undefined, { hourCycle: 'h23', ...(zone === 'UTC' && { timeZone: 'UTC' }), ...parts })

const SHORT_PARTS: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
}
const formatsFor = (zone: Zone) => ({
  short: dateTimeFormat(zone, SHORT_PARTS),
  long: dateTimeFormat(zone, { dateStyle: 'full', timeStyle: 'long' }),
  minute: dateTimeFormat(zone, { dateStyle: 'medium', timeStyle: 'short' }),
  second: dateTimeFormat(zone, { dateStyle: 'medium', timeStyle: 'medium' }),
})
const formats = { local: formatsFor('local'), UTC: formatsFor('UTC') }

/** Formats a timestamp relative to `now` (milliseconds). */
export function relativeTime(timestamp: string, now: number): string {
  let distance = (Date.parse(timestamp) - now) / 1000
  // The page's clock advances in steps of `TICK_SECONDS`, and the server's clock may be slightly ahead.
  if (distance > -1 && distance < 2 * TICK_SECONDS) return 'now'
  for (const [unit, size] of UNITS) {
    if (Math.abs(distance) < size) return relative.format(Math.trunc(distance), unit)
    distance /= size
  }
  return timestamp
}

/** The name of the time zone. */
export function zoneName(zone: Zone): string {
  return zone === 'UTC' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone
}

export function absoluteTime(timestamp: string, zone: Zone, style: 'short' | 'long' = 'short'): string {
  return formats[zone][style].format(new Date(timestamp))
}

/** The date and time, without seconds if they are zero. */
export function mediumTime(timestamp: string, zone: Zone): string {
  return mediumFormat([timestamp], zone).format(new Date(timestamp))
}

/** A range of date and time. The parts that both ends have in common are not repeated. */
export function mediumTimeRange(from: string, to: string, zone: Zone): string {
  // A range in the URL may be reversed, which `formatRange` rejects in some browsers.
  if (from > to) return `${mediumTime(from, zone)} – ${mediumTime(to, zone)}`
  return mediumFormat([from, to], zone).formatRange(new Date(from), new Date(to))
}

function mediumFormat(timestamps: string[], zone: Zone): Intl.DateTimeFormat {
  const hasSeconds = timestamps.some((timestamp) => Date.parse(timestamp) % 60_000 >= 1000)
  return formats[zone][hasSeconds ? 'second' : 'minute']
}

const TICK_SECONDS = 15

// One clock for all times on the page, so that they update together.
let now = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(onChange: () => void): () => void {
  listeners.add(onChange)
  timer ??= setInterval(() => {
    now = Date.now()
    listeners.forEach((notify) => notify())
  }, TICK_SECONDS * 1000)
  return () => {
    listeners.delete(onChange)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

export function useNow(): number {
  const getNow = () => now
  return useSyncExternalStore(subscribe, getNow, getNow)
}

export function Time({ timestamp, format }: { timestamp: string; format?: Preferences['times'] }) {
  const { preferences } = usePreferences()
  const current = useNow()
  const { zone } = preferences
  const shown =
    (format ?? preferences.times) === 'relative'
      ? relativeTime(timestamp, Math.max(current, 0))
      : absoluteTime(timestamp, zone)
  return (
    <time dateTime={timestamp} title={absoluteTime(timestamp, zone, 'long')}>
      {shown}
    </time>
  )
}
