// The choices of the activity filter, limited to the chosen services, categories and resource types.
import { ErrorMessage } from '../ui/error-message'
import { useView } from '../view/use-view'
import { useCatalogue } from './catalogue'
import { type Choice, ChoiceList } from './choice-list'
import { useActivityTypes } from './use-activity-types'

const nullIfEmpty = <T,>(values: T[]) => (values.length > 0 ? values : null)

export function ActivityChoices() {
  const { view, setFilters } = useView()
  const { names } = useCatalogue()
  const { service, category, resource, activity } = view.filters
  const { types, fetching, error, retry } = useActivityTypes({
    services: nullIfEmpty(service),
    categories: nullIfEmpty(category),
    resourceTypes: nullIfEmpty(resource),
  })
  // An activity can belong to several categories and services; the filter takes its key. Those with events come first.
  const byKey = new Map<string, Choice & { count: number }>()
  for (const type of types) {
    const previous = byKey.get(type.key)
    const hint = names.category(type.category)
    const hints = previous?.hint?.includes(hint) === false ? `${previous.hint}, ${hint}` : (previous?.hint ?? hint)
    byKey.set(type.key, {
      key: type.key,
      label: type.displayName,
      hint: hints,
      count: (previous?.count ?? 0) + type.eventCount,
    })
  }
  const choices = [...byKey.values()].sort((one, other) => Number(other.count > 0) - Number(one.count > 0))
  return (
    <ChoiceList
      legend="Activity"
      hasSearch
      choices={choices}
      chosen={activity}
      onChange={(chosen) => setFilters({ activity: chosen })}
      emptyMessage={fetching ? 'Reading the activities…' : undefined}
      errorMessage={error && <ErrorMessage lead="The activities cannot be read." error={error} retry={retry} />}
    />
  )
}
