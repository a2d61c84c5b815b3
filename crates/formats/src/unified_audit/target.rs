//! The targets of a unified audit record: the identities of the directory, else the object of the workload, then the
//! persons and objects that the workload names besides.
//!
//! A record can name one target several times, also in several spellings. The members are read first, and taken only if
//! the target that they became part of carries their value, so that other spellings stay in `unmapped`.

use super::super::event_draft::fit;
use super::super::source_record::{JsonCursor, is_absent};
use super::super::value::{
    ValueEncoding, application_id_in, changed_application_id, changed_value, changes, is_application, is_guid, value,
};
use super::identity::{IdentityList, prefixed, take_carried};
use model::event::{CHANGES_MAX, TARGETS_MAX};
use model::fold::fold;
use model::{ModifiedProperty, Target};

/// The members of an object that name a target.
#[derive(Clone, Copy)]
struct TargetMembers {
    object_id: Option<&'static str>,
    /// A principal name if it contains `@`, else a display name.
    name: Option<&'static str>,
    principal_name: Option<&'static str>,
    display_name: Option<&'static str>,
    kind: Option<&'static str>,
}

impl TargetMembers {
    const NONE: Self = Self { object_id: None, name: None, principal_name: None, display_name: None, kind: None };

    const fn mailbox(owner: &'static str, id: &'static str) -> Self {
        Self { name: Some(owner), object_id: Some(id), ..Self::NONE }
    }

    const fn object_of_case(object_id: &'static str, display_name: &'static str, kind: &'static str) -> Self {
        Self { object_id: Some(object_id), display_name: Some(display_name), kind: Some(kind), ..Self::NONE }
    }
}

/// The mailboxes that were opened, moved to or sent from.
const MAILBOXES: &[TargetMembers] = &[
    TargetMembers::mailbox("MailboxOwnerUPN", "MailboxGuid"),
    TargetMembers::mailbox("DestMailboxOwnerUPN", "DestMailboxId"),
    TargetMembers::mailbox("SendAsUserSmtp", "SendAsUserMailboxGuid"),
    TargetMembers::mailbox("SendOnBehalfOfUserSmtp", "SendOnBehalfOfUserMailboxGuid"),
];
const MAILBOX: &str = "Mailbox";
/// The users and groups that something was shared with, the user that an event of Viva Engage is about, and the objects of
/// an eDiscovery event: a search, a hold or a review set.
const OTHERS: &[TargetMembers] = &[
    TargetMembers { name: Some("TargetUserOrGroupName"), kind: Some("TargetUserOrGroupType"), ..TargetMembers::NONE },
    TargetMembers { name: Some("UserSharedWith"), ..TargetMembers::NONE },
    TargetMembers { name: Some("Invitee"), ..TargetMembers::NONE },
    TargetMembers { name: Some("TargetUserId"), object_id: Some("TargetObjectId"), ..TargetMembers::NONE },
    TargetMembers::object_of_case("Object1Id", "Object1Name", "Object1Type"),
    TargetMembers::object_of_case("Object2Id", "Object2Name", "Object2Type"),
];
/// A member in an event of Teams.
const MEMBER: TargetMembers =
    TargetMembers { principal_name: Some("UPN"), display_name: Some("DisplayName"), ..TargetMembers::NONE };

/// A target that members of an object name.
struct NamedTarget<'a> {
    target: Target,
    object: &'a JsonCursor,
    members: TargetMembers,
}

impl<'a> NamedTarget<'a> {
    /// Reads a target, without marking its members as taken.
    fn read(object: &'a JsonCursor, members: TargetMembers) -> Self {
        let string = |key: Option<&str>| object.str_at(key?);
        let (principal_name, name) = match string(members.name) {
            Some(name) if name.contains('@') => (Some(name), None),
            name => (None, name),
        };
        let target = Target {
            object_id: string(members.object_id),
            user_principal_name: principal_name.or_else(|| string(members.principal_name)),
            display_name: name.or_else(|| string(members.display_name)),
            kind: string(members.kind),
            ..Target::default()
        };
        Self { target, object, members }
    }

    /// Marks the members as taken of which a target has the value.
    fn take_carried(&self, target: &Target) {
        let Self { object, members, .. } = self;
        let [object_id, principal_name, display_name, kind] = carried(target);
        for (key, values) in [
            (members.object_id, [object_id, None]),
            (members.name, [principal_name, display_name]),
            (members.principal_name, [principal_name, None]),
            (members.display_name, [display_name, None]),
            (members.kind, [kind, None]),
        ] {
            if let Some(key) = key {
                object.take_equal(key, &values);
            }
        }
    }
}

