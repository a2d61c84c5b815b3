// The panel of the period filter: the periods of the Microsoft portals, all time, or a custom range in the shown zone.
import { useId, useState } from 'react'
import { zoneName } from '../ui/time'
import { usePreferences } from '../view/preferences'
import { useView } from '../view/use-view'
import { type Period, PERIODS } from '../view/view'
import { periodName } from './filter-fields'
import { formatWallClock, parseWallClock } from './wall-clock'

export function PeriodPanel({ close }: { close: () => void }) {
  const { view, setFilters } = useView()
  const { zone } = usePreferences().preferences
  const { period } = view.filters
  const custom = typeof period === 'object' ? period : {}
  const [from, setFrom] = useState(formatWallClock(custom.from, zone))
  const [to, setTo] = useState(formatWallClock(custom.to, zone))
  const id = useId()
  const entered: Period = { from: parseWallClock(from, zone), to: parseWallClock(to, zone) }
  const isReversed = entered.from !== undefined && entered.to !== undefined && entered.from >= entered.to
  const choose = (next: Period) => {
    setFilters({ period: next })
    close()
  }

  return (
    <div className="panel">
      <fieldset className="spans">
        <legend className="visually-hidden">Date</legend>
        {PERIODS.map((option) => (
          <button
            key={option}
            type="button"
            className="button"
            aria-pressed={period === option}
            onClick={() => choose(option)}
          >
            {periodName(option, zone)}
          </button>
        ))}
      </fieldset>
      <form
        className="panel"
        onSubmit={(event) => {
          event.preventDefault()
          if (!isReversed) choose(entered.from === undefined && entered.to === undefined ? 'all' : entered)
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
          aria-invalid={isReversed}
          onChange={(event) => setTo(event.target.value)}
        />
        <p id={`${id}-zone`} className="muted" role={isReversed ? 'alert' : undefined}>
          {isReversed ? 'The end has to be after the start.' : `In the time zone ${zoneName(zone)}.`}
        </p>
        <button type="submit" className="button primary" disabled={isReversed}>
          Apply
        </button>
      </form>
    </div>
  )
}
