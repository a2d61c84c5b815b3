//! Pairs of a name and a value: `{"name": "Password", "value": "..."}`, `["password", "..."]`, and their variants.

use super::SensitiveNames;
use crate::fold::words;
use crate::json::JsonNode;

/// The most bytes of a string that can be a name.
const NAME_BYTES_MAX: usize = 256;

/// The last words of members that hold a name.
#[rustfmt::skip]
const NAME_WORDS: [&str; 24] = [
    "name", "key", "id", "identifier", "type", "property", "setting", "field", "attribute", "parameter", "param",
    "option", "variable", "header", "label", "title", "path", "item", "column", "claim", "kind", "tag", "n", "k",
];
/// The last words of members that hold a value.
#[rustfmt::skip]
const VALUE_WORDS: [&str; 13] = [
    "text", "content", "contents", "data", "string", "new", "old", "current", "previous", "before", "after", "v",
    "payload",
];

/// Whether a member or a detail of this name holds the name of something: `propertyName`, `@Name`, `key`.
pub(super) fn holds_name(name: &str) -> bool {
    let words = words(name);
    let Some(last) = words.last().map(|word| word.to_lowercase()) else { return false };
    NAME_WORDS.contains(&last.as_str()) || last.ends_with("name") || last.ends_with("key")
}

/// Whether a member or a detail of this name holds a value: `newValue`, `#text`, `val`.
pub(super) fn holds_value(name: &str) -> bool {
    let words: Vec<String> = words(name).iter().map(|word| word.to_lowercase()).collect();
    let is_value = |word: &String| word == "val" || word.ends_with("value") || word.ends_with("values");
    words.iter().any(is_value) || words.last().is_some_and(|last| VALUE_WORDS.contains(&last.as_str()))
}

impl SensitiveNames {
    /// Whether a string is the name of a secret, and not a text that mentions one.
    pub(super) fn is_name_of_secret(&self, string: &str) -> bool {
        string.len() <= NAME_BYTES_MAX && self.covers(string)
    }

    /// Whether the members of an object are a pair whose name is that of a secret.
    pub(super) fn is_named_secret(&self, members: &[(String, JsonNode)]) -> bool {
        members.iter().any(|(name, value)| holds_value(name) && !value.is_null())
            && members.iter().any(|(name, value)| {
                holds_name(name) && value.as_str().is_some_and(|string| self.is_name_of_secret(&string))
            })
    }

    /// Whether the elements of a list begin with the name of a secret, or have one as an option (`--password`), and its
    /// value follows.
    pub(super) fn is_listed_secret(&self, elements: &[JsonNode]) -> bool {
        let followed = elements.split_last().map_or(&[][..], |(_, followed)| followed);
        followed.iter().enumerate().any(|(i, element)| {
            let name = element.as_str();
            name.is_some_and(|name| (i == 0 || name.starts_with(['-', '/'])) && self.is_name_of_secret(&name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_pair(json: &str) -> bool {
        let rules = SensitiveNames::default();
        match JsonNode::parse(json).unwrap() {
            JsonNode::Object(members) => rules.is_named_secret(&members),
            JsonNode::Array(elements) => rules.is_listed_secret(&elements),
            JsonNode::Scalar(_) => false,
        }
    }

    #[test]
    fn pairs_of_name_and_value_are_recognised() {
        for pair in [
            r#"{"Name":"Password","New":"x"}"#,
            r#"{"displayName":"client secret","oldValue":null,"newValue":"x"}"#,
            r#"{"attributeName":"wifiPassword","attributeValue":"x"}"#,
            r##"{"@Key":"ApiKey","#text":"x"}"##,
            r#"{"k":"token","v":"x"}"#,
            r#"{"propertyname":"psk","propertyvalue":7}"#,
            r#"{"settingDefinitionId":"vpn_sharedkey","simpleSettingValue":{"value":"x"}}"#,
            r#"{"type":"password","id":3,"data":["x"]}"#,
            r#"["token","x"]"#,
            r#"["connect","--user","ada","--password","x"]"#,
        ] {
            assert!(is_pair(pair), "{pair}");
        }
        for other in [
            r#"{"name":"Department","value":"IT"}"#,
            r#"{"name":"Method","value":"Password"}"#,
            r#"{"name":"PasswordMinimumLength","value":8}"#,
            r#"{"name":"Password","value":null}"#,
            r#"{"name":"Password","isEnabled":true}"#,
            r#"["password"]"#,
            r#"["user","password"]"#,
            r#"["PasswordPolicies","AccountEnabled"]"#,
        ] {
            assert!(!is_pair(other), "{other}");
        }
    }
}
