//! Masks the values of a body: what remains has the layout of the body and no value of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The length of a GUID: 32 hexadecimal digits and 4 hyphens.
const GUID_BYTES: usize = 36;
/// The length of a time up to its seconds, such as `2026-02-28T23:59:59`.
const SECONDS_BYTES: usize = 19;
/// The longest number that is kept, in digits.
const NUMBER_BYTES_MAX: usize = 2;

/// Replaces every word of a body's strings that is not in the vocabulary by letters and digits that have no meaning.
/// GUIDs, times, numbers, and domains of addresses are replaced in any case. Returns `None` if the body is not JSON.
pub fn mask(body: &str, vocabulary: &BTreeSet<String>) -> Option<String> {
    let value: Value = serde_json::from_str(body).ok()?;
    Some(masked(value, vocabulary).to_string())
}

/// Returns the words of a text: its longest runs of letters and digits.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn masked(value: Value, vocabulary: &BTreeSet<String>) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value,
        Value::Number(number) if number.to_string().len() <= NUMBER_BYTES_MAX => Value::Number(number),
        Value::Number(_) => Value::from(0),
        Value::String(string) => Value::String(mask_string(&string, vocabulary)),
        Value::Array(elements) => elements.into_iter().map(|element| masked(element, vocabulary)).collect(),
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| (mask_string(&name, vocabulary), masked(value, vocabulary));
            Value::Object(members.into_iter().map(member).collect::<Map<_, _>>())
        }
    }
}

fn mask_string(string: &str, vocabulary: &BTreeSet<String>) -> String {
    let (mut out, mut rest) = (String::with_capacity(string.len()), string);
    while let Some(first) = rest.chars().next() {
        let replaced = if is_guid(rest) {
            out.push_str("00000000-0000-0000-0000-000000000000");
            GUID_BYTES
        } else if is_time(rest) {
            out.push_str("2000-00-00T00:00:00");
            let fraction = rest[SECONDS_BYTES..].strip_prefix('.').unwrap_or_default();
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if digits > 0 {
                out.push('.');
                out.extend(std::iter::repeat_n('0', digits));
            }
            SECONDS_BYTES + if digits > 0 { digits + 1 } else { 0 }
        } else if let Some(address) = address_bytes(rest) {
            out.extend(rest[..address].chars().map(mask_char));
            address
        } else if first == '@' {
            let domain =
                rest[1..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte)).count();
            out.push_str(if domain == 0 { "@" } else { "@example.com" });
            1 + domain
        } else if first.is_alphanumeric() {
            let word = words(rest).next().unwrap_or(rest);
            if vocabulary.contains(word) {
                out.push_str(word);
            } else {
                out.extend(word.chars().map(mask_char));
            }
            word.len()
        } else {
            out.push(first);
            first.len_utf8()
        };
        rest = &rest[replaced..];
    }
    out
}

fn mask_char(c: char) -> char {
    if c == '.' {
        '.'
    } else if c.is_numeric() {
        '0'
    } else if c.is_uppercase() {
        'X'
    } else {
        'x'
    }
}

/// Whether a text begins with a GUID.
fn is_guid(text: &str) -> bool {
    has_form(text, b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", u8::is_ascii_hexdigit)
}

/// Whether a text begins with a time.
fn is_time(text: &str) -> bool {
    has_form(text, b"xxxx-xx-xxTxx:xx:xx", u8::is_ascii_digit)
}

/// Returns the length of the IP address of version 4 with which a text begins, or `None` if it begins with none.
fn address_bytes(text: &str) -> Option<usize> {
    let numbers = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let parts: Vec<&str> = text[..numbers].split('.').collect();
    (parts.len() == 4 && parts.iter().all(|part| (1..=3).contains(&part.len()))).then_some(numbers)
}

/// Whether a text begins with a form, in which `x` stands for any digit.
fn has_form(text: &str, form: &[u8], is_digit: impl Fn(&u8) -> bool) -> bool {
    let start = text.as_bytes().get(..form.len());
    start.is_some_and(|start| {
        start.iter().zip(form).all(|(byte, form)| if *form == b'x' { is_digit(byte) } else { byte == form })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked_with(words: &[&str], body: &str) -> String {
        mask(body, &words.iter().map(|word| (*word).to_owned()).collect()).unwrap()
    }

    #[test]
    fn words_outside_the_vocabulary_are_masked() {
        let body = r#"{"activity":"Add Émile2 to group","n":[1,42,1234,1.5,true,null,"Émile2"]}"#;
        let expected = r#"{"activity":"Add Xxxxx0 to group","n":[1,42,0,0,true,null,"Xxxxx0"]}"#;
        assert_eq!(masked_with(&["activity", "Add", "to", "group", "n"], body), expected);
        assert_eq!(masked_with(&[], r#"{"Name":"a b"}"#), r#"{"Xxxx":"x x"}"#);
    }

    #[test]
    fn guids_times_and_addresses_are_masked_whatever_the_vocabulary_has() {
        let vocabulary =
            ["fabrikam", "example", "203", "9", "10", "0", "2026", "12345678", "1234", "123456789abc", "ada", "com"];
        for (value, expected) in [
            ("id 12345678-1234-1234-1234-123456789abc.", "xx 00000000-0000-0000-0000-000000000000."),
            ("2026-02-03T04:05:06.789Z", "2000-00-00T00:00:00.000X"),
            ("2026-02-03T04:05:06.", "2000-00-00T00:00:00."),
            ("ada@fabrikam.com, bob@mail.fabrikam.com", "ada@example.com, xxx@example.com"),
            ("@", "@"),
            ("Ж1", "X0"),
            ("from 203.0.113.9:10", "xxxx 000.0.000.0:10"),
            ("10.0.19045.1", "10.0.00000.0"),
        ] {
            let body = serde_json::json!([value]).to_string();
            assert_eq!(masked_with(&vocabulary, &body), serde_json::json!([expected]).to_string());
        }
    }

    #[test]
    fn text_that_is_not_json_is_not_masked() {
        assert_eq!(mask("{", &BTreeSet::new()), None);
    }
}
