//! Detects records of other logs, which are exported together with audit records and look similar.
//!
//! A sign-in, a risk or a provisioning run is not an activity with an actor and targets, so its event would have a wrong
//! actor and status. These records are refused, whatever their origin.

use super::UnsupportedRecord;
use super::key::same_key;
use super::source_record::{CursorValue, JsonCursor, Member};
use super::truncated::cut;

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

/// Returns the error for a record of another log.
pub(super) fn refusal(record: &JsonCursor) -> Option<UnsupportedRecord> {
    let has = |keys: &[&str]| keys.iter().all(|key| record.find(key).is_some());
    if has(&["eventKey", "sequence", "recordedAt", "occurredAt"]) || has(&["export"]) && record.members().len() == 1 {
        let sentence = "the record comes from an export of this service: move a log with `auditgraph copy`, or with \
            `backup` and `restore`";
        return Some(UnsupportedRecord(sentence.to_owned()));
    }
    let (log, what) = category(record).or_else(|| resource(record))?;
    Some(UnsupportedRecord(format!("the record comes from the log `{log}`: {what}, not an audited activity")))
}

/// Returns the error for a record without a time or an activity. It names what the record contains: its lists, else its
/// members.
pub(super) fn missing_field(what: &str, record: &JsonCursor) -> UnsupportedRecord {
    /// The maximum number of lists or members that are named.
    const NAMED_MAX: usize = 5;
    let members = record.members();
    let mut lists = Vec::new();
    find_lists(members, "", &mut lists);
    lists.truncate(NAMED_MAX);
    let contents = match (lists.is_empty(), members.len()) {
        (false, _) => lists.join(", "),
        (true, 0) => "no members".to_owned(),
        (true, count) => {
            let names: Vec<String> =
                members.iter().take(NAMED_MAX).map(|(key, _)| format!("`{}`", shown(key))).collect();
            format!("{}{}", names.join(", "), if count > NAMED_MAX { ", ..." } else { "" })
        }
    };
    UnsupportedRecord(format!("{what}; it has {contents}"))
}

/// Collects descriptions of the lists in the first two levels of an object.
fn find_lists(members: &[Member], path: &str, lists: &mut Vec<String>) {
    for (key, value) in members {
        match &value.value {
            CursorValue::Array(elements) if !elements.is_empty() => {
                let (count, key) = (elements.len(), shown(key));
                let kind = match elements[0].value {
                    CursorValue::Object(_) => "object",
                    CursorValue::Array(_) => "list",
                    CursorValue::Scalar { .. } => "value",
                };
                let plural = if count == 1 { "" } else { "s" };
                lists.push(format!("a list of {count} {kind}{plural} in `{path}{key}`"));
            }
            CursorValue::Object(inner) if path.is_empty() => find_lists(inner, &format!("{}.", shown(key)), lists),
            _ => {}
        }
    }
}

fn shown(key: &str) -> String {
    /// The maximum number of characters of a name.
    const NAME_CHARS_MAX: usize = 40;
    cut(key, NAME_CHARS_MAX)
}

/// Returns the category or table of an Azure Monitor row, if it is one of another log.
fn category(record: &JsonCursor) -> Option<(&'static str, &'static str)> {
    let has = |keys: &[&str]| keys.iter().any(|key| record.has(key));
    let is_properties = record.find("properties").is_some_and(JsonCursor::is_object);
    let is_row = has(&["TimeGenerated"]) || (has(&["time"]) && (is_properties || has(&["operationName"])));
    if !is_row {
        return None;
    }
    let words: Vec<_> = ["category", "Type"].iter().filter_map(|key| record.find(key)?.raw_str()).collect();
    let of = |known: &[(&'static str, &'static str)]| {
        let is = |name: &str| words.iter().any(|word| same_key(word, name) || same_key(word, &format!("AAD{name}")));
        known.iter().find(|(name, _)| is(name)).copied()
    };
    let is_intune = is_properties && has(&["tenantId"]) && !has(&["resourceId"]);
    of(CATEGORIES).or_else(|| of(INTUNE_CATEGORIES).filter(|_| is_intune))
}

/// Returns the resource type of a Microsoft Graph record, if it is one of another log.
fn resource(record: &JsonCursor) -> Option<(&'static str, &'static str)> {
    let is = |keys: &[&str]| keys.iter().all(|key| record.find(key).is_some());
    RESOURCES.iter().find(|(keys, _, _)| is(keys)).map(|(_, name, what)| (*name, *what))
}
