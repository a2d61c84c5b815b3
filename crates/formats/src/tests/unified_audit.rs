//! The meaning of unified audit records of many workloads. No value of any record is lost.

use super::*;
use model::{ModifiedProperty, PropertyChange, Target};

#[test]
fn unified_audit_identities_are_read() {
    let event = body(UNIFIED);
    assert_eq!((event.activity.as_str(), event.category.as_str()), ("Update application", "Application"));
    assert_eq!(event.actor.object_id.as_deref(), Some("0d1f2a3b-1111-4222-8333-444455556666"));
    assert_eq!(event.actor.application_name(), Some("Portal"));
    assert_eq!(event.actor.application_id(), Some("18ed3507-0000-4ccb-b669-d66bc9f2a36e"));
    assert_eq!(event.targets[0].kind.as_deref(), Some("Application"));
    assert_eq!(event.targets[0].display_name.as_deref(), Some("Ledger"));
    assert_eq!(event.targets[0].modified_properties.len(), 1);
    let result = format!(
        r#"{{"RecordId":"r-1","CreationDate":"2026-05-04T08:15:30.0000000Z","AuditData":{}}}"#,
        model::Json::string(UNIFIED).text()
    );
    let searched = recognise(&node(&result)).unwrap();
    assert_eq!(searched.format, RecordFormat::Purview);
    assert_eq!((searched.body.event_key.as_str(), &searched.body.actor), (event.event_key.as_str(), &event.actor));
    assert_eq!(lost(&node(&result), &searched.body), Vec::<String>::new());
    let mail = body(
        r#"{"CreationTime":"2026-05-04T08:15:30","Id":"1","Operation":"Set-Mailbox","Workload":"Exchange",
        "RecordType":1,"UserId":"NT SYSTEM","UserType":4,"Parameters":[{"Name":"Identity","Value":"bob"}],"ResultStatus":"True"}"#,
    );
    assert_eq!(
        (mail.service.as_str(), mail.category.as_str(), mail.status),
        ("Exchange", "ExchangeAdmin", Status::Success)
    );
    assert_eq!((mail.actor.kind, mail.actor.name()), (ActorKind::System, "NT SYSTEM"));
}

/// Converts a record with the members that all records have, and checks that nothing is lost.
fn record(members: &str) -> EventBody {
    let text = format!(
        r#"{{"CreationTime":"2026-05-04T08:15:30","Id":"0b6d1f20-7777-4111-8222-333344445555","Version":1,
        "OrganizationId":"9c0ffee0-1234-4321-abcd-001122334455",{members}}}"#
    );
    let event = body(&text);
    assert_eq!(lost(&node(&text), &event), Vec::<String>::new(), "{text}");
    assert_eq!(recognise(&node(&text)).unwrap().format, RecordFormat::UnifiedAudit);
    content_hash(event.clone());
    event
}

