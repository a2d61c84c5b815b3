//! Promise 5 by position: a value counts as carried over only if the position in the event that it feeds holds it.
//!
//! Comparing strings is not enough, because an unrelated value of the event may be equal. So each string of a record is
//! replaced by a value that occurs nowhere else, of the same kind, and the record is converted again: the positions
//! that hold the replacement are those that the string feeds. If there is none, the string itself must be in `unmapped` at its
//! position, whatever the rest of the event contains.

use super::lost::{at, scalars};
use super::*;

/// Members of one record that state the same thing. One of them may stand for the others if they are equal.
const ALIKE: &[&[&str]] = &[
    &["correlationid"],
    &["operationname", "activitydisplayname", "operation", "operations", "displayname"],
    &["userprincipalname", "upn", "userids", "userid", "userkey"],
    &["recordid", "auditeventid"],
    &["tenantid", "organizationid", "resourceid"],
    &["calleripaddress", "ipaddress", "clientip", "clientipaddress", "actoripaddress"],
    &["category"],
    &["service", "workload"],
    &["time", "activitydatetime", "activitydate", "timegenerated", "creationtime", "creationdate", "createddatetime"],
];

/// Returns whether two members may state the same thing: by their keys, or as identities of one party in one list.
fn are_alike(one: &[String], other: &[String]) -> bool {
    let folded = |key: &String| key.to_lowercase().replace(['_', '-', ' '], "");
    let key = |pointer: &[String]| pointer.last().map(folded).unwrap_or_default();
    let parent = |pointer: &[String]| pointer.get(..pointer.len().saturating_sub(2)).map(<[String]>::to_vec);
    let is_list_of_identities = one.len() > 2 && key(one) == "id" && key(other) == "id" && parent(one) == parent(other);
    let names_actor = |pointer: &[String]| {
        pointer.iter().any(|part| ["initiatedby", "actor", "claims"].contains(&folded(part).as_str()))
    };
    let names_target = |pointer: &[String]| {
        pointer.iter().any(|part| ["targetdisplaynames", "target"].contains(&folded(part).as_str()))
    };
    // The identity of a row is a name of its actor, never of a target.
    let is_pair = |a: &[String], b: &[String]| {
        matches!(key(a).as_str(), "identity" | "userid" | "userkey") && names_actor(b)
            || matches!(key(a).as_str(), "name" | "objectid") && names_target(b)
    };
    is_list_of_identities
        || is_pair(one, other)
        || is_pair(other, one)
        || ALIKE.iter().any(|keys| keys.contains(&key(one).as_str()) && keys.contains(&key(other).as_str()))
}

/// Returns a string of the same kind that occurs nowhere else, or `None` if the string is interpreted, not carried.
fn replacement(original: &str, number: usize) -> Option<String> {
    let is_time = original.len() >= 10 && original.contains(':') && original.starts_with(|c: char| c.is_ascii_digit());
    let is_name = [Status::from_name(original).is_some(), OperationType::from_name(original).is_some()].contains(&true)
        || ResourceType::from_name(original).is_some()
        || ActorKind::from_name(original).is_some();
    // Lists in a string are interpreted.
    if original.contains([';', ','])
        || original.contains("__")
        || original.trim().len() < 2
        || original.starts_with(['{', '[', '"', '<', '#', '$', '/'])
        || is_time
        || is_name
    {
        return None;
    }
    let prefix = original.split_once('_').filter(|(_, id)| crate::value::is_guid(id)).map(|(prefix, _)| prefix);
    if let Some(prefix) = prefix {
        return Some(format!("{prefix}_feedface-0000-4111-8222-{number:012x}"));
    }
    Some(match () {
        () if crate::value::is_guid(original) => format!("feedface-0000-4111-8222-{number:012x}"),
        () if original.contains('@') => format!("mark{number}@place.example"),
        () if original.contains("://") => format!("https://place{number}.example"),
        () if original.chars().all(|c| c.is_ascii_digit()) => format!("97531{number:04}"),
        () if original.parse::<std::net::IpAddr>().is_ok() => format!("192.0.2.{}", number % 250),
        () if original.chars().all(char::is_alphabetic) => {
            let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
            format!("Mark{}{}{}", letter(number / 676), letter(number / 26), letter(number))
        }
        () if original.contains(char::is_whitespace) => format!("place {number} x"),
        () => format!("place-{number}"),
    })
}

