// A filter: a button that opens its panel. The button shows the value of the filter, if it has one; a second button
// returns a changed filter to its default.
import type { ReactNode } from 'react'
import { Icon } from '../ui/icon'
import { Popover } from '../ui/popover'
import { usePreferences } from '../view/preferences'
import { useView } from '../view/use-view'
import { useCatalogue } from './catalogue'
import { FILTER_FIELDS, type FilterName, isChanged } from './filter-fields'

interface Props {
  name: FilterName
  panelClass?: string
  children: (close: () => void) => ReactNode
}

export function FilterMenu({ name, panelClass, children }: Props) {
  const { view, setFilters } = useView()
  const { names } = useCatalogue()
  const { label, describe, cleared } = FILTER_FIELDS[name]
  const { zone } = usePreferences().preferences
  const value = describe(view.filters, names, zone)
  const hasValue = value !== undefined
  const isSet = isChanged(name, view.filters)
  return (
    <span className={isSet ? 'chip set' : 'chip'} data-filter={name}>
      <Popover
        label={label}
        buttonClass="chip-button"
        buttonLabel={hasValue ? undefined : `Filter by ${label.toLowerCase()}`}
        panelClass={panelClass}
        button={
          <>
            <span className="chip-label">{hasValue ? `${label}: ` : label}</span>
            {hasValue && (
              <span className="chip-value" title={value}>
                {value}
              </span>
            )}
            {!isSet && <Icon name="down" />}
          </>
        }
      >
        {children}
      </Popover>
      {isSet && (
        <button
          type="button"
          className="chip-clear"
          aria-label={`Clear ${label}`}
          onClick={(event) => {
            focusFilter(event.currentTarget, name)
            setFilters(cleared)
          }}
        >
          <Icon name="close" />
        </button>
      )}
    </span>
  )
}

/** Moves the focus from a button that is about to disappear to the filter, or to the search if that disappears too. */
export function focusFilter(button: HTMLElement, name?: FilterName): void {
  const bar = button.closest('.filters')
  const isLasting = name !== undefined && !TRANSIENT_FILTERS.has(name)
  bar?.querySelector<HTMLElement>(isLasting ? `[data-filter="${name}"] .chip-button` : '.search-box input')?.focus()
}

/** The filters that the bar shows only while they are set. */
const TRANSIENT_FILTERS: ReadonlySet<FilterName> = new Set(['source', 'correlation', 'asOf'])
