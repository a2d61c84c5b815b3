// When: the spans of the portals, everything, or a start and an end of one's own in the zone that times are shown in.
import { useId, useState } from 'react'
import { zoneName } from '../ui/time'
import { usePreferences } from '../view/preferences'
import { useView } from '../view/use-view'
import type { Period } from '../view/view'
import { periodName } from './filter-fields'
import { moment, wallClock } from './wall-clock'

const SPANS = ['24h', '7d', '30d', 'all'] as const

export function PeriodPanel({ close }: { close: () => void }) {
  const { view, filter } = useView()
  const { zone } = usePreferences().preferences
  const { period } = view.filters
  const own = typeof period === 'object' ? period : {}
  const [from, setFrom] = useState(wallClock(own.from, zone))
  const [to, setTo] = useState(wallClock(own.to, zone))
  const id = useId()
  const given: Period = { from: moment(from, zone), to: moment(to, zone) }
  const backwards = given.from !== undefined && given.to !== undefined && given.from >= given.to
  const choose = (next: Period) => {
    filter({ period: next })
    close()
  }

  return (
    <div className="panel">
      <fieldset className="spans">
        <legend className="visually-hidden">Date</legend>
        {SPANS.map((span) => (
          <button
            key={span}
            type="button"
            className="button"
            aria-pressed={period === span}
            onClick={() => choose(span)}
          >
            {periodName(span)}
          </button>
        ))}
      </fieldset>
      <form
        className="panel"
        onSubmit={(event) => {
          event.preventDefault()
          if (!backwards) choose(given.from === undefined && given.to === undefined ? 'all' : given)
        }}
      >
        <label htmlFor={`${id}-from`}>From</label>
        <input
          id={`${id}-from`}
          type="datetime-local"
          step="1"
          value={from}
          onChange={(event) => setFrom(event.target.value)}
        />
        <label htmlFor={`${id}-to`}>To (not included)</label>
        <input
          id={`${id}-to`}
          type="datetime-local"
          step="1"
          value={to}
          aria-describedby={`${id}-zone`}
          aria-invalid={backwards}
          onChange={(event) => setTo(event.target.value)}
        />
        <p id={`${id}-zone`} className="muted" role={backwards ? 'alert' : undefined}>
          {backwards ? 'The end has to be after the start.' : `In the time zone ${zoneName(zone)}.`}
        </p>
        <button type="submit" className="button primary" disabled={backwards}>
          Apply
        </button>
      </form>
    </div>
  )
}
