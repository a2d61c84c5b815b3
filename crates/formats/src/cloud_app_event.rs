//! Rows of the advanced hunting table `CloudAppEvents` of Microsoft Defender, without the original record in
//! `RawEventData`. With it, the original record is converted (see [`super::recognise()`]).

use super::event_draft::EventDraft;
use super::source_record::JsonCursor;
use super::{UnsupportedRecord, timestamp};
use model::{Actor, ActorKind, Target};

const TIMES: &[&str] = &["Timestamp", "TimeGenerated"];

/// Whether an object is a row of the table.
pub(super) fn is_row(record: &JsonCursor) -> bool {
    let any = |keys: &[&str]| keys.iter().any(|key| record.has(key));
    record.has("ActionType") && any(TIMES) && any(&["AccountObjectId", "AccountId", "RawEventData", "ActivityType"])
}

/// Converts a row.
pub(super) fn map(record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    let occurred_at = timestamp::take_first(record, TIMES)
        .ok_or_else(|| timestamp::missing(&[("", record, TIMES)], "the row", "`Timestamp`"))?;
    let activity = record
        .take_at("ActionType")
        .ok_or_else(|| UnsupportedRecord("the row does not name an activity in `ActionType`".to_owned()))?;
    let service = record.take_at("Application");
    let mut draft = EventDraft::new(occurred_at, activity, service.as_deref().unwrap_or("Microsoft Defender"));
    draft.id = record.take_at("ReportId");
    draft.category = record.take_at("ActivityType");
    draft.verb = draft.category.clone();
    draft.actor = actor(record);
    let target = Target {
        object_id: record.take_at("ObjectId"),
        display_name: record.take_at("ObjectName"),
        kind: record.take_at("ObjectType"),
        ..Target::default()
    };
    draft.targets = Some(target).filter(|target| *target != Target::default()).into_iter().collect();
    Ok(draft)
}

fn actor(record: &JsonCursor) -> Actor {
    let account = record.take_first(&["AccountObjectId", "AccountId"]);
    let (upn, name) = (record.take_first(&["AccountUpn", "AccountUPN"]), record.take_at("AccountDisplayName"));
    let account_type = record.str_at("AccountType").unwrap_or_default().to_ascii_lowercase();
    let is_named = account.is_some() || upn.is_some() || name.is_some();
    let kind = match account_type.as_str() {
        "application" | "serviceprincipal" => ActorKind::Application,
        "system" => ActorKind::System,
        _ if is_named => ActorKind::User,
        _ => ActorKind::Unknown,
    };
    let mut actor = Actor::new(kind);
    if kind == ActorKind::Application {
        actor.service_principal_name = name;
    } else {
        actor.display_name = name;
    }
    actor.object_id = account;
    actor.user_principal_name = upn;
    actor.ip_address = record.take_at("IPAddress");
    actor.user_agent = record.take_at("UserAgent");
    actor
}
