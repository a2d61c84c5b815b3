// When events happened, as bars with the failures among them. Dragging over bars zooms into their time; so does
// choosing one with the keyboard (arrows, Shift to extend, Enter), which is how a screen reader reads them too.
import { scaleLinear, scaleTime } from 'd3-scale'
import { type KeyboardEvent, type PointerEvent, useLayoutEffect, useRef, useState } from 'react'
import type { HistogramInterval } from '../api/gql/graphql'
import { usePreferences } from '../view/preferences'
import type { Bucket } from './query'

const HEIGHT = 168
const EDGE = { top: 8, right: 4, bottom: 22, left: 44 }
/** What a label of the time axis needs, in pixels. */
const LABEL = 84

interface Props {
  buckets: Bucket[]
  interval: HistogramInterval
  onRange: (from: string, to: string) => void
}

export function Histogram({ buckets, interval, onRange }: Props) {
  const { zone } = usePreferences().preferences
  const [frame, width] = useWidth()
  // The first and the last bar of a range, in the order in which they were chosen.
  const [range, setRange] = useState<[number, number]>()
  const [isDragging, setDragging] = useState(false)

  const [first, last] = [buckets[0], buckets.at(-1)]
  const x = scaleTime()
    .domain([new Date(first?.startsAt ?? 0), new Date(last?.endsAt ?? 1)])
    .range([EDGE.left, Math.max(width - EDGE.right, EDGE.left + 1)])
  const most = Math.max(1, ...buckets.map(({ count }) => count))
  const y = scaleLinear()
    .domain([0, most])
    .nice(3)
    .range([HEIGHT - EDGE.bottom, EDGE.top])
  // Where a month begins, the next tick may be too close for a label.
  const ticks = x.ticks(Math.max(2, Math.floor(width / LABEL))).filter((tick, index, all) => {
    const next = all[index + 1]
    return next === undefined || x(next) - x(tick) > LABEL / 2
  })
  const label = labels(interval, zone)
  const said = ({ startsAt, count, failureCount }: Bucket) =>
    `${label.long.format(new Date(startsAt))}: ${count.toLocaleString()} events${failureCount > 0 ? `, ${failureCount.toLocaleString()} failed` : ''}`

  const at = (event: PointerEvent<SVGSVGElement>) => {
    const { left } = event.currentTarget.getBoundingClientRect()
    const time = x.invert(event.clientX - left).getTime()
    const index = buckets.findIndex(({ endsAt }) => Date.parse(endsAt) > time)
    return index < 0 ? buckets.length - 1 : index
  }
  const zoom = ([one, other]: [number, number]) => {
    const [from, to] = [buckets[Math.min(one, other)], buckets[Math.max(one, other)]]
    setRange(undefined)
    if (from && to) onRange(from.startsAt, to.endsAt)
  }
  const pressed = (event: KeyboardEvent<SVGSVGElement>) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (event.key === 'Enter' && range) zoom(range)
    else if (event.key === 'Escape') setRange(undefined)
    else if (step !== undefined) {
      const next = range ? Math.min(Math.max(range[1] + step, 0), buckets.length - 1) : buckets.length - 1
      setRange(event.shiftKey && range ? [range[0], next] : [next, next])
    } else return
    event.preventDefault()
  }
  const chosen = range && buckets.slice(Math.min(...range), Math.max(...range) + 1)
  const [from, to] = [chosen?.[0], chosen?.at(-1)]

  return (
    <figure className="histogram" ref={frame}>
      <svg
        width={width}
        height={HEIGHT}
        role="slider"
        tabIndex={0}
        aria-label="Events over time. Arrow keys choose a bar, Shift extends, Enter zooms in."
        aria-valuemin={0}
        aria-valuemax={Math.max(buckets.length - 1, 0)}
        aria-valuenow={range?.[1] ?? 0}
        aria-valuetext={chosen ? chosen.map(said).join('; ') : `${buckets.length} bars`}
        onKeyDown={pressed}
        onBlur={() => setRange(undefined)}
        onPointerDown={(event) => {
          if (event.button !== 0) return
          event.currentTarget.setPointerCapture(event.pointerId)
          const index = at(event)
          setDragging(true)
          setRange([index, index])
        }}
        onPointerMove={(event) => isDragging && range && setRange([range[0], at(event)])}
        onPointerUp={() => {
          setDragging(false)
          if (isDragging && range) zoom(range)
        }}
        onPointerCancel={() => {
          setDragging(false)
          setRange(undefined)
        }}
      >
        {y.ticks(3).map((tick) => (
          <g key={tick} className="tick">
            <line x1={EDGE.left} x2={width - EDGE.right} y1={y(tick)} y2={y(tick)} />
            <text x={EDGE.left - 8} y={y(tick)} dy="0.32em" textAnchor="end">
              {tick.toLocaleString()}
            </text>
          </g>
        ))}
        {buckets.map((bucket, index) => {
          const [left, right] = [x(new Date(bucket.startsAt)), x(new Date(bucket.endsAt))]
          const bar = { x: left + 0.5, width: Math.max(right - left - (right - left > 5 ? 2 : 0.5), 0.5) }
          const isIn = range && index >= Math.min(...range) && index <= Math.max(...range)
          const failed = y(0) - y(bucket.failureCount)
          return (
            <g key={bucket.startsAt} className={isIn ? 'bar in' : 'bar'}>
              <title>{said(bucket)}</title>
              <rect
                className="room"
                x={left}
                width={Math.max(right - left, 0.5)}
                y={EDGE.top}
                height={HEIGHT - EDGE.bottom - EDGE.top}
              />
              <rect {...bar} y={y(bucket.count)} height={y(0) - y(bucket.count)} />
              <rect {...bar} className="failed" y={y(0) - failed} height={failed} />
            </g>
          )
        })}
        {ticks.map((tick) => (
          <text key={tick.getTime()} className="time" x={x(tick)} y={HEIGHT - 6} textAnchor="middle">
            {label.short.format(tick)}
          </text>
        ))}
      </svg>
      <figcaption aria-live="polite">
        {from && to ? (
          <>
            {label.long.format(new Date(from.startsAt))} – {label.long.format(new Date(to.endsAt))}:{' '}
            {(chosen ?? []).reduce((sum, { count }) => sum + count, 0).toLocaleString()} events
          </>
        ) : (
          'Drag over the bars to zoom in.'
        )}
      </figcaption>
    </figure>
  )
}

function labels(interval: HistogramInterval, zone: 'local' | 'UTC') {
  const timeZone = zone === 'UTC' ? { timeZone: 'UTC' } : {}
  const form = (parts: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(undefined, { ...timeZone, ...parts })
  const time = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
  if (interval === 'HOUR') return { short: form(time), long: form({ day: 'numeric', month: 'short', ...time }) }
  const day = form({ day: 'numeric', month: 'short' })
  if (interval === 'DAY')
    return { short: day, long: form({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }) }
  return {
    short: form({ month: 'short', year: '2-digit' }),
    long: form({ day: 'numeric', month: 'short', year: 'numeric' }),
  }
}

/** The width that there is, kept up to date. */
function useWidth(): [React.RefObject<HTMLElement | null>, number] {
  const frame = useRef<HTMLElement>(null)
  const [width, setWidth] = useState(600)
  useLayoutEffect(() => {
    if (!frame.current) return undefined
    const watch = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.floor(entry.contentRect.width))
    })
    watch.observe(frame.current)
    return () => watch.disconnect()
  }, [])
  return [frame, width]
}
