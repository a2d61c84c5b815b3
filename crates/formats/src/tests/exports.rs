//! Records as scripts and older interfaces write them: Azure AD Graph, PowerShell, and flattened columns.

use super::*;

const SAME_IN_GRAPH: &str = r#"{"id":"Directory_7EPSJ_94870001","category":"UserManagement","correlationId":"be50","result":"success",
    "activityDisplayName":"Update user","activityDateTime":"2018-05-04T08:15:30.1234567Z","loggedByService":"Core Directory",
    "initiatedBy":{"user":{"id":"u-1","userPrincipalName":"ada@fabrikam.example"}},"targetResources":[{"id":"u-2","type":"User",
        "userPrincipalName":"bob@fabrikam.example","modifiedProperties":[{"displayName":"City","oldValue":"[\"Bonn\"]","newValue":"[\"Ulm\"]"}]}],
    "additionalDetails":[{"key":"UserType","value":"Member"}]}"#;

#[test]
fn record_of_azure_ad_graph_is_the_event_of_microsoft_graph() {
    let recognised = recognise(&node(AZURE_AD_GRAPH)).unwrap();
    assert_eq!(recognised.format, RecordFormat::AzureAdGraph);
    let (old, new) = (recognised.body, body(SAME_IN_GRAPH));
    assert_eq!(lost(&node(AZURE_AD_GRAPH), &old), Vec::<String>::new());
    assert_eq!((&old.event_key, &old.service, &old.category), (&new.event_key, &new.service, &new.category));
    assert_eq!(
        (old.status, old.operation_type, old.resource_type),
        (new.status, new.operation_type, new.resource_type)
    );
    assert_eq!((&old.targets, &old.additional_details), (&new.targets, &new.additional_details));
    assert_eq!(old.recording.source_tenant_id.as_deref(), Some("9c0ffee0-1234-4321-abcd-001122334455"));
    assert_eq!(content_hash(old), content_hash(new));
}

#[test]
fn outcomes_services_and_actors_of_azure_ad_graph_are_converted() {
    let failed = AZURE_AD_GRAPH
        .replace("\"Success\"", "\"Failure\"")
        .replace("\"activityResultDescription\":\"\"", "\"activityResultDescription\":\"Not allowed\"");
    let event = body(&failed);
    assert_eq!((event.status, event.status_reason.as_deref()), (Status::Failure, Some("Not allowed")));
    for (status, expected) in [("0", Status::Success), ("-1", Status::Failure), ("\"Timeout\"", Status::Timeout)] {
        assert_eq!(body(&AZURE_AD_GRAPH.replace("\"Success\"", status)).status, expected, "{status}");
    }
    for (category, service) in [
        ("\"SSGM\"", "Self-service Group Management"),
        ("\"Directory\"", "Core Directory"),
        ("\"B2C\"", "B2C"),
        ("null", "Core Directory"),
    ] {
        let event = body(&AZURE_AD_GRAPH.replace("\"Core Directory\"", category));
        assert_eq!((event.service.as_str(), event.category.as_str()), (service, "UserManagement"), "{category}");
    }
    let application = AZURE_AD_GRAPH
        .replace("\"actorType\":\"User\"", "\"actorType\":\"Application\"")
        .replace("ActorUserEntity\",\"name\":null", "ActorServicePrincipalEntity\",\"name\":\"Sync\"")
        .replace("\"ada@fabrikam.example\"", "null");
    let event = body(&application);
    assert_eq!((event.actor.kind, event.actor.name()), (ActorKind::Application, "Sync"));
    assert_eq!(lost(&node(&application), &event), Vec::<String>::new());
    let in_milliseconds = AZURE_AD_GRAPH.replace("\"2018-05-04T08:15:30.1234567Z\"", "null");
    assert_eq!(body(&in_milliseconds).occurred_at.to_string(), "2018-05-04T08:15:30.123000Z");
}

#[test]
fn counted_lists_of_powershell_are_lists() {
    let counted = |text: &str| {
        let mut node = node(text);
        count_lists(&mut node);
        node
    };
    for (text, format) in RECORDS.iter().filter(|(_, format)| *format != RecordFormat::Generic) {
        let (plain, counted) = (body(text), counted(text));
        let recognised = recognise(&counted).unwrap_or_else(|refused| panic!("{refused}: {text}"));
        assert_eq!(recognised.format, *format);
        assert_eq!(lost(&counted, &recognised.body), Vec::<String>::new());
        let event = recognised.body;
        assert_eq!((&event.actor.kind, &event.actor.permissions), (&plain.actor.kind, &plain.actor.permissions));
        let changes =
            |event: &EventBody| event.targets.iter().map(|it| it.modified_properties.len()).collect::<Vec<_>>();
        assert_eq!(changes(&event), changes(&plain), "{text}");
        assert_eq!(event.additional_details, plain.additional_details, "{text}");
    }
}

