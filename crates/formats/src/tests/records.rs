//! Synthetic records of every format, with unusual values: the input of the tests.

use crate::RecordFormat;

pub(super) const DIRECTORY_AUDIT: &str = r#"{"id":"Directory_5c2b9a10-0c4e-4d51-9a5e-0f2f7a0c1d11_AB1CD_1234567","category":"GroupManagement",
    "correlationId":"5c2b9a10-0c4e-4d51-9a5e-0f2f7a0c1d11","result":"success","resultReason":"",
    "activityDisplayName":"Add member to group","activityDateTime":"2026-05-04T08:15:30.1234567Z",
    "loggedByService":"Core Directory","operationType":"Assign","userAgent":null,
    "initiatedBy":{"app":null,"user":{"id":"0d1f2a3b-1111-4222-8333-444455556666","displayName":null,
        "userPrincipalName":"ada@fabrikam.example","ipAddress":"203.0.113.9","roles":[],"agentType":"notAgentic"}},
    "performedBy":{"appId":"de8bc8b5-d9f9-48b1-a8ad-b748da725064"},
    "targetResources":[
        {"id":"7a7a7a7a-0000-4111-8222-333344445555","displayName":"<null>","type":"User",
         "userPrincipalName":"bob@fabrikam.example","groupType":null,"modifiedProperties":[
            {"displayName":"Group.DisplayName","oldValue":null,"newValue":"\"Finance\""},
            {"displayName":"Rules","oldValue":"\"{\\\"n\\\": 1.10}\"","newValue":"[12345678901234567890123]"},
            {"displayName":"Plain","oldValue":"no json","newValue":"<null>"},
            {"displayName":"Included Updated Properties","oldValue":null,"newValue":"\"Rules\""},
            {"displayName":"","oldValue":"\"nameless\"","newValue":null}]},
        {"id":"8b8b8b8b-0000-4111-8222-333344445555","displayName":"Finance","type":"Group","groupType":"unifiedGroups",
         "modifiedProperties":[]}],
    "additionalDetails":[{"key":"User-Agent","value":"Mozilla/5.0"},{"key":"Count","value":3}],
    "newcomer":{"a":null,"b":[],"c":[1,{"d":true}]}}"#;

pub(super) const MONITOR_ENTRA: &str = r#"{"time":"2026-05-04T08:15:30.1230000Z",
    "resourceId":"/tenants/9C0FFEE0-1234-4321-ABCD-001122334455/providers/Microsoft.aadiam",
    "operationName":"Add member to group ","operationVersion":"1.0","category":"AuditLogs",
    "tenantId":"9C0FFEE0-1234-4321-ABCD-001122334455","resultSignature":"None","durationMs":"0",
    "callerIpAddress":"203.0.113.9","correlationId":"5c2b9a10-0c4e-4d51-9a5e-0f2f7a0c1d11","Level":4,
    "properties":{"id":"Directory_5c2b9a10-0c4e-4d51-9a5e-0f2f7a0c1d11_AB1CD_1234567","category":"GroupManagement",
        "result":"success","resultReason":"","activityDisplayName":"Add member to group",
        "activityDateTime":"2026-05-04T08:15:30.123456+00:00","loggedByService":"Core Directory","operationType":"Assign",
        "initiatedBy":{"user":{"id":"0D1F2A3B-1111-4222-8333-444455556666","userPrincipalName":"ada@fabrikam.example",
            "ipAddress":"203.0.113.9","roles":[]}},
        "targetResources":[{"id":"7a7a7a7a-0000-4111-8222-333344445555","type":"User","administrativeUnits":[],
            "userPrincipalName":"bob@fabrikam.example","modifiedProperties":[]},
            {"id":"8b8b8b8b-0000-4111-8222-333344445555","displayName":"Finance","type":"Group"}],
        "additionalDetails":[{"key":"User-Agent","value":"Mozilla/5.0"}]}}"#;

pub(super) const MONITOR_2018: &str = r#"{"time":"2018-04-05T06:07:08.9Z","operationName":"Update user.","category":"Audit",
    "tenantId":"9c0ffee0-1234-4321-abcd-001122334455","resultType":"Failure","resultDescription":"Not allowed",
    "durationMs":"-1","identity":"ada@fabrikam.example","callerIpAddress":"198.51.100.7",
    "properties":{"identityType":"UPN","operationType":"Update","additionalDetails":{"tool":"portal"},
        "targetUpdatedProperties":[{"Name":"City","OldValue":"Bonn","NewValue":"[\"Ulm\"]"}],
        "targetResourceType":"UPN__ObjectID__ObjectClass",
        "targetResourceName":"bob@fabrikam.example__7a7a7a7a-0000-4111-8222-333344445555__User",
        "auditEventCategory":"UserManagement"}}"#;