/// Reads the targets. The changes are those of the first one.
pub(super) fn targets(record: &JsonCursor, result: Option<&JsonCursor>) -> Vec<Target> {
    let properties = record.list("ModifiedProperties");
    let mut first = target(record, result);
    if first.application_id.is_none() {
        first.application_id = application_id(record, properties, &first);
    }
    let mailboxes = MAILBOXES.iter().map(|members| NamedTarget::read(record, *members)).map(|mut named| {
        if named.target != Target::default() {
            named.target.kind = Some(MAILBOX.to_owned());
        }
        named
    });
    // A type alone names nothing.
    let is_named = |named: &NamedTarget| Target { kind: None, ..named.target.clone() } != Target::default();
    let others = mailboxes
        .chain(OTHERS.iter().map(|members| NamedTarget::read(record, *members)).filter(is_named))
        .chain(record.list("Members").iter().take(TARGETS_MAX).map(|member| NamedTarget::read(member, MEMBER)))
        .chain(related_applications(properties));
    let mut targets: Vec<Target> = Vec::new();
    let first = NamedTarget { target: first, object: record, members: TargetMembers::NONE };
    for named in std::iter::once(first).chain(others).filter(|named| named.target != Target::default()) {
        add(&mut targets, named);
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
fn add(targets: &mut Vec<Target>, named: NamedTarget<'_>) {
    let target = &named.target;
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
    let Some(known) = targets.iter_mut().find(|known| is_same(known)) else {
        named.take_carried(target);
        return targets.push(named.target);
    };
    for (known, stated) in [
        (&mut known.object_id, &target.object_id),
        (&mut known.user_principal_name, &target.user_principal_name),
        (&mut known.display_name, &target.display_name),
        (&mut known.kind, &target.kind),
    ] {
        if known.is_none() {
            known.clone_from(stated);
        }
    }
    named.take_carried(known);
}

/// The values of a target that responses contain.
fn carried(target: &Target) -> [Option<&String>; 4] {
    [&target.object_id, &target.user_principal_name, &target.display_name, &target.kind].map(Option::as_ref)
}

/// The members that name the object.
const OBJECTS: &[&str] = &["ObjectId", "OfficeObjectId"];
/// The members that name a file, a team or a modified object.
const NAMED_OBJECTS: &[&str] = &["ItemType", "SourceFileName", "ModifiedObjectResolvedName", "TeamGuid", "TeamName"];

/// Reads the target by its list of identities, else the object.
fn target(record: &JsonCursor, result: Option<&JsonCursor>) -> Target {
    let target = target_or_object(record, result);
    take_carried(record.list("Target"), &[&carried(&target)[..], &[target.application_id.as_ref()]].concat());
    for key in OBJECTS.iter().chain(NAMED_OBJECTS) {
        record.take_equal(key, &carried(&target));
    }
    if let Some(result) = result {
        result.take_equal("objectId", &carried(&target));
    }
    target
}

fn target_or_object(record: &JsonCursor, result: Option<&JsonCursor>) -> Target {
    let list = record.list("Target");
    let object = OBJECTS.iter().find_map(|key| record.str_at(key)).or_else(|| result?.str_at("objectId"));
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
    target.kind = record.str_at("ItemType");
    target.display_name = record.str_at("SourceFileName").or_else(|| record.str_at("ModifiedObjectResolvedName"));
    if *target == Target::default() {
        target.object_id = record.str_at("TeamGuid");
        target.display_name = record.str_at("TeamName");
    }
}

/// Returns the application id of the target: stated by the record, else among the changed properties.
fn application_id(record: &JsonCursor, properties: &[JsonCursor], target: &Target) -> Option<String> {
    let stated = record.take_first(&["TargetAppId", "TargetApplicationId", "AzureADAppId"]);
    stated.or_else(|| changed_application_id(properties, target.kind.as_deref()))
}

/// Returns the applications that an event on another target names by properties such as `Application.AppId`.
fn related_applications(properties: &[JsonCursor]) -> impl Iterator<Item = NamedTarget<'_>> {
    ["Application", "ServicePrincipal"].into_iter().filter_map(|kind| {
        let of = |name: &str| changed_value(properties, &format!("{kind}.{name}"));
        let target = Target {
            application_id: Some(application_id_in(&of("AppId")?)?),
            object_id: of("ObjectID"),
            display_name: of("DisplayName"),
            kind: Some(kind.to_owned()),
            ..Target::default()
        };
        Some(NamedTarget { target, object: properties.first()?, members: TargetMembers::NONE })
    })
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
