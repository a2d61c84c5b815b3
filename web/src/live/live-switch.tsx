// The switch that makes the list live, and how the connection stands.
import type { ConnectionState } from './follow'

const STATE_LABELS = { connecting: 'Connecting', live: 'Live', broken: 'Connecting again' } as const

interface Props {
  isOn: boolean
  connection: ConnectionState | undefined
  /** Why it cannot be live now. */
  disabledReason: string | undefined
  onChange: (on: boolean) => void
}

export function LiveSwitch({ isOn, connection, disabledReason, onChange }: Props) {
  return (
    <>
      <button
        type="button"
        role="switch"
        aria-checked={isOn}
        className={`button live-switch ${isOn ? (connection ?? '') : ''}`}
        disabled={disabledReason !== undefined}
        title={disabledReason ?? 'New events come in on top as they are recorded'}
        onClick={() => onChange(!isOn)}
      >
        <span className="live-dot" aria-hidden="true" />
        Live
      </button>
      <span className="visually-hidden" role="status">
        {isOn && connection ? STATE_LABELS[connection] : ''}
      </span>
    </>
  )
}