#[test]
fn counted_lists_in_values_are_lists() {
    let text = r#"{"id":"1","activityDisplayName":"x","activityDateTime":"2026-05-04T08:15:30Z","targetResources":{"Count":1,"value":[
        {"id":"u-2","modifiedProperties":{"value":[{"displayName":"Tags","oldValue":{"value":[],"Count":0},"newValue":{"value":["a",{"n":{"value":[7],"Count":1}}],"Count":2}}],"Count":1}}]}}"#;
    let event = body(text);
    let change = &event.targets[0].modified_properties[0];
    assert_eq!(change.new_value.as_ref().unwrap().text(), r#"["a",{"n":[7]}]"#);
    assert_eq!(lost(&node(text), &event), Vec::<String>::new());
}

/// Replaces all lists outside of strings by objects with their elements and count.
fn count_lists(node: &mut JsonNode) {
    match node {
        JsonNode::Object(members) => members.iter_mut().for_each(|(_, value)| count_lists(value)),
        JsonNode::Array(elements) => {
            elements.iter_mut().for_each(count_lists);
            let count = JsonNode::Scalar(elements.len().to_string().into());
            let list = JsonNode::Array(std::mem::take(elements));
            *node = JsonNode::Object(vec![("value".to_owned(), list), ("Count".to_owned(), count)]);
        }
        JsonNode::Scalar(_) => {}
    }
}

#[test]
fn records_that_powershell_cut_off_are_refused() {
    let text = |text: &str| model::Json::string(text).text().to_owned();
    for cut in [
        "@{app=; user=}",
        "@{id=1; displayName=} @{id=2; displayName=}",
        "System.Object[]",
        "System.Collections.Hashtable",
        "System.Collections.Generic.List`1[System.Object]",
        "System.Management.Automation.PSCustomObject",
        "Microsoft.Graph.PowerShell.Models.MicrosoftGraphAuditActivityInitiator",
        "Microsoft.Open.MSGraph.Model.AuditActivityInitiator",
        "class AuditActivityInitiator {\n  App: \n}\n",
        "[object Object]",
    ] {
        for (member, record) in [
            (
                "`initiatedBy`",
                format!(
                    r#"{{"id":"1","activityDisplayName":"x","activityDateTime":"2026-05-04T08:15:30Z","initiatedBy":{}}}"#,
                    text(cut)
                ),
            ),
            (
                "`initiatedBy.user`",
                format!(
                    r#"{{"activityDisplayName":"x","activityDateTime":"2026-05-04T08:15:30Z","initiatedBy":{{"user":{}}}}}"#,
                    text(cut)
                ),
            ),
            (
                "`targetResources.1`",
                format!(
                    r#"{{"activityDisplayName":"x","activityDateTime":"2026-05-04T08:15:30Z","targetResources":[{{"id":"1"}},{}]}}"#,
                    text(cut)
                ),
            ),
            (
                "`targetResources.0.modifiedProperties`",
                format!(
                    r#"{{"activityDisplayName":"x","activityDateTime":"2026-05-04T08:15:30Z","targetResources":[{{"modifiedProperties":{}}}]}}"#,
                    text(cut)
                ),
            ),
            (
                "`actor`",
                format!(
                    r#"{{"activityType":"Create X","activityDateTime":"2026-05-04T08:15:30Z","actor":{}}}"#,
                    text(cut)
                ),
            ),
            ("`actor`", format!(r#"{{"time":"2026-05-04T08:15:30Z","action":"x","actor":{}}}"#, text(cut))),
            ("the record", text(cut)),
        ] {
            let refused = recognise(&node(&record)).map(|it| it.format).unwrap_err();
            assert!(refused.0.starts_with(&format!("{member} is the text `")), "{refused}: {record}");
            assert!(refused.0.ends_with("`ConvertTo-Json -Depth 10`") && !refused.0.contains('\n'), "{refused}");
        }
    }
    let page = node(r#"{"value":["@{id=1}","@{id=2}"],"Count":2}"#);
    assert!(records(page).iter().all(|record| recognise(record).unwrap_err().0.contains("-Depth 10")));
}

#[test]
fn values_that_look_like_objects_are_kept() {
    let text = r#"{"id":"1","activityDisplayName":"x","activityDateTime":"2026-05-04T08:15:30Z","resultReason":"System.Object[]",
        "initiatedBy":{"user":{"displayName":"class A {}"}},"targetResources":[{"displayName":"@{a=b}","modifiedProperties":[
            {"displayName":"A","oldValue":"System.Collections.Hashtable","newValue":"@{b=c}"}]}],
        "additionalDetails":[{"key":"Type","value":"Microsoft.Graph.PowerShell.Models.X"}]}"#;
    let event = body(text);
    assert_eq!(event.targets[0].modified_properties[0].new_value.as_ref().unwrap().text(), "\"@{b=c}\"");
    assert_eq!(lost(&node(text), &event), Vec::<String>::new());
}

#[test]
fn flattened_columns_are_read() {
    for (user, target, change) in [
        ("InitiatedBy_user_", "TargetResources_0_", "TargetResources_0_modifiedProperties_0_"),
        ("initiatedBy.user.", "targetResources[0].", "targetResources[0].modifiedProperties[0]."),
        ("initiatedBy user ", "targetResources.0.", "targetResources.0.modifiedProperties.0."),
    ] {
        let text = format!(
            r#"{{"id":"Directory_1","activityDisplayName":"Update user","activityDateTime":"2026-05-04T08:15:30Z","{user}id":"u-1",
            "{user}userPrincipalName":"ada@fabrikam.example","{user}ipAddress":"203.0.113.9:4431","{target}id":"u-2","{target}type":"User",
            "{change}displayName":"City","{change}newValue":"[\"Ulm\"]","TargetResources_1_id":"u-3"}}"#
        );
        let event = body(&text);
        assert_eq!((event.actor.kind, event.actor.name()), (ActorKind::User, "ada@fabrikam.example"), "{text}");
        assert_eq!(event.actor.ip_address.as_deref(), Some("203.0.113.9"));
        let ids: Vec<_> = event.targets.iter().map(|target| target.object_id.as_deref().unwrap()).collect();
        assert_eq!(ids, ["u-2", "u-3"], "{text}");
        assert_eq!(event.targets[0].modified_properties[0].new_value.as_ref().unwrap().text(), r#"["Ulm"]"#);
        assert_eq!(lost(&node(&text), &event), Vec::<String>::new());
    }
    let application = r#"{"activityDisplayName":"x","activityDateTime":"2026-05-04T08:15:30Z","InitiatedBy_app_displayName":"Sync","InitiatedBy_app_servicePrincipalId":"sp-1"}"#;
    assert_eq!((body(application).actor.kind, body(application).actor.name()), (ActorKind::Application, "Sync"));
}

#[test]
fn modified_properties_by_name_are_changes() {
    let text = r#"{"id":"1","activityDisplayName":"x","activityDateTime":"2026-05-04T08:15:30Z","targetResources":[{"id":"u-2","modifiedProperties":{
        "City":{"oldValue":"[\"Bonn\"]","newValue":"[\"Ulm\"]"},"Included Updated Properties":{"oldValue":null,"newValue":"\"City\""}}}]}"#;
    let event = body(text);
    let changes = &event.targets[0].modified_properties;
    assert_eq!(changes.iter().map(|change| change.name.as_str()).collect::<Vec<_>>(), ["City"]);
    assert_eq!(changes[0].new_value.as_ref().unwrap().text(), r#"["Ulm"]"#);
    assert_eq!(lost(&node(text), &event), Vec::<String>::new());
}

