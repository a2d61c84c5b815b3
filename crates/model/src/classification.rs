//! The rules that determine the operation type and the resource type of an activity.
//!
//! Both are ordered tables: the first rule that matches decides. A statement of the source takes precedence over its
//! names, with one exception: a resource called `...Assignment` is assigned, not created. Names are split into words,
//! so `createDeviceShellScript`, `Group_AddMember` and `Add user` need no separate tables.

use super::fold::{self, fold};
use super::{OperationType, ResourceType};

use OperationType::{Assign, Create, Delete, Read, RemoteTask, Update};

/// The operation type of an activity: by the verb that the source gives (`Add`, `Patch`, `SetReference`, ...) if the
/// verb is known, else by the name of the activity.
pub fn operation_type(verb: Option<&str>, activity: &str) -> OperationType {
    let first_word = activity.split_whitespace().next().map(fold).unwrap_or_default();
    let source_verb = verb.unwrap_or_default();
    let act = ActivityVerb { source_verb, verb: fold(source_verb), name: words(activity), first_word, activity };
    OPERATION_RULES.iter().find_map(|rule| rule(&act)).unwrap_or(OperationType::Other)
}

/// The resource type of an activity, by its category, its name and the types of its targets.
///
/// In this order: a phrase that overrides any category; a category that decides for all its activities; a noun of the
/// activity's name; a noun of the first target type that has one; the usual resource type of the category; a noun of
/// the category's name.
pub fn resource_type<'a>(
    category: &str,
    activity: &str,
    target_types: impl IntoIterator<Item = &'a str>,
) -> ResourceType {
    let name = words(activity);
    let category_key = fold(category);
    let decided = |table: &[(&str, ResourceType)]| table.iter().find(|row| row.0 == category_key).map(|row| row.1);
    let as_written: Vec<String> = fold(activity).split_whitespace().map(ToOwned::to_owned).collect();
    first_phrase(&as_written, NAMES_BEFORE_CATEGORY)
        .or_else(|| decided(CATEGORIES))
        .or_else(|| first_phrase(&name, NOUNS))
        .or_else(|| target_types.into_iter().find_map(|kind| first_phrase(&words(kind), NOUNS)))
        .or_else(|| decided(CATEGORY_TOPICS))
        .or_else(|| first_phrase(&words(category), NOUNS))
        .unwrap_or(ResourceType::Other)
}

/// The input of the operation rules.
struct ActivityVerb<'a> {
    /// The source's verb; empty if it gave none.
    source_verb: &'a str,
    /// The source's verb, folded.
    verb: String,
    /// The words of the name.
    name: Vec<String>,
    /// The first word as written, folded.
    first_word: String,
    activity: &'a str,
}

impl ActivityVerb<'_> {
    /// The operation type of the source's verb, if the verb is known.
    fn by_source_verb(&self) -> Option<OperationType> {
        verb_type(&self.verb).filter(|kind| *kind != OperationType::Other)
    }

    /// Whether the activity acts on a managed device by an operation that Intune does not offer on every resource.
    fn is_device_task(&self) -> bool {
        let beyond_plain = || self.by_source_verb().is_none() && !PLAIN.contains(&self.first_word.as_str());
        self.acts_on_managed_device() && (self.verb == "action" || beyond_plain())
    }

    /// The name's words from its verb on: after `Noun_` of `Noun_Verb`, and after words like `Bulk` and `Hard`.
    fn verb_onwards(&self) -> &[String] {
        let noun = self.activity.split_once('_').map_or(0, |(noun, _)| words(noun).len());
        let skipped = self.name[noun..].iter().take_while(|word| BEFORE_VERB.contains(&word.as_str())).count();
        &self.name[noun + skipped..]
    }

    /// The operation type of the verb at the start of the name.
    fn by_name(&self) -> Option<OperationType> {
        verb_type(&self.first_word).or_else(|| self.verb_onwards().first().and_then(|word| verb_type(word)))
    }

    fn acts_on_managed_device(&self) -> bool {
        const MANAGED_DEVICE: &str = "ManagedDevice";
        self.activity.split_whitespace().skip(1).any(|word| {
            let tail = word.len().checked_sub(MANAGED_DEVICE.len()).map(|start| &word.as_bytes()[start..]);
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(MANAGED_DEVICE.as_bytes()))
        })
    }
}

