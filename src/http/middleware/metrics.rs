//! The metrics of the HTTP layer. Every label comes from a closed list: fields of the schema, routes, codes.

use std::collections::BTreeSet;
use std::time::Duration;

use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use access::OutcomeCounts;
use auth::Rejected;
use store::DURATION_BUCKETS_SECS;

/// The label of a field that the schema does not have, and of a request without a route.
const OTHER: &str = "other";

type Label = (&'static str, String);

/// The metrics of the HTTP layer. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    root_fields: BTreeSet<String>,
    requests: Family<[Label; 2], Counter>,
    duration: Family<[Label; 1], Histogram, fn() -> Histogram>,
    outcomes: Family<[(&'static str, &'static str); 1], Counter>,
    tokens_rejected: Family<[(&'static str, &'static str); 1], Counter>,
    in_flight: Gauge,
    subscriptions: Family<[(&'static str, &'static str); 1], Gauge>,
}

impl Metrics {
    /// Metrics with the root fields of a schema as labels.
    pub fn new(sdl: &str) -> Self {
        let roots = ["Query", "Mutation", "Subscription"];
        let mut root_fields = BTreeSet::new();
        for definition in
            async_graphql::parser::parse_schema(sdl).map(|document| document.definitions).unwrap_or_default()
        {
            if let TypeSystemDefinition::Type(found) = definition
                && roots.contains(&found.node.name.node.as_str())
                && let TypeKind::Object(object) = &found.node.kind
            {
                root_fields.extend(object.fields.iter().map(|field| field.node.name.node.to_string()));
            }
        }
        Self {
            root_fields,
            requests: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS_SECS)),
            outcomes: Family::default(),
            tokens_rejected: Family::default(),
            in_flight: Gauge::default(),
            subscriptions: Family::default(),
        }
    }

    /// Registers the metrics.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Requests by root field or route, and by the code of their first error; a request with several root \
            fields counts for each";
        registry.register("requests", help, self.requests.clone());
        let help = "Seconds from the start of a request to the start of its response, by root field or route";
        registry.register("request_duration_seconds", help, self.duration.clone());
        let help = "Events in recording requests, by outcome";
        registry.register("recording_outcomes", help, self.outcomes.clone());
        // An increase from 0 to 1 is visible only if the series exists before.
        self.events_recorded(OutcomeCounts::default());
        registry.register("tokens_rejected", "Rejected tokens, by reason", self.tokens_rejected.clone());
        registry.register("requests_in_flight", "Requests without a response yet", self.in_flight.clone());
        registry.register("subscriptions", "Open subscriptions, by transport", self.subscriptions.clone());
    }

    /// Counts a rejected token.
    pub(in crate::http) fn token_rejected(&self, rejected: &Rejected) {
        self.tokens_rejected.get_or_create(&[("reason", rejected.reason())]).inc();
    }

    /// Counts a request as in flight until the guard is dropped.
    pub(in crate::http) fn request_started(&self) -> GaugeGuard {
        GaugeGuard::new(self.in_flight.clone())
    }

    /// Counts a subscription as open until the guard is dropped.
    pub(in crate::http) fn subscription_opened(&self, transport: &'static str) -> GaugeGuard {
        GaugeGuard::new(self.subscriptions.get_or_create_owned(&[("transport", transport)]))
    }

    /// Counts the events of a recording request.
    pub(super) fn events_recorded(&self, counts: OutcomeCounts) {
        let OutcomeCounts { recorded, duplicates, conflicts, rejected } = counts;
        let counts =
            [("recorded", recorded), ("duplicate", duplicates), ("conflict", conflicts), ("rejected", rejected)];
        for (outcome, count) in counts {
            self.outcomes.get_or_create(&[("outcome", outcome)]).inc_by(count);
        }
    }

    /// Counts a finished request of a root field or, without one, of a route.
    pub(super) fn request_finished(&self, field: &str, code: &str, duration: Duration) {
        let is_known = field.starts_with('/') || self.root_fields.contains(field);
        let field = || ("field", if is_known { field } else { OTHER }.to_owned());
        self.requests.get_or_create(&[field(), ("code", code.to_owned())]).inc();
        self.duration.get_or_create(&[field()]).observe(duration.as_secs_f64());
    }
}

/// Increments a gauge; decrements it when dropped.
#[derive(Debug)]
pub(in crate::http) struct GaugeGuard(Gauge);

impl GaugeGuard {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
