// The switch that makes the list live, and how the connection stands.
import type { Standing } from './follow'

const STANDINGS = { connecting: 'Connecting', live: 'Live', broken: 'Connecting again' } as const

interface Props {
  on: boolean
  standing: Standing | undefined
  /** Why it cannot be live now. */
  reason: string | undefined
  onChange: (on: boolean) => void
}

export function LiveSwitch({ on, standing, reason, onChange }: Props) {
  return (
    <>
      <button
        type="button"
        role="switch"
        aria-checked={on}
        className={`button live-switch ${on ? (standing ?? '') : ''}`}
        disabled={reason !== undefined}
        title={reason ?? 'New events come in on top as they are recorded'}
        onClick={() => onChange(!on)}
      >
        <span className="live-dot" aria-hidden="true" />
        Live
      </button>
      <span className="visually-hidden" role="status">
        {on && standing ? STANDINGS[standing] : ''}
      </span>
    </>
  )
}
