//! Searches values for the names of secrets: in JSON, in JSON inside strings, and in strings of other forms.
//!
//! A name is looked for where a value could follow it. What looks like JSON but cannot be read to its end, because it is
//! cut off, nests too deeply or follows other rules, is sensitive if it contains the name of a secret anywhere.

use std::borrow::Cow;

use super::{SECRET, SIGNATURE, SensitiveNames, joined};
use crate::json::JsonNode;

/// The number of nested levels of JSON in strings that are parsed. Below it, the names in the text decide.
const STRINGS_MAX: usize = 8;
/// The bytes from which on a string that cannot be parsed is only searched as a whole: the work stays linear.
const LONG_BYTES: usize = 64 << 10;
/// The most bytes before `=` that are the name of an assignment.
const ASSIGNED_BYTES_MAX: usize = 256;
/// Characters before the name of an assignment, besides `=` itself.
const SEPARATORS: &[char] =
    &['&', '?', ';', ',', '\n', '\r', '\t', '"', '\'', '`', '{', '}', '(', ')', '[', ']', '<', '>', '|'];

impl SensitiveNames {
    /// Whether a value contains the name of a secret with a value, at any depth, also inside strings.
    pub fn covers_inside(&self, value: &JsonNode) -> bool {
        self.covers_below(value, STRINGS_MAX)
    }

    /// As [`Self::covers_inside`], for the JSON text of a value.
    pub fn covers_inside_json(&self, json: &str) -> bool {
        // Without escapes that are letters, the letters of all names in the value follow each other in its JSON as well.
        let has_other_letters = json.contains('\\') && (!self.extra.is_empty() || has_letter_escape(json));
        if !has_other_letters && !self.may_occur_in(json) {
            return false;
        }
        match JsonNode::parse(json) {
            Some(value) => self.covers_inside(&value),
            None => self.mentions_secret(json),
        }
    }

    /// As [`Self::covers_inside`], for a string, which may be JSON, a list of assignments (`user=a;password=b`), markup,
    /// or plain text.
    pub fn covers_inside_string(&self, string: &str) -> bool {
        (string.contains('\\') || self.may_occur_in(string)) && self.covers_string(string, STRINGS_MAX)
    }

    fn covers_below(&self, value: &JsonNode, strings: usize) -> bool {
        match value {
            JsonNode::Object(members) => {
                self.is_named_secret(members)
                    || members.iter().any(|(name, value)| self.covers(name) || self.covers_below(value, strings))
            }
            JsonNode::Array(elements) => {
                self.is_listed_secret(elements) || elements.iter().any(|element| self.covers_below(element, strings))
            }
            JsonNode::Scalar(_) => value.as_str().is_some_and(|string| self.covers_string(&string, strings)),
        }
    }

    /// `strings` is the number of levels of strings that may still be parsed.
    fn covers_string(&self, string: &str, strings: usize) -> bool {
        let text = string.trim_start_matches(is_invisible);
        if looks_like_json(text) {
            let parsed = if strings > 0 { JsonNode::parse(text) } else { None };
            return match parsed {
                Some(value) => self.covers_below(&value, strings - 1),
                None => self.mentions_secret(text),
            };
        }
        let has_members = text.contains('{') && text.contains(':') && text.contains(['"', '\'']);
        if text.starts_with('<') || has_members { self.mentions_secret(text) } else { self.is_assigned_in(text) }
    }

    /// Whether the name of a secret occurs anywhere in a text.
    fn mentions_secret(&self, text: &str) -> bool {
        let text = unescaped(text);
        if !self.may_occur_in(&text) {
            return false;
        }
        let is_name = |part: &str| self.covers(part) || part.split_whitespace().any(|word| self.covers(word));
        text.len() >= LONG_BYTES || text.split([':', '=', '/']).flat_map(|part| part.split(SEPARATORS)).any(is_name)
    }

    /// Whether a value is assigned to the name of a secret: `Server=x;Password=y`.
    fn is_assigned_in(&self, text: &str) -> bool {
        if !text.contains('=') || !self.may_occur_in(text) {
            return false;
        }
        if text.len() >= LONG_BYTES {
            let assigned: String = text.split('=').map(joined).collect::<Vec<_>>().join("=");
            return SECRET.iter().any(|secret| assigned.contains(&format!("{secret}=")));
        }
        text.match_indices('=').any(|(end, _)| {
            let start = text[..end].rfind(|c| c == '=' || SEPARATORS.contains(&c)).map_or(0, |at| at + 1);
            let start = text.ceil_char_boundary(start.max(end.saturating_sub(ASSIGNED_BYTES_MAX)));
            let name = &text[start..end];
            let value = text[end + 1..].trim_start_matches([' ', '\t']).chars().next();
            let has_value = value.is_some_and(|first| !matches!(first, '=' | ';' | '&' | ',' | '\n' | '\r'));
            has_value && (self.covers(name) || text[start..].starts_with(SIGNATURE))
        })
    }
}

/// Whether a text has an escape that is a letter, such as `\n` or `\u0070`, however often it was written as a string in
/// JSON.
fn has_letter_escape(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && pair[1].is_ascii_alphabetic())
}

/// White space, and characters that are not visible, such as a byte order mark.
fn is_invisible(c: char) -> bool {
    let is_formatting = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    c.is_whitespace() || c.is_control() || is_formatting
}