pub(super) const INTUNE: &str = r##"{"@odata.type":"#microsoft.graph.auditEvent","id":"11112222-3333-4444-5555-666677778888",
    "displayName":"Delete application.","componentName":"MobileApp","activity":null,
    "activityDateTime":"2026-05-04T08:15:30.1234567Z","activityType":"Delete MobileApp",
    "activityOperationType":"Delete","activityResult":"Success","correlationId":"aaaabbbb-cccc-4ddd-8eee-ffff00001111",
    "category":"Application","actor":{"auditActorType":"ItPro","userPermissions":["*"],
        "applicationId":"5926fc8e-304e-4f59-8bed-58ca97cc39a4","applicationDisplayName":"Microsoft Intune portal extension",
        "userPrincipalName":"ada@fabrikam.example","servicePrincipalName":null,"ipAddress":null,
        "userId":"0d1f2a3b-1111-4222-8333-444455556666","userRoleScopeTags":[{"displayName":"Default"}]},
    "resources":[{"displayName":"<null>","auditResourceType":"MobileApp","resourceId":"77778888-9999-4aaa-8bbb-ccccddddeeee",
        "modifiedProperties":[{"displayName":"Size","oldValue":"42","newValue":"<null>"},
            {"displayName":"Rules","oldValue":null,"newValue":"[ {\"a\": 1} ]"},
            {"displayName":"DeviceManagementAPIVersion","oldValue":null,"newValue":"5025-01-01"}]}]}"##;

pub(super) const MONITOR_INTUNE: &str = r#"{"time":"2026-05-04T08:15:30.1230000Z","tenantId":"9c0ffee0-1234-4321-abcd-001122334455",
    "category":"AuditLogs","operationName":"Delete MobileApp","properties":{"ActivityDate":"5/4/2026 8:15:30 AM",
        "ActivityResultStatus":1,"ActivityType":1,"Actor":{"ActorType":1,"Application":"5926fc8e-304e-4f59-8bed-58ca97cc39a4",
            "ApplicationName":"Microsoft Intune portal extension","IsDelegatedAdmin":false,"Name":null,
            "ObjectId":"0d1f2a3b-1111-4222-8333-444455556666","PartnerTenantId":"00000000-0000-0000-0000-000000000000",
            "UserPermissions":["*"],"UPN":"ada@fabrikam.example"},
        "AdditionalDetails":"Key = AValue = one\r\nKey = BValue = two\r\n",
        "AuditEventId":"11112222-3333-4444-5555-666677778888","Category":5,"RelationId":null,
        "TargetDisplayNames":["<null>"],"TargetObjectIds":["77778888-9999-4aaa-8bbb-ccccddddeeee"],
        "Targets":[{"ModifiedProperties":[{"Name":"Size","Old":"42","New":null}],"Name":null}]},
    "resultType":"Success","resultDescription":"None","correlationId":"aaaabbbb-cccc-4ddd-8eee-ffff00001111",
    "identity":"ada@fabrikam.example"}"#;

pub(super) const WINDOWS_365: &str = r#"{"time":"2026-05-04T08:15:31.0001230Z","operationName":"Create CloudPcUserSetting",
    "category":"Windows365AuditLogs","resultType":"ClientError","tenantId":"9c0ffee0-1234-4321-abcd-001122334455",
    "identity":{"UPN":[{"Identity":"ada@fabrikam.example"}],"ApplicationID":[{"Identity":"69cc3193-0000-4172-98e5-ed0f38ab3ff8"}],
        "Other":[{"Identity":"{\"Type\":1,\"UserPermission\":[\"CloudPC.Read.All\"],\"ApplicationDisplayName\":\"Portal\"}"}]},
    "properties":{"ComponentName":"UserSettings","OtherExtendedProperties":"operationType:Create,category:CloudPC,activityDateTime:5/4/2026 8:15:30 AM,auditEvenId:11112222-3333-4444-5555-666677778888,correlationId:aaaabbbb-cccc-4ddd-8eee-ffff00001111,resources:[{DisplayName:Lovelace, Ada}, Type:CloudPcUserSetting, ResourceId:77778888-9999-4aaa-8bbb-ccccddddeeee, ModifiedProperty:[{Name:Groups, OldValue:, NewValue:[\"a\", \"b, c\"]}, {Name:Note, OldValue:x, y}, NewValue:{z]}, {Name:DeviceManagementAPIVersion, OldValue:, NewValue:1.0}]}, {DisplayName:, Type:CloudPc, ResourceId:42, ModifiedProperty:[]}],"}}"#;

