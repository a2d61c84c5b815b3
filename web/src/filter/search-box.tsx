// The free-text search over activity, actor and targets. It runs on Enter, so that incomplete words are not searched.
import { useId, useState } from 'react'
import { Icon } from '../ui/icon'
import { useView } from '../view/use-view'

export function SearchBox() {
  const { view, setFilters } = useView()
  const current = view.filters.text ?? ''
  const [text, setText] = useState(current)
  const [applied, setApplied] = useState(current)
  const id = useId()
  // The field follows the view. It is not replaced, which would lose the focus.
  if (applied !== current) {
    setApplied(current)
    setText(current)
  }
  const search = (next: string) => setFilters({ text: next === '' ? undefined : next })
  return (
    <form
      role="search"
      className="search-box"
      onSubmit={(event) => {
        event.preventDefault()
        search(text.trim())
      }}
    >
      <label htmlFor={id} className="visually-hidden">
        Search activities, actors and targets
      </label>
      <Icon name="search" />
      <input
        id={id}
        type="search"
        placeholder="Search"
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          if (event.target.value === '' && current !== '') search('')
        }}
      />
    </form>
  )
}