/// Whether a text begins as JSON does, or as what is written like JSON with other quotation marks or without any.
fn looks_like_json(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next();
    let next = chars.find(|c| !c.is_whitespace());
    match first {
        Some('{') => text.contains(':') || next.is_none_or(|next| matches!(next, '"' | '\'' | '}' | '\\')),
        Some('[') => next.is_none_or(|next| matches!(next, '{' | '[' | '"' | '\'' | ']' | '\\' | '-' | '0'..='9')),
        Some('"' | '\'') => text.contains(['{', '[', '\\']),
        _ => false,
    }
}

/// A text without the escapes of JSON, however often it was written as a string in JSON.
fn unescaped(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..=STRINGS_MAX {
        if !text.contains('\\') {
            break;
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = &*text;
        while let Some((before, escape)) = rest.split_once('\\') {
            out.push_str(before);
            let code = escape.strip_prefix('u').and_then(|code| code.get(..4));
            let char = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
            rest = match char {
                Some(char) => {
                    out.push(char);
                    &escape[5..]
                }
                None => match escape.chars().next() {
                    // A line break or a tab separates words.
                    Some(letter @ ('n' | 'r' | 't' | 'b' | 'f')) => {
                        out.push(' ');
                        &escape[letter.len_utf8()..]
                    }
                    Some(other) => {
                        out.push(other);
                        &escape[other.len_utf8()..]
                    }
                    None => "",
                },
            };
        }
        out.push_str(rest);
        text = Cow::Owned(out);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(string: &str) -> bool {
        SensitiveNames::default().covers_inside_string(string)
    }

    fn encoded(text: &str) -> String {
        serde_json::Value::from(text).to_string()
    }

    #[test]
    fn json_is_searched_at_every_depth() {
        let deep = |levels: usize| "[".repeat(levels) + r#"{"apiKey":"x"}"# + &"]".repeat(levels);
        let twice = encoded(r#"{"token":"x"}"#);
        let mut often = r#"{"clientSecret":"x"}"#.to_owned();
        for _ in 0..4 {
            often = format!(r#"{{"inner":{}}}"#, encoded(&often));
        }
        let marked = "\u{feff}".to_owned() + &deep(0);
        for text in [&deep(1), &deep(100), &deep(200), &twice, &encoded(&twice), &often, &marked] {
            assert!(covers(text), "{text}");
            assert!(SensitiveNames::default().covers_inside_json(&encoded(text)), "{text}");
        }
        for _ in 0..6 {
            often = encoded(&often);
        }
        assert!(covers(&often), "more levels than are parsed");
        assert!(SensitiveNames::default().covers_inside_json(r#""\u007b\"token\":1}""#));
        assert!(!covers(&deep(3).replace("apiKey", "amount")));
    }

    #[test]
    fn json_that_cannot_be_read_is_covered_if_it_names_a_secret() {
        for text in [
            r#"{"password":"x",}"#,
            r#"{"password":"x" /* old */}"#,
            r#"{"a":1} {"passphrase":"x"}"#,
            r#"{"list":[1,2,{"pin":"12"#,
            r"{'password':'x'}",
            r"{password: x}",
            r#"{"pass\u0077ord":"x""#,
            r#"[{"Name":"password""#,
            r#""{\"secret\":\"x\""#,
            r#"Body: {"access_token":"x"}"#,
            "<add key=\"Password\" value=\"x\"/>",
            "<plist><dict><key>PreSharedKey</key><string>x</string></dict></plist>",
        ] {
            assert!(covers(text), "{text}");
            assert!(
                !covers(
                    &text.replace("pass\\u0077ord", "a").replace(
                        ["password", "Password", "passphrase", "pin", "secret", "access_token", "PreSharedKey"]
                            .iter()
                            .find(|name| text.contains(**name))
                            .unwrap_or(&"-"),
                        "amount"
                    )
                ),
                "{text}"
            );
        }
        let long = r#"{"list":["#.to_owned() + &"1,".repeat(LONG_BYTES);
        assert!(!covers(&long));
        assert!(covers(&(long + r#"{"password":"x"#)));
    }

    #[test]
    fn assignments_to_names_of_secrets_are_covered() {
        for text in [
            "Password=x",
            "user=ada;Pwd = x;host=db",
            "https://db.example/?user=ada&password=x",
            "https://blob.example/a?sv=1&sig=abc%3D",
            "host=db user=ada password=x",
            "connect with password='x'",
            "client_secret=\"x\"",
            "\u{feff}token=x",
        ] {
            assert!(covers(text), "{text}");
        }
        for text in [
            "",
            "the password was changed",
            "password=",
            "user=ada;password=;host=db",
            "PasswordMinimumLength=8",
            "[KeyIdentifier=1f,KeyType=Password,KeyUsage=Verify]",
            "password == old",
            "{8e3f0a52-0000-4000-8000-000000000000} reset the password",
            "InvalidAuthenticationToken: the access token has expired",
        ] {
            assert!(!covers(text), "{text}");
        }
        assert!(covers(&("a=b;".repeat(LONG_BYTES) + "password=x")));
        assert!(!covers(&("a=b;".repeat(LONG_BYTES) + "password was changed")));
    }

    #[test]
    fn additional_names_are_searched_too() {
        let rules = SensitiveNames::with_extra(["Salary".to_owned()]);
        assert!(rules.covers_inside_string("salary=12"));
        assert!(rules.covers_inside_string(r#"{"salary":12"#));
        assert!(rules.covers_inside_json(r#"[{"key":"Salary","value":12}]"#));
        assert!(!SensitiveNames::default().covers_inside_string("salary=12"));
    }
}
