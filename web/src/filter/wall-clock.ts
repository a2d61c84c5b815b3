// Converts between timestamps and the values of `datetime-local` inputs, in the local time zone or UTC.
import type { Zone } from '../ui/time'

/** Formats a timestamp (RFC 3339) as an input value; an empty string if there is none. */
export function formatWallClock(timestamp: string | undefined, zone: Zone): string {
  if (timestamp === undefined) return ''
  const date = new Date(timestamp)
  const offset = zone === 'UTC' ? 0 : date.getTimezoneOffset() * 60_000
  return new Date(date.getTime() - offset).toISOString().slice(0, 19)
}

/** Parses an input value to a timestamp (RFC 3339). Returns `undefined` if it is empty or invalid. */
export function parseWallClock(text: string, zone: Zone): string | undefined {
  if (text === '') return undefined
  // A value without an offset is parsed as local time.
  const date = new Date(zone === 'UTC' ? `${text}Z` : text)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
