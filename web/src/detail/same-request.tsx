// The other events of the same request: one act is often logged by several services.
import { useQuery } from 'urql'
import { useCatalogue } from '../filter/catalogue'
import { Failure } from '../ui/error-message'
import { Time } from '../ui/time'
import { written } from '../view/url-fragment'
import { useView } from '../view/use-view'
import { SameRequest } from './query'

export function SameRequestSection({ correlation, id }: { correlation: string; id: string }) {
  const { view } = useView()
  const { names } = useCatalogue()
  const [{ data, error }, again] = useQuery({ query: SameRequest, variables: { correlation } })
  const others = data?.auditEvents.nodes.filter((event) => event.id !== id) ?? []
  if (others.length === 0 && !error) return null
  return (
    <section aria-labelledby="detail-same">
      <h3 id="detail-same">In the same request</h3>
      {error && <Failure error={error} again={again} />}
      {others.length > 0 && (
        <ul className="same">
          {others.map((event) => (
            <li key={event.id}>
              <a href={written({ ...view, event: event.id })}>{event.activityDisplayName}</a>
              <span className="muted">{names.service(event.service)}</span>
              <span className="muted">
                <Time moment={event.occurredAt} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {data?.auditEvents.pageInfo.hasNextPage === true && <p className="muted">There are more.</p>}
    </section>
  )
}
