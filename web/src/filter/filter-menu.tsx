// One filter: a button that opens its panel; once set, a chip that says to what, with a button that clears it.
import type { ReactNode } from 'react'
import { Icon } from '../ui/icon'
import { Popover } from '../ui/popover'
import { useView } from '../view/use-view'
import { useCatalogue } from './catalogue'
import { type FieldName, FIELDS } from './filter-fields'

interface Props {
  name: FieldName
  panelClass?: string
  children: (close: () => void) => ReactNode
}

export function FilterMenu({ name, panelClass, children }: Props) {
  const { view, filter } = useView()
  const { names } = useCatalogue()
  const { label, told, cleared } = FIELDS[name]
  const value = told(view.filters, names)
  const set = value !== undefined
  return (
    <span className={set ? 'chip set' : 'chip'} data-filter={name}>
      <Popover
        label={label}
        buttonClass="chip-button"
        buttonLabel={set ? undefined : `Filter by ${label.toLowerCase()}`}
        panelClass={panelClass}
        button={
          <>
            <span className="chip-label">{set ? `${label}: ` : label}</span>
            {set ? <span className="chip-value">{value}</span> : <Icon name="down" />}
          </>
        }
      >
        {children}
      </Popover>
      {set && name !== 'period' && (
        <button type="button" className="chip-clear" aria-label={`Clear ${label}`} onClick={() => filter(cleared)}>
          <Icon name="close" />
        </button>
      )}
    </span>
  )
}
