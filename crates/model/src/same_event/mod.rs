//! Whether two events under one key are the same event.
//!
//! An event in this API's own format is the same only if all its fields are the same. Two records of other systems may come
//! by different routes, which carry different parts of one event: what they have in common must agree, and the fields in
//! which they differ are reported. Of a copy in another format, these are the fields in which it states something that the
//! stored event does not: each format lacks some fields, and keeps others in `unmapped` under its own names.

mod added;

use std::collections::{BTreeMap, BTreeSet};

use super::fold::{fold, fold_activity};
use super::json::JsonNode;
use super::{Actor, ActorKind, Detail, EventBody, Json, ModifiedProperty, OperationType, ResourceType, Status, Target};
use added::{actor_adds, changes_add, contradicts, details_add, string_adds, targets_add};

/// The relation of an event to the one that is stored under its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sameness {
    /// The events are the same.
    Same,
    /// The events are copies of one event, of which the second one differs in these fields, by their API names.
    Differing(Vec<&'static str>),
    /// The events are different.
    Other,
}

/// How two events under one key are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Everything must agree.
    Whole,
    /// What both events carry must agree.
    Common,
}

impl Comparison {
    /// Compares an event with the one that is stored under its key.
    pub fn of(self, stored: &EventBody, event: &EventBody) -> Sameness {
        if self == Self::Common {
            return if agree(stored, event) { copy_of(stored, event) } else { Sameness::Other };
        }
        let mut differing = differing_fields(stored, event, Reported::All);
        // The import keeps what it reads in another form (the fraction of a time) in `unmapped`, recording does not.
        if stored.recording.source.is_some() != event.recording.source.is_some() {
            differing.retain(|field| *field != "unmapped");
        }
        if differing.is_empty() { Sameness::Same } else { Sameness::Other }
    }
}

/// Compares a copy of an event with the stored event.
fn copy_of(stored: &EventBody, event: &EventBody) -> Sameness {
    let reported = if is_same_route(stored, event) { Reported::All } else { Reported::Added };
    let differing = differing_fields(stored, event, reported);
    if differing.is_empty() { Sameness::Same } else { Sameness::Differing(differing) }
}

/// Whether two events were converted from records of the same format with the same members: those of one record without a
/// field are among those of the other. A record in an envelope, and a row of a table, have others.
fn is_same_route(a: &EventBody, b: &EventBody) -> bool {
    fn format(body: &EventBody) -> Option<&str> {
        body.recording.source.as_deref().and_then(|source| source.split(' ').next())
    }
    let names = |json: &Json| match json.node() {
        JsonNode::Object(members) => members.into_iter().map(|(name, _)| name).collect(),
        _ => BTreeSet::new(),
    };
    let has_same_members = a.unmapped.as_ref().zip(b.unmapped.as_ref()).is_none_or(|(a, b)| {
        let (a, b) = (names(a), names(b));
        a.is_subset(&b) || b.is_subset(&a)
    });
    format(a) == format(b) && has_same_members
}

/// Which differences count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reported {
    /// All.
    All,
    /// Those in which the second event states something that the first one does not.
    Added,
}

