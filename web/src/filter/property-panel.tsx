// The panel of the filter by changed property: name, old value, new value.
import { type ChangeEvent, useId, useState } from 'react'
import { useView } from '../view/use-view'

const trimmedOrUndefined = (text: string) => (text.trim() === '' ? undefined : text.trim())

export function PropertyPanel({ close }: { close: () => void }) {
  const { view, setFilters } = useView()
  const [typed, setTyped] = useState({
    name: view.filters.property?.name ?? '',
    from: view.filters.property?.from ?? '',
    to: view.filters.property?.to ?? '',
  })
  const id = useId()
  const input = (part: keyof typeof typed) => ({
    id: `${id}-${part}`,
    value: typed[part],
    autoComplete: 'off',
    onChange: (event: ChangeEvent<HTMLInputElement>) => setTyped({ ...typed, [part]: event.target.value }),
  })
  return (
    <form
      className="panel"
      onSubmit={(event) => {
        event.preventDefault()
        const property = {
          name: trimmedOrUndefined(typed.name),
          from: trimmedOrUndefined(typed.from),
          to: trimmedOrUndefined(typed.to),
        }
        const firstValue = property.name ?? property.from ?? property.to
        setFilters({ property: firstValue === undefined ? undefined : property })
        close()
      }}
    >
      <label htmlFor={`${id}-name`}>Property</label>
      <input {...input('name')} autoFocus placeholder="AccountEnabled" />
      <div className="pair">
        <div>
          <label htmlFor={`${id}-from`}>From</label>
          <input {...input('from')} placeholder="anything" aria-describedby={`${id}-hint`} />
        </div>
        <div>
          <label htmlFor={`${id}-to`}>To</label>
          <input {...input('to')} placeholder="anything" aria-describedby={`${id}-hint`} />
        </div>
      </div>
      <p id={`${id}-hint`} className="muted">
        The whole value, as text or JSON. A value in a list of one is found too.
      </p>
      <button type="submit" className="button primary">
        Apply
      </button>
    </form>
  )
}
