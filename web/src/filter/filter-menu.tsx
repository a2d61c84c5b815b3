// A filter: a button that opens its panel. If the filter is set, the button shows its value, with a button to clear it.
import type { ReactNode } from 'react'
import { Icon } from '../ui/icon'
import { Popover } from '../ui/popover'
import { useView } from '../view/use-view'
import { useCatalogue } from './catalogue'
import { FILTER_FIELDS, type FilterName } from './filter-fields'

interface Props {
  name: FilterName
  panelClass?: string
  children: (close: () => void) => ReactNode
}

export function FilterMenu({ name, panelClass, children }: Props) {
  const { view, setFilters } = useView()
  const { names } = useCatalogue()
  const { label, describe, cleared } = FILTER_FIELDS[name]
  const value = describe(view.filters, names)
  const isSet = value !== undefined
  return (
    <span className={isSet ? 'chip set' : 'chip'} data-filter={name}>
      <Popover
        label={label}
        buttonClass="chip-button"
        buttonLabel={isSet ? undefined : `Filter by ${label.toLowerCase()}`}
        panelClass={panelClass}
        button={
          <>
            <span className="chip-label">{isSet ? `${label}: ` : label}</span>
            {isSet ? <span className="chip-value">{value}</span> : <Icon name="down" />}
          </>
        }
      >
        {children}
      </Popover>
      {isSet && name !== 'period' && (
        <button type="button" className="chip-clear" aria-label={`Clear ${label}`} onClick={() => setFilters(cleared)}>
          <Icon name="close" />
        </button>
      )}
    </span>
  )
}