/// The API names of the fields in which an event differs from the stored one. The provenance and the marks of sensitive
/// values do not count.
fn differing_fields(stored: &EventBody, event: &EventBody, reported: Reported) -> Vec<&'static str> {
    // A new field does not compile until it is compared.
    let EventBody {
        event_key: _,
        occurred_at,
        activity,
        activity_display_name,
        category,
        service,
        component,
        operation_type,
        resource_type,
        group_source,
        status,
        status_reason,
        status_reason_is_sensitive: _,
        correlation_id,
        actor,
        targets,
        additional_details,
        unmapped,
        unmapped_is_sensitive: _,
        recording: _,
    } = stored;
    let pairs = |details: &[Detail]| {
        details.iter().map(|detail| (detail.key.clone(), detail.value.clone())).collect::<Vec<_>>()
    };
    let hash = |json: &Option<Json>| json.as_ref().map(Json::equality_hash);
    let parties = |targets: &[Target]| {
        let party = |target: &Target| Target { modified_properties: Vec::new(), ..target.clone() };
        targets.iter().map(party).collect::<Vec<_>>()
    };
    let changed = |targets: &[Target]| {
        targets.iter().map(|target| target.modified_properties.iter().map(change_of).collect()).collect::<Vec<Vec<_>>>()
    };
    let adds_string =
        |stored: &Option<String>, event: &Option<String>| string_adds(stored.as_deref(), event.as_deref());
    // The field, whether the values differ, and whether that of the event adds to the stored one.
    let differences: [(&str, bool, &dyn Fn() -> bool); 17] = [
        ("occurredAt", *occurred_at != event.occurred_at, &|| {
            // A route without fractions below a millisecond adds none.
            event.occurred_at.0.rem_euclid(1_000) != 0
        }),
        ("activity", *activity != event.activity, &|| true),
        ("activityDisplayName", *activity_display_name != event.activity_display_name, &|| {
            event.activity_display_name != event.activity
        }),
        ("category", *category != event.category, &|| true),
        ("service", *service != event.service, &|| true),
        ("component", *component != event.component, &|| adds_string(component, &event.component)),
        ("operationType", *operation_type != event.operation_type, &|| event.operation_type != OperationType::Other),
        ("activityResourceType", *resource_type != event.resource_type, &|| event.resource_type != ResourceType::Other),
        ("groupSource", *group_source != event.group_source, &|| event.group_source.is_some()),
        ("status", *status != event.status, &|| event.status != Status::Unknown),
        ("statusReason", *status_reason != event.status_reason, &|| adds_string(status_reason, &event.status_reason)),
        ("correlationId", *correlation_id != event.correlation_id, &|| {
            adds_string(correlation_id, &event.correlation_id)
        }),
        ("actor", *actor != event.actor, &|| actor_adds(actor, &event.actor)),
        ("targets", parties(targets) != parties(&event.targets), &|| targets_add(targets, &event.targets)),
        ("modifiedProperties", changed(targets) != changed(&event.targets), &|| changes_add(targets, &event.targets)),
        ("additionalDetails", pairs(additional_details) != pairs(&event.additional_details), &|| {
            details_add(additional_details, &event.additional_details)
        }),
        ("unmapped", hash(unmapped) != hash(&event.unmapped), &|| {
            unmapped.as_ref().zip(event.unmapped.as_ref()).is_some_and(|(a, b)| contradicts(&a.node(), &b.node()))
        }),
    ];
    let counts = |adds: &dyn Fn() -> bool| reported == Reported::All || adds();
    differences.into_iter().filter(|(_, differ, adds)| *differ && counts(*adds)).map(|(field, ..)| field).collect()
}

type ChangeHashes = (Option<[u8; 16]>, Option<[u8; 16]>);

fn change_of(change: &ModifiedProperty) -> (String, ChangeHashes) {
    let hash = |json: &Option<Json>| json.as_ref().map(Json::equality_hash);
    (change.name.clone(), (hash(&change.old_value), hash(&change.new_value)))
}

/// Whether what both events carry agrees: activity, time in milliseconds, actor, targets, status and changes.
fn agree(stored: &EventBody, event: &EventBody) -> bool {
    let milliseconds = |body: &EventBody| body.occurred_at.0.div_euclid(1_000);
    let statuses = [stored.status, event.status];
    fold_activity(&stored.activity) == fold_activity(&event.activity)
        && milliseconds(stored) == milliseconds(event)
        && actors_agree(&stored.actor, &event.actor)
        && (statuses.contains(&Status::Unknown) || stored.status == event.status)
        && targets_agree(&stored.targets, &event.targets)
        && changes_agree(&stored.targets, &event.targets)
}

/// Whether two optional strings are equal after folding; `None` if one is absent.
fn same(a: Option<&str>, b: Option<&str>) -> Option<bool> {
    let folded = |string: Option<&str>| string.map(fold).filter(|folded| !folded.is_empty());
    folded(a).zip(folded(b)).map(|(a, b)| a == b)
}

