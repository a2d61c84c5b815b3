//! Windows 365's Azure Monitor export. Most of an event is in one string that is not JSON:
//! `operationType:Create,category:CloudPC,…,resources:[{DisplayName:user, Type:…, ModifiedProperty:[{Name:…}]}],`.
//!
//! Nothing in the string is quoted, and values contain commas, brackets and braces, so it is split at its keys, not at
//! punctuation.

use super::directory_audit::strings;
use super::embedded::embedded_json;
use super::event_draft::{EventDraft, fit};
use super::intune::{WINDOWS_365, kind_of};
use super::source_record::{JsonCursor, is_absent};
use super::value::status;
use super::{UnsupportedRecord, timestamp};
use model::fold::fold;
use model::json::Json;
use model::{Actor, ActorApplication, ActorKind, ModifiedProperty, Status, Target};

/// The start of the list of resources.
const RESOURCES: &str = "resources:[";
/// The start of the list of changes in a resource.
const CHANGES: &str = "ModifiedProperty:[";

/// Converts a row of category `Windows365AuditLogs`.
pub(super) fn map(record: &JsonCursor) -> Result<EventDraft, UnsupportedRecord> {
    let properties = record.get("properties");
    let fields_string = properties.and_then(|cursor| cursor.str_at("OtherExtendedProperties")).unwrap_or_default();
    let fields = PackedFields::of(&fields_string);
    let occurred_at = fields
        .get("activityDateTime")
        .and_then(timestamp::parse)
        .or_else(|| timestamp::take_first(record, &["time", "TimeGenerated"]))
        .ok_or_else(|| {
            timestamp::missing(&[("", record, &["time", "TimeGenerated"])], "the row", "`activityDateTime` or `time`")
        })?;
    let activity = record
        .take_at("operationName")
        .ok_or_else(|| UnsupportedRecord("the row does not name an activity in `operationName`".to_owned()))?;
    let time =
        record.get("time").filter(|time| time.as_str().as_deref().and_then(timestamp::parse) == Some(occurred_at));
    time.and_then(JsonCursor::take);
    let mut draft = EventDraft::new(occurred_at, activity, WINDOWS_365);
    let owned = |key: &str| fields.get(key).map(str::to_owned);
    draft.id = owned("auditEvenId").or_else(|| owned("auditEventId"));
    draft.category = owned("category");
    draft.verb = owned("operationType");
    draft.correlation_id = owned("correlationId");
    record.fill(&["correlationId"], &mut draft.correlation_id);
    draft.component = properties.and_then(|cursor| cursor.take_at("ComponentName"));
    draft.status = record.str_at("resultType").as_deref().map_or(Status::Unknown, status);
    draft.targets = fields.resources.iter().filter_map(|item| target(item)).collect();
    if let Some(identity) = record.get("identity") {
        draft.actor = actor(identity);
        draft.tenant = identity.get("TenantId").and_then(first_identity);
    }
    let stated = if record.has("TimeGenerated") { None } else { record.take_tenant_at("tenantId") };
    draft.tenant = stated.or(draft.tenant);
    Ok(draft)
}

/// The fields and resources of the packed string.
struct PackedFields<'a> {
    pairs: Vec<(&'a str, &'a str)>,
    resources: Vec<&'a str>,
}

impl<'a> PackedFields<'a> {
    fn of(fields_string: &'a str) -> Self {
        let (head, rest) = fields_string.split_once(RESOURCES).unwrap_or((fields_string, ""));
        let (list, tail) = rest.rsplit_once(']').unwrap_or((rest, ""));
        let pairs = head.split(',').chain(tail.split(',')).filter_map(|pair| pair.split_once(':'));
        Self {
            pairs: pairs.map(|(key, value)| (key.trim(), value.trim())).collect(),
            resources: items(list, "DisplayName:"),
        }
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        let pair = self.pairs.iter().find(|(name, value)| name.eq_ignore_ascii_case(key) && !is_absent(value));
        pair.map(|(_, value)| *value)
    }
}

