// The most frequent values of a facet, with their counts as bars. A click filters by the value.
import type { Party } from '../view/view'
import type { Facet } from './query'

interface Props {
  title: string
  facet: Facet | null
  emptyMessage?: string
  onChoose: (value: Party) => void
}

export function TopList({ title, facet, emptyMessage, onChoose }: Props) {
  const countMax = facet?.buckets[0]?.count ?? 1
  const id = `top-${title.toLowerCase().replaceAll(' ', '-')}`
  return (
    <section className="top-list" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {facet === null || facet.buckets.length === 0 ? (
        <p className="muted">{facet === null ? 'This cannot be counted now.' : (emptyMessage ?? 'None.')}</p>
      ) : (
        <ol>
          {facet.buckets.map(({ value, displayName, count }) => (
            <li key={value}>
              <button type="button" onClick={() => onChoose({ key: value, name: displayName })}>
                <span className="top-bar" aria-hidden="true" style={{ width: `${(count / countMax) * 100}%` }} />
                <span className="clip">{displayName}</span>
                <span className="top-count">{count.toLocaleString()}</span>
              </button>
            </li>
          ))}
        </ol>
      )}
      {facet !== null && facet.otherCount > 0 && <p className="muted">{facet.otherCount.toLocaleString()} in others</p>}
    </section>
  )
}
