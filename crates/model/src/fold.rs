//! Folding: the normal form in which strings are compared.
//!
//! All strings that are filtered, searched or used as keys are compared in their folded form. It is computed here, in
//! Rust, for both databases: SQL only compares the bytes of keys. Folding is NFKC with case folding (Unicode's
//! `toNFKC_Casefold` without the removal of ignorable characters), with every dash as `-`, and trimmed. It is
//! idempotent.

use std::fmt::Write as _;

use caseless::Caseless;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// The most bytes of a key in an indexed column. The limit of a PostgreSQL index row, 2.7 kB, would allow about four
/// times as much for the two keys of an index, but no name of a service, category or activity needs it.
pub const KEY_BYTES_MAX: usize = 252;

/// The form in which strings are compared.
pub fn fold(string: &str) -> String {
    if is_plain(string) {
        return string.trim().to_ascii_lowercase();
    }
    // An ASCII character never combines with the characters before it, so the string can be cut before each of them, and
    // an ASCII character before another one is folded alone.
    let mut folded = String::with_capacity(string.len());
    let mut rest = string;
    while let Some(ascii_end) = rest.bytes().position(|byte| !byte.is_ascii()) {
        let (alone, combined) = rest.split_at(ascii_end.saturating_sub(1));
        push_folded_ascii(&mut folded, alone);
        // The characters up to the next ASCII character, after the ASCII character that they may combine with.
        let after = usize::from(ascii_end > 0);
        let length =
            combined.bytes().skip(after).position(|byte| byte.is_ascii()).map_or(combined.len(), |at| at + after);
        let (combined, next) = combined.split_at(length);
        folded.extend(fold_chars(combined));
        rest = next;
    }
    push_folded_ascii(&mut folded, rest);
    folded.trim().to_owned()
}

/// Whether folding a string only trims it and converts ASCII letters.
fn is_plain(string: &str) -> bool {
    string.is_ascii() && !string.contains('\0')
}

/// Appends the folded form of ASCII characters.
fn push_folded_ascii(folded: &mut String, ascii: &str) {
    if ascii.contains('\0') {
        folded.extend(ascii.chars().map(|c| fold_char(c.to_ascii_lowercase())));
    } else {
        let start = folded.len();
        folded.push_str(ascii);
        folded[start..].make_ascii_lowercase();
    }
}

/// The folded form of any characters, not trimmed.
fn fold_chars(string: &str) -> impl Iterator<Item = char> {
    string.nfd().default_case_fold().nfkc().default_case_fold().nfkc().map(fold_char)
}

/// Whether the folded form of a string is empty.
pub fn is_blank(string: &str) -> bool {
    if string.is_ascii() { string.trim().is_empty() } else { fold(string).is_empty() }
}

/// Whether the folded form of a string has at most [`KEY_BYTES_MAX`] bytes.
pub fn fits_key(string: &str) -> bool {
    string.len() <= KEY_BYTES_MAX && is_plain(string) || fold(string).len() <= KEY_BYTES_MAX
}

/// The form in which activities are compared: as [`fold`], and without trailing dots, which the unified audit log
/// appends to the directory's names.
pub fn fold_activity(activity: &str) -> String {
    let mut folded = fold(activity);
    folded.truncate(folded.trim_end_matches(|c: char| c == '.' || c.is_whitespace()).len());
    folded
}

/// Replaces the characters that folding treats alike. PostgreSQL cannot store NUL in a text column; in keys it becomes
/// the replacement character.
fn fold_char(c: char) -> char {
    match c {
        '\0' => '\u{fffd}',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2e3a}' | '\u{2e3b}' | '\u{058a}' | '\u{05be}' | '\u{fe58}' => '-',
        other => other,
    }
}

/// Bounds the length of a key to [`KEY_BYTES_MAX`]. A longer key is cut and gets a hash of the whole as its suffix, so
/// that different keys stay different.
pub fn bounded_key(key: String) -> String {
    if key.len() <= KEY_BYTES_MAX {
        return key;
    }
    let hash = Sha256::digest(key.as_bytes());
    let mut bounded = format!("{}#", cut(&key, KEY_BYTES_MAX - 33));
    for byte in &hash[..16] {
        // Writing to a String does not fail.
        let _ = write!(bounded, "{byte:02x}");
    }
    bounded
}

/// The longest prefix of a string that has at most `bytes_max` bytes and ends at a character boundary.
pub fn cut(string: &str, bytes_max: usize) -> &str {
    &string[..string.floor_char_boundary(bytes_max)]
}

/// The smallest string that is greater than every string starting with `prefix`, compared by bytes, or `None` if there
/// is none. In an index, "starts with" is the range `prefix <= x < after_prefix(prefix)`.
pub fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            other => char::from_u32(other as u32 + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// The words of a name such as `DeviceToken`, `wifi.preSharedKey` or `pre-shared key`: split where a capital starts a
/// word (`aB`, `ABc`), and at every character that is neither a letter nor a digit.
pub fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (i, c) in chars.iter().enumerate() {
        let begins = c.is_uppercase()
            && i > 0
            && (!chars[i - 1].is_uppercase() || chars.get(i + 1).is_some_and(|next| next.is_lowercase()));
        if begins || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(*c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_a_name_fold_to_the_same_key() {
        assert_eq!(
            fold_activity("Update application \u{2013} Certificates and secrets management "),
            fold_activity("update application - certificates and secrets management.")
        );
        assert_eq!(fold("STRASSE"), fold("straße"));
        assert_eq!(fold("ＭÜller"), "müller");
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("σίσυφος"));
        assert_eq!(fold("a\0b"), "a\u{fffd}b");
        assert_eq!(fold("  "), "");
    }

    #[test]
    fn different_long_keys_stay_different() {
        let (a, b) = ("x".repeat(300) + "a", "x".repeat(300) + "b");
        assert!(bounded_key(a.clone()).len() <= KEY_BYTES_MAX);
        assert_ne!(bounded_key(a.clone()), bounded_key(b));
        assert_eq!(bounded_key(bounded_key(a.clone())), bounded_key(a));
    }

    proptest! {
        #[test]
        fn folding_is_idempotent(string in any::<String>()) {
            prop_assert_eq!(fold(&fold(&string)), fold(&string));
            prop_assert_eq!(fold_activity(&fold_activity(&string)), fold_activity(&string));
        }

        #[test]
        fn folding_in_parts_equals_folding_as_a_whole(
            string in any::<String>(),
            mixed in "[ -z]{0,4}[\u{0}e=\u{301}\u{338}\u{327}\u{f1}\u{fb01}\u{ff21}\u{1e9b}\u{2013}\u{1100}\u{1161}\u{11a8}a ]{0,8}",
        ) {
            for string in [string, mixed] {
                let whole: String = fold_chars(&string).collect();
                prop_assert_eq!(fold(&string), whole.trim());
                prop_assert_eq!(is_blank(&string), whole.trim().is_empty());
            }
        }

        #[test]
        fn prefix_range_equals_starts_with(prefix in "\\PC{1,4}", string in "\\PC{0,6}") {
            let inside = string.as_str() >= prefix.as_str()
                && after_prefix(&prefix).is_none_or(|end| string.as_str() < end.as_str());
            prop_assert_eq!(inside, string.starts_with(&prefix));
        }
    }
}
