//! Which values are sensitive: decided by name when an event is recorded, and stored with the event.
//!
//! A name is split into words (`DeviceToken`, `wifi.preSharedKey` and `pre-shared key` alike). It is sensitive if it
//! holds one of the secret-bearing words, unless a word after the last of them says that the value is a setting about
//! the secret (`PasswordMinimumLength`, `StsRefreshTokensValidFrom`), not the secret. Operators add names of their own.

use super::fold::fold;
use super::json::Node;

/// Words, or runs of words, that name something secret.
#[rustfmt::skip]
const SECRET: &[&[&str]] = &[
    &["password"], &["passwords"], &["passwd"], &["pwd"], &["passphrase"], &["passcode"], &["secret"], &["secrets"],
    &["credential"], &["credentials"], &["token"], &["tokens"], &["private", "key"], &["privatekey"],
    &["pre", "shared", "key"], &["preshared", "key"], &["presharedkey"], &["shared", "key"], &["psk"],
    &["api", "key"], &["apikey"], &["access", "key"], &["recovery", "key"], &["access", "pass"], &["script", "content"],
    &["scriptcontent"], &["detection", "script"], &["remediation", "script"],
];

/// Parts of which every secret name holds one, for telling most names apart without splitting them.
const TRACES: [&str; 8] = ["pass", "pwd", "secret", "credential", "token", "key", "psk", "script"];

/// Words that, after a secret word, say that the value is about the secret.
#[rustfmt::skip]
const ABOUT: &[&[&str]] = &[
    &["policy"], &["policies"], &["minimum"], &["maximum"], &["min"], &["max"], &["required"], &["require"],
    &["length"], &["expiration"], &["expiry"], &["expires"], &["lifetime"], &["valid", "from"], &["valid", "to"],
    &["valid", "until"], &["days"], &["minutes"], &["count"], &["complexity"], &["block"], &["blocked"], &["enabled"],
    &["protection"], &["type"], &["renewal"],
];

/// How many levels of JSON in strings are looked into.
const STRINGS_MAX: usize = 3;

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
        let lower = name.to_ascii_lowercase();
        if name.is_ascii() && !TRACES.iter().any(|trace| lower.contains(trace)) {
            return false;
        }
        let words = words(name);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ends = SECRET.iter().filter_map(|secret| {
            words.windows(secret.len()).rposition(|window| window == *secret).map(|at| at + secret.len())
        });
        ends.max().is_some_and(|end| {
            let after = &words[end..];
            !ABOUT.iter().any(|about| after.windows(about.len()).any(|window| window == *about))
        })
    }

    /// Whether a value holds a member whose name is sensitive, at any depth, also in JSON that stands in a string.
    pub fn covers_inside(&self, value: &Node) -> bool {
        self.covers_below(value, STRINGS_MAX)
    }

    /// The same of a value that is text; one without an object in it holds no names.
    pub fn covers_inside_text(&self, json: &str) -> bool {
        json.contains('{') && Node::parse(json).is_some_and(|value| self.covers_inside(&value))
    }

    /// Whether members are a name and a value, and the name is sensitive: `{"name": "Password", "value": ...}`.
    fn is_named_secret(&self, members: &[(String, Node)]) -> bool {
        let among = |names: &[&str], name: &str| names.contains(&fold(name).as_str());
        members.iter().any(|(name, _)| among(&["value", "newvalue", "oldvalue", "new", "old"], name))
            && members.iter().any(|(name, value)| {
                among(&["name", "displayname", "key"], name) && value.as_str().is_some_and(|text| self.covers(&text))
            })
    }

    fn covers_below(&self, value: &Node, strings: usize) -> bool {
        match value {
            Node::Object(members) => {
                self.is_named_secret(members)
                    || members.iter().any(|(name, value)| self.covers(name) || self.covers_below(value, strings))
            }
            Node::Array(elements) => elements.iter().any(|element| self.covers_below(element, strings)),
            Node::Scalar(_) if strings == 0 => false,
            Node::Scalar(_) => value
                .as_str()
                .filter(|text| text.trim_start().starts_with(['{', '[']))
                .and_then(|text| Node::parse(&text))
                .is_some_and(|held| self.covers_below(&held, strings - 1)),
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
            "PasswordPolicies.Password",
            "passwordType.password",
            "PasswordPrevious",
            "TemporaryAccessPass",
        ] {
            assert!(rules.covers(name), "{name}");
        }
    }

    #[test]
    fn every_secret_name_has_a_trace() {
        assert!(SECRET.iter().all(|words| TRACES.iter().any(|trace| words.concat().contains(trace))));
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
        assert!(rules.covers_inside(&Node::parse(r#"{"Name":"Password","New":"x"}"#).unwrap()));
        assert!(rules.covers_inside(&Node::parse(r#"["{\"DeviceToken\":\"x\"}"]"#).unwrap()));
        assert!(!rules.covers_inside(&Node::parse(r#"["password"]"#).unwrap()));
    }
}
