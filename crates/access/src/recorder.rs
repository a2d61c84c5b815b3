//! Records events for a caller: checks the permission for their service, adds the provenance, and reports one outcome
//! per event.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::outcome_counts::OutcomeCounter;
use model::EventInput;
use model::event::ProblemCode;
use model::fold::fold;
use model::sensitive::SensitiveNames;
use model::{EventBody, EventId, NewEvent, Problem, Recording, ServiceSet, Timestamp};
use store::{RecordOutcome, RecordQueue, StoreError, Tenant};

/// Records events of the services that the caller may record. Created by [`Caller::recorder`](super::Caller::recorder).
#[derive(Debug)]
pub struct Recorder {
    pub(super) tenant: Arc<Tenant>,
    pub(super) queue: RecordQueue,
    pub(super) sensitive_names: Arc<SensitiveNames>,
    pub(super) services: ServiceSet,
    pub(super) rows: Arc<AtomicU64>,
    pub(super) outcomes: Arc<OutcomeCounter>,
    pub(super) recording: Recording,
}

/// The outcome of recording one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The event was recorded with this sequence.
    Recorded(EventId, i64),
    /// The same event was recorded earlier.
    Duplicate(EventId),
    /// A different event with the same key was recorded earlier.
    Conflict(EventId),
    /// The event is not valid.
    Rejected(Vec<Problem>),
}

impl Recorder {
    /// Validates an event in the format of this API.
    pub fn event(&self, input: EventInput, now: Timestamp) -> Result<NewEvent, Vec<Problem>> {
        self.validate(input.into_body(self.recording.clone())?, now)
    }

    /// Validates an event that was converted from a record of another system. `source` names the record format.
    pub fn imported_event(&self, mut body: EventBody, source: &str, now: Timestamp) -> Result<NewEvent, Vec<Problem>> {
        body.recording = Recording {
            source: Some(source.to_owned()),
            source_tenant_id: body.recording.source_tenant_id.take(),
            ..self.recording.clone()
        };
        self.validate(body, now)
    }

    fn validate(&self, body: EventBody, now: Timestamp) -> Result<NewEvent, Vec<Problem>> {
        if !self.services.contains(&fold(&body.service)) {
            let rule = "the token does not permit recording events of this service";
            return Err(vec![Problem::new("service", ProblemCode::NotPermitted, rule)]);
        }
        NewEvent::parse(body, now, &self.sensitive_names)
    }

    /// Records the valid events in one transaction. Returns one outcome per event, in the order given.
    pub async fn record(&self, events: Vec<Result<NewEvent, Vec<Problem>>>) -> Result<Vec<Recorded>, StoreError> {
        let valid: Vec<&NewEvent> = events.iter().filter_map(|event| event.as_ref().ok()).collect();
        let mut outcomes = self.queue.record(&self.tenant, &valid).await?.into_iter();
        let outcome = |event: Result<NewEvent, Vec<Problem>>| match event {
            Err(problems) => Ok(Recorded::Rejected(problems)),
            Ok(event) => Ok(match outcomes.next().ok_or(StoreError::OutcomeUnknown)? {
                RecordOutcome::Recorded(sequence) => {
                    self.rows.fetch_add(1, Ordering::Relaxed);
                    Recorded::Recorded(event.id(), sequence)
                }
                RecordOutcome::Duplicate => Recorded::Duplicate(event.id()),
                RecordOutcome::Conflict => Recorded::Conflict(event.id()),
            }),
        };
        let outcomes: Vec<Recorded> = events.into_iter().map(outcome).collect::<Result<_, StoreError>>()?;
        for outcome in &outcomes {
            self.outcomes.count(outcome);
        }
        Ok(outcomes)
    }
}
