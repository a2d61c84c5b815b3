//! The targets of a unified audit record: the identities of the directory, else the object of the workload, then the
//! persons and objects that the workload names besides.

use super::super::event_draft::fit;
use super::super::source_record::{JsonCursor, is_absent};
use super::super::value::{
    ValueEncoding, application_id_in, changed_application_id, changed_value, changes, is_application, is_guid, value,
};
use super::identity::{IdentityList, prefixed, take_carried};
use model::event::{CHANGES_MAX, TARGETS_MAX};
use model::fold::fold;
use model::{ModifiedProperty, Target};

/// Members with the owner of a mailbox, and with the mailbox's id.
const MAILBOXES: &[(&str, &str)] = &[
    ("MailboxOwnerUPN", "MailboxGuid"),
    ("DestMailboxOwnerUPN", "DestMailboxId"),
    ("SendAsUserSmtp", "SendAsUserMailboxGuid"),
    ("SendOnBehalfOfUserSmtp", "SendOnBehalfOfUserMailboxGuid"),
];

/// Reads the targets. The changes are those of the first one.
pub(super) fn targets(record: &JsonCursor, result: Option<&JsonCursor>) -> Vec<Target> {
    let properties = record.list("ModifiedProperties");
    let mut first = target(record, result);
    if first.application_id.is_none() {
        first.application_id = application_id(record, properties, &first);
    }
    let others = mailboxes(record)
        .chain(shared_with(record))
        .chain(objects_of_case(record))
        .chain(members(record))
        .chain(related_applications(properties));
    let mut targets: Vec<Target> = Vec::new();
    for target in std::iter::once(first).chain(others).filter(|target| *target != Target::default()) {
        add(&mut targets, target);
        // What exceeds the limit is not read, so that it stays in `unmapped`.
        if targets.len() == TARGETS_MAX {
            break;
        }
    }
    let mut changed = changes(properties, ValueEncoding::PlainOrEmpty);
    changed.extend(names(record).into_iter().chain(setting(record)));
    changed.truncate(CHANGES_MAX);
    if !changed.is_empty() {
        if targets.is_empty() {
            targets.push(Target::default());
        }
        targets[0].modified_properties = changed;
    }
    targets
}

/// Adds a target, or what it states beyond a target with the same identity.
fn add(targets: &mut Vec<Target>, target: Target) {
    let same = |a: &Option<String>, b: &Option<String>| {
        a.as_deref().zip(b.as_deref()).is_some_and(|(a, b)| fold(a) == fold(b))
    };
    let differ = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && !same(a, b);
    let is_same = |known: &Target| {
        let agree = !differ(&known.object_id, &target.object_id)
            && !differ(&known.user_principal_name, &target.user_principal_name);
        agree
            && (same(&known.object_id, &target.object_id)
                || same(&known.user_principal_name, &target.user_principal_name))
    };
    match targets.iter_mut().find(|known| is_same(known)) {
        Some(known) => {
            known.object_id = known.object_id.take().or(target.object_id);
            known.user_principal_name = known.user_principal_name.take().or(target.user_principal_name);
            known.display_name = known.display_name.take().or(target.display_name);
            known.kind = known.kind.take().or(target.kind);
        }
        None => targets.push(target),
    }
}

/// The members that name the object.
const OBJECTS: &[&str] = &["ObjectId", "OfficeObjectId"];

/// Reads the target by its list of identities, else the object.
fn target(record: &JsonCursor, result: Option<&JsonCursor>) -> Target {
    let target = target_or_object(record, result);
    // Identities and the object are taken only if the target carries them.
    let values =
        [&target.object_id, &target.user_principal_name, &target.display_name, &target.application_id, &target.kind];
    take_carried(record.list("Target"), &values.map(Option::as_ref));
    for carried in [&target.object_id, &target.user_principal_name].into_iter().flatten() {
        record.fill(OBJECTS, &mut Some(carried.clone()));
    }
    target
}

fn target_or_object(record: &JsonCursor, result: Option<&JsonCursor>) -> Target {
    let list = record.list("Target");
    let object = OBJECTS.iter().find_map(|key| record.str_at(key)).or_else(|| result?.take_at("objectId"));
    let identity = IdentityList::of(list);
    let names = identity.service_principal_name.as_deref().and_then(application_id_in);
    let mut target = Target {
        object_id: identity.object_id,
        user_principal_name: identity.upn,
        display_name: identity.name,
        application_id: names.or(identity.application_id.filter(|id| is_guid(id))),
        kind: identity.sort,
        modified_properties: Vec::new(),
    };
    if target.kind.as_deref().is_some_and(|kind| !is_application(kind)) {
        target.application_id = None;
    }
    if target == Target::default() {
        named_object(record, &mut target);
    }
    let is_open = target.object_id.is_none() && target.user_principal_name.is_none();
    let Some(object) = object.filter(|object| is_open && list.is_empty() && !is_absent(object)) else {
        return target;
    };
    if let Some((sort, id)) = prefixed(&object) {
        target.kind = Some(sort.to_owned());
        target.object_id = Some(id.to_owned());
    } else if object.contains('@') && !object.contains(['/', ' ']) {
        target.user_principal_name = Some(object);
    } else if object.contains(';') && application_id_in(&object).is_some() {
        // The names of a service principal, in the tables that lack the list of identities.
        target.application_id = application_id_in(&object);
    } else {
        target.object_id = Some(object);
    }
    target
}

