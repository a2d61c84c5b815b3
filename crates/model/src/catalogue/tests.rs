//! Tests of the catalogue against its own tables and, where they are available, against the published lists.

use std::collections::HashSet;

use super::super::classification::resource_type;
use super::*;

/// Rows of the oldest portal that the rules do not reproduce: a role belongs to the resource type `DIRECTORY`, but the
/// portal listed it under users. Both are found by their legacy pair.
const RULE_EXCEPTIONS: &[(&str, &str)] =
    &[("Core Directory", "update role"), ("Core Directory", "add role from template")];

/// The number of rows of the oldest portal.
const LEGACY_ROWS: usize = 134;

fn legacy_filter(category: &str, kind: ResourceType) -> TypeFilter {
    let choice = TypeChoice {
        categories: Some(vec![category.to_owned()]),
        resource_types: Some(vec![kind]),
        ..TypeChoice::default()
    };
    choice.filter().unwrap()
}

fn is_found(filter: &TypeFilter, activity: &str) -> bool {
    let wanted = fold_activity(activity);
    let mut matching = catalogue().types().iter().filter(|entry| filter.matches(entry));
    matching.any(|entry| entry.names().any(|name| fold_activity(name) == wanted))
}

/// The published lists, if they are available beside the project.
fn published() -> Option<serde_json::Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/activity-catalogue.json");
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

fn string<'a>(row: &'a serde_json::Value, field: &str) -> &'a str {
    row[field].as_str().unwrap()
}

#[test]
fn every_line_of_the_tables_is_valid() {
    let (tables, invalid) = table::read_all();
    assert_eq!(invalid, Vec::<String>::new());
    assert_eq!(tables.types.len(), 1235);
    assert_eq!(catalogue().by_key.len(), tables.types.len(), "an entry has a key of its own");
    for (service, _) in &tables.service_aliases {
        assert!(catalogue().services().iter().any(|known| known.key == *service), "{service}");
    }
}

#[test]
fn aliases_are_not_keys_of_other_entries_of_the_service() {
    let keys: HashSet<(String, String)> =
        catalogue().types().iter().map(|entry| (fold(&entry.service), fold_activity(&entry.key))).collect();
    for entry in catalogue().types() {
        for alias in &entry.aliases {
            assert!(!keys.contains(&(fold(&entry.service), fold_activity(alias))), "{alias} of {}", entry.key);
        }
    }
}

#[test]
fn rows_of_the_oldest_portal_are_found() {
    let mut rows: Vec<(String, String, ResourceType)> = Vec::new();
    for entry in catalogue().types() {
        for (label, kind) in &entry.legacy {
            assert!(is_found(&legacy_filter(label, *kind), &entry.display_name), "{label}: {}", entry.display_name);
            rows.push((label.clone(), fold_activity(&entry.display_name), *kind));
        }
    }
    rows.sort();
    rows.dedup();
    assert_eq!(rows.len(), LEGACY_ROWS);
    let wrong: Vec<_> = rows.iter().filter(|(label, name, kind)| resource_type(label, name, []) != *kind).collect();
    let unexplained = wrong.iter().filter(|row| !RULE_EXCEPTIONS.contains(&(row.0.as_str(), row.1.as_str())));
    assert_eq!(unexplained.collect::<Vec<_>>(), Vec::<&&(String, String, ResourceType)>::new());
    assert_eq!(rows.len() - wrong.len(), 132, "of 134");
}