/// Sets the value at a pointer, of several members with the same key all.
fn set(node: &mut JsonNode, pointer: &[String], with: &JsonNode) {
    let Some((first, rest)) = pointer.split_first() else {
        *node = with.clone();
        return;
    };
    match node {
        JsonNode::Object(members) => {
            members.iter_mut().filter(|(key, _)| key == first).for_each(|(_, value)| set(value, rest, with));
        }
        JsonNode::Array(elements) => {
            if let Some(element) = first.parse().ok().and_then(|index: usize| elements.get_mut(index)) {
                set(element, rest, with);
            }
        }
        JsonNode::Scalar(_) => {}
    }
}

/// The strings of an event outside of `unmapped`, by pointer.
fn positions(body: &EventBody) -> Vec<(Vec<String>, String)> {
    let mut event = body.clone();
    event.unmapped = None;
    let mut leaves = Vec::new();
    scalars(&node(&serde_json::to_string(&event).unwrap()), &mut Vec::new(), &mut leaves);
    leaves.into_iter().filter_map(|(pointer, leaf)| Some((pointer, leaf.as_str()?.into_owned()))).collect()
}

fn is_unmapped(body: &EventBody, pointer: &[String], value: &JsonNode) -> bool {
    body.unmapped.as_ref().is_some_and(|unmapped| at(&unmapped.node(), pointer).contains(&value))
}

/// Returns the strings of a record that no position of the event carries and that are not in `unmapped`.
pub(super) fn misplaced(record: &JsonNode) -> Vec<String> {
    let Ok(recognised) = recognise(record) else { return Vec::new() };
    let body = recognised.body;
    let mut leaves = Vec::new();
    scalars(record, &mut Vec::new(), &mut leaves);
    let strings: Vec<(Vec<String>, String)> =
        leaves.into_iter().filter_map(|(pointer, leaf)| Some((pointer, leaf.as_str()?.into_owned()))).collect();
    // Whether each string feeds a position of the event; `None` if that cannot be found out.
    let feeds: Vec<Option<bool>> = strings
        .iter()
        .enumerate()
        .map(|(number, (pointer, original))| {
            let mark = replacement(original, number)?;
            let mut changed = record.clone();
            set(&mut changed, pointer, &model::Json::string(&mark).node());
            let again = recognise(&changed).ok().filter(|again| again.format == recognised.format)?;
            let is_mark = |string: &str| string == mark || string.len() > 10 && mark.ends_with(&format!("_{string}"));
            Some(positions(&again.body).iter().any(|(_, string)| is_mark(string)))
        })
        .collect();
    let mut misplaced = Vec::new();
    for (index, (pointer, original)) in strings.iter().enumerate() {
        if feeds[index] != Some(false) || is_unmapped(&body, pointer, &model::Json::string(original).node()) {
            continue;
        }
        // In lists of identities, `User_<id>` and `<id>;https://...` stand for `<id>`.
        let is_equal =
            |other: &str| other.ends_with(&format!("_{original}")) || other.split(';').any(|name| name == original);
        let stands_for_it = |other: usize| {
            feeds[other] != Some(false) && is_equal(&strings[other].1) && are_alike(pointer, &strings[other].0)
        };
        let is_absent = crate::source_record::is_absent(original);
        if !is_absent && !(0..strings.len()).any(|other| other != index && stands_for_it(other)) {
            misplaced.push(format!("/{} = {original}", pointer.join("/")));
        }
    }
    misplaced
}

#[test]
fn values_are_carried_by_the_positions_that_they_feed() {
    for (text, format) in RECORDS {
        assert_eq!(misplaced(&node(text)), Vec::<String>::new(), "{}", format.name());
    }
}

