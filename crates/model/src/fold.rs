//! The one function that decides when two texts are the same text.
//!
//! Everything that is filtered, searched or keyed is compared in its folded form, and the folded form is made
//! here, in Rust, for both databases: SQL only ever compares the bytes of keys. Folding is NFKC with case folding
//! (Unicode's `toNFKC_Casefold` without the removal of ignorable characters), every dash as `-`, trimmed. It is
//! idempotent, so a key may be folded again without harm.

use std::fmt::Write as _;

use caseless::Caseless;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// The longest key, in bytes, that goes into an indexed column. A PostgreSQL index row ends at 2.7 kB and holds
/// two keys at most; four times as much would still fit, but no name of a service, category or activity needs it.
pub const KEY_BYTES_MAX: usize = 252;

/// The form in which texts are compared.
pub fn fold(text: &str) -> String {
    if text.is_ascii() && !text.contains('\0') {
        return text.trim().to_ascii_lowercase();
    }
    let folded: String = text.nfd().default_case_fold().nfkc().default_case_fold().nfkc().map(fold_char).collect();
    folded.trim().to_owned()
}

/// The form in which activities are compared: as [`fold`], and without trailing dots, which the unified audit log
/// appends to the names that the directory gives.
pub fn fold_activity(text: &str) -> String {
    fold(text).trim_end_matches(|c: char| c == '.' || c.is_whitespace()).to_owned()
}

/// NUL cannot be stored in a PostgreSQL text column; in keys it becomes the replacement character.
fn fold_char(c: char) -> char {
    match c {
        '\0' => '\u{fffd}',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2e3a}' | '\u{2e3b}' | '\u{058a}' | '\u{05be}' | '\u{fe58}' => '-',
        other => other,
    }
}

/// A key of bounded length that is still one key for one text: a text that is too long is cut and told apart by a
/// hash of the whole.
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

/// The longest start of a text that has at most so many bytes and ends on a character boundary.
pub fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// The smallest text that is greater than every text starting with `prefix`, comparing bytes; none if there is no
/// greater one. `prefix <= x < after_prefix(prefix)` is what "starts with" means to an index.
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

/// The words of a name such as `DeviceToken`, `wifi.preSharedKey` or `pre-shared key`: split where a capital begins a
/// word (`aB`, `ABc`), and at everything that is neither letter nor digit.
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
    fn spellings_of_one_name_fold_to_one_key() {
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
    fn a_long_key_stays_one_key_for_one_text() {
        let (a, b) = ("x".repeat(300) + "a", "x".repeat(300) + "b");
        assert!(bounded_key(a.clone()).len() <= KEY_BYTES_MAX);
        assert_ne!(bounded_key(a.clone()), bounded_key(b));
        assert_eq!(bounded_key(bounded_key(a.clone())), bounded_key(a));
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
            prop_assert_eq!(fold_activity(&fold_activity(&text)), fold_activity(&text));
        }

        #[test]
        fn a_prefix_is_a_range(prefix in "\\PC{1,4}", text in "\\PC{0,6}") {
            let inside = text.as_str() >= prefix.as_str()
                && after_prefix(&prefix).is_none_or(|end| text.as_str() < end.as_str());
            prop_assert_eq!(inside, text.starts_with(&prefix));
        }
    }
}