/// Splits a list `{first…}, {first…}`, whose items start with the same key.
fn items<'a>(list: &'a str, first: &str) -> Vec<&'a str> {
    let mut starts: Vec<usize> = list.match_indices(first).map(|(at, _)| at).collect();
    starts.retain(|at| {
        let before = list[..*at].trim_end();
        // The first item, or one after a closing brace.
        before == "{"
            || before
                .strip_suffix('{')
                .is_some_and(|rest| rest.trim_end().ends_with("},") || rest.trim_end().ends_with('}'))
    });
    let ends = starts.iter().skip(1).copied().chain([list.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let item = list[*start..end].trim_end().trim_end_matches('{').trim_end().trim_end_matches(',').trim_end();
            item.strip_suffix('}').unwrap_or(item)
        })
        .collect()
}

/// Returns the values of consecutive keys `A:…, B:…, C:…`. A missing key has no value.
fn split_at_keys<'a, const N: usize>(text: &'a str, keys: [&str; N]) -> [Option<&'a str>; N] {
    let mut positions: Vec<(usize, usize, usize)> = Vec::new();
    let mut from = 0;
    for (i, key) in keys.iter().enumerate() {
        let found = text[from..].match_indices(key).find(|(at, _)| {
            let before = text[..from + at].trim_end();
            (before.is_empty() || before.ends_with(',')) && text[from + at + key.len()..].starts_with(':')
        });
        if let Some((at, _)) = found {
            positions.push((i, from + at, from + at + key.len() + 1));
            from += at + key.len() + 1;
        }
    }
    let mut values = [None; N];
    for (n, (i, _, start)) in positions.iter().enumerate() {
        let end = positions.get(n + 1).map_or(text.len(), |(_, at, _)| *at);
        let value = text[*start..end].trim();
        let is_last = n + 1 == positions.len();
        values[*i] = Some(if is_last { value } else { value.strip_suffix(',').unwrap_or(value) });
    }
    values
}

fn target(item: &str) -> Option<Target> {
    let (head, list) = item.split_once(CHANGES).unwrap_or((item, ""));
    let head = head.trim_end().trim_end_matches(',');
    let list = list.rsplit_once(']').map_or(list, |(list, _)| list);
    let [name, kind, id] = split_at_keys(head, ["DisplayName", "Type", "ResourceId"]);
    let present = |text: Option<&str>| text.filter(|text| !is_absent(text)).map(str::to_owned);
    let target = Target {
        object_id: present(id),
        user_principal_name: None,
        display_name: present(name),
        kind: present(kind),
        application_id: None,
        modified_properties: items(list, "Name:").into_iter().filter_map(change).collect(),
    };
    (target != Target::default()).then_some(target)
}

/// An empty value means no value, because the format does not distinguish them.
fn change(item: &str) -> Option<ModifiedProperty> {
    let [name, old_value, new_value] = split_at_keys(item, ["Name", "OldValue", "NewValue"]);
    let name = name.filter(|name| !fold(name).is_empty() && *name != "DeviceManagementAPIVersion")?;
    let value = |text: Option<&str>| {
        let text = text.filter(|text| !text.is_empty() && *text != "<null>")?;
        Some(embedded_json(text).map_or_else(|| Json::string(text), |node| node.to_json()))
    };
    Some(ModifiedProperty::new(fit(name), value(old_value), value(new_value)))
}

/// Returns the first identity of `[{"Identity": …}]`.
fn first_identity(cursor: &JsonCursor) -> Option<String> {
    cursor.elements().iter().find_map(|element| element.take_at("Identity")).or_else(|| cursor.take())
}

fn actor(identity: &JsonCursor) -> Actor {
    let mut actor = Actor::new(ActorKind::Unknown);
    if let Some(name) = identity.take().filter(|_| !identity.is_object()) {
        actor.kind = ActorKind::User;
        actor.user_principal_name = Some(name);
        return actor;
    }
    actor.user_principal_name = identity.get("UPN").and_then(first_identity);
    actor.object_id = identity.get("ObjectID").and_then(first_identity);
    let mut application =
        ActorApplication { application_id: identity.get("ApplicationID").and_then(first_identity), display_name: None };
    let mut actor_type = None;
    for other in identity.list("Other").iter().filter_map(|cursor| cursor.get("Identity")) {
        actor_type = actor_type.or_else(|| other.str_at("Type"));
        let permissions = other.get("UserPermission").or_else(|| other.get("UserPermissions"));
        actor.permissions.extend(permissions.map(strings).unwrap_or_default());
        application.display_name = application.display_name.or_else(|| other.take_at("ApplicationDisplayName"));
    }
    actor.application = (application != ActorApplication::default()).then_some(application);
    actor.kind = kind_of(&actor, actor_type.as_deref());
    actor
}