#[test]
fn selected_rows_of_the_oldest_portal_are_found() {
    for (category, kind, activity) in [
        ("Core Directory", ResourceType::Group, "Add App Role Assignment To Group"),
        ("Core Directory", ResourceType::Group, "Finish Applying Group Based License To Users"),
        ("Core Directory", ResourceType::User, "Update Role"),
        ("Core Directory", ResourceType::User, "Reset User Password"),
        ("Core Directory", ResourceType::User, "Set License Properties"),
        ("Core Directory", ResourceType::Directory, "Update External Secrets"),
        ("Core Directory", ResourceType::Application, "Remove Oauth2Permissiongrant"),
        ("Core Directory", ResourceType::Policy, "Add Policy To Service Principal"),
        ("Core Directory", ResourceType::Device, "Update Device Configuration"),
        ("Self-service Password Management", ResourceType::User, "Self-Serve Password Reset Flow Activity Progress"),
        ("SSGM", ResourceType::Group, "Renew Group"),
        ("MIM Service", ResourceType::Group, "Remove Member"),
        ("Invited Users", ResourceType::Other, "Batch Invites Processed"),
        ("Automated Password Rollover", ResourceType::Application, "Automated Password Rollover"),
    ] {
        assert!(is_found(&legacy_filter(category, kind), activity), "{category}, {kind:?}: {activity}");
    }
    assert!(!is_found(&legacy_filter("Core Directory", ResourceType::Policy), "Update User"));
    assert!(!is_found(&legacy_filter("Core Directory", ResourceType::Directory), "Update Role"));
}

#[test]
fn published_lists_are_complete() {
    let Some(lists) = published() else { return };
    for row in lists["entraLegacy"].as_array().unwrap() {
        let kind = ResourceType::from_name(&string(row, "activityResourceType").to_uppercase()).unwrap();
        assert!(is_found(&legacy_filter(string(row, "activityCategory"), kind), string(row, "activity")), "{row}");
    }
    for row in lists["entra"].as_array().unwrap() {
        let entry = catalogue().find(string(row, "service"), string(row, "category"), string(row, "activity"));
        assert_eq!(entry.map(|entry| fold(&entry.display_name)), Some(fold(string(row, "activity"))), "{row}");
    }
    for row in lists["seenInRealEvents"].as_array().unwrap() {
        let key = fold_activity(string(row, "activityDisplayName"));
        assert!(catalogue().types().iter().any(|entry| fold_activity(&entry.key) == key), "{row}");
    }
    for row in lists["intune"]["activityTypes"].as_array().unwrap() {
        let service = if string(row, "category") == "CloudPC" { "Windows 365" } else { "Microsoft Intune" };
        assert!(catalogue().find(service, string(row, "category"), string(row, "activityType")).is_some(), "{row}");
    }
}

#[test]
fn entries_are_found_by_every_spelling() {
    let certificates = "Update application - Certificates and secrets management";
    let entry = catalogue().find("core directory", "applicationmanagement", certificates).unwrap();
    assert_eq!(entry.key, "Update application \u{2013} Certificates and secrets management");
    let reset = catalogue().find("Directory", "UserManagement", "Reset password").unwrap();
    assert_eq!((reset.key.as_str(), reset.operation_type), ("Reset user password", OperationType::Update));
    assert_eq!(catalogue().find("Core Directory", "UserManagement", "Dance"), None);
    let update = catalogue().find("Core Directory", "UserManagement", "Update user.").unwrap();
    assert!(update.property_names.iter().any(|name| name == "StsRefreshTokensValidFrom"));
    let wipe = catalogue().find("Microsoft Intune", "Device", "wipe ManagedDevice").unwrap();
    assert_eq!((wipe.resource_type, wipe.operation_type), (ResourceType::Device, OperationType::RemoteTask));
}

#[test]
fn keys_of_a_name_include_those_it_is_an_alias_of() {
    assert_eq!(catalogue().keys_of("AddGroupMember"), ["addgroupmember", "add member to group"]);
    assert_eq!(catalogue().keys_of("Reset Password."), ["reset password", "reset user password"]);
    assert_eq!(catalogue().keys_of("Update user"), ["update user"]);
    assert_eq!(catalogue().keys_of("Never heard of"), ["never heard of"]);
}

