//! Made-up records of every format, generated from the grammar in `grammar.txt`.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use model::catalogue::{ActivityType, catalogue};

const GRAMMAR: &str = include_str!("grammar.txt");

/// Names of properties that many activities change, besides those of the catalogue.
const PROPERTIES: &[&str] = &[
    "AccountEnabled",
    "AppAddress",
    "AppId",
    "AppManagementPolicy",
    "AppRole.Value",
    "AssignedLicense",
    "AssignedPlan",
    "AvailableToOtherTenants",
    "City",
    "CloudAccountEnabled",
    "CloudDeviceOSType",
    "CloudDisplayName",
    "CompanyName",
    "ConditionalAccessPolicy",
    "Credential",
    "Department",
    "Description",
    "DeviceObjectVersion",
    "DeviceOSType",
    "DeviceOSVersion",
    "DevicePhysicalIds",
    "DeviceTrustType",
    "DirSyncEnabled",
    "DisplayName",
    "Entitlement",
    "EmployeeId",
    "GivenName",
    "Group.DisplayName",
    "Group.ObjectID",
    "GroupType",
    "InvitationTicket",
    "IsCompliant",
    "IsManaged",
    "IsRuleEnabled",
    "JobTitle",
    "KeyDescription",
    "LastDirSyncTime",
    "LicenseAssignmentDetail",
    "Mail",
    "MailEnabled",
    "MailNickname",
    "Manager",
    "MembershipRule",
    "MembershipRuleProcessingState",
    "Mobile",
    "ObjectId",
    "OnPremisesImmutableId",
    "OtherMail",
    "Owner",
    "PasswordPolicies",
    "ProxyAddresses",
    "RequiredResourceAccess",
    "SearchableDeviceKey",
    "SecurityEnabled",
    "ServicePrincipal.ObjectID",
    "ServicePrincipalNames",
    "StateOrProvince",
    "StreetAddress",
    "StrongAuthenticationMethod",
    "StrongAuthenticationPhoneAppDetail",
    "StrongAuthenticationRequirement",
    "StrongAuthenticationUserDetails",
    "Surname",
    "TelephoneNumber",
    "UsageLocation",
    "User.ObjectID",
    "User.UPN",
    "UserPrincipalName",
    "UserState",
    "UserStateChangedOn",
    "UserType",
    "VerifiedPublisher",
];

/// The rules of the grammar.
pub(crate) struct Grammar {
    rules: BTreeMap<&'static str, Vec<&'static str>>,
    properties: Vec<&'static str>,
}

/// The state while one record is generated.
struct Record<'a> {
    rng: &'a mut Rng,
    activity: &'static ActivityType,
    /// The texts of numbered rules.
    numbered: BTreeMap<String, String>,
}

impl Grammar {
    /// Reads the grammar.
    pub(crate) fn read() -> Self {
        let mut rules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in GRAMMAR.lines().filter(|line| !line.starts_with('#')) {
            if let Some((rule, text)) = line.split_once(": ") {
                rules.entry(rule).or_default().push(text);
            }
        }
        let mut properties: BTreeSet<&str> = PROPERTIES.iter().copied().collect();
        properties.extend(catalogue().types().iter().flat_map(|kind| &kind.property_names).map(String::as_str));
        Self { rules, properties: properties.into_iter().collect() }
    }

    /// Generates a record of an activity, as JSON.
    pub(crate) fn record(&self, activity: &'static ActivityType, rng: &mut Rng) -> String {
        let mut record = Record { rng, activity, numbered: BTreeMap::new() };
        self.expand("<record>", &mut record)
    }

    /// Returns the words of the grammar: those that a record may contain besides made-up values.
    pub(crate) fn words(&self) -> BTreeSet<String> {
        let activities = catalogue().types().iter();
        let names = activities.flat_map(|kind| [&kind.key, &kind.display_name, &kind.category, &kind.service]);
        let texts = self.rules.values().flatten().copied();
        let texts = texts.chain(self.properties.iter().copied()).chain(names.map(String::as_str));
        texts.flat_map(body_codec::mask::words).map(str::to_owned).collect()
    }

