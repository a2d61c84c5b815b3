//! The catalogue: activity types, services and categories, built in and recorded by the tenant.

use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::events::{DAY, EventBody, EventExt as _, OperationType, ResourceType, change, event};

const TYPES: &str = include_str!("../../documents/catalogue_types.graphql");

async fn types(app: &TestApp, choice: Value) -> Vec<Value> {
    app.admin().query_with(TYPES, choice).await.data("/auditActivityTypes/nodes").as_array().unwrap().clone()
}

async fn names(app: &TestApp, choice: Value) -> Vec<String> {
    let types = types(app, choice).await;
    types.iter().map(|entry| entry["displayName"].as_str().unwrap().to_owned()).collect()
}

/// Whether one of these types has the name, ignoring case.
fn goes_by(types: &[Value], name: &str) -> bool {
    let is = |value: &Value| value.as_str().unwrap().eq_ignore_ascii_case(name);
    types.iter().any(|entry| {
        [&entry["displayName"], &entry["key"]].into_iter().any(is)
            || entry["aliases"].as_array().unwrap().iter().any(is)
    })
}

#[tokio::test]
async fn activity_types_include_built_in_and_recorded_ones() {
    let app = TestApp::start().await;
    let (old, new) = (app.now().plus(-2 * DAY), app.now().plus(-DAY));
    let update =
        |key: &str| event(key).service("Core Directory", "ApplicationManagement").activity("update APPLICATION");
    let own = EventBody {
        operation_type: OperationType::RemoteTask,
        resource_type: ResourceType::Device,
        ..event("own").service("Contoso MDM", "Kiosks").activity("Reboot kiosk").at(old)
    };
    app.record([
        update("1").at(new).change(change("Zebra", None, Some("1"))).change(change("displayname", None, Some("1"))),
        update("2").at(old).change(change("AppId", None, Some("1"))),
        own,
    ])
    .await;
    let query = include_str!("../../documents/activity_types_include_built_in_and_recorded_ones.graphql");
    let response = app.admin().query_with(query, json!({ "search": "Reboot Kiosk" })).await;
    let seen = response.data("/auditActivityTypes/nodes/0/firstSeenAt").clone();
    let recorded = app.admin().query("{ auditEvents { nodes { recordedAt } } }").await;
    assert_eq!(seen, *recorded.data("/auditEvents/nodes/0/recordedAt"));
    let expected = json!([{
        "key": "Reboot kiosk", "displayName": "Reboot kiosk", "category": "Kiosks", "service": "Contoso MDM",
        "resourceType": "DEVICE", "operationType": "REMOTE_TASK", "aliases": [], "modifiedPropertyNames": [],
        "isBuiltIn": false, "firstSeenAt": seen, "lastSeenAt": seen, "eventCount": 1,
    }]);
    assert_eq!(*response.data("/auditActivityTypes/nodes"), expected);

    let response = app.admin().query_with(query, json!({ "search": "Update application" })).await;
    let all = response.data("/auditActivityTypes/nodes").as_array().unwrap();
    let found: Vec<_> = all.iter().filter(|entry| entry["key"] == "Update application").collect();
    assert_eq!(found.len(), 1, "once, however it was written");
    let (built_in, names) = (found[0], found[0]["modifiedPropertyNames"].as_array().unwrap());
    assert_eq!(built_in["isBuiltIn"], json!(true));
    assert_eq!(built_in["eventCount"], json!(2));
    assert_eq!((&built_in["firstSeenAt"], &built_in["lastSeenAt"]), (&seen, &seen));
    assert!(names.contains(&json!("Zebra")) && names.contains(&json!("WwwHomepage")), "{names:?}");
    let display_names = names.iter().filter(|name| name.as_str().unwrap().eq_ignore_ascii_case("DisplayName"));
    assert_eq!(display_names.count(), 1, "{names:?}");
    let unseen: Vec<_> = all.iter().filter(|entry| entry["key"] == "Update application with safe rollout").collect();
    assert_eq!(unseen[0]["firstSeenAt"], Value::Null);
    assert_eq!((&unseen[0]["lastSeenAt"], &unseen[0]["eventCount"]), (&Value::Null, &json!(0)));
}

#[tokio::test]
async fn legacy_portal_activities_are_found_by_category_and_resource_type() {
    let app = TestApp::start().await;
    for (category, resource_type, activity) in [
        ("Core Directory", "GROUP", "Add App Role Assignment To Group"),
        ("Core Directory", "USER", "Reset User Password"),
        ("Core Directory", "USER", "Update Role"),
        ("Core Directory", "DIRECTORY", "Update External Secrets"),
        ("Core Directory", "APPLICATION", "Remove Oauth2Permissiongrant"),
        ("Core Directory", "POLICY", "Add Policy To Service Principal"),
        ("Core Directory", "DEVICE", "Update Device Configuration"),
        ("Account Provisioning", "APPLICATION", "Process escrow"),
        ("Self-service Password Management", "USER", "Self-Serve Password Reset Flow Activity Progress"),
        ("Invited Users", "OTHER", "Batch Invites Processed"),
        ("Automated Password Rollover", "APPLICATION", "Automated Password Rollover"),
    ] {
        let found = types(&app, json!({ "categories": [category], "resourceTypes": [resource_type] })).await;
        assert!(goes_by(&found, activity), "{category}, {resource_type}: {activity}");
    }
    let wrong = types(&app, json!({ "categories": ["Core Directory"], "resourceTypes": ["POLICY"] })).await;
    assert!(!goes_by(&wrong, "Update User"));
}

