// The panel of a text filter, with the parties that were chosen by a click elsewhere.
import { useId, useState } from 'react'
import { Icon } from '../ui/icon'
import type { Party } from '../view/view'

interface Props {
  label: string
  hint: string
  value: string | undefined
  onChange: (value: string | undefined) => void
  parties?: Party[]
  onParties?: (parties: Party[]) => void
  close: () => void
}

export function TextPanel({ label, hint, value, onChange, parties, onParties, close }: Props) {
  const [text, setText] = useState(value ?? '')
  const id = useId()
  return (
    <form
      className="panel"
      onSubmit={(event) => {
        event.preventDefault()
        onChange(text.trim() === '' ? undefined : text.trim())
        close()
      }}
    >
      {parties && onParties && <Parties parties={parties} onChange={onParties} />}
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        autoFocus
        aria-describedby={`${id}-hint`}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <p id={`${id}-hint`} className="muted">
        {hint}
      </p>
      <button type="submit" className="button primary">
        Apply
      </button>
    </form>
  )
}

/** The chosen parties, each with a button to remove it. */
export function Parties({ parties, onChange }: { parties: Party[]; onChange: (parties: Party[]) => void }) {
  if (parties.length === 0) return null
  return (
    <ul className="parties">
      {parties.map((party) => (
        <li key={party.key}>
          <span>{party.name}</span>
          <button
            type="button"
            className="chip-clear"
            aria-label={`Remove ${party.name}`}
            onClick={() => onChange(parties.filter((one) => one.key !== party.key))}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  )
}