#[test]
fn samples_are_carried_by_the_positions_that_they_feed() {
    for (index, record) in samples().into_iter().step_by(7) {
        assert_eq!(misplaced(&record), Vec::<String>::new(), "{index}");
    }
}

#[test]
fn excess_targets_are_kept_though_equal_ones_are_carried() {
    let target = |i: usize| format!(r#"{{"id":"t-{i}","type":"Device","displayName":"Kiosk"}}"#);
    let targets: Vec<String> = (0..model::event::TARGETS_MAX + 3).map(target).collect();
    let text = format!(
        r#"{{"id":"Directory_1","activityDisplayName":"Add user","activityDateTime":"2026-05-04T08:15:30Z","initiatedBy":{{}},
        "targetResources":[{}]}}"#,
        targets.join(",")
    );
    let unmapped = body(&text).unmapped.unwrap().node();
    let last = (model::event::TARGETS_MAX + 2).to_string();
    for (key, value) in [("id", "t-2002"), ("type", "Device"), ("displayName", "Kiosk")] {
        let pointer = ["targetResources".to_owned(), last.clone(), key.to_owned()];
        assert_eq!(at(&unmapped, &pointer), [&model::Json::string(value).node()], "{key}");
    }
}

/// Records whose members have fixed meanings, so that a copied string does not change which members are read.
const COPIED: &[&str] = &[DIRECTORY_AUDIT, MONITOR_ENTRA, INTUNE, MONITOR_INTUNE, LOG_ANALYTICS, UNIFIED];

/// Whether a member is interpreted, or identifies nothing, with this value: times, and an id without a digit.
fn is_interpreted(pointer: &[String], value: &JsonNode) -> bool {
    let key = pointer.last().map(|key| key.to_lowercase()).unwrap_or_default();
    let has_digit = value.as_str().is_some_and(|text| text.contains(|c: char| c.is_ascii_digit()));
    key.ends_with("id") && !has_digit || key.contains("time") || key.contains("date")
}

/// Each string of a record is replaced by another one of the record, so that two unrelated values are equal.
#[test]
fn equal_values_elsewhere_hide_no_loss() {
    for text in COPIED {
        let mut leaves = Vec::new();
        scalars(&node(text), &mut Vec::new(), &mut leaves);
        let strings: Vec<_> = leaves.into_iter().filter(|(_, leaf)| leaf.as_str().is_some()).collect();
        for (index, (pointer, _)) in strings.iter().enumerate() {
            let (_, copy) = &strings[(index * 5 + 3) % strings.len()];
            if is_interpreted(pointer, copy) {
                continue;
            }
            let mut record = node(text);
            set(&mut record, pointer, copy);
            assert_eq!(misplaced(&record), Vec::<String>::new(), "{}", record.to_json().text());
        }
    }
}