/// The rules for operations, in their order.
const OPERATION_RULES: &[fn(&ActivityVerb) -> Option<OperationType>] = &[
    // 1. Reading, whatever is read: `Get ...Assignment` reads. A device task like `recoverPasscode` does not.
    |act| act.by_source_verb().or_else(|| act.by_name()).filter(|kind| *kind == Read && !act.is_device_task()),
    // 2. `assignX Y`, and any activity on an `...Assignment`: creating, changing and deleting it assigns.
    |act| {
        let assigns = act.verb_onwards().first().is_some_and(|word| matches!(word.as_str(), "assign" | "unassign"));
        let assignment = act.name.last().is_some_and(|word| matches!(word.as_str(), "assignment" | "assignments"));
        (assigns || assignment).then_some(Assign)
    },
    // 3. An action on a managed device is a task sent to it, even if the source does not call it an action.
    |act| act.is_device_task().then_some(RemoteTask),
    // 4. The source's verb.
    |act| act.by_source_verb(),
    // 5. Without a verb from the source: adding a member to a role or group, or removing one, assigns. Sources that
    // give a verb for these give `Assign`, so the result is the same by every route.
    |act| is_membership(act).then_some(Assign),
    // 6. The verb at the start of the name.
    |act| act.by_name(),
    // 7. A participle anywhere in the name: `Role definition created`, `User deleted security info`.
    |act| act.name.iter().find_map(|word| lookup(DONE, word)),
    // 8. The verb at the end of the name (`Authentication Strength Policy Create`), or the word after a method and
    //    class (`POST Tenant.CreateBlockedUser`).
    |act| {
        let last = act.name.last().filter(|word| ["create", "delete", "reset", "update"].contains(&word.as_str()));
        let method = act.activity.rsplit_once('.').and_then(|(_, method)| words(method).into_iter().next());
        last.cloned().or(method).and_then(|word| verb_type(&word))
    },
    // 9. The first word of a verb that is not known as a whole: `RemoveActivatedRole`.
    |act| words(act.source_verb).first().and_then(|word| verb_type(word)),
];

/// Verbs of sources and of names. Those that are `OTHER` are listed so that later words of the name are not considered;
/// from a source they are ignored.
const VERBS: &[(OperationType, &[&str])] = &[
    (Assign, &["assign", "unassign", "setreference", "removereference"]),
    (Create, &["create", "creates", "add", "adding", "generate", "invite", "register", "upload"]),
    (Update, &["update", "updating", "patch", "put", "set", "unset", "change", "edit", "modify", "rename", "reset"]),
    (Update, &["convert", "demote", "disable", "enable", "promote", "renew", "restore", "rotate"]),
    (Delete, &["delete", "deleting", "remove", "purge", "revoke", "unregister"]),
    (Read, &["get", "gets", "search", "read", "list", "download", "view", "retrieve", "recover"]),
    (OperationType::Other, &["approve", "blocked", "cancel", "deny", "process", "redeem", "reject", "request"]),
];

/// The operations that Intune has on every resource.
const PLAIN: &[&str] = &["create", "delete", "patch", "update", "setreference", "removereference", "get", "search"];

/// Participles in names.
const DONE: &[(OperationType, &[&str])] = &[
    (OperationType::Other, &["started", "canceled", "requested"]),
    (Create, &["created", "added", "registered"]),
    (Update, &["updated", "changed"]),
    (Delete, &["deleted", "removed"]),
];

/// Words that may precede the verb of a name.
const BEFORE_VERB: &[&str] = &["admin", "bulk", "hard", "pre", "schedule", "soft"];

/// Nouns of objects that are added to others and removed from them.
const MEMBERS: &[&str] =
    &["connector", "group", "label", "member", "members", "owner", "owners", "policy", "sponsor", "user", "users"];

