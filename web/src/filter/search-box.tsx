// The free-text search over activity, actor and targets. It runs on Enter, so that incomplete words are not searched.
import { useId, useState } from 'react'
import { Icon } from '../ui/icon'
import { useView } from '../view/use-view'

export function SearchBox() {
  const { view, setFilters } = useView()
  const current = view.filters.text ?? ''
  return (
    <Box key={current} current={current} onSearch={(text) => setFilters({ text: text === '' ? undefined : text })} />
  )
}

function Box({ current, onSearch }: { current: string; onSearch: (text: string) => void }) {
  const [text, setText] = useState(current)
  const id = useId()
  return (
    <form
      role="search"
      className="search-box"
      onSubmit={(event) => {
        event.preventDefault()
        onSearch(text.trim())
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
          if (event.target.value === '' && current !== '') onSearch('')
        }}
      />
    </form>
  )
}