#[test]
fn services_and_categories_are_sorted_and_have_display_names() {
    let services: Vec<String> = catalogue().services().iter().map(|service| fold(&service.display_name)).collect();
    assert!(services.is_sorted());
    let intune = catalogue().services().iter().find(|service| service.key == "Microsoft Intune").unwrap();
    assert_eq!(intune.categories.len(), 16);
    assert!(catalogue().categories().iter().map(|category| fold(&category.display_name)).is_sorted());
    let groups = catalogue().categories().iter().find(|category| category.key == "GroupManagement").unwrap();
    assert!(groups.services.contains(&"Core Directory".to_owned()));
    assert_eq!(catalogue().service_display_name("mim service"), "Microsoft Identity Manager (MIM)");
    assert_eq!(catalogue().service_display_name(" billing"), "billing");
    for (key, shown) in [
        ("GroupManagement", "Group management"),
        ("AzureRBACRoleManagementElevateAccess", "Azure RBAC role management elevate access"),
        ("MicrosoftSupportAccessManagement", "Microsoft support access management"),
        ("EBookManagement", "eBook management"),
        ("CloudPC", "Cloud PC"),
        ("Policy", "Policy"),
        ("Order handling", "Order handling"),
        ("", ""),
    ] {
        assert_eq!(Catalogue::category_display_name(key), shown);
    }
}

#[test]
fn every_filter_restricts_the_list_of_types() {
    let count = |choice: &TypeChoice| {
        let filter = choice.clone().filter().unwrap();
        catalogue().types().iter().filter(|entry| filter.matches(entry)).count()
    };
    assert_eq!(count(&TypeChoice::default()), catalogue().types().len());
    assert_eq!(count(&TypeChoice { categories: Some(Vec::new()), ..TypeChoice::default() }), 0);
    let intune = TypeChoice { services: Some(vec!["microsoft intune".to_owned()]), ..TypeChoice::default() };
    assert_eq!(count(&intune), 26);
    let tasks = TypeChoice { operation_types: Some(vec![OperationType::RemoteTask]), ..intune };
    assert_eq!(count(&tasks), 9);
    let search = TypeChoice { search: Some("OAUTH2permission".to_owned()), ..TypeChoice::default() };
    assert_eq!(count(&search), 2);
    let mim = |name: &str| TypeChoice { services: Some(vec![name.to_owned()]), ..TypeChoice::default() };
    assert_eq!(count(&mim("MIM Service")), count(&mim("Microsoft Identity Manager (MIM)")));
}

/// The rules are the only source of operation types, so an event has the type of its entry whatever verb and category
/// its route gives.
#[test]
fn events_have_the_types_of_their_entry_by_every_route() {
    for entry in catalogue().types() {
        for name in entry.names() {
            for verb in [None, Some("Other"), Some("Create"), Some("Delete"), Some("Update")] {
                let graph = Activity { service: &entry.service, category: &entry.category, activity: name, verb };
                let expected = (entry.operation_type, entry.resource_type);
                assert_eq!(kinds(graph, ["User", "Group"]), expected, "{}: {name}", entry.category);
                let unified = Activity { service: ENTRA, category: "ServicePrincipal", ..graph };
                assert_eq!(kinds(unified, ["Other"]).0, entry.operation_type, "{name}");
            }
        }
    }
}

#[test]
fn entries_of_the_directory_decide_the_resource_type_of_the_unified_log() {
    for (activity, category, expected) in [
        ("Add member to role.", "Role", ResourceType::User),
        ("Add delegated permission grant.", "ServicePrincipal", ResourceType::Application),
        ("Consent to application.", "ServicePrincipal", ResourceType::Application),
        ("Add app role assignment to group", "User", ResourceType::Group),
        ("Update application \u{2013} Certificates and secrets management ", "Application", ResourceType::Application),
        // Not in the catalogue: the category of the unified log is the type of the target.
        ("Polish", "Role", ResourceType::Directory),
        ("Polish", "Device", ResourceType::Device),
    ] {
        let event = Activity { service: ENTRA, category, activity, verb: None };
        assert_eq!(kinds(event, []).1, expected, "{activity}");
    }
}
