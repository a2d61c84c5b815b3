// A histogram of events over time, with failures highlighted. Dragging over bars zooms in. So does the keyboard (arrows
// select, Shift extends, Enter zooms); screen readers read the bars the same way.
import { scaleLinear, scaleTime } from 'd3-scale'
import { type KeyboardEvent, type PointerEvent, useLayoutEffect, useRef, useState } from 'react'
import type { HistogramInterval } from '../api/gql/graphql'
import type { Zone } from '../ui/time'
import { axisLabels, rangeLabel } from './bar-labels'
import type { Bucket } from './query'

const HEIGHT = 168
const MARGIN = { top: 8, right: 4, bottom: 22, left: 44 }
/** The width of a label on the time axis, in pixels. */
const LABEL_WIDTH = 84
const CHARACTER_WIDTH = 6.4

interface Props {
  buckets: Bucket[]
  interval: HistogramInterval
  /** The time zone of the bars. */
  zone: Zone
  onRange: (from: string, to: string) => void
}

export function Histogram({ buckets, interval, zone, onRange }: Props) {
  const [frame, width] = useWidth()
  // The first and the last selected bar, in the order of selection.
  const [range, setRange] = useState<[number, number]>()
  const [isDragging, setDragging] = useState(false)

  const [first, last] = [buckets[0], buckets.at(-1)]
  const x = scaleTime()
    .domain([new Date(first?.startsAt ?? 0), new Date(last?.endsAt ?? 1)])
    .range([MARGIN.left, Math.max(width - MARGIN.right, MARGIN.left + 1)])
  const countMax = Math.max(1, ...buckets.map(({ count }) => count))
  const y = scaleLinear()
    .domain([0, countMax])
    .nice(3)
    .range([HEIGHT - MARGIN.bottom, MARGIN.top])
  const barWidth = (width - MARGIN.left - MARGIN.right) / Math.max(buckets.length, 1)
  const labels = axisLabels(buckets, interval, zone, Math.ceil(LABEL_WIDTH / barWidth))
  const describeBucket = ({ startsAt, endsAt, count, failureCount, unknownCount }: Bucket) =>
    [
      `${rangeLabel({ startsAt, endsAt }, interval, zone)}: ${count.toLocaleString()} events`,
      ...(failureCount > 0 ? [`${failureCount.toLocaleString()} failed`] : []),
      ...(unknownCount > 0 ? [`${unknownCount.toLocaleString()} without a result`] : []),
    ].join(', ')

  const bucketIndexAt = (event: PointerEvent<SVGSVGElement>) => {
    const { left } = event.currentTarget.getBoundingClientRect()
    const time = x.invert(event.clientX - left).getTime()
    const index = buckets.findIndex(({ endsAt }) => Date.parse(endsAt) > time)
    return index < 0 ? buckets.length - 1 : index
  }
  const zoom = ([start, end]: [number, number]) => {
    const [from, to] = [buckets[Math.min(start, end)], buckets[Math.max(start, end)]]
    setRange(undefined)
    if (from && to) onRange(from.startsAt, to.endsAt)
  }
  const onKeyDown = (event: KeyboardEvent<SVGSVGElement>) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (event.key === 'Enter' && range) zoom(range)
    else if (event.key === 'Escape') setRange(undefined)
    else if (step !== undefined) {
      const next = range ? Math.min(Math.max(range[1] + step, 0), buckets.length - 1) : buckets.length - 1
      setRange(event.shiftKey && range ? [range[0], next] : [next, next])
    } else return
    event.preventDefault()
  }
  const selected = range && buckets.slice(Math.min(...range), Math.max(...range) + 1)
  const [from, to] = [selected?.[0], selected?.at(-1)]

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
        aria-valuetext={selected ? selected.map(describeBucket).join('; ') : `${buckets.length} bars`}
        onKeyDown={onKeyDown}
        onBlur={() => setRange(undefined)}
        onPointerDown={(event) => {
          if (event.button !== 0) return
          event.currentTarget.setPointerCapture(event.pointerId)
          const index = bucketIndexAt(event)
          setDragging(true)
          setRange([index, index])
        }}
        onPointerMove={(event) => isDragging && range && setRange([range[0], bucketIndexAt(event)])}
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
            <line x1={MARGIN.left} x2={width - MARGIN.right} y1={y(tick)} y2={y(tick)} />
            <text x={MARGIN.left - 8} y={y(tick)} dy="0.32em" textAnchor="end">
              {tick.toLocaleString()}
            </text>
          </g>
        ))}
        {buckets.map((bucket, index) => {
          const [left, right] = [x(new Date(bucket.startsAt)), x(new Date(bucket.endsAt))]
          const bar = { x: left + 0.5, width: Math.max(right - left - (right - left > 5 ? 2 : 0.5), 0.5) }
          const isSelected = range && index >= Math.min(...range) && index <= Math.max(...range)
          const failedHeight = y(0) - y(bucket.failureCount)
          return (
            <g key={bucket.startsAt} className={isSelected ? 'bar in' : 'bar'}>
              <title>{describeBucket(bucket)}</title>
              <rect
                className="hit-area"
                x={left}
                width={Math.max(right - left, 0.5)}
                y={MARGIN.top}
                height={HEIGHT - MARGIN.bottom - MARGIN.top}
              />
              <rect {...bar} y={y(bucket.count)} height={y(0) - y(bucket.count)} />
              <rect {...bar} className="failed" y={y(0) - failedHeight} height={failedHeight} />
            </g>
          )
        })}
        {labels.map(({ index, text }) => {
          const [left, right] = [x(timeOf(buckets[index]?.startsAt)), x(timeOf(buckets[index]?.endsAt))]
          const middle = (left + right) / 2
          const isCut = middle + (text.length * CHARACTER_WIDTH) / 2 > width
          return isCut ? null : (
            <text key={index} className="time" x={middle} y={HEIGHT - 6} textAnchor="middle">
              {text}
            </text>
          )
        })}
      </svg>
      <figcaption aria-live="polite">
        {from && to ? (
          <>
            {rangeLabel({ startsAt: from.startsAt, endsAt: to.endsAt }, interval, zone)}:{' '}
            {(selected ?? []).reduce((sum, { count }) => sum + count, 0).toLocaleString()} events
          </>
        ) : (
          'Drag over the bars to zoom in.'
        )}
      </figcaption>
    </figure>
  )
}

const timeOf = (timestamp: string | undefined) => new Date(timestamp ?? 0)

/** The width of the element, updated on resize. */
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
