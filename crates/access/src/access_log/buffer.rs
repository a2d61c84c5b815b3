//! The buffer of accesses that are not recorded yet, limited in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use prometheus_client::metrics::counter::Counter;

use super::aggregation::{Access, AggregatedAccess, AggregationKey};
use model::Timestamp;
use model::time::HOUR;

/// The maximum memory of accesses that are not recorded yet, in bytes: about ten thousand different ones.
const BYTES_MAX: usize = 32 << 20;
/// The memory above which accesses are recorded at once, without waiting for the next interval, in bytes.
const FLUSH_BYTES: usize = BYTES_MAX / 4;

/// The bytes that the callers' accesses have added in an hour.
#[derive(Debug, Default)]
struct HourlyBytes {
    /// The hour since 1970.
    hour: i64,
    callers: HashMap<(String, String), usize>,
}

impl HourlyBytes {
    /// Adds an event of a caller, unless it exceeds the budget. Returns whether it was added.
    fn add(&mut self, (tenant, subject): (&str, &str), bytes: usize, at: Timestamp, bytes_max: usize) -> bool {
        let hour = at.0.div_euclid(HOUR);
        if hour > self.hour {
            *self = Self { hour, callers: HashMap::new() };
        }
        let used = self.callers.entry((tenant.to_owned(), subject.to_owned())).or_default();
        let fits = used.saturating_add(bytes) <= bytes_max;
        if fits {
            *used += bytes;
        }
        fits
    }
}

/// Accesses that are not recorded yet, and the numbers of those that were lost.
#[derive(Debug)]
pub(super) struct Buffer {
    /// The bytes that one caller's accesses may add in an hour.
    caller_bytes_max: usize,
    hourly: HourlyBytes,
    accesses: HashMap<AggregationKey, AggregatedAccess>,
    /// The memory of `accesses`.
    bytes: usize,
    /// The memory of events that wait for the database.
    pub(super) pending_bytes: usize,
    /// The accesses lost since the start, for the metrics.
    pub(super) lost: Counter,
    /// The lost accesses that are not logged yet.
    pub(super) lost_not_logged: u64,
    /// The lost accesses that no event reports yet, by tenant.
    pub(super) lost_not_recorded: HashMap<String, u64>,
}

impl Buffer {
    /// An empty buffer. Accesses of one caller add at most `caller_bytes_max` bytes in an hour, besides one event for
    /// each kind of access and interval.
    pub(super) fn new(caller_bytes_max: usize) -> Self {
        Self {
            caller_bytes_max,
            hourly: HourlyBytes::default(),
            accesses: HashMap::new(),
            bytes: 0,
            pending_bytes: 0,
            lost: Counter::default(),
            lost_not_logged: 0,
            lost_not_recorded: HashMap::new(),
        }
    }

    /// Adds an access, or counts it as lost if there is no memory left. Returns whether the buffer should be flushed
    /// now.
    pub(super) fn add(&mut self, access: Access) -> bool {
        let mut key = access.aggregation_key();
        if !self.accesses.contains_key(&key)
            && !self.hourly.add(key.caller(), access.event_bytes(), access.at, self.caller_bytes_max)
        {
            key = key.reduced();
        }
        match self.accesses.entry(key) {
            Entry::Occupied(mut similar) => similar.get_mut().add(&access),
            Entry::Vacant(entry) => {
                let aggregated = AggregatedAccess::new(entry.key(), access);
                let bytes = aggregated.bytes();
                if self.bytes + self.pending_bytes + bytes > BYTES_MAX {
                    let (tenant, requests) = (aggregated.tenant().key.clone(), aggregated.requests());
                    self.add_lost(&tenant, requests);
                    return true;
                }
                self.bytes += bytes;
                entry.insert(aggregated);
            }
        }
        self.bytes > FLUSH_BYTES
    }

    /// Counts accesses that could not be recorded.
    pub(super) fn add_lost(&mut self, tenant: &str, requests: u64) {
        self.lost.inc_by(requests);
        self.lost_not_logged += requests;
        self.report_lost_later(tenant, requests);
    }

    /// Adds lost accesses to the number that the tenant's next event reports.
    pub(super) fn report_lost_later(&mut self, tenant: &str, lost: u64) {
        if lost > 0 {
            *self.lost_not_recorded.entry(tenant.to_owned()).or_default() += lost;
        }
    }