/// Reads the file, the team or the modified object, for events without a list of identities.
fn named_object(record: &JsonCursor, target: &mut Target) {
    target.kind = record.take_at("ItemType");
    target.display_name = record.take_first(&["SourceFileName", "ModifiedObjectResolvedName"]);
    if *target == Target::default() {
        target.object_id = record.take_at("TeamGuid");
        target.display_name = record.take_at("TeamName");
    }
}

/// Returns the application id of the target: stated by the record, else among the changed properties.
fn application_id(record: &JsonCursor, properties: &[JsonCursor], target: &Target) -> Option<String> {
    let stated = record.take_first(&["TargetAppId", "TargetApplicationId", "AzureADAppId"]);
    stated.or_else(|| changed_application_id(properties, target.kind.as_deref()))
}

/// Returns the applications that an event on another target names by properties such as `Application.AppId`.
fn related_applications(properties: &[JsonCursor]) -> impl Iterator<Item = Target> {
    ["Application", "ServicePrincipal"].into_iter().filter_map(|kind| {
        let of = |name: &str| changed_value(properties, &format!("{kind}.{name}"));
        Some(Target {
            application_id: Some(application_id_in(&of("AppId")?)?),
            object_id: of("ObjectID"),
            display_name: of("DisplayName"),
            kind: Some(kind.to_owned()),
            ..Target::default()
        })
    })
}

/// Reads the mailboxes that were opened, moved to or sent from.
fn mailboxes(record: &JsonCursor) -> impl Iterator<Item = Target> {
    MAILBOXES.iter().filter_map(|(owner, id)| {
        let owner = record.take_at(owner);
        let object_id = record.take_at(id);
        owner.as_ref().or(object_id.as_ref())?;
        Some(Target { kind: Some("Mailbox".to_owned()), object_id, ..named(owner) })
    })
}

/// Reads the users and groups that something was shared with, and the user that an event of Viva Engage is about.
fn shared_with(record: &JsonCursor) -> impl Iterator<Item = Target> {
    let group_or_user = record
        .take_at("TargetUserOrGroupName")
        .map(|name| Target { kind: record.take_at("TargetUserOrGroupType"), ..named(Some(name)) });
    let invited = ["UserSharedWith", "Invitee"].into_iter().filter_map(|key| record.take_at(key));
    let user = record
        .take_at("TargetUserId")
        .map(|name| Target { object_id: record.take_at("TargetObjectId"), ..named(Some(name)) });
    group_or_user.into_iter().chain(invited.map(|name| named(Some(name)))).chain(user)
}

/// Reads the objects of an eDiscovery event: a search, a hold or a review set.
fn objects_of_case(record: &JsonCursor) -> impl Iterator<Item = Target> {
    ["Object1", "Object2"].into_iter().filter_map(|object| {
        let of = |part: &str| record.take_at(&format!("{object}{part}"));
        let target = Target { object_id: of("Id"), display_name: of("Name"), kind: of("Type"), ..Target::default() };
        (target != Target::default()).then_some(target)
    })
}

/// Reads the members in an event of Teams.
fn members(record: &JsonCursor) -> impl Iterator<Item = Target> {
    record.list("Members").iter().take(TARGETS_MAX).map(|member| Target {
        user_principal_name: member.take_at("UPN"),
        display_name: member.take_at("DisplayName"),
        ..Target::default()
    })
}

/// Returns a target with a principal name if the name contains `@`, else with a display name.
fn named(name: Option<String>) -> Target {
    match name {
        Some(name) if name.contains('@') => Target { user_principal_name: Some(name), ..Target::default() },
        name => Target { display_name: name, ..Target::default() },
    }
}

/// Reads the changed properties of which the record has only the names (Exchange).
fn names(record: &JsonCursor) -> Vec<ModifiedProperty> {
    let Some(properties) = record.get("ModifiedProperties") else { return Vec::new() };
    let single = std::iter::once(properties).filter(|it| it.elements().is_empty());
    let elements = properties.elements().iter().chain(single);
    elements
        .filter(|element| !element.is_object() && element.elements().is_empty())
        .take(CHANGES_MAX)
        .filter_map(JsonCursor::take)
        .filter(|name| !fold(name).is_empty())
        .map(|name| ModifiedProperty::new(fit(&name), None, None))
        .collect()
}

/// Reads the setting that an event of Teams or of agents changed.
fn setting(record: &JsonCursor) -> Option<ModifiedProperty> {
    if record.find("OldValue").is_none() && record.find("NewValue").is_none() {
        return None;
    }
    let name = record.take_first(&["Name", "Property"]).filter(|name| !fold(name).is_empty())?;
    let value = |key: &str| record.get(key).and_then(|cursor| value(cursor, ValueEncoding::PlainOrEmpty));
    Some(ModifiedProperty::new(fit(&name), value("OldValue"), value("NewValue")))
}
