// The overview: when it happened, what, by whom, to what, and what failed. Everything in it filters by a click.
import { useEffect, useMemo } from 'react'
import { useQuery } from 'urql'
import { filterInput, periodInput } from '../filter/filter-input'
import { Failure } from '../ui/error-message'
import { zoneName } from '../ui/time'
import { usePreferences } from '../view/preferences'
import { useView } from '../view/use-view'
import { type Filters, filtered } from '../view/view'
import { Histogram } from './histogram'
import { intervalFor, LogSpan, Overview as OverviewQuery, type Span } from './query'
import { TopList } from './top-list'
import './overview.css'

const FAILED = { status: { in: ['FAILURE' as const, 'TIMEOUT' as const] } }

export default function Overview({ reading }: { reading: number }) {
  const [{ data, error, fetching }, again] = useQuery({ query: LogSpan })
  useEffect(() => {
    if (reading > 0) again({ requestPolicy: 'network-only' })
  }, [reading, again])
  if (data) return <Figures reading={reading} span={data.auditLogInfo} />
  return (
    <section className="overview" aria-label="Overview" aria-busy={fetching}>
      {error && <Failure error={error} again={again} />}
    </section>
  )
}

/** How wide the bars are follows what the log itself covers, so that is known before anything is counted. */
function Figures({ reading, span }: { reading: number; span: Span }) {
  const { view, look } = useView()
  const { preferences } = usePreferences()
  const { filters } = view
  const timeZone = zoneName(preferences.zone)
  const variables = useMemo(() => {
    const filter = filterInput(filters)
    return {
      period: periodInput(filters.period),
      filter: filter ?? null,
      failures: filter ? { and: [filter, FAILED] } : FAILED,
      asOf: filters.asOf ?? null,
      interval: intervalFor(filters.period, span),
      timeZone,
    }
  }, [filters, span, timeZone])
  const [{ data, error, fetching }, again] = useQuery({ query: OverviewQuery, variables })
  useEffect(() => {
    if (reading > 0) again({ requestPolicy: 'network-only' })
  }, [reading, again])

  const show = (change: Partial<Filters>) => look({ ...filtered(view, change), page: 'events' })
  const narrow = (change: Partial<Filters>) => look(filtered(view, change))
  const all = data?.all
  return (
    <section className="overview" aria-label="Overview" aria-busy={fetching}>
      {error && <Failure error={error} again={again} />}
      {all && (
        <>
          <p className="overview-total">
            <b>{all.totalCount.toLocaleString()}</b> {all.totalCount === 1 ? 'event' : 'events'}
            {data.failures && data.failures.totalCount > 0 && (
              <button type="button" className="link" onClick={() => show({ status: ['FAILURE', 'TIMEOUT'] })}>
                {data.failures.totalCount.toLocaleString()} failed
              </button>
            )}
          </p>
          {all.histogram && (
            <Histogram
              buckets={all.histogram}
              interval={variables.interval}
              onRange={(from, to) => narrow({ period: { from, to } })}
            />
          )}
          <div className="tops">
            <TopList
              title="Activities"
              facet={all.activities}
              onChoose={(activity) => show({ activity: [activity.key] })}
            />
            <TopList
              title="Initiated by"
              facet={all.actors}
              onChoose={(actor) => show({ actor: [actor], actorText: undefined })}
            />
            <TopList
              title="Targets"
              facet={all.targets}
              onChoose={(target) => show({ target: [target], targetText: undefined })}
            />
            <TopList
              title="Failures"
              facet={data.failures?.activities ?? null}
              none="Nothing failed."
              onChoose={(activity) => show({ activity: [activity.key], status: ['FAILURE', 'TIMEOUT'] })}
            />
          </div>
        </>
      )}
    </section>
  )
}
