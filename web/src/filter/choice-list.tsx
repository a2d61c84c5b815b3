// A list of check boxes with an optional search field. Arrow keys move between the search field and the choices.
import { type KeyboardEvent, type ReactNode, useId, useState } from 'react'

export interface Choice {
  key: string
  label: string
  hint?: string | undefined
}

interface Props {
  legend: string
  choices: readonly Choice[]
  chosen: readonly string[]
  /** The label of a chosen item that is not among the choices; the key by default. */
  labelOf?: ((key: string) => string) | undefined
  onChange: (chosen: string[]) => void
  /** Whether to show a search field. */
  hasSearch?: boolean | undefined
  /** Shown if no choice matches. */
  emptyMessage?: ReactNode
  /** Shown if the choices could not be loaded; the listed ones may be incomplete. */
  errorMessage?: ReactNode
}

/** The maximum number of choices shown; longer lists are narrowed by typing. */
const CHOICES_SHOWN_MAX = 150

/** Moves the focus between the inputs of a panel on arrow keys. */
export function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  if (step === 0) return
  const inputs = [...event.currentTarget.querySelectorAll<HTMLElement>('input:not([disabled])')]
  const next = inputs[inputs.indexOf(document.activeElement as HTMLElement) + step]
  if (!next) return
  event.preventDefault()
  next.focus()
}

export function ChoiceList(props: Props) {
  const { legend, choices, chosen, labelOf = String, onChange, hasSearch, emptyMessage, errorMessage } = props
  const [text, setText] = useState('')
  // The order is that of the opening of the list, so that a choice does not move while it is changed.
  const [chosenFirst] = useState(chosen)
  const id = useId()
  const needle = text.trim().toLowerCase()
  const listed = new Set(choices.map(({ key }) => key))
  const unlisted = [...new Set([...chosenFirst, ...chosen])].filter((key) => !listed.has(key))
  const matching = [...choices, ...unlisted.map((key): Choice => ({ key, label: labelOf(key) }))].filter(
    ({ key, label }) => label.toLowerCase().includes(needle) || key.toLowerCase().includes(needle),
  )
  const sorted = matching.sort((one, other) => rank(chosenFirst, one) - rank(chosenFirst, other))
  const shown = sorted.slice(0, CHOICES_SHOWN_MAX)

  return (
    <div className="choices" onKeyDown={moveFocus}>
      {hasSearch === true && (
        <input
          type="search"
          autoFocus
          aria-label={`Find in ${legend}`}
          placeholder="Type to narrow"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      <fieldset>
        <legend className="visually-hidden">{legend}</legend>
        {shown.map((choice, index) => (
          <label key={choice.key} htmlFor={`${id}-${choice.key}`} className="choice">
            <input
              id={`${id}-${choice.key}`}
              type="checkbox"
              autoFocus={hasSearch !== true && index === 0}
              checked={chosen.includes(choice.key)}
              onChange={(event) =>
                onChange(event.target.checked ? [...chosen, choice.key] : chosen.filter((key) => key !== choice.key))
              }
            />
            <span>
              {choice.label}
              {choice.hint !== undefined && <small>{choice.hint}</small>}
            </span>
          </label>
        ))}
        {errorMessage ?? (shown.length === 0 && <p className="muted">{emptyMessage ?? 'Nothing matches.'}</p>)}
        {sorted.length > CHOICES_SHOWN_MAX && (
          <p className="muted">{sorted.length - CHOICES_SHOWN_MAX} more: type to narrow.</p>
        )}
      </fieldset>
    </div>
  )
}

function rank(chosen: readonly string[], { key }: Choice): number {
  return chosen.includes(key) ? 0 : 1
}
