// The queries of the overview: a summary of the filtered events, and one of the failures among them.
import { graphql } from '../api/gql'
import type { HistogramInterval, LogSpanQuery, OverviewQuery } from '../api/gql/graphql'
import { type Period, windowLength } from '../view/view'

export type Summary = NonNullable<OverviewQuery['all']>
export type Bucket = NonNullable<Summary['histogram']>[number]
export type Facet = NonNullable<Summary['activities']>
/** The time span of the log. */
export type LogSpanInfo = NonNullable<LogSpanQuery['auditLogInfo']>

graphql(`
  fragment Facet on AuditFacet {
    buckets {
      value
      displayName
      count
    }
    otherCount
  }
`)

export const Overview = graphql(`
  query Overview(
    $occurredAt: AuditPeriodInput
    $filter: AuditEventFilter
    $failures: AuditEventFilter
    $asOf: Sequence
    $interval: HistogramInterval!
    $timeZone: String!
  ) {
    all: auditEventSummary(occurredAt: $occurredAt, filter: $filter, asOf: $asOf) {
      asOf
      totalCount
      histogram(interval: $interval, timeZone: $timeZone) {
        startsAt
        endsAt
        count
        failureCount
      }
      activities: facet(field: ACTIVITY, top: 8) {
        ...Facet
      }
      actors: facet(field: ACTOR, top: 8) {
        ...Facet
      }
      targets: facet(field: TARGET, top: 8) {
        ...Facet
      }
    }
    failures: auditEventSummary(occurredAt: $occurredAt, filter: $failures, asOf: $asOf) {
      totalCount
      activities: facet(field: ACTIVITY, top: 8) {
        ...Facet
      }
    }
  }
`)

export const LogSpan = graphql(`
  query LogSpan {
    auditLogInfo {
      oldestEventAt
      newestEventAt
    }
  }
`)

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** The interval of the histogram's bars, chosen to give a few dozen of them. */
export function intervalFor(period: Period, span: LogSpanInfo): HistogramInterval {
  const timeOf = (timestamp: string | null | undefined, fallback: number) =>
    timestamp == null ? fallback : Date.parse(timestamp)
  const now = Date.now()
  const custom = typeof period === 'object' ? period : {}
  const duration =
    typeof period === 'string' && period !== 'all'
      ? windowLength(period)
      : timeOf(custom.to, Math.max(timeOf(span.newestEventAt, now), now)) -
        timeOf(custom.from, timeOf(span.oldestEventAt, now))
  if (duration <= 3 * DAY) return 'HOUR'
  if (duration <= 120 * DAY) return 'DAY'
  return duration <= 800 * DAY ? 'WEEK' : 'MONTH'
}