fn actors_agree(a: &Actor, b: &Actor) -> bool {
    if a.kind == ActorKind::Unknown || b.kind == ActorKind::Unknown {
        return true;
    }
    let object_id = same(a.object_id.as_deref(), b.object_id.as_deref());
    let principal = same(a.user_principal_name.as_deref(), b.user_principal_name.as_deref());
    let application = same(a.application_id(), b.application_id()).filter(|_| a.kind != ActorKind::User);
    let name = same(a.shown_name(), b.shown_name());
    a.kind == b.kind && object_id.or(principal).or(application).or(name).unwrap_or(true)
}

/// The most targets that are compared one by one.
const COMPARED_MAX: usize = 100;

/// Whether every target of the shorter list is one of the other. A route without targets agrees with any.
fn targets_agree(a: &[Target], b: &[Target]) -> bool {
    let (fewer, more) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let identities = |targets: &[Target]| targets.iter().map(Target::identity).collect::<BTreeSet<String>>();
    if fewer.is_empty() || identities(fewer).is_subset(&identities(more)) {
        return true;
    }
    if more.len() > COMPARED_MAX {
        return false;
    }
    let mut free: Vec<&Target> = more.iter().collect();
    fewer.iter().all(|target| {
        let found = free.iter().position(|other| is_same_target(target, other));
        found.map(|index| free.swap_remove(index)).is_some()
    })
}

fn is_same_target(a: &Target, b: &Target) -> bool {
    let strong = [
        same(a.object_id.as_deref(), b.object_id.as_deref()),
        same(a.user_principal_name.as_deref(), b.user_principal_name.as_deref()),
        same(a.application_id.as_deref(), b.application_id.as_deref()),
    ];
    let name = same(a.display_name.as_deref(), b.display_name.as_deref());
    !strong.contains(&Some(false)) && (strong.contains(&Some(true)) || name.unwrap_or(false))
}

/// Whether the values of each property that both events changed agree.
fn changes_agree(a: &[Target], b: &[Target]) -> bool {
    let by_name = |targets: &[Target]| {
        let mut changes: BTreeMap<String, BTreeSet<ChangeHashes>> = BTreeMap::new();
        for (name, values) in targets.iter().flat_map(|target| &target.modified_properties).map(change_of) {
            changes.entry(fold(&name)).or_default().insert(values);
        }
        changes
    };
    let (a, b) = (by_name(a), by_name(b));
    a.iter().all(|(name, values)| b.get(name).is_none_or(|other| values.is_subset(other) || other.is_subset(values)))
}

#[cfg(test)]
mod tests {
    use super::super::{OperationType, Recording, RecordingRoute, ResourceType, Timestamp};
    use super::*;

