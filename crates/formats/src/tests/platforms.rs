//! Records of platforms without a specific format, and of collectors that wrap records: the important fields must be
//! found.

use super::*;

/// `service | activity | status | actor | address | targets`
fn summary(body: &EventBody) -> String {
    let actor = format!("{} {}", body.actor.kind.name(), body.actor.name());
    let targets: Vec<&str> = body
        .targets
        .iter()
        .map(|target| {
            let names = [&target.display_name, &target.user_principal_name, &target.object_id, &target.kind];
            names.into_iter().flatten().next().map_or("", String::as_str)
        })
        .collect();
    let address = body.actor.ip_address.as_deref().unwrap_or("-");
    let status = body.status.name();
    format!("{} | {} | {status} | {actor} | {address} | {}", body.service, body.activity, targets.join(", "))
}

#[rustfmt::skip]
const PLATFORMS: &[(&str, &str)] = &[
    // GitHub: `user` is the target
    (r#"{"@timestamp":1714810530123,"_document_id":"abc123","action":"org.add_member","actor":"ada","actor_id":17,"actor_ip":"203.0.113.9",
        "org":"contoso","org_id":9,"user":"bob","user_id":18}"#,
     "GitHub | org.add_member | UNKNOWN | USER ada | 203.0.113.9 | bob"),
    // Okta
    (r#"{"actor":{"id":"00u1","type":"User","alternateId":"ada@x.example","displayName":"Ada L"},"client":{"userAgent":{"rawUserAgent":"UA"},
        "ipAddress":"203.0.113.9"},"displayMessage":"Log in","eventType":"user.session.start","outcome":{"result":"FAILURE","reason":"LOCKED"},
        "published":"2024-05-04T08:15:30.123Z","legacyEventType":"core","uuid":"dc9f-1","target":[{"id":"00u2","type":"User","displayName":"Bob"}]}"#,
     "Okta | user.session.start | FAILURE | USER Ada L | 203.0.113.9 | Bob"),
    // AWS CloudTrail, directly and from EventBridge
    (r#"{"userIdentity":{"type":"AssumedRole","principalId":"AROA:s","arn":"arn:aws:sts::1:assumed-role/r/s"},"eventTime":"2024-05-04T08:15:30Z",
        "eventSource":"s3.amazonaws.com","eventName":"DeleteBucket","errorCode":"AccessDenied","sourceIPAddress":"203.0.113.9",
        "resources":[{"ARN":"arn:aws:s3:::b","type":"AWS::S3::Bucket"}],"eventID":"ev-2","eventType":"AwsApiCall"}"#,
     "s3.amazonaws.com | DeleteBucket | FAILURE | USER arn:aws:sts::1:assumed-role/r/s | 203.0.113.9 | arn:aws:s3:::b"),
    (r#"{"id":"eb-1","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","time":"2024-05-04T08:15:31Z","detail":{
        "eventTime":"2024-05-04T08:15:30Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","eventID":"ct-1",
        "userIdentity":{"type":"AWSService","invokedBy":"sso.amazonaws.com"}}}"#,
     "iam.amazonaws.com | CreateUser | UNKNOWN | SYSTEM sso.amazonaws.com | - | "),
    // Google Workspace and Google Cloud
    (r#"{"kind":"admin#reports#activity","id":{"time":"2024-05-04T08:15:30.123Z","uniqueQualifier":"-123","applicationName":"admin","customerId":"C1"},
        "actor":{"callerType":"USER","email":"ada@x.example","profileId":"117"},"ipAddress":"203.0.113.9",
        "events":[{"type":"USER_SETTINGS","name":"CREATE_USER","parameters":[{"name":"USER_EMAIL","value":"bob@x.example"}]}]}"#,
     "admin | CREATE_USER | UNKNOWN | USER ada@x.example | 203.0.113.9 | "),
    (r#"{"protoPayload":{"authenticationInfo":{"principalEmail":"ada@x.example"},"requestMetadata":{"callerIp":"203.0.113.9"},
        "serviceName":"compute.googleapis.com","methodName":"v1.compute.instances.delete","resourceName":"instances/i","status":{"code":7,"message":"no"}},
        "insertId":"ins1","resource":{"type":"gce_instance"},"timestamp":"2024-05-04T08:15:30.123Z"}"#,
     "compute.googleapis.com | v1.compute.instances.delete | FAILURE | USER ada@x.example | 203.0.113.9 | instances/i"),
    // Kubernetes
    (r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a-1","stage":"ResponseComplete","verb":"delete",
        "user":{"username":"system:serviceaccount:d:ci","uid":"u"},"sourceIPs":["203.0.113.9"],"objectRef":{"resource":"secrets","name":"x"},
        "responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2024-05-04T08:15:30.123456Z"}"#,
     "Kubernetes | delete secrets | SUCCESS | APPLICATION system:serviceaccount:d:ci | 203.0.113.9 | x"),
    // Elastic: the event is described in `event`, nested or flat
    (r#"{"@timestamp":"2024-05-04T08:15:30.123Z","event":{"action":"deleted-user","category":["iam"],"type":["user"],"outcome":"failure","provider":"sec"},
        "user":{"name":"ada","id":"S-1","target":{"name":"bob","id":"S-2"}},"source":{"ip":"203.0.113.9"}}"#,
     "sec | deleted-user | FAILURE | USER ada | 203.0.113.9 | bob"),
    (r#"{"@timestamp":"2024-05-04T08:15:30.123Z","event.action":"deleted-user","event.outcome":"success","user.name":"ada","source.ip":"203.0.113.9"}"#,
     "Other | deleted-user | SUCCESS | USER ada | 203.0.113.9 | "),
    // Splunk's collector, around the record of an application
    (r#"{"time":1714810530.5,"source":"app","event":{"action":"login","user":"ada@x.example","status":403,"ip":"203.0.113.9"}}"#,
     "app | login | FAILURE | USER ada@x.example | 203.0.113.9 | "),
    // Azure's activity log
    (r#"{"time":"2024-05-04T08:15:30.123Z","resourceId":"/S/R","operationName":"MICROSOFT.X/VM/DELETE","category":"Administrative","resultType":"Success",
        "callerIpAddress":"203.0.113.9","identity":{"claims":{"name":"Ada","upn":"ada@x.example"}}}"#,
     "Other | MICROSOFT.X/VM/DELETE | SUCCESS | USER Ada | 203.0.113.9 | /S/R"),
    // columns of the portals' lists
    (r#"{"Activity Date (UTC)":"5/4/2024 8:15:30 AM","Activity":"Add user","Actor UPN":"ada@x.example","Status":"Success","Service":"Core Directory",
        "Target Id":"7a1","Target Name":"bob","Target Type":"User","IP address":"203.0.113.9"}"#,
     "Core Directory | Add user | SUCCESS | USER ada@x.example | 203.0.113.9 | bob"),
    // a logger's line, whose `caller` is a line of code
    (r#"{"ts":1714810530.123,"level":"info","msg":"user deleted","caller":"main.go:17","action":false}"#,
     "Other | user deleted | UNKNOWN | UNKNOWN Unknown | - | "),
];