#[test]
fn addresses_have_no_port() {
    for (address, expected) in [
        ("203.0.113.9:4431", "203.0.113.9"),
        ("[2001:db8::1]:49152", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[fe80::1%12]:443", "fe80::1%12"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:db8::1:4431", "2001:db8::1:4431"),
        ("::2a02:1", "::2a02:1"),
        ("203.0.113.9:x", "203.0.113.9:x"),
        ("203.0.113.9:443, 10.0.0.1", "203.0.113.9:443, 10.0.0.1"),
        ("host:443", "host:443"),
        ("<Redacted>", "<Redacted>"),
    ] {
        for text in [
            format!(r#"{{"time":"2026-05-04T08:15:30Z","action":"x","ip":"{address}"}}"#),
            DIRECTORY_AUDIT.replace("203.0.113.9", address),
            MONITOR_ENTRA.replace("203.0.113.9", address),
            format!(
                r#"{{"CreationTime":"2026-05-04T08:15:30","Operation":"x","Workload":"y","ClientIP":"{address}"}}"#
            ),
        ] {
            let event = body(&text);
            assert_eq!(event.actor.ip_address.as_deref(), Some(expected), "{text}");
            assert_eq!(lost(&node(&text), &event), Vec::<String>::new(), "{text}");
        }
    }
}

#[test]
fn exported_row_without_the_name_of_the_activity_keeps_all_else() {
    let unnamed = MONITOR_ENTRA.replace("\"activityDisplayName\":\"Add member to group\",", "");
    assert!(unnamed.len() < MONITOR_ENTRA.len());
    let (event, named) = (body(&unnamed), body(MONITOR_ENTRA));
    assert_eq!(event.activity, named.activity);
    assert_eq!(
        (&event.actor, &event.targets, &event.additional_details),
        (&named.actor, &named.targets, &named.additional_details)
    );
    assert_eq!((event.status, &event.service, &event.event_key), (named.status, &named.service, &named.event_key));
    assert_eq!(content_hash(event), content_hash(named));
}

#[test]
fn audit_data_may_be_encoded_twice() {
    let encoded = |text: &str| model::Json::string(text).text().to_owned();
    let twice = format!(
        r#"{{"RecordId":"r-1","CreationDate":"2026-05-04T08:15:30Z","AuditData":{}}}"#,
        encoded(&encoded(UNIFIED))
    );
    let event = body(&twice);
    assert_eq!(content_hash(event.clone()), content_hash(body(UNIFIED)));
    assert_eq!(lost(&node(&twice), &event), Vec::<String>::new());
}