    fn event(source: Option<&str>) -> EventBody {
        let target = Target {
            object_id: Some("t-1".to_owned()),
            modified_properties: vec![ModifiedProperty::new("amount", Json::parse("1"), Json::parse("2"))],
            ..Target::default()
        };
        EventBody {
            event_key: "k".to_owned(),
            occurred_at: Timestamp(1_500),
            activity: "Pay".to_owned(),
            activity_display_name: "Pay".to_owned(),
            category: "Payments".to_owned(),
            service: "Shop".to_owned(),
            component: None,
            operation_type: OperationType::Other,
            resource_type: ResourceType::Other,
            group_source: None,
            status: Status::Success,
            status_reason: None,
            status_reason_is_sensitive: false,
            correlation_id: None,
            actor: Actor { object_id: Some("a-1".to_owned()), ..Actor::new(ActorKind::User) },
            targets: vec![target],
            additional_details: vec![Detail::new("via", Some("web".to_owned()))],
            unmapped: Json::parse(r#"{"a":1,"b":2}"#),
            unmapped_is_sensitive: false,
            recording: Recording {
                route: RecordingRoute::Rest,
                recorded_by: "shop".to_owned(),
                issuer: None,
                client_id: None,
                source: source.map(str::to_owned),
                source_tenant_id: None,
            },
        }
    }

    /// A change of each field, with the API name of the field and whether it makes another event of an imported record.
    type Change = (&'static str, bool, fn(&mut EventBody));

    const CHANGES: &[Change] = &[
        ("occurredAt", false, |it| it.occurred_at = Timestamp(1_999)),
        ("occurredAt", true, |it| it.occurred_at = Timestamp(2_000)),
        ("activity", false, |it| "pay.".clone_into(&mut it.activity)),
        ("activity", true, |it| "Refund".clone_into(&mut it.activity)),
        ("activityDisplayName", false, |it| "Payment".clone_into(&mut it.activity_display_name)),
        ("category", false, |it| "Money".clone_into(&mut it.category)),
        ("service", false, |it| "SHOP".clone_into(&mut it.service)),
        ("component", false, |it| it.component = Some("c".to_owned())),
        ("operationType", false, |it| it.operation_type = OperationType::Create),
        ("activityResourceType", false, |it| it.resource_type = ResourceType::User),
        ("status", true, |it| it.status = Status::Failure),
        ("status", false, |it| it.status = Status::Unknown),
        ("statusReason", false, |it| it.status_reason = Some("r".to_owned())),
        ("correlationId", false, |it| it.correlation_id = Some("c".to_owned())),
        ("actor", true, |it| it.actor.object_id = Some("a-2".to_owned())),
        ("actor", true, |it| it.actor.kind = ActorKind::Application),
        ("actor", false, |it| it.actor.ip_address = Some("203.0.113.1".to_owned())),
        ("actor", false, |it| it.actor = Actor::new(ActorKind::Unknown)),
        ("targets", true, |it| it.targets[0].object_id = Some("t-2".to_owned())),
        ("targets", false, |it| it.targets[0].display_name = Some("T".to_owned())),
        ("targets", false, |it| it.targets.push(Target { object_id: Some("t-3".to_owned()), ..Target::default() })),
        ("modifiedProperties", true, |it| it.targets[0].modified_properties[0].new_value = Json::parse("3")),
        ("modifiedProperties", false, |it| it.targets[0].modified_properties.clear()),
        ("additionalDetails", false, |it| it.additional_details[0].value = Some(Json::string("app"))),
        ("unmapped", false, |it| it.unmapped = None),
    ];

    #[test]
    fn events_of_this_api_are_the_same_only_as_a_whole() {
        let stored = event(None);
        assert_eq!(Comparison::Whole.of(&stored, &stored), Sameness::Same);
        for (field, _, change) in CHANGES {
            let mut other = event(None);
            change(&mut other);
            assert!(differing_fields(&stored, &other, Reported::All).contains(field), "{field}");
            assert_eq!(Comparison::Whole.of(&stored, &other), Sameness::Other, "{field}");
            assert_ne!(stored.statement_hash(), other.statement_hash(), "{field}");
        }
    }

    #[test]
    fn copies_of_a_record_agree_in_what_both_carry() {
        let stored = event(Some("format a"));
        for (field, is_other, change) in CHANGES {
            let mut other = event(Some("format b"));
            change(&mut other);
            for (one, two) in [(&stored, &other), (&other, &stored)] {
                match Comparison::Common.of(one, two) {
                    Sameness::Differing(fields) => assert!(!is_other && fields.contains(field), "{field}: {fields:?}"),
                    sameness => assert!(*is_other && sameness == Sameness::Other, "{field}: {sameness:?}"),
                }
            }
        }
    }

    /// A change of an event, with the fields that are reported of a copy in another format that has the change, and of one
    /// that lacks it.
    type Addition = (fn(&mut EventBody), &'static [&'static str], &'static [&'static str]);