#[test]
fn other_platforms_have_actor_activity_and_targets() {
    for (text, expected) in PLATFORMS {
        let event = body(text);
        assert_eq!(summary(&event), *expected, "{text}");
        assert_eq!(lost(&node(text), &event), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn wrapped_records_are_found() {
    let string = |text: &str| model::Json::string(text).text().to_owned();
    let page = format!(r#"{{"records":[{MONITOR_ENTRA},{MONITOR_INTUNE}]}}"#);
    for (wrapped, count) in [
        (format!(r#"{{"preview":false,"result":{{"_time":"x","_raw":{}}}}}"#, string(DIRECTORY_AUDIT)), 1),
        (
            format!(
                r#"{{"@timestamp":"2026-05-04T08:15:31Z","event":{{"kind":"event"}},"message":{}}}"#,
                string(DIRECTORY_AUDIT)
            ),
            1,
        ),
        (format!(r#"{{"body":{},"partition":"1"}}"#, string(&page)), 2),
        (format!(r#"{{"records":[{page},{page}]}}"#), 4),
    ] {
        let found = records(node(&wrapped));
        assert_eq!(found.len(), count, "{wrapped}");
        for record in found {
            let recognised = recognise(&record).unwrap();
            assert_ne!(recognised.format, RecordFormat::Generic, "{wrapped}");
            assert_eq!(lost(&record, &recognised.body), Vec::<String>::new());
        }
    }
}

#[test]
fn record_with_a_list_is_not_a_wrapped_page() {
    for text in [
        r#"{"time":"2024-05-04T08:15:30Z","action":"upload","body":{"value":[{"time":"x"}]}}"#,
        r#"{"time":"2024-05-04T08:15:30Z","msg":"upload","body":{"value":[{"a":1}]}}"#,
    ] {
        assert_eq!(records(node(text)), [node(text)]);
    }
}

#[test]
fn numbered_objects_of_elastic_are_lists() {
    let text = r#"{"azure":{"auditlogs":{"category":"AuditLogs","operation_name":"Add user","properties":{"activity_display_name":"Add user",
        "activity_datetime":"2024-05-04T08:15:30.123456+00:00","id":"Directory_1","target_resources":{"0":{"id":"t-1","modified_properties":{
        "0":{"display_name":"City","old_value":"[]","new_value":"[\"Ulm\"]"}},"more":1},"1":{"id":"t-2"}}}}}}"#;
    let event = body(text);
    assert_eq!(event.targets.len(), 2);
    assert_eq!(event.targets[0].modified_properties[0].new_value.as_ref().unwrap().text(), r#"["Ulm"]"#);
    assert_eq!(lost(&node(text), &event), Vec::<String>::new());
}

#[test]
fn changes_by_name_are_read() {
    let event = body(
        r#"{"time":"2024-05-04T08:15:30Z","action":"update","object":{"id":7,"changes":{"a":{"old":1.10,"new":null},"b":{"from":"x","to":"[1]"}}}}"#,
    );
    let changes = &event.targets[0].modified_properties;
    assert_eq!(changes.iter().map(|change| change.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(changes[0].old_value.as_ref().unwrap().text(), "1.10");
    assert_eq!(changes[1].new_value.as_ref().unwrap().text(), r#""[1]""#);
}

#[test]
fn excess_values_are_unmapped_at_their_positions() {
    let targets: Vec<String> = (0..2_100).map(|i| format!(r#"{{"id":"t-{i}"}}"#)).collect();
    let changes: Vec<String> =
        (0..5_100).map(|i| format!(r#"{{"displayName":"p-{i}","newValue":"\"v-{i}\""}}"#)).collect();
    let text = format!(
        r#"{{"id":"Directory_1","activityDisplayName":"Add user","activityDateTime":"2024-05-04T08:15:30Z","initiatedBy":{{}},
        "targetResources":[{{"modifiedProperties":[{}]}},{}]}}"#,
        changes.join(","),
        targets.join(",")
    );
    let event = body(&text);
    assert_eq!((event.targets.len(), event.targets[0].modified_properties.len()), (2_000, 5_000));
    assert_eq!(lost(&node(&text), &event), Vec::<String>::new());
    content_hash(event);
}

#[test]
fn records_of_other_logs_are_refused_by_name() {
    let row = |category: &str| {
        format!(
            r#"{{"time":"2026-11-20T10:00:00.1Z","resourceId":"/tenants/x/providers/Microsoft.aadiam","operationName":"Sign-in activity",
            "category":"{category}","tenantId":"x","resultType":"50126","callerIpAddress":"203.0.113.1","identity":"A",
            "properties":{{"id":"sign-2","createdDateTime":"2026-11-20T10:00:00Z","activityDateTime":"2026-11-20T10:00:00Z","userId":"u1"}}}}"#
        )
    };
    let table = r#"{"TimeGenerated":"2026-11-20T10:00:00.1Z","OperationName":"Sign-in activity","Type":"AADManagedIdentitySignInLogs"}"#;
    let graph =
        r#"{"id":"s","createdDateTime":"2026-11-20T10:00:00Z","clientAppUsed":"Browser","status":{"errorCode":0}}"#;
    let risk = r#"{"id":"r","activity":"signin","activityDateTime":"2026-11-20T10:00:00Z","riskEventType":"unlikelyTravel","riskState":"atRisk"}"#;
    let within = format!(
        r#"{{"@timestamp":"2026-11-20T10:00:01Z","message":{}}}"#,
        model::Json::string(&row("SignInLogs")).text()
    );
    for (text, name) in [
        (row("SignInLogs"), "SignInLogs"),
        (row("NonInteractiveUserSignInLogs"), "NonInteractiveUserSignInLogs"),
        (row("ServicePrincipalSignInLogs"), "ServicePrincipalSignInLogs"),
        (row("ManagedIdentitySignInLogs"), "ManagedIdentitySignInLogs"),
        (row("ADFSSignInLogs"), "ADFSSignInLogs"),
        (row("RiskyUsers"), "RiskyUsers"),
        (row("UserRiskEvents"), "UserRiskEvents"),
        (row("ProvisioningLogs"), "ProvisioningLogs"),
        (table.to_owned(), "ManagedIdentitySignInLogs"),
        (graph.to_owned(), "signIn"),
        (risk.to_owned(), "riskDetection"),
        (within, "SignInLogs"),
    ] {
        let refused = recognise(&node(&text)).map(|it| it.format).unwrap_err();
        assert!(refused.0.starts_with(&format!("the record comes from the log `{name}`: ")), "{refused}: {text}");
    }
    for category in ["AuditLogs", "CustomSecurityAttributeAuditLogs", "OperationalLogs", "Administrative"] {
        assert!(recognise(&node(&row(category))).is_ok(), "{category}");
    }
    let own = r#"{"time":"2026-11-20T10:00:00Z","activity":"Block user","category":"RiskyUsers"}"#;
    assert!(recognise(&node(own)).is_ok());
}
