//! Sensitive values. A value is sensitive by the name under which it is recorded; the result is stored with the event.
//!
//! A name is sensitive if it contains the name of a secret in any spelling (`DeviceToken`, `devicetoken`,
//! `wifi.preSharedKey`, `pre-shared key`), unless the words after it show that the value is a setting of the secret,
//! not the secret itself (`PasswordMinimumLength`, `StsRefreshTokensValidFrom`). Operators can add names. An ambiguous
//! name is sensitive.
//!
//! [`inside`] searches values for such names: members of JSON, pairs of a name and a value, and JSON, assignments and
//! markup in strings. What looks like JSON but cannot be read is sensitive if it contains the name of a secret at all.

mod inside;
mod marks;
mod pairs;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::fold::{fold, words};

/// Names of secrets, without the separators between words.
#[rustfmt::skip]
const SECRET: [&str; 28] = [
    "password", "passwd", "pwd", "passphrase", "passcode", "secret", "credential", "token", "privatekey", "sharedkey",
    "apikey", "accesskey", "recoverykey", "encryptionkey", "signingkey", "accesspass", "scriptcontent",
    "detectionscript", "remediationscript", "connectionstring", "verificationcode",
    "accountkey", "storagekey", "authorizationheader", "authorizationcode", "sessioncookie", "sharedaccesssignature",
    "onetimecode",
];
/// Names of secrets that only match as whole words.
const SECRET_WORDS: [&str; 6] = ["psk", "pin", "sas", "otp", "pfx", "bearer"];

/// The signature of a shared access URL.
const SIGNATURE: &str = "sig=";

/// Words that, after the name of a secret, mark the value as a setting of the secret.
#[rustfmt::skip]
const ABOUT: [&str; 27] = [
    "policy", "policies", "minimum", "maximum", "min", "max", "required", "require", "length", "expiration", "expiry",
    "expires", "lifetime", "from", "until", "days", "minutes", "count", "complexity", "block", "blocked", "enabled",
    "protection", "type", "renewal", "inactivity", "simple",
];
/// Last words of a name that mark the value as the secret even after a word of [`ABOUT`].
const HOLDS: [&str; 9] = ["key", "keys", "value", "values", "content", "data", "text", "string", "block"];

/// The rules: the built-in names and those that the operator added.
#[derive(Clone, Debug, Default)]
pub struct SensitiveNames {
    extra: Vec<String>,
}

impl SensitiveNames {
    /// The built-in rules and additional names. A name that contains one of them (folded) is sensitive.
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
        let name: &str = &if name.is_ascii() { Cow::Borrowed(name) } else { Cow::Owned(name.nfkc().collect()) };
        // Most names contain no name of a secret; this avoids splitting them into words.
        if !names_secret(name) {
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

    /// Whether a string can contain the name of a secret. It cannot if no name occurs in it, separators and escapes
    /// disregarded. Most strings contain none; this avoids parsing them.
    fn may_occur_in(&self, string: &str) -> bool {
        names_secret(string)
            || string.contains(SIGNATURE)
            || (!self.extra.is_empty() && {
                let folded = fold(string);
                self.extra.iter().any(|extra| folded.contains(extra))
            })
    }
}

/// Whether the joined letters and digits of a string contain the name of a secret.
fn names_secret(string: &str) -> bool {
    if string.is_ascii() {
        joined_names_secret(string.as_bytes())
    } else {
        joined_names_secret(joined(string).as_bytes())
    }
}

/// As [`names_secret`], for ASCII characters or a joined string. At most positions only two letters are examined.
fn joined_names_secret(string: &[u8]) -> bool {
    let mut previous: Option<(usize, usize)> = None;
    string.iter().enumerate().any(|(at, byte)| {
        let letter = match byte {
            b'a'..=b'z' => usize::from(byte - b'a'),
            b'A'..=b'Z' => usize::from(byte - b'A'),
            // A digit, or a part of another letter, which occurs only in joined strings.
            b'0'..=b'9' | 0x80.. => {
                previous = None;
                return false;
            }
            _ => return false,
        };
        let Some((start, first)) = previous.replace((at, letter)) else { return false };
        let mut candidates = STARTS[first][letter];
        while candidates != 0 {
            let index = usize::try_from(candidates.trailing_zeros()).unwrap_or_default();
            if joined_starts_with(&string[start..], secret(index)) {
                return true;
            }
            candidates &= candidates - 1;
        }
        false
    })
}

/// Whether a string starts with the name of a secret, as [`joined_names_secret`] reads it.
fn joined_starts_with(string: &[u8], secret: &str) -> bool {
    let mut joined = string.iter().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    secret.bytes().all(|letter| joined.next().is_some_and(|byte| byte.eq_ignore_ascii_case(&letter)))
}

/// The name of a secret by its index in [`SECRET`] and, after that, [`SECRET_WORDS`].
const fn secret(index: usize) -> &'static str {
    if index < SECRET.len() { SECRET[index] } else { SECRET_WORDS[index - SECRET.len()] }
}

/// For each pair of letters, the names of secrets that start with it: a bit for each, by its index.
const STARTS: [[u64; 26]; 26] = {
    let mut starts = [[0; 26]; 26];
    let mut index = 0;
    while index < SECRET.len() + SECRET_WORDS.len() {
        let letters = secret(index).as_bytes();
        starts[(letters[0] - b'a') as usize][(letters[1] - b'a') as usize] |= 1 << index;
        index += 1;
    }
    starts
};

/// The letters and digits of a string, in lower case and in their compatible form.
fn joined(string: &str) -> String {
    let lower = |c: char| c.is_alphanumeric().then(|| c.to_lowercase());
    if string.is_ascii() {
        return string.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    }
    string.nfkc().filter_map(lower).flatten().collect()
}

/// The end of the last name of a secret, as a byte offset in the concatenated words, or `None` if there is no such
/// name.
fn secret_end(words: &[String]) -> Option<usize> {
    let joined = words.concat();
    let named = SECRET.iter().filter_map(|secret| {
        // `secretary` is not the name of a secret.
        let mut starts = joined.rmatch_indices(secret).map(|(start, _)| start);
        let start = starts.find(|start| !joined[*start..].starts_with("secretar"));
        start.map(|start| start + secret.len())
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
    fn settings_of_secrets_are_not_covered() {
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
    fn additional_names_are_covered() {
        let rules = SensitiveNames::with_extra(["Salary".to_owned()]);
        assert!(rules.covers("employee.salary.amount"));
        assert!(!rules.covers("employee.grade"));
    }
}