    const ADDITIONS: &[Addition] = &[
        (|it| it.occurred_at = Timestamp(1_000), &[], &["occurredAt"]),
        (|it| "Payment".clone_into(&mut it.activity_display_name), &["activityDisplayName"], &[]),
        (|it| "Money".clone_into(&mut it.category), &["category"], &["category"]),
        (|it| it.component = Some("c".to_owned()), &["component"], &[]),
        (|it| it.operation_type = OperationType::Create, &["operationType"], &[]),
        (|it| it.status = Status::Unknown, &[], &["status"]),
        (|it| it.status_reason = Some("r".to_owned()), &["statusReason"], &[]),
        (|it| it.actor.object_id = Some("A-1".to_owned()), &[], &[]),
        (|it| it.actor.ip_address = Some("203.0.113.1".to_owned()), &["actor"], &[]),
        (|it| it.actor = Actor::new(ActorKind::Unknown), &[], &["actor"]),
        (|it| it.actor.permissions = vec!["p".to_owned()], &["actor"], &[]),
        (|it| it.targets[0].object_id = Some("T-1".to_owned()), &[], &[]),
        (|it| it.targets[0].display_name = Some("T".to_owned()), &["targets"], &[]),
        (|it| it.targets.push(Target { object_id: Some("t-3".to_owned()), ..Target::default() }), &["targets"], &[]),
        (|it| it.targets[0].modified_properties.clear(), &[], &["modifiedProperties"]),
        (|it| it.additional_details.clear(), &[], &["additionalDetails"]),
        (
            |it| it.additional_details[0].value = Some(Json::string("app")),
            &["additionalDetails"],
            &["additionalDetails"],
        ),
        (|it| it.unmapped = Json::parse(r#"{"a":1,"c":3}"#), &[], &[]),
        (|it| it.unmapped = Json::parse(r#"{"a":2,"b":2}"#), &["unmapped"], &["unmapped"]),
        (|it| it.unmapped = None, &[], &[]),
    ];

    #[test]
    fn copy_in_another_format_differs_only_in_what_it_adds() {
        for (position, (change, with, without)) in ADDITIONS.iter().enumerate() {
            let (plain, mut changed) = (event(Some("one a.json")), event(Some("two b.json")));
            change(&mut changed);
            let fields = |stored: &EventBody, copy: &EventBody| match Comparison::Common.of(stored, copy) {
                Sameness::Same => Vec::new(),
                Sameness::Differing(fields) => fields,
                Sameness::Other => panic!("{position}"),
            };
            assert_eq!(fields(&plain, &changed), *with, "{position}");
            assert_eq!(fields(&changed, &plain), *without, "{position}");
        }
    }

    #[test]
    fn record_in_an_envelope_is_another_route() {
        let stored = event(Some("one a.json"));
        let within = |unmapped: &str| EventBody { unmapped: Json::parse(unmapped), ..event(Some("one b.json")) };
        let compare = |unmapped: &str| Comparison::Common.of(&stored, &within(unmapped));
        assert_eq!(compare(r#"{"data":{"a":1,"b":2},"rule":7}"#), Sameness::Same);
        assert_eq!(compare(r#"{"a":1,"b":2,"rule":7}"#), Sameness::Differing(vec!["unmapped"]));
        assert_eq!(compare(r#"{"a":1}"#), Sameness::Differing(vec!["unmapped"]));
    }

    #[test]
    fn provenance_marks_and_the_order_of_members_do_not_count() {
        let stored = event(None);
        let mut other = event(None);
        other.recording.recorded_by = "other".to_owned();
        other.unmapped = Json::parse(r#"{"b":2.0,"a":1}"#);
        other.targets[0].modified_properties[0].is_sensitive = true;
        other.additional_details[0].is_sensitive = true;
        other.status_reason_is_sensitive = true;
        assert_eq!(Comparison::Whole.of(&stored, &other), Sameness::Same);
        let file = EventBody { unmapped: None, ..event(Some("own.json")) };
        assert_eq!(Comparison::Whole.of(&stored, &file), Sameness::Same, "the import keeps more in `unmapped`");
    }

    #[test]
    fn targets_agree_by_any_common_identity() {
        let target = |object: Option<&str>, upn: Option<&str>, application: Option<&str>, name: Option<&str>| Target {
            object_id: object.map(str::to_owned),
            user_principal_name: upn.map(str::to_owned),
            application_id: application.map(str::to_owned),
            display_name: name.map(str::to_owned),
            ..Target::default()
        };
        let full = target(Some("o-1"), Some("bob@contoso.example"), None, Some("Bob"));
        for (other, agrees) in [
            (target(None, Some("BOB@contoso.example"), None, None), true),
            (target(Some("o-1"), None, None, Some("Robert")), true),
            (target(None, None, None, Some("bob")), true),
            (target(Some("o-2"), Some("bob@contoso.example"), None, None), false),
            (target(None, Some("eve@contoso.example"), None, Some("Bob")), false),
            (target(None, None, Some("app"), None), false),
        ] {
            assert_eq!(targets_agree(std::slice::from_ref(&full), std::slice::from_ref(&other)), agrees, "{other:?}");
        }
        assert!(targets_agree(&[], &[full]));
    }
}