/// Whether a name means that a role is assigned, or that a member is added or removed.
fn is_membership(act: &ActivityVerb) -> bool {
    let pairs = || act.name.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str()));
    if pairs().any(|pair| pair == ("role", "assignment")) {
        return true;
    }
    let name = act.verb_onwards();
    let moves = name.first().is_some_and(|word| matches!(word.as_str(), "add" | "remove" | "restore"));
    let over = pairs().any(|(member, side)| MEMBERS.contains(&member) && matches!(side, "to" | "from"));
    let ends = matches!(name.last().map(String::as_str), Some("member" | "owner" | "sponsor"));
    moves && (over || (ends && name.len() > 1))
}

fn lookup(table: &[(OperationType, &[&str])], word: &str) -> Option<OperationType> {
    table.iter().find(|(_, verbs)| verbs.contains(&word)).map(|(kind, _)| *kind)
}

fn verb_type(word: &str) -> Option<OperationType> {
    lookup(VERBS, word)
}

/// Names, as written, that take precedence over the category: the resource is the linked object, not the object it is
/// linked to; and the directory's device settings have the category of Intune's configuration profiles.
const NAMES_BEFORE_CATEGORY: &[(&str, ResourceType)] = &[
    ("policy to", ResourceType::Policy),
    ("policy from", ResourceType::Policy),
    ("app role assignment to group", ResourceType::Group),
    ("app role assignment from group", ResourceType::Group),
    ("device configuration", ResourceType::Device),
];

/// Categories (of Entra, of Intune, and those of the old portal, which are services today) all of whose activities
/// act on one type of resource.
const CATEGORIES: &[(&str, ResourceType)] = &[
    ("groupmanagement", ResourceType::Group),
    ("self-service group management", ResourceType::Group),
    ("mim service", ResourceType::Group),
    ("usermanagement", ResourceType::User),
    ("self-service password management", ResourceType::User),
    ("provisioningmanagement", ResourceType::Application),
    ("account provisioning", ResourceType::Application),
    ("automated password rollover", ResourceType::Application),
    ("application", ResourceType::Application),
    ("device", ResourceType::Device),
    ("devicemanagement", ResourceType::Device),
    ("devicetemplate", ResourceType::Device),
    ("enrollment", ResourceType::Device),
    ("directorymanagement", ResourceType::Directory),
    ("administrativeunit", ResourceType::Directory),
    ("companybranding", ResourceType::Directory),
    ("companybrandinglocale", ResourceType::Directory),
    ("certbasedconfiguration", ResourceType::Directory),
    ("certificateauthorityentity", ResourceType::Directory),
    ("certificatebasedauthconfiguration", ResourceType::Directory),
    ("delegatedadminserviceproviderconstraints", ResourceType::Directory),
    ("kerberosdomain", ResourceType::Directory),
    ("microsoftsupportaccessmanagement", ResourceType::Directory),
    ("multitenantorg", ResourceType::Directory),
    ("multitenantorgpartnerconfigurationtemplate", ResourceType::Directory),
    ("multitenantorgtenant", ResourceType::Directory),
    ("organizationalunitcontainer", ResourceType::Directory),
    ("publickeyinfrastructure", ResourceType::Directory),
    ("role", ResourceType::Directory),
    ("agreement", ResourceType::Policy),
    ("compliance", ResourceType::Policy),
    ("conditionalaccess", ResourceType::Policy),
    ("crosstenantaccesssettings", ResourceType::Policy),
    ("crosstenantidentitysyncsettings", ResourceType::Policy),
    ("deviceconfiguration", ResourceType::Policy),
    ("deviceintent", ResourceType::Policy),
    ("deviceintentsetting", ResourceType::Policy),
    ("devicesecurity", ResourceType::Policy),
    ("devicesetupconfiguration", ResourceType::Policy),
    ("policy", ResourceType::Policy),
    ("policymanagement", ResourceType::Policy),
    ("softwareupdates", ResourceType::Policy),
    ("entitlementmanagement", ResourceType::Other),
    ("taskmanagement", ResourceType::Other),
    ("workflowmanagement", ResourceType::Other),
];

