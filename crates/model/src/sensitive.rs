//! Which values are sensitive: decided by name when an event is recorded, and stored with the event.
//!
//! A name is sensitive if it contains the name of a secret, however it is spelled (`DeviceToken`, `devicetoken`,
//! `wifi.preSharedKey`, `pre-shared key`), unless the words after it say that the value is a setting about the secret
//! (`PasswordMinimumLength`, `StsRefreshTokensValidFrom`), not the secret. Operators add names of their own. Where a
//! name may mean either, the value is withheld.

use unicode_normalization::UnicodeNormalization as _;

use super::fold::{fold, words};
use super::json::JsonNode;

/// What secrets are called, without what separates the words.
#[rustfmt::skip]
const SECRET: [&str; 28] = [
    "password", "passwd", "pwd", "passphrase", "passcode", "secret", "credential", "token", "privatekey", "sharedkey",
    "apikey", "accesskey", "recoverykey", "encryptionkey", "signingkey", "accesspass", "scriptcontent",
    "detectionscript", "remediationscript", "connectionstring", "verificationcode",
    "accountkey", "storagekey", "authorizationheader", "authorizationcode", "sessioncookie", "sharedaccesssignature",
    "onetimecode",
];
/// Names of secrets that only count as words of their own.
const SECRET_WORDS: [&str; 6] = ["psk", "pin", "sas", "otp", "pfx", "bearer"];

/// Words that, after the name of a secret, say that the value is about the secret.
#[rustfmt::skip]
const ABOUT: [&str; 27] = [
    "policy", "policies", "minimum", "maximum", "min", "max", "required", "require", "length", "expiration", "expiry",
    "expires", "lifetime", "from", "until", "days", "minutes", "count", "complexity", "block", "blocked", "enabled",
    "protection", "type", "renewal", "inactivity", "simple",
];
/// Last words that say that the value is the secret after all.
const HOLDS: [&str; 9] = ["key", "keys", "value", "values", "content", "data", "text", "string", "block"];

/// How many levels of JSON in strings are looked into.
const STRINGS_MAX: usize = 3;

/// The rule list: built in, and extended by the operator.
#[derive(Clone, Debug, Default)]
pub struct SensitiveNames {
    extra: Vec<String>,
}

impl SensitiveNames {
    /// The built-in rules and these names: a name that contains one of them (folded) is sensitive.
    pub fn with_extra(names: impl IntoIterator<Item = String>) -> Self {
        Self { extra: names.into_iter().map(|name| fold(&name)).filter(|name| !name.is_empty()).collect() }
    }

    /// Whether a value under this name is sensitive.
    pub fn covers(&self, name: &str) -> bool {
        if !self.extra.is_empty() {
            let folded = fold(name);
            if self.extra.iter().any(|extra| folded.contains(extra)) {
                return true;
            }
        }
        // Most names hold nothing of the kind, which is told without splitting them.
        let name = &name.nfkc().collect::<String>();
        let joined: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if !SECRET.iter().chain(&SECRET_WORDS).any(|secret| joined.contains(secret)) {
            return false;
        }
        let words: Vec<String> = words(name).iter().map(|word| word.to_lowercase()).collect();
        let Some(end) = secret_end(&words) else { return false };
        let mut begin = 0;
        let after = words.iter().filter(|word| {
            let begins_after = begin >= end;
            begin += word.len();
            begins_after
        });
        let holds = words.last().is_some_and(|last| HOLDS.contains(&last.as_str()));
        holds || !after.into_iter().any(|word| ABOUT.contains(&word.as_str()))
    }

    /// Whether a value holds a member whose name is sensitive, at any depth, also in JSON that stands in a string.
    pub fn covers_inside(&self, value: &JsonNode) -> bool {
        self.covers_below(value, STRINGS_MAX)
    }

    /// The same of a value that is text; one without an object in it holds no names.
    pub fn covers_inside_text(&self, json: &str) -> bool {
        (json.contains('{') || json.contains("\\u00"))
            && JsonNode::parse(json).is_some_and(|value| self.covers_inside(&value))
    }