pub(super) const LOG_ANALYTICS: &str = r#"{"TenantId":"workspace-1","SourceSystem":"Azure AD","TimeGenerated":"2026-05-04T08:15:30.123Z",
    "ResourceId":"/tenants/9c0ffee0-1234-4321-abcd-001122334455/providers/Microsoft.aadiam",
    "OperationName":"Add member to group","Category":"GroupManagement","CorrelationId":"5c2b9a10-0c4e-4d51-9a5e-0f2f7a0c1d11",
    "AdditionalDetails":"[{\"key\":\"User-Agent\",\"value\":\"Mozilla/5.0\"}]",
    "Id":"Directory_5c2b9a10-0c4e-4d51-9a5e-0f2f7a0c1d11_AB1CD_1234567",
    "InitiatedBy":"{\"user\":{\"id\":\"0d1f2a3b-1111-4222-8333-444455556666\",\"userPrincipalName\":\"ada@fabrikam.example\",\"roles\":[]}}",
    "LoggedByService":"Core Directory","Result":"success","ActivityDisplayName":"Add member to group",
    "ActivityDateTime":"2026-05-04T08:15:30.123Z","AADOperationType":"Assign","Type":"AuditLogs",
    "TargetResources":"[{\"id\":\"7a7a7a7a-0000-4111-8222-333344445555\",\"type\":\"User\",\"modifiedProperties\":[{\"displayName\":\"Group.DisplayName\",\"oldValue\":null,\"newValue\":\"\\\"Finance\\\"\"}]},{\"id\":\"8b8b8b8b-0000-4111-8222-333344445555\",\"type\":\"Group\"}]",
    "targetId":"extra"}"#;

pub(super) const UNIFIED: &str = r#"{"CreationTime":"2026-05-04T08:15:30","Id":"22223333-4444-4555-8666-777788889999",
    "Operation":"Update application.","OrganizationId":"9c0ffee0-1234-4321-abcd-001122334455","RecordType":8,
    "ResultStatus":"Success","UserKey":"1003200000000000@fabrikam.example","UserType":0,"Version":1,
    "Workload":"AzureActiveDirectory","ClientIP":"203.0.113.9:4431","ObjectId":"Application_77778888-9999-4aaa-8bbb-ccccddddeeee",
    "UserId":"ada@fabrikam.example","AzureActiveDirectoryEventType":1,
    "ExtendedProperties":[{"Name":"additionalDetails","Value":"{\"User-Agent\":\"Mozilla/5.0\"}"},
        {"Name":"extendedAuditEventCategory","Value":"Application"}],
    "ModifiedProperties":[{"Name":"AppId","OldValue":"[]","NewValue":"[\r\n  \"10f3df8c-0000-4404-a3c4-f19a454650ec\"\r\n]"},
        {"Name":"TargetId.ServicePrincipalNames","OldValue":"","NewValue":"x"}],
    "Actor":[{"ID":"ada@fabrikam.example","Type":5},{"ID":"1003200000000000","Type":3},{"ID":"Portal","Type":1},
        {"ID":"18ed3507-0000-4ccb-b669-d66bc9f2a36e","Type":2},{"ID":"User_0d1f2a3b-1111-4222-8333-444455556666","Type":2},
        {"ID":"0d1f2a3b-1111-4222-8333-444455556666","Type":2},{"ID":"User","Type":2}],
    "InterSystemsId":"aaaabbbb-cccc-4ddd-8eee-ffff00001111","Target":[
        {"ID":"Application_77778888-9999-4aaa-8bbb-ccccddddeeee","Type":2},
        {"ID":"77778888-9999-4aaa-8bbb-ccccddddeeee","Type":2},{"ID":"Application","Type":2},{"ID":"Ledger","Type":1}]}"#;

