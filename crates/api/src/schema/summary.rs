//! Counts, facets and histograms. Each is computed only if it is selected. All reflect the same log position, so that
//! they agree with each other.

use async_graphql::{Context, Object, SimpleObject};

use crate::engine::context::{ContextExt as _, reader_for};
use crate::error::ApiError;
use crate::schema::enums::{AuditFacetField, HistogramInterval};
use crate::schema::filter::{AuditEventFilter, AuditPeriodInput, period};
use crate::schema::scalar::{Count, DateTime, Sequence};
use model::filter::{Condition, TimeRange};
use model::histogram::{INTERVALS_MAX, about, intervals, time_zone};
use model::{FacetValue, Invalid};
use store::{EventQuery, Facet, IntervalCounts, Reader};

/// The default number of values of a facet.
const TOP: i32 = 10;
/// The default time zone of a histogram.
const UTC: &str = "UTC";

/// The query of the events that are counted.
#[derive(Clone, Debug)]
pub struct AuditEventSummary {
    reader: Reader,
    list: EventQuery,
    as_of: i64,
}

impl AuditEventSummary {
    /// Validates the arguments.
    pub(crate) async fn of(
        ctx: &Context<'_>,
        occurred_at: Option<AuditPeriodInput>,
        filter: Option<Box<AuditEventFilter>>,
        as_of: Option<Sequence>,
    ) -> Result<Self, ApiError> {
        let session = ctx.session()?;
        let period = period(occurred_at, session.now, None)?;
        let condition = filter.map_or(Ok(Condition::everything()), |filter| filter.condition())?;
        let reader = reader_for(ctx, &condition).await?;
        let as_of = session.as_of(&reader, as_of).await?;
        Ok(Self { reader, list: EventQuery { condition, period, as_of: Some(as_of) }, as_of })
    }

    async fn counted_by(&self, field: AuditFacetField, top: i32, rest: bool) -> Result<AuditFacet, ApiError> {
        let top = u32::try_from(top).ok().filter(|top| (1..=100).contains(top));
        let top = top.ok_or_else(|| Invalid::new("`top` must be from 1 to 100"))?;
        Ok(Box::pin(self.reader.facet(&self.list, field.into(), top, rest)).await?.into())
    }

    async fn bars(&self, interval: HistogramInterval, zone: &str) -> Result<Vec<HistogramBucket>, ApiError> {
        let zone = time_zone(zone)?;
        // An open bound of the period is that of the first or last event.
        let (from, to) = match self.list.period {
            TimeRange { from: Some(from), to: Some(to) } => (from, to),
            TimeRange { from, to } => match self.reader.span(&self.list).await? {
                Some((first, last)) => (from.unwrap_or(first), to.unwrap_or(last.plus(1))),
                None => return Ok(Vec::new()),
            },
        };
        let edges = intervals(from, to, interval.into(), zone).ok_or(ApiError::Limit {
            what: "intervals in the histogram",
            asked: about(from, to, interval.into()).max(INTERVALS_MAX + 1),
            limit: INTERVALS_MAX,
        })?;
        let counts = Box::pin(self.reader.histogram(&self.list, &edges)).await?;
        let bar = |(edges, counts): (&[_], IntervalCounts)| HistogramBucket {
            starts_at: DateTime(edges[0]),
            ends_at: DateTime(edges[1]),
            count: Count(counts.events),
            failure_count: Count(counts.failures),
            unknown_count: Count(counts.unknown),
        };
        Ok(edges.windows(2).zip(counts).map(bar).collect())
    }
}

/// Aggregates over a set of audit events.
#[Object]
impl AuditEventSummary {
    /// The log position this result reflects.
    async fn as_of(&self) -> Sequence {
        Sequence(self.as_of)
    }
    /// The number of events. Null with the error TIMEOUT if counting takes too long.
    async fn total_count(&self) -> Option<Result<Count, ApiError>> {
        Some(self.reader.count(&self.list).await.map(Count).map_err(ApiError::from))
    }
    /// The most frequent values of a field and their counts.
    async fn facet(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The field.")] field: AuditFacetField,
        #[graphql(desc = "The most values: 1 to 100.", default_with = "Some(TOP)")] top: Option<i32>,
    ) -> Option<Result<AuditFacet, ApiError>> {
        let rest = ctx.look_ahead().field("otherCount").exists() || ctx.look_ahead().field("noneCount").exists();
        Some(self.counted_by(field, top.unwrap_or(TOP), rest).await)
    }
    /// The number of events in each interval, oldest first, including empty intervals; at most 1,000 intervals.
    async fn histogram(
        &self,
        #[graphql(desc = "The width of an interval.", default_with = "Some(HistogramInterval::Day)")] interval: Option<
            HistogramInterval,
        >,
        #[graphql(
            desc = "The time zone in which intervals start, as an IANA name.",
            default_with = "Some(String::from(UTC))"
        )]
        time_zone: Option<String>,
    ) -> Option<Result<Vec<HistogramBucket>, ApiError>> {
        let interval = interval.unwrap_or(HistogramInterval::Day);
        Some(self.bars(interval, time_zone.as_deref().unwrap_or(UTC)).await)
    }
}

/// The most frequent values of a field and their counts.
#[derive(Clone, Debug, SimpleObject)]
pub struct AuditFacet {
    /// The most frequent values, most frequent first.
    buckets: Vec<FacetBucket>,
    /// The number of events with a value that is not among the buckets.
    other_count: Count,
    /// The number of events without a value.
    none_count: Count,
}

impl From<Facet> for AuditFacet {
    fn from(facet: Facet) -> Self {
        let bucket =
            |(FacetValue { value, display_name }, count)| FacetBucket { value, display_name, count: Count(count) };
        Self {
            buckets: facet.buckets.into_iter().map(bucket).collect(),
            other_count: Count(facet.other),
            none_count: Count(facet.none),
        }
    }
}

/// A value of a field and the number of events with it.
#[derive(Clone, Debug, SimpleObject)]
pub struct FacetBucket {
    /// The value. For enum fields, the enum value's name.
    value: String,
    /// The display name of the value.
    display_name: String,
    /// The number of events with the value.
    count: Count,
}

/// A time interval and the number of events in it.
#[derive(Clone, Debug, SimpleObject)]
pub struct HistogramBucket {
    /// The start of the interval, inclusive.
    starts_at: DateTime,
    /// The end of the interval, exclusive.
    ends_at: DateTime,
    /// The number of events in the interval.
    count: Count,
    /// The number of those events that failed or timed out.
    failure_count: Count,
    /// The number of those events whose source reported no outcome.
    unknown_count: Count,
}
