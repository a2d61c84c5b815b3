// Moments, as the person prefers them: how long ago or when exactly, in their own time zone or in UTC. Whatever is
// shown, the exact moment with its zone is a hover away.
import { useSyncExternalStore } from 'react'
import { type Preferences, usePreferences } from '../view/preferences'

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Infinity],
]

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'narrow' })

const exact = (zone: Preferences['zone'], parts: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat(undefined, { hourCycle: 'h23', ...(zone === 'UTC' && { timeZone: 'UTC' }), ...parts })

const SHORT: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
}
const formats = {
  local: { short: exact('local', SHORT), long: exact('local', { dateStyle: 'full', timeStyle: 'long' }) },
  UTC: { short: exact('UTC', SHORT), long: exact('UTC', { dateStyle: 'full', timeStyle: 'long' }) },
}

/** How long ago, or how far ahead, a moment is. */
export function ago(moment: string, now: number): string {
  let distance = (Date.parse(moment) - now) / 1000
  for (const [unit, size] of STEPS) {
    if (Math.abs(distance) < size) return relative.format(Math.trunc(distance), unit)
    distance /= size
  }
  return moment
}

/** The name of the zone that times are shown in. */
export function zoneName(zone: Preferences['zone']): string {
  return zone === 'UTC' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone
}

export function exactly(moment: string, zone: Preferences['zone'], form: 'short' | 'long' = 'short'): string {
  return formats[zone][form].format(new Date(moment))
}

// One clock for all moments on the page, so that they move together.
let now = Date.now()
const watchers = new Set<() => void>()
let ticking: ReturnType<typeof setInterval> | undefined

function watch(changed: () => void): () => void {
  watchers.add(changed)
  ticking ??= setInterval(() => {
    now = Date.now()
    watchers.forEach((tell) => tell())
  }, 15_000)
  return () => {
    watchers.delete(changed)
    if (watchers.size > 0) return
    clearInterval(ticking)
    ticking = undefined
  }
}

export function useNow(): number {
  return useSyncExternalStore(watch, () => now)
}

export function Time({ moment, as }: { moment: string; as?: Preferences['times'] }) {
  const { preferences } = usePreferences()
  const current = useNow()
  const { zone } = preferences
  const shown = (as ?? preferences.times) === 'relative' ? ago(moment, Math.max(current, 0)) : exactly(moment, zone)
  return (
    <time dateTime={moment} title={exactly(moment, zone, 'long')}>
      {shown}
    </time>
  )
}