    /// Removes and returns the accesses that are due, or all, in the order of their time.
    pub(super) fn take_due(&mut self, now: Timestamp, all: bool) -> Vec<AggregatedAccess> {
        let due = self.accesses.extract_if(|_, access| all || access.is_due(now));
        let mut due: Vec<AggregatedAccess> = due.map(|(_, access)| access).collect();
        due.sort_by_key(AggregatedAccess::first_at);
        self.bytes -= due.iter().map(AggregatedAccess::bytes).sum::<usize>();
        due
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use super::super::aggregation::{AccessActivity, AccessedField, OK};
    use super::*;
    use auth::Principal;
    use model::sensitive::SensitiveNames;
    use model::time::HOUR;
    use store::Tenant;

    fn access(tenant: &Arc<Tenant>, activity: AccessActivity, filter: String, at: i64) -> Access {
        let principal = Principal {
            issuer: None,
            subject: "ada".into(),
            user_principal_name: None,
            display_name: None,
            tenant: tenant.key.clone(),
            client_id: None,
            object_id: None,
            is_application: false,
            grants: Vec::new(),
            record: None,
            administers: false,
            expires_at: None,
        };
        let field = AccessedField {
            activity,
            operation: "Mine".into(),
            name: "auditEvents".into(),
            filter: Some(filter),
            arguments: None,
        };
        Access {
            principal: Arc::new(principal),
            tenant: Arc::clone(tenant),
            client_address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            request_id: "1".into(),
            field,
            code: OK.into(),
            at: Timestamp(at),
            requests: 1,
            events: 2,
            as_of: Some(at),
        }
    }

    fn tenant() -> Arc<Tenant> {
        Arc::new(Tenant::unstored("contoso"))
    }

    fn details(access: AggregatedAccess, lost: u64) -> Vec<(String, String)> {
        let event = access.into_event("key".into(), lost, Timestamp(2 * HOUR), &SensitiveNames::default()).unwrap();
        let details = event.body().additional_details.iter();
        details.map(|detail| (detail.key.clone(), detail.string().unwrap_or_default())).collect()
    }

    #[test]
    fn similar_accesses_are_aggregated() {
        let (mut buffer, tenant) = (Buffer::new(usize::MAX), tenant());
        for at in [30, 10, 20] {
            buffer.add(access(&tenant, AccessActivity::Query, "{}".into(), at));
        }
        buffer.add(access(&tenant, AccessActivity::Query, "{\"search\":\"x\"}".into(), 5));
        let mut taken = buffer.take_due(Timestamp(40), false);
        assert_eq!((taken.len(), buffer.bytes), (2, 0));
        let details = details(taken.pop().unwrap(), 7);
        let detail = |key: &str| details.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        let expected = [Some("3"), Some("6"), Some("30"), Some("1970-01-01T00:00:00.000030Z"), Some("7"), None];
        assert_eq!(["requests", "events", "asOf", "until", "lost", "arguments"].map(detail), expected);
    }

    #[test]
    fn polling_is_aggregated_by_hour_and_refusals_are_due_at_once() {
        let (mut buffer, tenant) = (Buffer::new(usize::MAX), tenant());
        for at in [0, HOUR - 1, HOUR] {
            buffer.add(access(&tenant, AccessActivity::Poll, "{}".into(), at));
        }
        buffer.add(Access { code: "FORBIDDEN".into(), ..access(&tenant, AccessActivity::Poll, "{}".into(), HOUR) });
        assert_eq!(buffer.take_due(Timestamp(HOUR - 1), false).len(), 1);
        assert_eq!(buffer.take_due(Timestamp(HOUR), false).len(), 1);
        assert_eq!(buffer.take_due(Timestamp(HOUR), true).len(), 1);
    }

    #[test]
    fn accesses_beyond_the_budget_of_an_hour_are_combined_without_arguments() {
        let (mut buffer, tenant) = (Buffer::new(21_000), tenant());
        let filter = |number: i64| format!("{{\"search\":\"{number}{}\"}}", "x".repeat(9_000));
        for number in [1, 2, 3, 4, 4] {
            buffer.add(access(&tenant, AccessActivity::Query, filter(number.min(3)), number));
        }
        let other = Access { at: Timestamp(HOUR), ..access(&tenant, AccessActivity::Query, filter(9), HOUR) };
        buffer.add(other);
        let mut taken = buffer.take_due(Timestamp(2 * HOUR), true);
        assert_eq!((taken.len(), buffer.bytes), (4, 0), "two whole ones, a combined one, and one of the next hour");
        let details = details(taken.remove(2), 0);
        let detail = |key: &str| details.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        assert_eq!(["requests", "omittedArguments", "filter"].map(detail), [Some("3"), Some("3"), None]);
        let hash = hex::encode(model::json::hash16(format!("{}\0", filter(3)).as_bytes()));
        assert_eq!(detail("omittedArgumentHashes"), Some(hash.as_str()));
    }

    #[test]
    fn accesses_beyond_memory_limit_are_counted_as_lost() {
        let (mut buffer, tenant) = (Buffer::new(usize::MAX), tenant());
        let long = "x".repeat(1 << 20);
        let add = |buffer: &mut Buffer, number: usize| {
            buffer.add(access(&tenant, AccessActivity::Query, format!("{number}{long}"), 1))
        };
        assert!(!add(&mut buffer, 0));
        (1..100).for_each(|number| assert_eq!(add(&mut buffer, number), number > 6, "{number}"));
        assert!(buffer.bytes <= BYTES_MAX);
        let kept = buffer.accesses.len();
        assert_eq!(
            (buffer.lost.get(), buffer.lost_not_recorded["contoso"], buffer.lost_not_logged),
            (100 - kept as u64, 100 - kept as u64, 100 - kept as u64)
        );
        // A similar access is only counted, and needs no memory.
        add(&mut buffer, 0);
        assert_eq!((buffer.accesses.len(), buffer.lost.get()), (kept, 100 - kept as u64));
        assert_eq!(buffer.take_due(Timestamp(1), false).len(), kept);
    }
}