/// Phrases of consecutive words; the first phrase of the table that occurs decides. Containers precede their contents,
/// and compounds the noun at their end.
const NOUNS: &[(&str, ResourceType)] = &[
    ("password policy", ResourceType::Directory),
    ("external secrets", ResourceType::Directory),
    ("identity provider", ResourceType::Directory),
    ("identity providers", ResourceType::Directory),
    ("user attribute", ResourceType::Directory),
    ("user attributes", ResourceType::Directory),
    ("resource group", ResourceType::Directory),
    ("batch invites", ResourceType::Other),
    ("connector group", ResourceType::Application),
    ("policy", ResourceType::Policy),
    ("policies", ResourceType::Policy),
    ("conditional access", ResourceType::Policy),
    ("authentication strength", ResourceType::Policy),
    ("authentication devices", ResourceType::User),
    ("user flow", ResourceType::Policy),
    ("user flows", ResourceType::Policy),
    ("user setting", ResourceType::Policy),
    ("member to role", ResourceType::User),
    ("member from role", ResourceType::User),
    ("group", ResourceType::Group),
    ("groups", ResourceType::Group),
    ("device", ResourceType::Device),
    ("devices", ResourceType::Device),
    ("bit locker", ResourceType::Device),
    ("user", ResourceType::User),
    ("users", ResourceType::User),
    ("account", ResourceType::User),
    ("license", ResourceType::User),
    ("oath", ResourceType::User),
    ("password", ResourceType::User),
    ("application", ResourceType::Application),
    ("applications", ResourceType::Application),
    ("app", ResourceType::Application),
    ("service principal", ResourceType::Application),
    ("service principals", ResourceType::Application),
    ("consent", ResourceType::Application),
    ("permission grant", ResourceType::Application),
    ("oauth2 permissiongrant", ResourceType::Application),
    ("role", ResourceType::Directory),
    ("roles", ResourceType::Directory),
    ("directory", ResourceType::Directory),
    ("domain", ResourceType::Directory),
    ("tenant detail", ResourceType::Directory),
];

/// The usual resource type of categories whose names contain no noun, or a misleading one.
const CATEGORY_TOPICS: &[(&str, ResourceType)] = &[
    ("authentication", ResourceType::User),
    ("authorization", ResourceType::Directory),
    ("cloudpc", ResourceType::Device),
    ("identityprotection", ResourceType::Policy),
];

fn first_phrase(words: &[String], table: &[(&str, ResourceType)]) -> Option<ResourceType> {
    table.iter().find(|(phrase, _)| (0..words.len()).any(|at| begins_with(&words[at..], phrase))).map(|(_, kind)| *kind)
}

/// Whether the words start with the words of a phrase.
fn begins_with(words: &[String], phrase: &str) -> bool {
    let Some((first, others)) = words.split_first() else { return false };
    match phrase.strip_prefix(first.as_str()) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(' ').is_some_and(|rest| begins_with(others, rest)),
        None => false,
    }
}