    /// Whether members are a name and a value, and the name is sensitive: `{"name": "Password", "value": ...}`.
    fn is_named_secret(&self, members: &[(String, JsonNode)]) -> bool {
        let among = |names: &[&str], name: &str| names.contains(&fold(name).as_str());
        members.iter().any(|(name, _)| among(&["value", "newvalue", "oldvalue", "new", "old"], name))
            && members.iter().any(|(name, value)| {
                among(&["name", "displayname", "key"], name) && value.as_str().is_some_and(|text| self.covers(&text))
            })
    }

    fn covers_below(&self, value: &JsonNode, strings: usize) -> bool {
        match value {
            JsonNode::Object(members) => {
                self.is_named_secret(members)
                    || members.iter().any(|(name, value)| self.covers(name) || self.covers_below(value, strings))
            }
            JsonNode::Array(elements) => elements.iter().any(|element| self.covers_below(element, strings)),
            JsonNode::Scalar(_) if strings == 0 => false,
            JsonNode::Scalar(_) => value
                .as_str()
                .filter(|text| text.trim_start().starts_with(['{', '[']))
                .and_then(|text| JsonNode::parse(&text))
                .is_some_and(|held| self.covers_below(&held, strings - 1)),
        }
    }
}

/// Where the last name of a secret ends in the words put together; none if there is no such name.
fn secret_end(words: &[String]) -> Option<usize> {
    let joined = words.concat();
    let named = SECRET.iter().filter_map(|secret| {
        // A secretary is no secret.
        let at = joined.rmatch_indices(secret).map(|(at, _)| at).find(|at| !joined[*at..].starts_with("secretar"));
        at.map(|at| at + secret.len())
    });
    let mut end = 0;
    let words = words.iter().filter_map(|word| {
        end += word.len();
        SECRET_WORDS.contains(&word.as_str()).then_some(end)
    });
    named.chain(words).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_covered() {
        let rules = SensitiveNames::default();
        for name in [
            "Password",
            "\u{ff30}\u{ff41}\u{ff53}\u{ff53}\u{ff57}\u{ff4f}\u{ff52}\u{ff44}",
            "storageAccountKey",
            "SAS",
            "DeviceToken",
            "ClientSecret",
            "wifi.preSharedKey",
            "pre-shared key",
            "ScriptContent",
            "$Collection.Credentials[0]",
            "PRIVATE_KEY",
            "KeyCredentials",
            "adminPASSWORD",
            "refresh_token",
            "PasswordPolicies.Password",
            "passwordType.password",
            "PasswordPrevious",
            "TemporaryAccessPass",
            "clientsecret",
            "DEVICETOKEN",
            "accessKeys",
            "PrivateKeyBlock",
            "PasswordProtectionKey",
            "ConnectionString",
            "BitLockerPin",
        ] {
            assert!(rules.covers(name), "{name}");
        }
    }

    #[test]
    fn settings_about_secrets_are_not() {
        let rules = SensitiveNames::default();
        for name in [
            "PasswordMinimumLength",
            "PasswordPolicies",
            "StsRefreshTokensValidFrom",
            "KeyDescription",
            "AccountEnabled",
            "TokenLifetimePolicy",
            "Secretary",
            "PinMinimumLength",
            "PinnedApps",
            "passwordMinutesOfInactivityBeforeLock",
            "PasswordPreviousPasswordBlockCount",
            "DisplayName",
        ] {
            assert!(!rules.covers(name), "{name}");
        }
    }

    #[test]
    fn an_operator_adds_names_and_values_are_looked_into() {
        let rules = SensitiveNames::with_extra(["Salary".to_owned()]);
        assert!(rules.covers("employee.salary.amount"));
        assert!(rules.covers_inside(&JsonNode::parse(r#"[{"a":{"clientSecret":"x"}}]"#).unwrap()));
        assert!(rules.covers_inside_text(r#""\u007b\"token\":1}""#));
        assert!(rules.covers_inside(&JsonNode::parse(r#"{"Name":"Password","New":"x"}"#).unwrap()));
        assert!(rules.covers_inside(&JsonNode::parse(r#"["{\"DeviceToken\":\"x\"}"]"#).unwrap()));
        assert!(!rules.covers_inside(&JsonNode::parse(r#"["password"]"#).unwrap()));
    }
}
