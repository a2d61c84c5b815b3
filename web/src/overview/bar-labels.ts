// The labels of the histogram's bars, in the time zone that the bars were counted in.
import type { HistogramInterval } from '../api/gql/graphql'
import { dateTimeFormat, type Zone } from '../ui/time'

export interface BarRange {
  startsAt: string
  /** The end, which is not part of the bar. */
  endsAt: string
}

/** The label of a bar below the axis, with the index of the bar. */
export interface AxisLabel {
  index: number
  text: string
}

const TIME = { hour: '2-digit', minute: '2-digit' } as const
const DAY = { day: 'numeric', month: 'short' } as const

/** The numbers of hours between two labels, so that midnight always has one. */
const HOUR_STEPS = [1, 2, 3, 6, 12, 24]

/**
 * The label of one bar or of adjacent ones: from the start of the first to the last millisecond of the last, with the year.
 *
 * The end of a bar is the start of the next one, so the label ends a millisecond earlier.
 */
export function rangeLabel({ startsAt, endsAt }: BarRange, interval: HistogramInterval, zone: Zone): string {
  const parts: Record<HistogramInterval, Intl.DateTimeFormatOptions> = {
    HOUR: { ...DAY, year: 'numeric', ...TIME },
    DAY: { weekday: 'short', ...DAY, year: 'numeric' },
    WEEK: { ...DAY, year: 'numeric' },
    MONTH: { month: 'short', year: 'numeric' },
  }
  const start = new Date(startsAt)
  const last = new Date(Math.max(Date.parse(endsAt) - 1, start.getTime()))
  return dateTimeFormat(zone, parts[interval]).formatRange(start, last)
}

/**
 * The labels below the axis: of every `step`th bar or fewer. The year is part of the first date, unless it is the
 * current year, and of the first date of each further year. An hour has its time, and midnight the date.
 */
export function axisLabels(
  buckets: readonly BarRange[],
  interval: HistogramInterval,
  zone: Zone,
  step: number,
  now = Date.now(),
): AxisLabel[] {
  const numberOf = (time: number, part: 'year' | 'hour') => {
    const parts = dateTimeFormat(zone, { [part]: 'numeric' }).formatToParts(time)
    return Number(parts.find(({ type }) => type === part)?.value)
  }
  let year = numberOf(now, 'year')
  let previous = -Infinity
  return buckets.flatMap(({ startsAt }, index) => {
    const time = Date.parse(startsAt)
    const hour = interval === 'HOUR' ? numberOf(time, 'hour') : 0
    if (!isLabelled(interval, hour, index, index - previous, step)) return []
    previous = index
    if (hour !== 0) return [{ index, text: dateTimeFormat(zone, TIME).format(time) }]
    const hasYear = interval === 'MONTH' || numberOf(time, 'year') !== year
    year = numberOf(time, 'year')
    const date = interval === 'MONTH' ? { month: 'short' as const } : DAY
    const parts = { ...date, ...(hasYear && { year: 'numeric' as const }) }
    return [{ index, text: dateTimeFormat(zone, parts).format(time) }]
  })
}

/** Returns whether a bar has a label, `distance` bars after the previous label. */
function isLabelled(interval: HistogramInterval, hour: number, index: number, distance: number, step: number): boolean {
  if (interval !== 'HOUR') return index % step === 0
  const hours = HOUR_STEPS.find((one) => one >= step) ?? Math.ceil(step / 24) * 24
  // A day of more than 24 hours repeats an hour.
  return hour % hours === 0 && distance >= Math.min(step, hours)
}