/// Records of the unified log whose workloads name targets in several members.
const TARGETS: &[&str] = &[
    r#"{"CreationTime":"2026-05-04T08:15:30","Id":"e-1","Operation":"SendAs","Workload":"Exchange","RecordType":2,
        "UserId":"ada@fabrikam.example","UserKey":"k-17","ClientIP":"203.0.113.9","ClientIPAddress":"2001:DB8::a1",
        "MailboxOwnerUPN":"bob@fabrikam.example","MailboxGuid":"m-1aa","SendAsUserSmtp":"carol@fabrikam.example",
        "SendAsUserMailboxGuid":"m-2bb","ObjectId":"item-17x","ItemType":"Mail"}"#,
    r#"{"CreationTime":"2026-05-04T08:15:30","Id":"e-2","Operation":"SharingSet","Workload":"SharePoint","RecordType":14,
        "UserId":"ada@fabrikam.example","SourceFileName":"plan-1.docx","ItemType":"File","ObjectId":"f-3cc",
        "TargetUserOrGroupName":"guest@contoso.example","TargetUserOrGroupType":"Guest",
        "UserSharedWith":"other@contoso.example","Invitee":"third@contoso.example"}"#,
    r#"{"CreationTime":"2026-05-04T08:15:30","Id":"e-3","Operation":"MemberAdded","Workload":"MicrosoftTeams","RecordType":25,
        "UserId":"ada@fabrikam.example","TeamGuid":"t-4dd","TeamName":"Sales team",
        "Members":[{"UPN":"bob@fabrikam.example","DisplayName":"Bob B"},{"UPN":"carol@fabrikam.example","DisplayName":"Carol C"}]}"#,
    r#"{"CreationTime":"2026-05-04T08:15:30","Id":"e-4","Operation":"HoldCreated","Workload":"SecurityComplianceCenter",
        "RecordType":24,"UserId":"ada@fabrikam.example","ObjectId":"h-5ee","Object1Id":"h-6ff","Object1Name":"Legal hold",
        "Object1Type":"Hold","Object2Id":"s-7aa","Object2Name":"Mails of x","Object2Type":"Search"}"#,
    r#"{"createdDateTime":"2026-05-04T08:15:30Z","operation":"Update user","service":"AzureActiveDirectory",
        "objectId":"u-8bb","userId":"ada-1@fabrikam.example","userPrincipalName":"ada@fabrikam.example",
        "auditData":{"CreationTime":"2026-05-04T08:15:30","Id":"e-5","Operation":"Update user","RecordType":8,
        "Workload":"AzureActiveDirectory","UserId":"ada@fabrikam.example","ObjectId":"u-9cc",
        "Target":[{"ID":"User_u-9cc","Type":2},{"ID":"bob@fabrikam.example","Type":5}]}}"#,
];

/// Returns the string with the case of its letters swapped.
fn with_case_swapped(string: &str) -> String {
    let swapped = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    string.chars().map(swapped).collect()
}

/// Sets members of a record to another spelling of one of its strings. Returns `None` if none of them changes.
fn respelled(record: &JsonNode, original: usize, members: [usize; 2]) -> Option<JsonNode> {
    let mut leaves = Vec::new();
    scalars(record, &mut Vec::new(), &mut leaves);
    let strings: Vec<_> = leaves.into_iter().filter(|(_, leaf)| leaf.as_str().is_some()).collect();
    let original = strings[original % strings.len()].1.as_str()?;
    let spelling = model::Json::string(&with_case_swapped(&original)).node();
    let mut changed = record.clone();
    for member in members {
        let (pointer, _) = &strings[member % strings.len()];
        if !is_interpreted(pointer, &spelling) {
            set(&mut changed, pointer, &spelling);
        }
    }
    (changed != *record).then_some(changed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// One thing is named in two spellings, of which the event has one; or an unrelated member has the other one.
    #[test]
    fn other_spellings_of_a_name_are_kept(
        which in 0..COPIED.len() + TARGETS.len(),
        original in 0_usize..60,
        members in [0_usize..60, 0_usize..60],
    ) {
        let record = node(COPIED.iter().chain(TARGETS).nth(which).unwrap());
        if let Some(record) = respelled(&record, original, members) {
            prop_assert_eq!(misplaced(&record), Vec::<String>::new(), "{}", record.to_json().text());
        }
    }

    #[test]
    fn other_spellings_of_a_name_are_not_lost(
        which in 0..RECORDS.len(),
        original in 0_usize..60,
        members in [0_usize..60, 0_usize..60],
    ) {
        if let Some(record) = respelled(&node(RECORDS[which].0), original, members)
            && let Ok(recognised) = recognise(&record)
        {
            prop_assert_eq!(lost(&record, &recognised.body), Vec::<String>::new(), "{}", record.to_json().text());
        }
    }
}

#[test]
fn other_spellings_in_samples_are_kept() {
    for (index, (name, record)) in samples().into_iter().enumerate().step_by(5) {
        for original in 0..6 {
            let members = [index + original * 7, index + original * 11 + 1];
            if let Some(changed) = respelled(&record, index + original * 5, members)
                && let Ok(recognised) = recognise(&changed)
            {
                assert_eq!(lost(&changed, &recognised.body), Vec::<String>::new(), "{name}");
            }
        }
    }
}
