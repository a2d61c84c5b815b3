//! The metrics of the HTTP room. Every label is from a closed list: fields of the schema, our own addresses, codes.

use std::collections::BTreeSet;
use std::time::Duration;

use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use auth::Rejected;
use store::DURATION_BUCKETS_SECS;

/// What stands for a field that the schema does not have, and for requests without one.
const OTHER: &str = "other";

type Label = (&'static str, String);

/// The metrics of the door. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    fields: BTreeSet<String>,
    requests: Family<[Label; 2], Counter>,
    seconds: Family<[Label; 1], Histogram, fn() -> Histogram>,
    rejected: Family<[(&'static str, &'static str); 1], Counter>,
    running: Gauge,
    subscriptions: Family<[(&'static str, &'static str); 1], Gauge>,
}

impl Metrics {
    /// Figures of a schema, none counted yet.
    pub fn new(sdl: &str) -> Self {
        let roots = ["Query", "Mutation", "Subscription"];
        let mut fields = BTreeSet::new();
        for definition in
            async_graphql::parser::parse_schema(sdl).map(|document| document.definitions).unwrap_or_default()
        {
            if let TypeSystemDefinition::Type(found) = definition
                && roots.contains(&found.node.name.node.as_str())
                && let TypeKind::Object(object) = &found.node.kind
            {
                fields.extend(object.fields.iter().map(|field| field.node.name.node.to_string()));
            }
        }
        Self {
            fields,
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS_SECS)),
            rejected: Family::default(),
            running: Gauge::default(),
            subscriptions: Family::default(),
        }
    }

    /// Registers the metrics.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Requests by root field or address, and by the code of their first error; those with several root \
            fields count for each";
        registry.register("requests", help, self.requests.clone());
        let help = "Seconds from a request until its answer, by root field or address";
        registry.register("request_seconds", help, self.seconds.clone());
        registry.register("tokens_rejected", "Rejected tokens, by reason", self.rejected.clone());
        registry.register("requests_running", "Requests that are not answered yet", self.running.clone());
        let help = "Subscriptions that are open, by transport";
        registry.register("subscriptions", help, self.subscriptions.clone());
    }

    /// Counts a rejected token.
    pub(in crate::http) fn rejected(&self, rejected: &Rejected) {
        self.rejected.get_or_create(&[("reason", rejected.reason())]).inc();
    }

    /// Counts a request as running, until what is returned is dropped.
    pub(in crate::http) fn running(&self) -> GaugeGuard {
        self.running.inc();
        GaugeGuard(self.running.clone())
    }

    /// Counts a subscription as open, until what is returned is dropped.
    pub(in crate::http) fn subscribed(&self, transport: &'static str) -> GaugeGuard {
        let open = self.subscriptions.get_or_create_owned(&[("transport", transport)]);
        open.inc();
        GaugeGuard(open)
    }

    /// Counts a request of a root field, or without one of an address of ours.
    pub(in crate::http) fn answered(&self, name: &str, code: &str, took: Duration) {
        let known = name.starts_with('/') || self.fields.contains(name);
        let field = || ("field", if known { name } else { OTHER }.to_owned());
        self.requests.get_or_create(&[field(), ("code", code.to_owned())]).inc();
        self.seconds.get_or_create(&[field()]).observe(took.as_secs_f64());
    }
}

/// A request that runs, or a subscription that is open.
#[derive(Debug)]
pub(in crate::http) struct GaugeGuard(Gauge);

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