fn actor_of(members: &str) -> (ActorKind, String, Option<String>, Option<String>) {
    let event = record(&format!(r#""Operation":"Set-Mailbox","RecordType":1,"Workload":"Exchange",{members}"#));
    let actor = event.actor;
    let application = actor.application_id().map(str::to_owned);
    (actor.kind, actor.name().to_owned(), actor.object_id.clone(), application)
}

#[test]
fn system_accounts_and_applications_are_no_persons() {
    let application = "4d5e6f70-0000-4111-8222-999900001111";
    for (members, kind, name) in [
        (
            r#""UserType":3,"UserId":"NT AUTHORITY\\SYSTEM (Contoso.Host)","UserKey":"x""#,
            ActorKind::System,
            "NT AUTHORITY\\SYSTEM (Contoso.Host)",
        ),
        (
            r#""UserType":0,"UserId":"NT AUTHORITY\\NETWORK SERVICE""#,
            ActorKind::System,
            "NT AUTHORITY\\NETWORK SERVICE",
        ),
        (r#""UserType":0,"UserId":"SHAREPOINT\\System""#, ActorKind::System, "SHAREPOINT\\System"),
        (r#""UserType":0,"UserKey":"NT AUTHORITY\\SYSTEM""#, ActorKind::System, "NT AUTHORITY\\SYSTEM"),
        (r#""UserType":3,"UserId":"CONTOSOPROD\\operator""#, ActorKind::System, "CONTOSOPROD\\operator"),
        (r#""UserType":"System","UserId":"AirInvestigation""#, ActorKind::System, "AirInvestigation"),
        (r#""UserType":7,"UserId":"Retention""#, ActorKind::System, "Retention"),
        (r#""UserType":0,"UserId":"app@sharepoint""#, ActorKind::Application, "app@sharepoint"),
        (r#""UserType":5,"UserId":"Contoso Archiver""#, ActorKind::Application, "Contoso Archiver"),
        (r#""UserType":0,"UserId":"CONTOSO\\ada""#, ActorKind::User, "CONTOSO\\ada"),
        (r#""UserType":4,"UserId":"ada@contoso.example""#, ActorKind::User, "ada@contoso.example"),
    ] {
        let (found, shown, _, _) = actor_of(members);
        assert_eq!((found, shown.as_str()), (kind, name), "{members}");
    }
    let (kind, _, object_id, id) =
        actor_of(&format!(r#""UserType":0,"UserId":"{application}","AadAppId":"{application}""#));
    assert_eq!((kind, object_id, id.as_deref()), (ActorKind::Application, None, Some(application)));
    let (kind, name, _, id) =
        actor_of(&format!(r#""UserType":0,"UserId":"ada@contoso.example","AadAppId":"{application}""#));
    assert_eq!((kind, name.as_str(), id.as_deref()), (ActorKind::User, "ada@contoso.example", Some(application)));
    let (kind, _, _, id) =
        actor_of(&format!(r#""UserType":0,"UserId":"app@sharepoint","UserKey":"i:0i.t|{application}|app@sharepoint""#));
    assert_eq!((kind, id.as_deref()), (ActorKind::Application, Some(application)));
}

#[test]
fn zero_guids_identify_nothing() {
    let zero = "00000000-0000-0000-0000-000000000000";
    let (kind, _, object_id, application) = actor_of(&format!(
        r#""UserType":4,"UserId":"Archive","UserKey":"{zero}","ApplicationId":"{zero}","AppId":"7c7c7c7c-0000-4111-8222-333344445555""#
    ));
    assert_eq!((kind, object_id), (ActorKind::System, None));
    assert_eq!(application.as_deref(), Some("7c7c7c7c-0000-4111-8222-333344445555"));
    let event = record(&format!(
        r#""Operation":"FileAccessed","RecordType":6,"Workload":"SharePoint","UserId":"ada@contoso.example","ObjectId":"{zero}","CorrelationId":"{zero}""#
    ));
    assert_eq!((event.targets.len(), event.correlation_id), (0, None));
}

#[test]
fn address_of_the_device_precedes_that_of_a_server() {
    for (members, address) in [
        (r#""ClientIP":"198.51.100.4","ClientIPAddress":"2001:db8::9""#, "2001:db8::9"),
        (r#""ClientIP":"198.51.100.4""#, "198.51.100.4"),
        (r#""ClientIP":"198.51.100.4","ActorIpAddress":"203.0.113.5""#, "203.0.113.5"),
    ] {
        let event = record(&format!(
            r#""Operation":"Update","RecordType":2,"Workload":"Exchange","UserId":"ada@contoso.example",{members}"#
        ));
        assert_eq!(event.actor.ip_address.as_deref(), Some(address), "{members}");
    }
}

/// `upn or object id or application id | name | type` of each target
fn targets_of(event: &EventBody) -> Vec<String> {
    let text = |target: &Target| {
        let ids = [&target.user_principal_name, &target.object_id, &target.application_id];
        let id: Vec<&str> = ids.into_iter().flatten().map(String::as_str).collect();
        let or = |string: &Option<String>| string.clone().unwrap_or("-".to_owned());
        format!("{} | {} | {}", id.join(" "), or(&target.display_name), or(&target.kind))
    };
    event.targets.iter().map(text).collect()
}

#[test]
fn targets_of_workloads_are_read() {
    let exchange = r#""RecordType":2,"Workload":"Exchange","UserId":"ada@contoso.example""#;
    for (members, expected) in [
        (
            format!(r#"{exchange},"Operation":"MailItemsAccessed","MailboxOwnerUPN":"bob@contoso.example","MailboxGuid":"m-1","LogonType":2"#),
            &["bob@contoso.example m-1 | - | Mailbox"][..],
        ),
        (
            format!(r#"{exchange},"Operation":"SendAs","MailboxOwnerUPN":"bob@contoso.example","SendAsUserSmtp":"Bob@contoso.example","SendAsUserMailboxGuid":"m-2""#),
            &["bob@contoso.example m-2 | - | Mailbox"],
        ),
        (
            format!(r#"{exchange},"Operation":"Move","MailboxOwnerUPN":"bob@contoso.example","DestMailboxOwnerUPN":"eve@contoso.example""#),
            &["bob@contoso.example | - | Mailbox", "eve@contoso.example | - | Mailbox"],
        ),
        (
            r#""RecordType":14,"Workload":"OneDrive","UserId":"ada@contoso.example","Operation":"SharingSet","ItemType":"File",
            "SourceFileName":"plan.docx","ObjectId":"https://contoso.example/plan.docx","TargetUserOrGroupName":"guest@fabrikam.example",
            "TargetUserOrGroupType":"Guest""#.to_owned(),
            &["https://contoso.example/plan.docx | plan.docx | File", "guest@fabrikam.example | - | Guest"],
        ),
        (
            r#""RecordType":14,"Workload":"SharePoint","UserId":"ada@contoso.example","Operation":"SharingSet","ObjectId":"o-1",
            "TargetUserOrGroupName":"Site Owners","TargetUserOrGroupType":"SharePointGroup""#.to_owned(),
            &["o-1 | - | -", " | Site Owners | SharePointGroup"],
        ),
        (
            r#""RecordType":24,"Workload":"SecurityComplianceCenter","UserId":"ada@contoso.example","Operation":"HoldCreated",
            "ObjectId":"h-1","Object1Id":"h-1","Object1Name":"Legal hold","Object1Type":"Hold","Object2Id":"s-2","Object2Name":"Mails",
            "Object2Type":"Search""#.to_owned(),
            &["h-1 | Legal hold | Hold", "s-2 | Mails | Search"],
        ),
        (
            r#""RecordType":22,"Workload":"Yammer","UserId":"ada@contoso.example","Operation":"NetworkUserSuspended",
            "TargetUserId":"bob@contoso.example","TargetObjectId":"u-7""#.to_owned(),
            &["bob@contoso.example u-7 | - | -"],
        ),
        (
            r#""RecordType":25,"Workload":"MicrosoftTeams","UserId":"ada@contoso.example","Operation":"MemberAdded","TeamGuid":"t-1",
            "TeamName":"Sales","Members":[{"UPN":"bob@contoso.example","DisplayName":"Bob","Role":1}]"#.to_owned(),
            &["t-1 | Sales | -", "bob@contoso.example | Bob | -"],
        ),
        (
            r#""RecordType":25,"Workload":"MicrosoftTeams","UserId":"ada@contoso.example","Operation":"AppInstalled","TeamGuid":"t-1",
            "TeamName":"Sales","TargetAppId":"5c5c5c5c-0000-4111-8222-333344445555""#.to_owned(),
            &["t-1 5c5c5c5c-0000-4111-8222-333344445555 | Sales | -"],
        ),
    ] {
        assert_eq!(targets_of(&record(&members)), expected, "{members}");
    }
}

#[test]
fn application_ids_of_targets_are_read() {
    let (object, application) = ("11110000-0000-4111-8222-333344445555", "22220000-0000-4111-8222-333344445555");
    let entra = r#""RecordType":8,"Workload":"AzureActiveDirectory","UserId":"ada@contoso.example""#;
    let identities = format!(
        r#"{entra},"Operation":"Add delegated permission grant.","ObjectId":"{application};https://api.example","Target":[
        {{"ID":"ServicePrincipal_{object}","Type":2}},{{"ID":"{object}","Type":2}},{{"ID":"ServicePrincipal","Type":2}},
        {{"ID":"Ledger API","Type":1}},{{"ID":"{application}","Type":2}},{{"ID":"{application};https://api.example","Type":4}}]"#
    );
    let full = record(&identities);
    assert_eq!(targets_of(&full), [format!("{object} {application} | Ledger API | ServicePrincipal")]);
    let names = format!(
        r#"{entra},"Operation":"Add service principal.","ModifiedProperties":[
        {{"Name":"TargetId.ServicePrincipalNames","OldValue":"","NewValue":"{application};https://api.example"}}]"#
    );
    assert_eq!(record(&names).targets[0].application_id.as_deref(), Some(application));
    let row = record(&format!(
        r#"{entra},"Operation":"Add service principal.","ObjectId":"{application};https://api.example""#
    ));
    assert_eq!(row.targets[0].application_id.as_deref(), Some(application));
    let added = record(&format!(
        r#"{entra},"Operation":"Add application.","ObjectId":"Application_{object}","ModifiedProperties":[
        {{"Name":"AppId","OldValue":"[]","NewValue":"[\r\n  \"{application}\"\r\n]"}}]"#
    ));
    assert_eq!(targets_of(&added), [format!("{object} {application} | - | Application")]);
    let owner = record(&format!(
        r#"{entra},"Operation":"Add owner to application.","ObjectId":"bob@contoso.example","ModifiedProperties":[
        {{"Name":"Application.ObjectID","OldValue":"","NewValue":"{object}"}},
        {{"Name":"Application.DisplayName","OldValue":"","NewValue":"Ledger"}},
        {{"Name":"Application.AppId","OldValue":"","NewValue":"{application}"}}]"#
    ));
    assert_eq!(
        targets_of(&owner),
        ["bob@contoso.example | - | -".to_owned(), format!("{object} {application} | Ledger | Application")]
    );
    let user = record(&format!(
        r#"{entra},"Operation":"Update user.","Target":[{{"ID":"User_{object}","Type":2}},{{"ID":"{application}","Type":2}},
        {{"ID":"User","Type":2}}]"#
    ));
    assert_eq!(user.targets[0].application_id, None, "a user has no application id");
}

fn changes_of(event: &EventBody) -> Vec<(&str, PropertyChange)> {
    let changes = event.targets.iter().flat_map(|target| &target.modified_properties);
    changes.map(|change: &ModifiedProperty| (change.name.as_str(), change.change)).collect()
}

#[test]
fn empty_values_are_no_values_by_every_route() {
    use PropertyChange::{Added, Changed, Removed, Unknown};
    let expected = [
        ("Added", Added),
        ("AddedList", Added),
        ("Removed", Removed),
        ("RemovedList", Removed),
        ("Changed", Changed),
        ("Same", Unknown),
        ("SameList", Unknown),
        ("Neither", Unknown),
    ];
    let unified = record(
        r#""Operation":"Update user.","RecordType":8,"Workload":"AzureActiveDirectory","UserId":"ada@contoso.example","ModifiedProperties":[
        {"Name":"Added","OldValue":"","NewValue":"Ulm"},{"Name":"AddedList","OldValue":"[]","NewValue":"[\r\n  \"Ulm\"\r\n]"},
        {"Name":"Removed","OldValue":"Ulm","NewValue":""},{"Name":"RemovedList","OldValue":["Ulm"],"NewValue":[]},
        {"Name":"Changed","OldValue":"Bonn","NewValue":"Ulm"},{"Name":"Same","OldValue":"Ulm","NewValue":"Ulm"},
        {"Name":"SameList","OldValue":"[1.0]","NewValue":"[\r\n 1\r\n]"},{"Name":"Neither","OldValue":"","NewValue":"[]"}]"#,
    );
    assert_eq!(changes_of(&unified), expected);
    let text = r#"{"id":"Directory_1","activityDisplayName":"Update user","activityDateTime":"2026-05-04T08:15:30Z","initiatedBy":{},
        "targetResources":[{"id":"u-1","modifiedProperties":[
        {"displayName":"Added","oldValue":null,"newValue":"\"Ulm\""},{"displayName":"AddedList","oldValue":"[]","newValue":"[\"Ulm\"]"},
        {"displayName":"Removed","oldValue":"\"Ulm\"","newValue":"\"\""},{"displayName":"RemovedList","oldValue":"[\"Ulm\"]","newValue":"[]"},
        {"displayName":"Changed","oldValue":"\"Bonn\"","newValue":"\"Ulm\""},{"displayName":"Same","oldValue":"\"Ulm\"","newValue":"\"Ulm\""},
        {"displayName":"SameList","oldValue":"[1.0]","newValue":"[1]"},{"displayName":"Neither","oldValue":"","newValue":null}]}]}"#;
    let graph = body(text);
    assert_eq!(changes_of(&graph), expected);
    assert_eq!(lost(&node(text), &graph), Vec::<String>::new());
}

#[test]
fn settings_and_names_of_properties_are_changes() {
    let teams = record(
        r#""Operation":"TeamSettingChanged","RecordType":25,"Workload":"MicrosoftTeams","UserId":"ada@contoso.example","TeamGuid":"t-1",
        "Name":"Guests","OldValue":"No","NewValue":"Yes""#,
    );
    assert_eq!(changes_of(&teams), [("Guests", PropertyChange::Changed)]);
    assert_eq!(teams.targets[0].modified_properties[0].new_value.as_ref().unwrap().text(), r#""Yes""#);
    let agents = record(
        r#""Operation":"UpdateAgentSettings","RecordType":399,"Workload":"Copilot","UserId":"ada@contoso.example","Property":"Sharing","NewValue":"Off""#,
    );
    assert_eq!(changes_of(&agents), [("Sharing", PropertyChange::Added)]);
    let mail = record(
        r#""Operation":"Update","RecordType":2,"Workload":"Exchange","UserId":"ada@contoso.example","MailboxOwnerUPN":"ada@contoso.example",
        "ModifiedProperties":["Subject","ItemClass"]"#,
    );
    assert_eq!(changes_of(&mail), [("Subject", PropertyChange::Unknown), ("ItemClass", PropertyChange::Unknown)]);
    let alert = record(
        r#""Operation":"AlertTriggered","RecordType":40,"Workload":"SecurityComplianceCenter","UserId":"SecurityComplianceAlerts","UserType":4,
        "Name":"Many downloads","Category":"DataGovernance""#,
    );
    assert_eq!((changes_of(&alert).len(), alert.category.as_str()), (0, "DataGovernance"));
}

#[test]
fn record_types_have_one_name_by_every_route() {
    let category = |text: String| {
        let event = body(&text);
        assert_eq!(lost(&node(&text), &event), Vec::<String>::new());
        event.category
    };
    let inner = |record_type: &str| {
        format!(
            r#"{{"CreationTime":"2026-05-04T08:15:30","Id":"1","Operation":"SharingSet","Workload":"SharePoint",
            "OrganizationId":"9c0ffee0-1234-4321-abcd-001122334455","RecordType":{record_type}}}"#
        )
    };
    let row = |column: &str, record_type: &str| {
        format!(
            r#"{{"CreationDate":"2026-05-04T08:15:30Z","Operations":"SharingSet","UserIds":"x",{column},"AuditData":{}}}"#,
            model::Json::string(&inner(record_type)).text()
        )
    };
    for (text, expected) in [
        (inner("14"), "SharePointSharingOperation"),
        (inner(r#""14""#), "SharePointSharingOperation"),
        (inner(r#""SharePointSharingOperation""#), "SharePointSharingOperation"),
        (row(r#""RecordType":"14""#, "14"), "SharePointSharingOperation"),
        (row(r#""RecordType":"SharePointSharingOperation""#, "14"), "SharePointSharingOperation"),
        (row(r#""auditLogRecordType":"sharePointSharingOperation""#, "14"), "SharePointSharingOperation"),
        (row(r#""RecordType":"NewKindOfRecord""#, "9001"), "NewKindOfRecord"),
        (row(r#""RecordType":"9001""#, "9001"), "9001"),
        (inner("9001"), "9001"),
    ] {
        assert_eq!(category(text.clone()), expected, "{text}");
    }
}

#[test]
fn category_of_the_envelope_is_used_if_the_resource_has_none() {
    let row = |category: &str| {
        format!(
            r#"{{"time":"2026-05-04T08:15:30Z","category":"AuditLogs","operationName":"Polish","properties":{{"id":"Directory_1",
            "activityDateTime":"2026-05-04T08:15:30Z","activityDisplayName":"Polish"{category}}}}}"#
        )
    };
    assert_eq!(body(&row("")).category, "AuditLogs");
    assert_eq!(body(&row(r#","category":"UserManagement""#)).category, "UserManagement");
}

/// The row of a table lacks the lists of identities and other parts; what it has agrees with the full record.
#[test]
fn rows_of_tables_are_copies_of_full_records() {
    let (object, application) = ("11110000-0000-4111-8222-333344445555", "22220000-0000-4111-8222-333344445555");
    let full = format!(
        r#"{{"CreationTime":"2026-05-04T08:15:30","Id":"1","Operation":"Add service principal.","RecordType":8,"ResultStatus":"Success",
        "OrganizationId":"9c0ffee0-1234-4321-abcd-001122334455","Workload":"AzureActiveDirectory","UserId":"ada@contoso.example",
        "ObjectId":"{application};https://api.example","Actor":[{{"ID":"User_0d1f2a3b-0001-4222-8333-444455550001","Type":2}},
        {{"ID":"ada@contoso.example","Type":5}},{{"ID":"User","Type":2}}],"ModifiedProperties":[{{"Name":"DisplayName","OldValue":"[]",
        "NewValue":"[\"Ledger\"]"}}],"Target":[{{"ID":"ServicePrincipal_{object}","Type":2}},{{"ID":"ServicePrincipal","Type":2}},
        {{"ID":"{application}","Type":2}}]}}"#
    );
    let row = |status: &str, value: &str| {
        format!(
            r#"{{"TenantId":"w","TimeGenerated":"2026-05-04T08:15:30Z","OfficeId":"1","Operation":"Add service principal.",
            "RecordType":"AzureActiveDirectory","OfficeWorkload":"AzureActiveDirectory","UserId":"ada@contoso.example","ResultStatus":"{status}",
            "OrganizationId":"9c0ffee0-1234-4321-abcd-001122334455","OfficeObjectId":"{application};https://api.example",
            "ModifiedProperties":"[{{\"Name\":\"DisplayName\",\"OldValue\":\"[]\",\"NewValue\":\"[\\\"{value}\\\"]\"}}]"}}"#
        )
    };
    let compare = |status: &str, value: &str| Comparison::Common.of(&body(&full), &body(&row(status, value)));
    assert_eq!(compare("Success", "Ledger"), Sameness::Same, "the row states nothing more");
    assert_eq!(compare("", "Ledger"), Sameness::Same, "the row has no status");
    assert_eq!(compare("Failure", "Ledger"), Sameness::Other);
    assert_eq!(compare("Success", "Cellar"), Sameness::Other);
}

#[test]
fn identity_without_a_field_stays_in_unmapped() {
    let object = "11110000-0000-4111-8222-333344445555";
    for word in [r#"\"Application\""#, "two words", "42", "a;b"] {
        let identities = format!(
            r#""RecordType":8,"Workload":"AzureActiveDirectory","UserId":"ada@contoso.example","Operation":"Update application.",
            "Actor":[{{"ID":"{word}","Type":2}},{{"ID":"{word}","Type":4}}],
            "Target":[{{"ID":"Application_{object}","Type":2}},{{"ID":"{object}","Type":2}},{{"ID":"{word}","Type":2}},
            {{"ID":"{word}","Type":4}},{{"ID":"{word}","Type":0}}]"#
        );
        assert_eq!(record(&identities).targets[0].object_id.as_deref(), Some(object), "{word}");
    }
}