    /// Replaces the rules in a text.
    fn expand(&self, text: &str, record: &mut Record<'_>) -> String {
        let (mut expanded, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once('<') {
            expanded.push_str(before);
            let end = after.find('>').filter(|end| !after[..*end].contains('<'));
            let replaced = end.and_then(|end| Some((self.reference(&after[..end], record)?, &after[end + 1..])));
            if let Some((replacement, after)) = replaced {
                expanded.push_str(&replacement);
                rest = after;
            } else {
                expanded.push('<');
                rest = after;
            }
        }
        expanded + rest
    }

    /// Returns the text for what stands in angle brackets, or `None` if it stands for itself.
    fn reference(&self, reference: &str, record: &mut Record<'_>) -> Option<String> {
        if reference.contains('|') {
            let words: Vec<&str> = reference.split('|').collect();
            return Some(words[record.rng.usize(..words.len())].to_owned());
        }
        if let Some(quoted) = reference.strip_prefix('\'') {
            let string = serde_json::Value::from(self.reference(quoted, record)?).to_string();
            return string.get(1..string.len() - 1).map(str::to_owned);
        }
        if let Some(text) = record.numbered.get(reference) {
            return Some(text.clone());
        }
        let rule = reference.split_once(':').map_or(reference, |(rule, _)| rule);
        let text = self.made_up(rule, record).or_else(|| {
            let alternatives = self.rules.get(rule)?;
            let text = alternatives[record.rng.usize(..alternatives.len())];
            Some(self.expand(text, record))
        })?;
        if rule != reference {
            record.numbered.insert(reference.to_owned(), text.clone());
        }
        Some(text)
    }

    /// Returns the text of a built-in rule, or `None` if there is no such rule.
    fn made_up(&self, rule: &str, record: &mut Record<'_>) -> Option<String> {
        let rng = &mut *record.rng;
        Some(match rule {
            "guid" => guid(rng),
            "time" => format!("{}.{:07}", seconds(rng), rng.u32(..10_000_000)),
            "seconds" => seconds(rng),
            "number" => rng.u32(1_000..100_000_000).to_string(),
            "digit" => rng.u32(1..10).to_string(),
            "word" => random_word(rng),
            "code" => (0..5).map(|_| rng.choice(*b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")).map(char_of).collect(),
            "address" => format!("{}.{}.{}.{}", rng.u8(1..224), rng.u8(..), rng.u8(..), rng.u8(1..)),
            "activity" => record.activity.key.clone(),
            "category" => record.activity.category.clone(),
            "service" => record.activity.service.clone(),
            "property" => self.property(record),
            _ => return None,
        })
    }

    /// Returns a property that the activity changes, or any other.
    fn property(&self, record: &mut Record<'_>) -> String {
        let own = &record.activity.property_names;
        if !own.is_empty() && record.rng.u32(..3) > 0 {
            return own[record.rng.usize(..own.len())].clone();
        }
        self.properties[record.rng.usize(..self.properties.len())].to_owned()
    }
}

fn char_of(byte: Option<u8>) -> char {
    byte.map_or('0', char::from)
}

fn guid(rng: &mut Rng) -> String {
    let hex = format!("{:032x}", rng.u128(..));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn seconds(rng: &mut Rng) -> String {
    let (year, month, day) = (rng.u32(2_020..2_026), rng.u32(1..13), rng.u32(1..29));
    format!("{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}", rng.u32(..24), rng.u32(..60), rng.u32(..60))
}

/// Returns a word of random letters, which is no word of any language.
fn random_word(rng: &mut Rng) -> String {
    let length = rng.usize(4..10);
    let mut letters: String = (0..length).map(|_| rng.lowercase()).collect();
    if rng.bool()
        && let Some(first) = letters.get_mut(..1)
    {
        first.make_ascii_uppercase();
    }
    letters
}
