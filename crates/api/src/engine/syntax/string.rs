//! Strings and block strings.

/// Reads the string at the start of `text`. Returns its value and its length in bytes, quotes included.
pub(super) fn read(text: &str) -> Result<(String, usize), String> {
    match text.strip_prefix("\"\"\"") {
        Some(rest) => block(rest).map(|(value, length)| (value, length + 3)),
        None => quoted(text.strip_prefix('"').unwrap_or_default()).map(|(value, length)| (value, length + 1)),
    }
}

/// Reads the rest of a string after its opening quote.
fn quoted(text: &str) -> Result<(String, usize), String> {
    let mut value = String::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let plain = rest.find(['"', '\\', '\n', '\r']).ok_or_else(unterminated)?;
        value.push_str(rest.get(..plain).unwrap_or_default());
        at += plain;
        let rest = rest.get(plain..).unwrap_or_default();
        match rest.as_bytes() {
            [b'"', ..] => return Ok((value, at + 1)),
            [b'\\', ..] => {
                let (character, length) = escape(rest)?;
                value.push(character);
                at += length;
            }
            _ => return Err(unterminated()),
        }
    }
}

fn unterminated() -> String {
    "a string has no closing quote on its line".to_owned()
}

/// Reads the escape at the start of `text`, a surrogate pair as one character. Returns the character and the length of
/// the escape in bytes.
fn escape(text: &str) -> Result<(char, usize), String> {
    let unknown = || {
        let escape: String = text.chars().take(6).collect();
        format!("`{}` is not an escape sequence", escape.escape_debug())
    };
    let character = match text.as_bytes().get(1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(text).ok_or_else(unknown),
        _ => return Err(unknown()),
    };
    Ok((character, 2))
}

/// Reads `\u{...}`, `\u` with four digits, or a surrogate pair of these. `None` if it is not a Unicode scalar value.
fn unicode(text: &str) -> Option<(char, usize)> {
    let hex = |digits: &str| {
        let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex { u32::from_str_radix(digits, 16).ok() } else { None }
    };
    if let Some(braced) = text.strip_prefix("\\u{") {
        let digits = braced.get(..braced.find('}')?)?;
        return Some((char::from_u32(hex(digits)?)?, digits.len() + 4));
    }
    let unit = hex(text.get(2..6)?)?;
    if let Some(character) = char::from_u32(unit) {
        return Some((character, 6));
    }
    let low = hex(text.get(6..)?.strip_prefix("\\u")?.get(..4)?)?;
    let is_pair = (0xd800..0xdc00).contains(&unit) && (0xdc00..0xe000).contains(&low);
    let pair = is_pair.then(|| 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?;
    Some((char::from_u32(pair)?, 12))
}

/// Reads the rest of a block string after its opening quotes.
fn block(text: &str) -> Result<(String, usize), String> {
    let mut raw = String::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let quotes = rest.find("\"\"\"").ok_or_else(|| "a block string has no closing quotes".to_owned())?;
        let before = rest.get(..quotes).unwrap_or_default();
        at += quotes + 3;
        if let Some(before) = before.strip_suffix('\\') {
            raw.push_str(before);
            raw.push_str("\"\"\"");
        } else {
            raw.push_str(before);
            return Ok((without_indentation(&raw), at));
        }
    }
}

/// The value of a block string: without the indentation that its lines share, and without blank lines at its start and
/// end.
fn without_indentation(raw: &str) -> String {
    let normalized = raw.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = normalized.split('\n').collect();
    let indentation = |line: &str| line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let is_blank = |line: &&str| indentation(line) == line.len();
    let shared = lines.iter().skip(1).filter(|line| !is_blank(line)).map(|line| indentation(line)).min().unwrap_or(0);
    let without =
        lines.iter().enumerate().map(|(i, line)| if i == 0 { line } else { line.get(shared..).unwrap_or("") });
    let mut without: Vec<&str> = without.collect();
    let end = without.iter().rposition(|line| !is_blank(line)).map_or(0, |last| last + 1);
    without.truncate(end);
    let start = without.iter().position(|line| !is_blank(line)).unwrap_or(0);
    without.get(start..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_replaced() {
        for (text, value) in [
            (r#""a\"b\\c\/d\b\f\n\r\te""#, "a\"b\\c/d\u{8}\u{c}\n\r\te"),
            (r#""\u0041\u00e9\uD83D\uDE00\u{1F600}\u{41}\u{000041}""#, "Aé😀😀AA"),
            (r#""""#, ""),
            ("\"tab\tand 😀\"", "tab\tand 😀"),
        ] {
            assert_eq!(read(text), Ok((value.to_owned(), text.len())), "{text}");
        }
    }

    #[test]
    fn escapes_that_are_no_character_are_refused() {
        for text in [
            r#""\uD83D""#,
            r#""\uD83Dx""#,
            r#""\uDE00\uD83D""#,
            r#""\uD83D\u0041""#,
            r#""\u{D83D}""#,
            r#""\u{110000}""#,
            r#""\u{}""#,
            r#""\u{+41}""#,
            r#""\u00g0""#,
            r#""\x""#,
            "\"a\nb\"",
            "\"a",
            "\"a\\",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn block_string_loses_shared_indentation_and_outer_blank_lines() {
        for (text, value) in [
            ("\"\"\"\n    a\n      b\n\n    c\n  \"\"\"", "a\n  b\n\nc"),
            ("\"\"\"a \\\"\"\" b\\n\"\"\"", "a \"\"\" b\\n"),
            ("\"\"\"\"\"\"", ""),
            ("\"\"\"  a\r\n  b\r  c\"\"\"", "  a\nb\nc"),
        ] {
            assert_eq!(read(text), Ok((value.to_owned(), text.len())), "{text}");
        }
        assert!(read("\"\"\"a\"\"").is_err() && read("\"\"\"a\\\"\"\"").is_err());
    }
}
