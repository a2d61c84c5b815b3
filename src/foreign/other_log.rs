//! Logs that stand beside the audit logs, and how their records are told: by name, as they are routed together with
//! audit records and look much like them.
//!
//! A sign-in, a risk or a run of provisioning is no activity that somebody did to something; as one it would have
//! neither the right actor nor the right status. So such records are refused, wherever they come from.

use super::original::{Part, same_key};
use super::{Refused, WRAPPERS};

/// Categories of Azure Monitor, without the `AAD` that tables have before them, and what their records are.
const CATEGORIES: &[(&str, &str)] = &[
    ("SignInLogs", "a sign-in"),
    ("NonInteractiveUserSignInLogs", "a sign-in"),
    ("ServicePrincipalSignInLogs", "a sign-in"),
    ("MicrosoftServicePrincipalSignInLogs", "a sign-in"),
    ("ManagedIdentitySignInLogs", "a sign-in"),
    ("ADFSSignInLogs", "a sign-in"),
    ("B2CRequestLogs", "a sign-in"),
    ("RiskyUsers", "a state of risk"),
    ("RiskyServicePrincipals", "a state of risk"),
    ("UserRiskEvents", "a detection of risk"),
    ("ServicePrincipalRiskEvents", "a detection of risk"),
    ("ProvisioningLogs", "a run of provisioning"),
    ("MicrosoftGraphActivityLogs", "a request to an API"),
    ("AzureADGraphActivityLogs", "a request to an API"),
    ("NetworkAccessTrafficLogs", "network traffic"),
    ("NetworkAccessConnectionEvents", "network traffic"),
    ("NetworkAccessAlerts", "an alert"),
    ("RemoteNetworkHealthLogs", "a state of health"),
];
/// Categories of Intune's, whose names others use for something else.
const INTUNE_CATEGORIES: &[(&str, &str)] = &[
    ("OperationalLogs", "an occurrence in operation"),
    ("DeviceComplianceOrg", "a state of a device"),
    ("Devices", "a state of a device"),
];
/// Members that only resources of Microsoft Graph have, or what Elastic makes of them.
const RESOURCES: &[(&[&str], &str, &str)] = &[
    (&["createdDateTime", "clientAppUsed"], "signIn", "a sign-in"),
    (&["createdDateTime", "appliedConditionalAccessPolicies"], "signIn", "a sign-in"),
    (&["createdDateTime", "signInEventTypes"], "signIn", "a sign-in"),
    (&["signinlogs"], "signinlogs", "a sign-in"),
    (&["riskEventType", "riskState"], "riskDetection", "a detection of risk"),
    (&["provisioningAction", "provisioningSteps"], "provisioningObjectSummary", "a run of provisioning"),
];

/// Why a record is refused that comes from another log, also in so many envelopes.
pub(super) fn refusal(record: &Part, depth: usize) -> Option<Refused> {
    let has = |keys: &[&str]| keys.iter().all(|key| record.find(key).is_some());
    if has(&["eventKey", "sequence", "recordedAt", "occurredAt"]) || has(&["export"]) && record.members().len() == 1 {
        let sentence = "the record is of an export of this service: a log is carried over by `auditgraph copy`, or by \
            `backup` and `restore`";
        return Some(Refused(sentence.to_owned()));
    }
    let named = category(record).or_else(|| resource(record));
    if let Some((log, what)) = named {
        return Some(Refused(format!("the record is of `{log}`: {what}, no activity of an audit log")));
    }
    let inner = WRAPPERS.iter().filter_map(|key| record.find(key)).filter(|part| depth > 0 && part.is_object());
    inner.into_iter().find_map(|part| refusal(part, depth - 1))
}

/// The category of a row that has the looks of Azure Monitor, or the table that it is of.
fn category(record: &Part) -> Option<(&'static str, &'static str)> {
    let has = |keys: &[&str]| keys.iter().any(|key| record.has(key));
    let is_properties = record.find("properties").is_some_and(Part::is_object);
    let is_row = has(&["TimeGenerated"]) || (has(&["time"]) && (is_properties || has(&["operationName"])));
    let words: Vec<_> = ["category", "Type"].iter().filter_map(|key| record.find(key)?.text()).collect();
    let of = |known: &[(&'static str, &'static str)]| {
        let is = |name: &str| words.iter().any(|word| same_key(word, name) || same_key(word, &format!("AAD{name}")));
        known.iter().find(|(name, _)| is(name)).copied()
    };
    let is_intune = is_properties && has(&["tenantId"]) && !has(&["resourceId"]);
    of(CATEGORIES).filter(|_| is_row).or_else(|| of(INTUNE_CATEGORIES).filter(|_| is_row && is_intune))
}

/// The resource of Microsoft Graph that the record is, if it is one of another log.
fn resource(record: &Part) -> Option<(&'static str, &'static str)> {
    let is = |keys: &[&str]| keys.iter().all(|key| record.find(key).is_some());
    RESOURCES.iter().find(|(keys, _, _)| is(keys)).map(|(_, name, what)| (*name, *what))
}
