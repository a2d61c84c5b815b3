// The other events of the same request: one operation is often logged by several services.
import { useQuery } from 'urql'
import { useCatalogue } from '../filter/catalogue'
import { ErrorMessage } from '../ui/error-message'
import { Time } from '../ui/time'
import { toFragment } from '../view/url-fragment'
import { useView } from '../view/use-view'
import { SameRequest } from './query'

export function SameRequestSection({ correlationId, id }: { correlationId: string; id: string }) {
  const { view } = useView()
  const { names } = useCatalogue()
  const [{ data, error }, refetch] = useQuery({ query: SameRequest, variables: { correlationId } })
  const others = data?.auditEvents?.nodes.filter((event) => event.id !== id) ?? []
  if (others.length === 0 && !error) return null
  return (
    <section aria-labelledby="detail-same">
      <h3 id="detail-same">In the same request</h3>
      {error && <ErrorMessage error={error} retry={refetch} />}
      {others.length > 0 && (
        <ul className="same-request">
          {others.map((event) => (
            <li key={event.id}>
              <a href={toFragment({ ...view, event: event.id })}>{event.activityDisplayName}</a>
              <span className="muted">{names.service(event.service)}</span>
              <span className="muted">
                <Time timestamp={event.occurredAt} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {data?.auditEvents?.pageInfo.hasNextPage === true && <p className="muted">There are more.</p>}
    </section>
  )
}
