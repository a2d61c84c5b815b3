// The filter bar: first the filters of the Microsoft portals, in their order, then further ones.
import { GROUP_SOURCE_LABELS, RESOURCE_TYPE_LABELS, STATUS_LABELS, valuesOf } from '../api/enums'
import { useView } from '../view/use-view'
import { ActivityChoices } from './activity-choices'
import { ActorChoices } from './actor-choices'
import { CatalogueError, categoriesOf, useCatalogue } from './catalogue'
import { ChoiceList } from './choice-list'
import { ALL_CLEARED, FILTER_NAMES, isChanged } from './filter-fields'
import { FilterMenu, focusFilter } from './filter-menu'
import { PeriodPanel } from './period-panel'
import { PropertyPanel } from './property-panel'
import { SearchBox } from './search-box'
import { TextPanel } from './text-panel'
import './filter.css'

export function FilterBar() {
  const { view, setFilters } = useView()
  const { services, names, error } = useCatalogue()
  const { filters } = view
  const categories = categoriesOf(services, filters.service)
  const catalogueError = error && <CatalogueError />

  return (
    <section className="filters" aria-label="Filters">
      <SearchBox />
      <FilterMenu name="period">{(close) => <PeriodPanel close={close} />}</FilterMenu>
      <FilterMenu name="actor">{() => <ActorChoices />}</FilterMenu>
      <FilterMenu name="category">
        {() => (
          <ChoiceList
            legend="Category"
            hasSearch
            choices={categories.map(({ key, displayName }) => ({ key, label: displayName }))}
            labelOf={names.category}
            chosen={filters.category}
            onChange={(category) => setFilters({ category })}
            errorMessage={catalogueError}
          />
        )}
      </FilterMenu>
      <FilterMenu name="resource">
        {() => (
          <ChoiceList
            legend="Resource type"
            choices={valuesOf(RESOURCE_TYPE_LABELS).map((key) => ({ key, label: RESOURCE_TYPE_LABELS[key] }))}
            chosen={filters.resource}
            onChange={(chosen) =>
              setFilters({ resource: valuesOf(RESOURCE_TYPE_LABELS).filter((one) => chosen.includes(one)) })
            }
          />
        )}
      </FilterMenu>
      {(filters.source !== undefined || (filters.resource.length === 1 && filters.resource[0] === 'GROUP')) && (
        <FilterMenu name="source">
          {() => (
            <ChoiceList
              legend="Source"
              choices={valuesOf(GROUP_SOURCE_LABELS).map((key) => ({ key, label: GROUP_SOURCE_LABELS[key] }))}
              chosen={filters.source === undefined ? [] : [filters.source]}
              onChange={(chosen) =>
                setFilters({ source: valuesOf(GROUP_SOURCE_LABELS).find((one) => one === chosen.at(-1)) })
              }
            />
          )}
        </FilterMenu>
      )}
      <FilterMenu name="activity" panelClass="wide">
        {() => <ActivityChoices />}
      </FilterMenu>
      <FilterMenu name="status">
        {() => (
          <ChoiceList
            legend="Status"
            choices={valuesOf(STATUS_LABELS).map((key) => ({ key, label: STATUS_LABELS[key] }))}
            chosen={filters.status}
            onChange={(chosen) => setFilters({ status: valuesOf(STATUS_LABELS).filter((one) => chosen.includes(one)) })}
          />
        )}
      </FilterMenu>
      <FilterMenu name="service">
        {() => (
          <ChoiceList
            legend="Service"
            hasSearch
            choices={services.map(({ key, displayName }) => ({ key, label: displayName }))}
            labelOf={names.service}
            chosen={filters.service}
            onChange={(service) => setFilters({ service })}
            errorMessage={catalogueError}
          />
        )}
      </FilterMenu>
      <FilterMenu name="target">
        {(close) => (
          <TextPanel
            label="Target"
            hint="Part of its name, principal name or id"
            value={filters.targetText}
            parties={filters.target}
            onParties={(target) => setFilters({ target })}
            onChange={(targetText) => setFilters({ targetText })}
            close={close}
          />
        )}
      </FilterMenu>
      <FilterMenu name="property">{(close) => <PropertyPanel close={close} />}</FilterMenu>
      <FilterMenu name="involving">
        {(close) => (
          <TextPanel
            label="Involving"
            hint="A person or thing, whether it acted or was acted on: name, principal name or object id"
            value={filters.involving}
            onChange={(involving) => setFilters({ involving })}
            close={close}
          />
        )}
      </FilterMenu>
      {filters.correlation !== undefined && (
        <FilterMenu name="correlation">
          {(close) => (
            <TextPanel
              label="Correlation id"
              hint="The events of one request"
              value={filters.correlation}
              onChange={(correlation) => setFilters({ correlation })}
              close={close}
            />
          )}
        </FilterMenu>
      )}
      {filters.asOf !== undefined && (
        <FilterMenu name="asOf">
          {() => <p>What was recorded later is left out, so that this shows the same for ever.</p>}
        </FilterMenu>
      )}
      {FILTER_NAMES.some((name) => isChanged(name, filters)) && (
        <button
          type="button"
          className="button quiet"
          onClick={(event) => {
            focusFilter(event.currentTarget)
            setFilters(ALL_CLEARED)
          }}
        >
          Clear all
        </button>
      )}
    </section>
  )
}