#[tokio::test]
async fn activity_types_are_filtered_by_category_service_operation_and_name() {
    let app = TestApp::start().await;
    let granted = names(&app, json!({ "search": "add OAUTH2permission" })).await;
    assert_eq!(granted, ["Add delegated permission grant"]);
    assert_eq!(names(&app, json!({ "search": "no such activity" })).await, [""; 0]);
    for list in ["categories", "services", "resourceTypes", "operationTypes"] {
        assert_eq!(names(&app, json!({ list: [] })).await, [""; 0], "{list}");
    }
    let tasks = types(&app, json!({ "services": ["microsoft intune"], "operationTypes": ["REMOTE_TASK"] })).await;
    assert!(goes_by(&tasks, "wipe ManagedDevice") && !goes_by(&tasks, "Delete ManagedDevice"));
    assert!(
        tasks.iter().all(|entry| entry["operationType"] == "REMOTE_TASK" && entry["service"] == "Microsoft Intune")
    );
    let device = json!({ "services": ["Microsoft Intune"], "categories": ["Device"], "operationTypes": ["DELETE"] });
    assert_eq!(names(&app, device).await, ["Delete ManagedDevice"]);
    let all = names(&app, json!({})).await;
    assert!(
        all.len() == 1_000 && all.is_sorted_by_key(|name| name.to_lowercase().replace(['\u{2013}', '\u{2014}'], "-"))
    );
}

#[tokio::test]
async fn services_and_categories_include_built_in_and_recorded_ones() {
    let app = TestApp::start().await;
    app.record([
        event("1").service("microsoft INTUNE", "Device"),
        event("2").service("Contoso MDM", "Kiosks").activity("Reboot kiosk"),
        event("3").service("Contoso MDM", "Device").activity("Reboot kiosk"),
    ])
    .await;
    let response = app
        .admin()
        .query(
            "{ auditServices { key displayName eventCount lastRecordedAt categories {
        key displayName services
    } } }",
        )
        .await;
    let services = response.data("/auditServices").as_array().unwrap();
    let service = |key: &str| services.iter().find(|service| service["key"] == key).unwrap();
    let own = service("Contoso MDM");
    assert_eq!((&own["displayName"], &own["eventCount"]), (&json!("Contoso MDM"), &json!(2)));
    assert!(own["lastRecordedAt"].as_str().unwrap() <= app.now().to_string().as_str());
    let keys: Vec<_> = own["categories"].as_array().unwrap().iter().map(|category| &category["key"]).collect();
    assert_eq!(keys, ["Device", "Kiosks"]);
    assert_eq!(own["categories"][1], json!({ "key": "Kiosks", "displayName": "Kiosks", "services": ["Contoso MDM"] }));
    let device = own["categories"][0]["services"].as_array().unwrap();
    assert!(device.contains(&json!("Contoso MDM")) && device.contains(&json!("Microsoft Intune")), "{device:?}");
    assert_eq!(service("Microsoft Intune")["eventCount"], json!(1));
    assert_eq!(service("Core Directory")["eventCount"], json!(0));
    assert_eq!(service("Core Directory")["lastRecordedAt"], Value::Null);
    assert!(services.iter().is_sorted_by_key(|service| service["displayName"].as_str().unwrap().to_lowercase()));

    let categories = async |service: Value| {
        let query = "query($services: [String!]) { auditCategories(services: $services) { key displayName } }";
        let response = app.admin().query_with(query, json!({ "services": service })).await;
        response.data("/auditCategories").as_array().unwrap().clone()
    };
    assert_eq!(categories(json!("CONTOSO mdm")).await.len(), 2);
    // `Directory` is an alias of `Core Directory` that a recorder may use.
    app.record([event("4").service("Directory", "Imported long ago")]).await;
    for name in ["Core Directory", "directory"] {
        let found = categories(json!(name)).await;
        assert!(found.iter().any(|category| category["key"] == "Imported long ago"), "{name}: {found:?}");
        assert!(found.iter().any(|category| category["key"] == "GroupManagement"), "{name}");
    }
    assert_eq!(categories(json!("unknown")).await, [Value::Null; 0]);
    let all = categories(Value::Null).await;
    assert!(all.contains(&json!({ "key": "GroupManagement", "displayName": "Group management" })));
    assert!(all.contains(&json!({ "key": "Kiosks", "displayName": "Kiosks" })));
    assert!(all.is_sorted_by_key(|category| category["displayName"].as_str().unwrap().to_lowercase()));
}

#[tokio::test]
async fn activity_type_alias_finds_the_event() {
    let app = TestApp::start().await;
    let grant =
        event("a").service("core directory", "applicationmanagement").activity("ADD delegated permission grant.");
    app.record([grant]).await;
    let query = include_str!("../../documents/activity_type_alias_finds_the_event.graphql");
    let filter = json!({ "activity": { "eq": "Add OAuth2PermissionGrant" } });
    let response = app.admin().query_with(query, json!({ "filter": filter })).await;
    let expected = json!([{
        "activity": "ADD delegated permission grant.",
        "activityType": {
            "key": "Add delegated permission grant", "eventCount": 1, "isBuiltIn": true,
            "aliases": ["Add Oauth2Permissiongrant", "Add delegation entry"],
        },
    }]);
    assert_eq!(*response.data("/auditEvents/nodes"), expected);
}
