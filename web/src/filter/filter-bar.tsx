// The filters, in the order of the portals, then ours.
import { useView } from '../view/use-view'
import { ActivityChoices } from './activity-choices'
import { ActorChoices } from './actor-choices'
import { CatalogueFailure, categoriesOf, useCatalogue } from './catalogue'
import { Choices } from './choice-list'
import { active, RESOURCE_NAMES, SOURCE_NAMES, STATUS_NAMES, withoutAny } from './filter-fields'
import { FilterMenu } from './filter-menu'
import { PeriodPanel } from './period-panel'
import { PropertyPanel } from './property-panel'
import { SearchBox } from './search-box'
import { TextPanel } from './text-panel'
import { RESOURCES, SOURCES, STATUSES } from '../view/url-fragment'
import './filter.css'

export function FilterBar() {
  const { view, filter } = useView()
  const { services, names, error } = useCatalogue()
  const { filters } = view
  const set = active(filters, names)
  const categories = categoriesOf(services, filters.service)
  const failure = error && <CatalogueFailure />

  return (
    <section className="filters" aria-label="Filters">
      <SearchBox />
      <FilterMenu name="period">{(close) => <PeriodPanel close={close} />}</FilterMenu>
      <FilterMenu name="actor">{() => <ActorChoices />}</FilterMenu>
      <FilterMenu name="category">
        {() => (
          <Choices
            legend="Category"
            narrow
            choices={categories.map(({ key, displayName }) => ({ key, label: displayName }))}
            chosen={filters.category}
            onChange={(category) => filter({ category, activity: [] })}
            failure={failure}
          />
        )}
      </FilterMenu>
      <FilterMenu name="resource">
        {() => (
          <Choices
            legend="Resource type"
            choices={RESOURCES.map((key) => ({ key, label: RESOURCE_NAMES[key] }))}
            chosen={filters.resource}
            onChange={(chosen) => filter({ resource: RESOURCES.filter((one) => chosen.includes(one)), activity: [] })}
          />
        )}
      </FilterMenu>
      {filters.resource.length === 1 && filters.resource[0] === 'GROUP' && (
        <FilterMenu name="source">
          {() => (
            <Choices
              legend="Source"
              choices={SOURCES.map((key) => ({ key, label: SOURCE_NAMES[key] }))}
              chosen={filters.source === undefined ? [] : [filters.source]}
              onChange={(chosen) => filter({ source: SOURCES.find((one) => one === chosen.at(-1)) })}
            />
          )}
        </FilterMenu>
      )}
      <FilterMenu name="activity" panelClass="wide">
        {() => <ActivityChoices />}
      </FilterMenu>
      <FilterMenu name="status">
        {() => (
          <Choices
            legend="Status"
            choices={STATUSES.map((key) => ({ key, label: STATUS_NAMES[key] }))}
            chosen={filters.status}
            onChange={(chosen) => filter({ status: STATUSES.filter((one) => chosen.includes(one)) })}
          />
        )}
      </FilterMenu>
      <FilterMenu name="service">
        {() => (
          <Choices
            legend="Service"
            narrow
            choices={services.map(({ key, displayName }) => ({ key, label: displayName }))}
            chosen={filters.service}
            onChange={(service) => filter({ service, category: [], activity: [] })}
            failure={failure}
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
            onParties={(target) => filter({ target })}
            onChange={(targetText) => filter({ targetText })}
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
            onChange={(involving) => filter({ involving })}
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
              onChange={(correlation) => filter({ correlation })}
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
      {set.length > 0 && (
        <button type="button" className="button quiet" onClick={() => filter(withoutAny(filters))}>
          Clear all
        </button>
      )}
    </section>
  )
}
