//! Detects records of other logs, which are exported together with audit records and look similar.
//!
//! A sign-in, a risk or a provisioning run is not an activity with an actor and targets, so its event would have a wrong
//! actor and status. These records are refused, whatever their origin.

use super::UnsupportedRecord;
use super::source_record::{JsonCursor, WRAPPERS, same_key};

/// Categories of Azure Monitor, without the prefix `AAD` of tables, and a description of their records.
const CATEGORIES: &[(&str, &str)] = &[
    ("SignInLogs", "a sign-in"),
    ("NonInteractiveUserSignInLogs", "a sign-in"),
    ("ServicePrincipalSignInLogs", "a sign-in"),
    ("MicrosoftServicePrincipalSignInLogs", "a sign-in"),
    ("ManagedIdentitySignInLogs", "a sign-in"),
    ("ADFSSignInLogs", "a sign-in"),
    ("B2CRequestLogs", "a sign-in"),
    ("RiskyUsers", "a risk state"),
    ("RiskyServicePrincipals", "a risk state"),
    ("UserRiskEvents", "a risk detection"),
    ("ServicePrincipalRiskEvents", "a risk detection"),
    ("ProvisioningLogs", "a provisioning run"),
    ("MicrosoftGraphActivityLogs", "a request to an API"),
    ("AzureADGraphActivityLogs", "a request to an API"),
    ("NetworkAccessTrafficLogs", "network traffic"),
    ("NetworkAccessConnectionEvents", "network traffic"),
    ("NetworkAccessAlerts", "an alert"),
    ("RemoteNetworkHealthLogs", "a health state"),
];
/// Categories of Intune. Other sources use the same names for other records.
const INTUNE_CATEGORIES: &[(&str, &str)] = &[
    ("OperationalLogs", "an operational message"),
    ("DeviceComplianceOrg", "a device state"),
    ("Devices", "a device state"),
];
/// Members that identify resources of Microsoft Graph, or their form in Elastic.
const RESOURCES: &[(&[&str], &str, &str)] = &[
    (&["createdDateTime", "clientAppUsed"], "signIn", "a sign-in"),
    (&["createdDateTime", "appliedConditionalAccessPolicies"], "signIn", "a sign-in"),
    (&["createdDateTime", "signInEventTypes"], "signIn", "a sign-in"),
    (&["signinlogs"], "signinlogs", "a sign-in"),
    (&["riskEventType", "riskState"], "riskDetection", "a risk detection"),
    (&["provisioningAction", "provisioningSteps"], "provisioningObjectSummary", "a provisioning run"),
];

/// Returns the error for a record of another log, also within `depth` wrappers.
pub(super) fn refusal(record: &JsonCursor, depth: usize) -> Option<UnsupportedRecord> {
    let has = |keys: &[&str]| keys.iter().all(|key| record.find(key).is_some());
    if has(&["eventKey", "sequence", "recordedAt", "occurredAt"]) || has(&["export"]) && record.members().len() == 1 {
        let sentence = "the record comes from an export of this service: move a log with `auditgraph copy`, or with \
            `backup` and `restore`";
        return Some(UnsupportedRecord(sentence.to_owned()));
    }
    let named = category(record).or_else(|| resource(record));
    if let Some((log, what)) = named {
        return Some(UnsupportedRecord(format!(
            "the record comes from the log `{log}`: {what}, not an audited activity"
        )));
    }
    let inner = WRAPPERS.iter().filter_map(|key| record.find(key)).filter(|cursor| depth > 0 && cursor.is_object());
    inner.into_iter().find_map(|cursor| refusal(cursor, depth - 1))
}

/// Returns the category or table of an Azure Monitor row, if it is one of another log.
fn category(record: &JsonCursor) -> Option<(&'static str, &'static str)> {
    let has = |keys: &[&str]| keys.iter().any(|key| record.has(key));
    let is_properties = record.find("properties").is_some_and(JsonCursor::is_object);
    let is_row = has(&["TimeGenerated"]) || (has(&["time"]) && (is_properties || has(&["operationName"])));
    let words: Vec<_> = ["category", "Type"].iter().filter_map(|key| record.find(key)?.raw_str()).collect();
    let of = |known: &[(&'static str, &'static str)]| {
        let is = |name: &str| words.iter().any(|word| same_key(word, name) || same_key(word, &format!("AAD{name}")));
        known.iter().find(|(name, _)| is(name)).copied()
    };
    let is_intune = is_properties && has(&["tenantId"]) && !has(&["resourceId"]);
    of(CATEGORIES).filter(|_| is_row).or_else(|| of(INTUNE_CATEGORIES).filter(|_| is_row && is_intune))
}

/// Returns the resource type of a Microsoft Graph record, if it is one of another log.
fn resource(record: &JsonCursor) -> Option<(&'static str, &'static str)> {
    let is = |keys: &[&str]| keys.iter().all(|key| record.find(key).is_some());
    RESOURCES.iter().find(|(keys, _, _)| is(keys)).map(|(_, name, what)| (*name, *what))
}