/// The words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    fold::words(name).iter().map(|word| word.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_string_is_classified(verb in any::<String>(), activity in "[A-Za-z_. \\PC]{0,24}", kind in any::<String>()) {
            operation_type(Some(&verb), &activity);
            resource_type(&verb, &activity, [kind.as_str()]);
        }
    }

    #[test]
    fn verb_of_the_source_takes_precedence() {
        for (verb, activity, expected) in [
            ("Assign", "Add member to group", Assign),
            ("Unassign", "Remove member from group", Assign),
            ("Assign", "Add app role assignment to service principal", Assign),
            ("Add", "Add service principal", Create),
            ("Delete", "Remove unverified domain", Delete),
            ("Update", "Add service principal credentials", Update),
            ("Update", "Add member to role in PIM completed (permanent)", Update),
            ("Get", "Recover device local administrator password", Read),
            ("Search", "Search CloudCertificationAuthority", Read),
            ("SetReference", "SetReference ManagedDevice", Assign),
            ("removeReference", "RemoveReference ManagedDevice", Assign),
            ("Patch", "patchDeviceCustomAttributeShellScript DeviceCustomAttributeShellScript", Update),
        ] {
            assert_eq!(operation_type(Some(verb), activity), expected, "{verb}: {activity}");
        }
    }

    #[test]
    fn activity_on_an_assignment_is_assign() {
        for verb in ["Create", "Delete", "Patch", ""] {
            assert_eq!(
                operation_type(Some(verb), "Create DeviceManagementConfigurationPolicyAssignment"),
                Assign,
                "{verb}"
            );
        }
        assert_eq!(operation_type(Some("Get"), "Get MobileAppAssignment"), Read);
        assert_eq!(operation_type(Some("Action"), "assignDeviceManagementScript DeviceManagementScript"), Assign);
        assert_eq!(operation_type(Some("Action"), "AssignToGroups CloudPcProvisioningPolicy"), Assign);
        assert_eq!(operation_type(None, "Create access package assignment policy"), Create);
    }

    #[test]
    fn action_on_a_managed_device_is_a_remote_task() {
        for activity in [
            "syncDevice ManagedDevice",
            "wipe ManagedDevice",
            "Rename device ManagedDevice",
            "recoverPasscode ManagedDevice",
            "deleteUserFromSharedAppleDevice ManagedDevice",
        ] {
            assert_eq!(operation_type(Some("Action"), activity), RemoteTask, "{activity}");
            assert_eq!(operation_type(None, activity), RemoteTask, "{activity}");
        }
        assert_eq!(operation_type(Some("Delete"), "Delete ManagedDevice"), Delete);
        assert_eq!(operation_type(None, "Delete ManagedDevice"), Delete);
        assert_eq!(operation_type(Some("Action"), "createDeviceShellScript DeviceShellScript"), Create);
    }

    #[test]
    fn name_decides_without_a_known_verb() {
        for (verb, activity, expected) in [
            (None, "Add member to group.", Assign),
            (None, "Add app role assignment grant to user", Assign),
            (Some("RemoveActivatedRole"), "Remove member from role (PIM activation expired)", Assign),
            (Some("RemoveActivatedRole"), "Deactivated", Delete),
            (Some("Request"), "Add member to role requested (PIM activation)", Assign),
            (Some("Additional"), "Execution", OperationType::Other),
            (Some(""), "Get Guest Usages resource", Read),
            (None, "Hard Delete application", Delete),
            (None, "Group_AddMember", Assign),
            (None, "Group_GetExpiryNotificationDate", Read),
            (None, "createDeviceShellScript DeviceShellScript", Create),
            (None, "Authentication Strength Policy Create", Create),
            (None, "POST Tenant.CreateBlockedUser", Create),
            (None, "User deleted security info", Delete),
            (None, "User started password reset", OperationType::Other),
            (None, "Cancel request for role update", OperationType::Other),
            (None, "Execution", OperationType::Other),
            (None, "", OperationType::Other),
        ] {
            assert_eq!(operation_type(verb, activity), expected, "{verb:?}: {activity}");
        }
    }

    #[test]
    fn resource_type_by_category_name_and_targets() {
        for (category, activity, targets, expected) in [
            ("UserManagement", "Add app role assignment to group", &[][..], ResourceType::Group),
            ("ApplicationManagement", "Add policy to service principal", &["ServicePrincipal"], ResourceType::Policy),
            ("GroupManagement", "Update lifecycle management policy", &[], ResourceType::Group),
            ("RoleManagement", "Add member to role", &["User"], ResourceType::User),
            ("RoleManagement", "Update role definition", &[], ResourceType::Directory),
            ("DeviceConfiguration", "Add device configuration", &[], ResourceType::Device),
            ("DeviceConfiguration", "Patch DeviceConfiguration", &[], ResourceType::Policy),
            ("Enrollment", "Create ClientCertificate", &[], ResourceType::Device),
            ("Billing", "Close", &["N/A", "ManagedDevice"], ResourceType::Device),
            ("Billing", "Close", &["TenantDetail"], ResourceType::Directory),
            ("Billing", "Close", &[], ResourceType::Other),
            ("", "", &[], ResourceType::Other),
        ] {
            assert_eq!(resource_type(category, activity, targets.iter().copied()), expected, "{category}: {activity}");
        }
    }
}
