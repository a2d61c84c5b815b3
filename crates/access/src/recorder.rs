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
use store::{PreparedRequest, RecordOutcome, RecordQueue, StoreError, Tenant};

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

/// Events or their problems, with the rows of the valid ones.
#[derive(Debug)]
pub struct PreparedEvents {
    request: PreparedRequest,
    events: Vec<Result<NewEvent, Vec<Problem>>>,
}

/// The outcome of recording one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The event was recorded with this sequence.
    Recorded(EventId, i64),
    /// The same event was recorded earlier.
    Duplicate(EventId),
    /// A copy of the event that differs in these fields, by their API names, was recorded earlier.
    DifferingDuplicate(EventId, Vec<&'static str>),
    /// A different event with the same key was recorded earlier.
    Conflict(EventId),
    /// The event is not valid.
    Rejected(Vec<Problem>),
}

impl Recorder {
    /// Validates an event in the format of this API.
    pub fn event(&self, input: EventInput, now: Timestamp) -> Result<NewEvent, Vec<Problem>> {
        let input_hash = input.input_hash();
        Ok(self.validate(input.into_body(self.recording.clone())?, now)?.with_input_hash(input_hash))
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

    /// Derives the rows of the valid events. This keeps a core busy if the events are large.
    pub fn prepare(&self, events: Vec<Result<NewEvent, Vec<Problem>>>) -> PreparedEvents {
        let valid: Vec<&NewEvent> = events.iter().filter_map(|event| event.as_ref().ok()).collect();
        PreparedEvents { request: PreparedRequest::new(&self.tenant, &valid), events }
    }

    /// Records the valid events in one transaction. Returns one outcome per event, in the order given.
    pub async fn record(&self, events: Vec<Result<NewEvent, Vec<Problem>>>) -> Result<Vec<Recorded>, StoreError> {
        self.record_prepared(self.prepare(events)).await
    }

    /// Records prepared events, as [`Self::record`] does.
    pub async fn record_prepared(&self, prepared: PreparedEvents) -> Result<Vec<Recorded>, StoreError> {
        let PreparedEvents { request, events } = prepared;
        let mut outcomes = self.queue.record_prepared(request).await?.into_iter();
        let outcome = |event: Result<NewEvent, Vec<Problem>>| match event {
            Err(problems) => Ok(Recorded::Rejected(problems)),
            Ok(event) => Ok(match outcomes.next().ok_or(StoreError::OutcomeUnknown)? {
                RecordOutcome::Recorded(sequence) => {
                    self.rows.fetch_add(1, Ordering::Relaxed);
                    Recorded::Recorded(event.id(), sequence)
                }
                RecordOutcome::Duplicate => Recorded::Duplicate(event.id()),
                RecordOutcome::DifferingDuplicate(fields) => Recorded::DifferingDuplicate(event.id(), fields),
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
