//! The mutations: recording events, and managing API keys.

use async_graphql::{Context, ID, Object};

use crate::engine::context::ContextExt as _;
use crate::error::ApiError;
use crate::schema::api_key::{
    self, CreateApiKeyInput, CreateApiKeyPayload, RevokeApiKeyInput, RevokeApiKeyPayload, RotateApiKeyInput,
    RotateApiKeyPayload,
};
use crate::schema::record::{
    AuditEventConflict, AuditEventDuplicate, AuditEventRecorded, AuditEventRejected, RecordAuditEventResult,
    RecordAuditEventsInput, RecordAuditEventsPayload,
};
use crate::schema::scalar::Count;
use access::{AccessActivity, Recorded};
use model::EventInput;
use model::{EventId, Invalid, RecordingRoute};

/// The most events of one call.
pub const BATCH_MAX: usize = 1_000;

/// The root of all mutations.
#[derive(Clone, Copy, Debug)]
pub struct Mutation;

/// The mutations.
#[Object]
impl Mutation {
    /// Appends events to the log, at most 1,000 per call, all in one transaction. An event that was recorded before
    /// under the same `eventKey` has no effect and is reported as a duplicate, so a call can be repeated safely.
    /// Requires the permission to record. No access role includes it, so reviewers cannot write to the log they
    /// review. A type error in the input rejects the whole call; all other problems are reported per event.
    async fn record_audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The events to append.")] input: RecordAuditEventsInput,
    ) -> Option<Result<RecordAuditEventsPayload, ApiError>> {
        Some(record(ctx, input).await)
    }

    /// Creates an API key for a program of the tenant. The response has the whole key, which is shown only once. Requires
    /// the permission to manage API keys.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key to create.")] input: CreateApiKeyInput,
    ) -> Option<Result<CreateApiKeyPayload, ApiError>> {
        Some(Box::pin(api_key::create(ctx, input)).await)
    }

    /// Revokes an API key of the tenant: within five seconds, every server rejects it and ends its streams and exports.
    /// Requires the permission to manage API keys.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key to revoke.")] input: RevokeApiKeyInput,
    ) -> Option<Result<RevokeApiKeyPayload, ApiError>> {
        Some(Box::pin(api_key::revoke(ctx, &input)).await)
    }

    /// Creates an API key with the name and the grants of another one, which expires soon. The response has the whole new
    /// key, which is shown only once. Requires the permission to manage API keys.
    async fn rotate_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key to replace.")] input: RotateApiKeyInput,
    ) -> Option<Result<RotateApiKeyPayload, ApiError>> {
        Some(Box::pin(api_key::rotate(ctx, &input)).await)
    }
}

async fn record(ctx: &Context<'_>, input: RecordAuditEventsInput) -> Result<RecordAuditEventsPayload, ApiError> {
    if input.events.len() > BATCH_MAX {
        return Err(ApiError::Limit { what: "events", asked: input.events.len(), limit: BATCH_MAX });
    }
    if input.events.is_empty() {
        return Err(Invalid::new("`input.events` must contain at least one event").into());
    }
    let session = ctx.session()?;
    let recorder = session.caller.recorder(RecordingRoute::GraphQl);
    let recorder = recorder
        .inspect_err(|_| session.access_record.record_forbidden("recordAuditEvents", AccessActivity::Record))?;
    let keys: Vec<String> = input.events.iter().map(|event| event.event_key.clone()).collect();
    let event = |input| EventInput::try_from(input).and_then(|input| recorder.event(input, session.now));
    let events = input.events.into_iter().map(event).collect();
    let outcomes = recorder.record(events).await?;
    Ok(payload(keys.into_iter().zip(outcomes)))
}

fn payload(outcomes: impl Iterator<Item = (String, Recorded)>) -> RecordAuditEventsPayload {
    let mut payload = RecordAuditEventsPayload {
        results: Vec::new(),
        recorded_count: Count(0),
        duplicate_count: Count(0),
        conflict_count: Count(0),
        rejected_count: Count(0),
    };
    let global = |id: EventId| ID(id.to_global());
    for (index, (event_key, outcome)) in (0..).zip(outcomes) {
        let event_key = Some(event_key);
        payload.results.push(match outcome {
            Recorded::Recorded(id, _) => {
                payload.recorded_count.0 += 1;
                RecordAuditEventResult::Recorded(AuditEventRecorded { index, event_key, event_id: global(id) })
            }
            // Events of this API are compared as a whole, so their duplicates do not differ.
            Recorded::Duplicate(id) | Recorded::DifferingDuplicate(id, _) => {
                payload.duplicate_count.0 += 1;
                RecordAuditEventResult::Duplicate(AuditEventDuplicate { index, event_key, event_id: global(id) })
            }
            Recorded::Conflict(id) => {
                payload.conflict_count.0 += 1;
                RecordAuditEventResult::Conflict(AuditEventConflict { index, event_key, event_id: global(id) })
            }
            Recorded::Rejected(problems) => {
                payload.rejected_count.0 += 1;
                let problems = problems.into_iter().map(Into::into).collect();
                RecordAuditEventResult::Rejected(AuditEventRejected { index, event_key, problems })
            }
        });
    }
    payload
}
