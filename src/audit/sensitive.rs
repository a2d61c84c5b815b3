//! Which values are sensitive: decided by name when an event is recorded, and stored with the event.
//!
//! A name is split into words (`DeviceToken`, `wifi.preSharedKey` and `pre-shared key` alike). It is sensitive if it
//! holds one of the secret-bearing words, unless a word after it says that the value is a setting about the secret
//! (`PasswordMinimumLength`, `StsRefreshTokensValidFrom`), not the secret. Operators add names of their own.

use super::fold::fold;
use super::json::Node;

/// Words, or runs of words, that name something secret.
const SECRET: &[&[&str]] = &[
    &["password"],
    &["passwords"],
    &["passwd"],
    &["pwd"],
    &["passphrase"],
    &["passcode"],
    &["secret"],
    &["secrets"],
    &["credential"],
    &["credentials"],
    &["token"],
    &["tokens"],
    &["private", "key"],
    &["privatekey"],
    &["pre", "shared", "key"],
    &["preshared", "key"],
    &["presharedkey"],
    &["shared", "key"],
    &["psk"],
    &["api", "key"],
    &["apikey"],
    &["access", "key"],
    &["recovery", "key"],
    &["script", "content"],
    &["scriptcontent"],
    &["detection", "script"],
    &["remediation", "script"],
];

/// Words that, after a secret word, say that the value is about the secret.
const ABOUT: &[&str] = &[
    "policy",
    "policies",
    "minimum",
    "maximum",
    "min",
    "max",
    "required",
    "require",
    "length",
    "expiration",
    "expiry",
    "expires",
    "lifetime",
    "valid",
    "days",
    "minutes",
    "count",
    "history",
    "previous",
    "complexity",
    "block",
    "blocked",
    "enabled",
    "protection",
    "type",
    "renewal",
];

/// The rule list: built in, and extended by the operator.
#[derive(Clone, Debug, Default)]
pub struct SensitiveNames {
    extra: Vec<String>,
}

impl SensitiveNames {
    /// The built-in rules, and these names besides: a name that contains one of them (folded) is sensitive.
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
        let words = words(name);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        SECRET.iter().any(|secret| {
            words
                .windows(secret.len())
                .position(|window| window == *secret)
                .is_some_and(|at| !words[at + secret.len()..].iter().any(|word| ABOUT.contains(word)))
        })
    }

    /// Whether a value holds a member whose name is sensitive, at any depth.
    pub fn covers_inside(&self, value: &Node) -> bool {
        match value {
            Node::Object(members) => members.iter().any(|(name, value)| self.covers(name) || self.covers_inside(value)),
            Node::Array(elements) => elements.iter().any(|element| self.covers_inside(element)),
            Node::Scalar(_) => false,
        }
    }
}

/// The words of a name, in lower case: split where a letter is not followed by its like (`aB`, `ABc`), and at
/// everything that is neither letter nor digit.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = vec![String::new()];
    for (i, c) in chars.iter().enumerate() {
        let starts_word = c.is_uppercase()
            && i > 0
            && (!chars[i - 1].is_uppercase() || chars.get(i + 1).is_some_and(|next| next.is_lowercase()));
        if !c.is_alphanumeric() || starts_word {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_covered() {
        let rules = SensitiveNames::default();
        for name in [
            "Password",
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
            "DisplayName",
        ] {
            assert!(!rules.covers(name), "{name}");
        }
    }

    #[test]
    fn an_operator_adds_names_and_values_are_looked_into() {
        let rules = SensitiveNames::with_extra(["Salary".to_owned()]);
        assert!(rules.covers("employee.salary.amount"));
        assert!(rules.covers_inside(&Node::parse(r#"[{"a":{"clientSecret":"x"}}]"#).unwrap()));
        assert!(!rules.covers_inside(&Node::parse(r#"["password"]"#).unwrap()));
    }
}
