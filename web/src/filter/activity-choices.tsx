// The activities that can occur; which are offered follows the service, the category and the resource type chosen.
import { useQuery } from 'urql'
import { graphql } from '../api/gql'
import { Failure } from '../ui/error-message'
import { useView } from '../view/use-view'
import { useCatalogue } from './catalogue'
import { type Choice, Choices } from './choice-list'

const ActivityTypes = graphql(`
  query ActivityTypes($service: [String!], $category: [String!], $resourceType: [ActivityResourceType!]) {
    auditActivityTypes(service: $service, category: $category, resourceType: $resourceType) {
      key
      displayName
      category
      eventCount
    }
  }
`)

const some = <T,>(values: T[]) => (values.length > 0 ? values : null)

export function ActivityChoices() {
  const { view, filter } = useView()
  const { names } = useCatalogue()
  const { service, category, resource, activity } = view.filters
  const [{ data, fetching, error }, again] = useQuery({
    query: ActivityTypes,
    variables: { service: some(service), category: some(category), resourceType: some(resource) },
    requestPolicy: 'cache-and-network',
  })
  // One activity can be in several categories and services; the filter takes its key. Those that occurred come first.
  const found = new Map<string, Choice & { count: number }>()
  for (const type of data?.auditActivityTypes ?? []) {
    const known = found.get(type.key)
    const hint = names.category(type.category)
    const hints = known?.hint?.includes(hint) === false ? `${known.hint}, ${hint}` : (known?.hint ?? hint)
    found.set(type.key, {
      key: type.key,
      label: type.displayName,
      hint: hints,
      count: (known?.count ?? 0) + type.eventCount,
    })
  }
  const kept = activity.filter((key) => !found.has(key)).map((key) => ({ key, label: key, count: 0 }))
  const choices = [...found.values(), ...kept].sort((one, other) => Number(other.count > 0) - Number(one.count > 0))
  return (
    <Choices
      legend="Activity"
      narrow
      choices={choices}
      chosen={activity}
      onChange={(chosen) => filter({ activity: chosen })}
      none={fetching ? 'Reading the activities…' : undefined}
      failure={error && <Failure lead="The activities cannot be read." error={error} again={again} />}
    />
  )
}