pub(super) const CLOUD_EVENT: &str = r#"{"specversion":"1.0","id":"ev-17","source":"/shop/orders","type":"order.cancelled",
    "time":"2026-05-04T08:15:30Z","subject":"order-4711","data":{"id":"4711","type":"order","user":"ada@fabrikam.example","reason":"changed her mind"}}"#;

pub(super) const OWN_INPUT: &str = r#"{"eventKey":"k-1","occurredAt":"2026-05-04T08:15:30.5Z","activity":"user.invite",
    "activityDisplayName":"Invite user","category":"Users","service":"Shop","component":"Admin","operationType":"CREATE",
    "resourceType":"GROUP","groupSource":"O365","status":"TIMEOUT","statusReason":"slow","correlationId":"c-1",
    "actor":{"application":{"application":{"applicationId":"cron","displayName":"Scheduler"},"servicePrincipalId":"sp-1"}},
    "targets":[{"objectId":"u-1","type":"User","userPrincipalName":"bob@fabrikam.example","modifiedProperties":[
        {"name":"role","oldValue":"[1]","newValue":{"n":1.10},"isSensitive":true}]}],
    "additionalDetails":[{"key":"via","value":"cli"}]}"#;

pub(super) const GENERIC: &str = r#"{"@timestamp":1777882530123,"action":"login","actor":"ada","target":{"id":7,"name":"door"},
    "status":"Failed","request_id":"r-1","source_ip":"203.0.113.9","extra":{"x":[null,{}]},"message":"hello"}"#;

pub(super) const AZURE_AD_GRAPH: &str = r##"{"activityType":"User","internalCorrelationId":null,"activityDate":"2018-05-04T08:15:30.1234567Z",
    "activityDateInMillis":1525421730123,"activityResultDescription":"","activityResultStatus":"Success",
    "activityOperationType":"Update","activity":"Update user","category":"Core Directory","targets":[{
        "@odata.type":"#Reporting.AuditLog.TargetResourceUserEntity","isPrivileged":null,"name":null,"objectId":"u-2",
        "userPrincipalName":"bob@fabrikam.example","puid":"10037","targetResourceType":"User","ipAddress":null,
        "modifiedProperties":[{"name":"City","oldValue":"[\"Bonn\"]","newValue":"[\"Ulm\"]"},
            {"name":"Included Updated Properties","oldValue":null,"newValue":"\"City\""}]}],
    "correlationId":"be50","actorType":"User","actor":{"@odata.type":"#Reporting.AuditLog.ActorUserEntity","name":null,
        "objectId":"u-1","userPrincipalName":"ada@fabrikam.example","puid":"10030","ipAddress":"<null>"},
    "id":"Directory_7EPSJ_94870001","additionalDetails":[{"name":"UserType","value":"Member"}],
    "tenantId":"9c0ffee0-1234-4321-abcd-001122334455","tenantName":null}"##;

pub(super) const CLOUD_APP_EVENT: &str = r#"{"Timestamp":"2026-05-04T08:15:30Z","ActionType":"Add member to role.",
    "Application":"Microsoft 365","ActivityType":"Add","AccountObjectId":"a-1","AccountId":"a-1","AccountDisplayName":"Ada",
    "AccountType":"Admin","IPAddress":"203.0.113.9","ObjectName":"Bob","ObjectType":"User","ObjectId":"u-2",
    "ReportId":"93_1","AdditionalFields":{}}"#;

pub(super) const RECORDS: &[(&str, RecordFormat)] = &[
    (DIRECTORY_AUDIT, RecordFormat::DirectoryAudit),
    (MONITOR_ENTRA, RecordFormat::MonitorEntra),
    (MONITOR_2018, RecordFormat::MonitorEntra2018),
    (INTUNE, RecordFormat::IntuneAuditEvent),
    (MONITOR_INTUNE, RecordFormat::MonitorIntune),
    (WINDOWS_365, RecordFormat::MonitorWindows365),
    (LOG_ANALYTICS, RecordFormat::LogAnalytics),
    (UNIFIED, RecordFormat::UnifiedAudit),
    (AZURE_AD_GRAPH, RecordFormat::AzureAdGraph),
    (CLOUD_APP_EVENT, RecordFormat::CloudAppEvent),
    (CLOUD_EVENT, RecordFormat::CloudEvent),
    (OWN_INPUT, RecordFormat::Generic),
    (GENERIC, RecordFormat::Generic),
];
