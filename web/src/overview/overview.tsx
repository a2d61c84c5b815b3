// The overview: a histogram, the most frequent activities, actors and targets, and failures. Each item sets a filter.
import { useMemo } from 'react'
import { FAILED_STATUSES } from '../api/enums'
import { useRefreshedQuery } from '../api/use-refreshed-query'
import { filterInput, periodInput } from '../filter/filter-input'
import { ErrorMessage } from '../ui/error-message'
import { StaleNotice } from '../ui/stale-notice'
import { zoneName } from '../ui/time'
import { usePreferences } from '../view/preferences'
import { useView } from '../view/use-view'
import { type Filters, withFilters } from '../view/view'
import { Histogram } from './histogram'
import { intervalFor, LogSpan, type LogSpanInfo, Overview as OverviewQuery } from './query'
import { TopList } from './top-list'
import './overview.css'

const NO_VARIABLES = {}
const FAILED_FILTER = { status: { in: FAILED_STATUSES } }

export function Overview({ refreshCount }: { refreshCount: number }) {
  const { data, error, fetching, reload } = useRefreshedQuery(LogSpan, NO_VARIABLES, refreshCount)
  const logSpan = data?.auditLogInfo
  if (logSpan) return <OverviewContent refreshCount={refreshCount} logSpan={logSpan} />
  return (
    <section className="overview" aria-label="Overview" aria-busy={fetching}>
      {error && <ErrorMessage error={error} retry={reload} />}
    </section>
  )
}

/** The interval of the histogram depends on the span of the log, so the span is loaded first. */
function OverviewContent({ refreshCount, logSpan }: { refreshCount: number; logSpan: LogSpanInfo }) {
  const { view, setView } = useView()
  const { preferences } = usePreferences()
  const { filters } = view
  const timeZone = zoneName(preferences.zone)
  const variables = useMemo(() => {
    const filter = filterInput(filters)
    return {
      occurredAt: periodInput(filters.period),
      filter: filter ?? null,
      failures: filter ? { and: [filter, FAILED_FILTER] } : FAILED_FILTER,
      asOf: filters.asOf ?? null,
      interval: intervalFor(filters.period, logSpan),
      timeZone,
    }
  }, [filters, logSpan, timeZone])
  const overview = useRefreshedQuery(OverviewQuery, variables, refreshCount)
  const { data, dataVariables = variables, error, staleSince, fetching, reload } = overview

  const showEvents = (change: Partial<Filters>) => setView({ ...withFilters(view, change), page: 'events' })
  const narrowView = (change: Partial<Filters>) => setView(withFilters(view, change))
  const all = data?.all
  const failureCount = data?.failures?.totalCount ?? 0
  return (
    <section className="overview" aria-label="Overview" aria-busy={fetching}>
      {error &&
        (staleSince === undefined ? (
          <ErrorMessage error={error} retry={reload} />
        ) : (
          <StaleNotice error={error} since={staleSince} retry={reload} />
        ))}
      {all && (
        <>
          <p className="overview-total">
            {all.totalCount !== null && (
              <>
                <b>{all.totalCount.toLocaleString()}</b> {all.totalCount === 1 ? 'event' : 'events'}
              </>
            )}
            {failureCount > 0 && (
              <button type="button" className="link" onClick={() => showEvents({ status: FAILED_STATUSES })}>
                {failureCount.toLocaleString()} failed
              </button>
            )}
          </p>
          {all.histogram && (
            <Histogram
              buckets={all.histogram}
              // While other bars load, the labels are those of the bars that are shown.
              interval={dataVariables.interval}
              zone={dataVariables.timeZone === 'UTC' ? 'UTC' : 'local'}
              onRange={(from, to) => narrowView({ period: { from, to } })}
            />
          )}
          <div className="top-lists">
            <TopList
              title="Activities"
              facet={all.activities}
              onChoose={(activity) => showEvents({ activity: [activity.key] })}
            />
            <TopList
              title="Initiated by"
              facet={all.actors}
              onChoose={(actor) => showEvents({ actor: [actor], actorText: undefined })}
            />
            <TopList
              title="Targets"
              facet={all.targets}
              onChoose={(target) => showEvents({ target: [target], targetText: undefined })}
            />
            <TopList
              title="Failures"
              facet={data.failures?.activities ?? null}
              emptyMessage="Nothing failed."
              onChoose={(activity) => showEvents({ activity: [activity.key], status: FAILED_STATUSES })}
            />
          </div>
        </>
      )}
    </section>
  )
}
