// Moments and what a `datetime-local` field holds, in the local zone or UTC.
import type { Preferences } from '../view/preferences'

/** A moment as the field's text. */
export function formatWallClock(timestamp: string | undefined, zone: Preferences['zone']): string {
  if (timestamp === undefined) return ''
  const date = new Date(timestamp)
  const offset = zone === 'UTC' ? 0 : date.getTimezoneOffset() * 60_000
  return new Date(date.getTime() - offset).toISOString().slice(0, 19)
}

/** The moment that the field's text means; undefined when it is empty. */
export function parseWallClock(text: string, zone: Preferences['zone']): string | undefined {
  if (text === '') return undefined
  // Without an offset, a time is read as local.
  const date = new Date(zone === 'UTC' ? `${text}Z` : text)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
