//! The resource type of an activity.

use super::super::ResourceType;
use super::super::fold::fold;
use super::words;

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_string_is_classified(category in any::<String>(), activity in "[A-Za-z_. \\PC]{0,24}", kind in any::<String>()) {
            resource_type(&category, &activity, [kind.as_str()]);
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
