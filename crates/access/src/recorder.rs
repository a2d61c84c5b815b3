//! Records events for a caller: checks the permission for their service, adds the provenance, and reports one outcome
//! per event.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::outcome_counts::OutcomeCounter;
use model::EventInput;
use model::event::ProblemCode;
use model::fold::{fold, fold_activity};
use model::sensitive::SensitiveNames;
use model::{EventBody, EventId, NewEvent, Problem, Recording, ServiceSet, Timestamp};
use store::{PreparedRequest, Reader, RecordOutcome, RecordQueue, StoreError, Tenant};

/// Records events of the services that the caller may record. Created by [`Caller::recorder`](super::Caller::recorder).
#[derive(Debug)]
pub struct Recorder {
    pub(super) tenant: Arc<Tenant>,
    pub(super) queue: RecordQueue,
    /// Reads all events of the tenant, to decide about the keys of new ones.
    pub(super) reader: Reader,
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
        let (body, input_hash) = input.into_body(self.recording.clone())?;
        self.validate(body, Some(input_hash), now)
    }

    /// Validates an event that was converted from a record of another system. `source` names the record format.
    pub fn imported_event(&self, mut body: EventBody, source: &str, now: Timestamp) -> Result<NewEvent, Vec<Problem>> {
        body.recording = Recording {
            source: Some(source.to_owned()),
            source_tenant_id: body.recording.source_tenant_id.take(),
            ..self.recording.clone()
        };
        self.validate(body, None, now)
    }

    /// Validates an event, and checks the permission for its service. `input_hash` is that of an input of this API.
    fn validate(
        &self,
        body: EventBody,
        input_hash: Option<[u8; 16]>,
        now: Timestamp,
    ) -> Result<NewEvent, Vec<Problem>> {
        if !self.services.contains(&fold(&body.service)) {
            let rule = "the token does not permit recording events of this service";
            return Err(vec![Problem::new("service", ProblemCode::NotPermitted, rule)]);
        }
        NewEvent::parse_with_input_hash(body, input_hash, now, &self.sensitive_names)
    }

    /// Derives the rows of the valid events. This keeps a core busy if the events are large.
    pub fn prepare(&self, events: Vec<Result<NewEvent, Vec<Problem>>>) -> PreparedEvents {
        let valid: Vec<&NewEvent> = events.iter().filter_map(|event| event.as_ref().ok()).collect();
        PreparedEvents { request: PreparedRequest::new(&self.tenant, &valid), events }
    }

    /// Records the valid events in one transaction. Returns one outcome per event, in the order given.
    pub async fn record(&self, events: Vec<Result<NewEvent, Vec<Problem>>>) -> Result<Vec<Recorded>, StoreError> {
        self.record_prepared(self.prepare(events), &mut []).await
    }

    /// Records prepared events, as [`Self::record`] does. If a record has the id of an event with another activity, its
    /// event is recorded in a second transaction, under a key that includes the activity; the new key replaces that in
    /// `keys`.
    pub async fn record_prepared(
        &self,
        prepared: PreparedEvents,
        keys: &mut [Option<String>],
    ) -> Result<Vec<Recorded>, StoreError> {
        let (events, mut outcomes) = self.record_once(prepared).await?;
        let reused = self.events_with_reused_ids(&events, &outcomes).await?;
        if !reused.is_empty() {
            let (positions, rekeyed): (Vec<usize>, Vec<_>) = reused.into_iter().unzip();
            let (rekeyed, again) = self.record_once(self.prepare(rekeyed)).await?;
            for ((position, event), outcome) in positions.into_iter().zip(rekeyed).zip(again) {
                if let (Some(key), Ok(event)) = (keys.get_mut(position), event) {
                    *key = Some(event.body().event_key.clone());
                }
                outcomes[position] = outcome;
            }
        }
        for outcome in &outcomes {
            self.outcomes.count(outcome);
        }
        Ok(outcomes)
    }

    /// Records prepared events in one transaction. Returns them with their outcomes.
    async fn record_once(
        &self,
        prepared: PreparedEvents,
    ) -> Result<(Vec<Result<NewEvent, Vec<Problem>>>, Vec<Recorded>), StoreError> {
        let PreparedEvents { request, events } = prepared;
        let mut outcomes = self.queue.record_prepared(request).await?.into_iter();
        let outcome = |event: &Result<NewEvent, Vec<Problem>>| match event {
            Err(problems) => Ok(Recorded::Rejected(problems.clone())),
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
        let outcomes = events.iter().map(outcome).collect::<Result<_, StoreError>>()?;
        Ok((events, outcomes))
    }

    /// Returns the events of records that are in conflict with an event of another activity, each with its position and
    /// under a key that includes its activity.
    async fn events_with_reused_ids(
        &self,
        events: &[Result<NewEvent, Vec<Problem>>],
        outcomes: &[Recorded],
    ) -> Result<Vec<(usize, Result<NewEvent, Vec<Problem>>)>, StoreError> {
        let is_conflict = |(_, (_, outcome)): &(usize, (_, &Recorded))| matches!(outcome, Recorded::Conflict(_));
        let conflicts = events.iter().zip(outcomes).enumerate().filter(is_conflict);
        // Only records of other systems have a source. Applications choose the keys of their own events.
        let conflicts: Vec<(usize, &NewEvent)> = conflicts
            .filter_map(|(position, (event, _))| Some((position, event.as_ref().ok()?)))
            .filter(|(_, event)| event.body().recording.source.is_some())
            .collect();
        let ids: Vec<EventId> = conflicts.iter().map(|(_, event)| event.id()).collect();
        let stored = self.reader.events_by_id(&ids).await?;
        let is_reused = |event: &NewEvent, stored: Option<&model::Event>| {
            let activity = fold_activity(&event.body().activity);
            stored.is_some_and(|stored| fold_activity(&stored.body.activity) != activity)
        };
        let reused =
            conflicts.into_iter().zip(&stored).filter(|((_, event), stored)| is_reused(event, stored.as_ref()));
        Ok(reused.map(|((position, event), _)| (position, event.keyed_by_activity(&self.sensitive_names))).collect())
    }
}
