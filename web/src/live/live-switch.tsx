// The switch for live events, with the state of the connection.
import type { ConnectionState } from './follow'

const STATE_LABELS = { connecting: 'Connecting', live: 'Live', broken: 'Connecting again' } as const

interface Props {
  isOn: boolean
  connection: ConnectionState | undefined
  /** The reason why the view cannot be live, or `undefined` if it can. */
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
