//! Formulas in CSV files. A spreadsheet evaluates a cell that begins with `=`, `+`, `-` or `@`, so such a cell gets an
//! apostrophe as prefix, which makes it text.
//!
//! A program decides what a cell is: where decimals have a comma, the list separator of a spreadsheet is `;`, and a file
//! with commas is divided at semicolons. An import may also divide it at tabs, and a program that ignores quotation
//! marks divides it at line breaks. So the rule applies behind each of these characters, too. Characters that are not
//! visible, and quotation marks, do not hide a formula: some programs remove them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Characters behind which some program begins a cell.
const SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];

/// The characters that begin a formula, and those that some programs convert to them: full-width, small, superscript and
/// subscript forms, and the minus sign.
#[rustfmt::skip]
const FORMULA: [char; 20] = [
    '=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '⁺', '⁻', '⁼', '₊', '₋', '₌', '−', '\u{fb29}',
];

fn begins_formula(c: char) -> bool {
    FORMULA.contains(&c)
}

/// Whether a character in front of a formula may be removed or ignored: white space, characters that are not visible,
/// and quotation marks.
fn is_ignorable(c: char) -> bool {
    let is_invisible = matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    );
    is_invisible || c == '"' || c.is_control() || (c.is_whitespace() && !SEPARATORS.contains(&c))
}

/// Whether a text begins with a formula.
fn is_formula(text: &str) -> bool {
    text.chars().find(|c| !is_ignorable(*c) || SEPARATORS.contains(c)).is_some_and(begins_formula)
}

/// Returns a text with an apostrophe in front of each formula, and of a separator at its start.
pub(super) fn without_formulas(text: &str) -> Cow<'_, str> {
    let starts_with_separator = text.starts_with(['\t', '\r', '\n']);
    let is_plain = !text.chars().any(begins_formula) && !starts_with_separator;
    if is_plain {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 1);
    if starts_with_separator {
        out.push('\'');
    }
    for cell in text.split_inclusive(SEPARATORS) {
        if is_formula(cell) {
            out.push('\'');
        }
        out.push_str(cell);
    }
    Cow::Owned(out)
}

/// As [`without_formulas`], for JSON, whose meaning stays the same: a character that begins a formula is written as an
/// escape, and white space between tokens as blanks.
pub(super) fn json_without_formulas(json: &str) -> Cow<'_, str> {
    // Inside strings, control characters are escaped.
    let json = if json.contains(['\t', '\r', '\n']) {
        Cow::Owned(json.replace(['\t', '\r', '\n'], " "))
    } else {
        Cow::Borrowed(json)
    };
    if !json.contains(';') {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 8);
    for (i, cell) in json.split_inclusive(';').enumerate() {
        // A semicolon is part of a string, so what follows it is inside this string up to the next quotation mark.
        let first = cell.char_indices().find(|(_, c)| *c == '"' || !is_ignorable(*c));
        match first.filter(|(_, c)| i > 0 && begins_formula(*c)) {
            Some((at, c)) => {
                out.push_str(&cell[..at]);
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    // Writing to a String does not fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
                out.push_str(&cell[at + c.len_utf8()..]);
            }
            None => out.push_str(cell),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_at_the_start_of_any_cell_get_an_apostrophe() {
        for (text, expected) in [
            ("plain text", "plain text"),
            ("a-b; c=d", "a-b; c=d"),
            ("=1+1", "'=1+1"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("\u{fe62}1", "'\u{fe62}1"),
            ("\u{2212}1", "'\u{2212}1"),
            (" =1", "' =1"),
            ("\u{a0}\u{3000}\u{200b}@a", "'\u{a0}\u{3000}\u{200b}@a"),
            ("\u{feff}+1", "'\u{feff}+1"),
            ("a;=1;b", "a;'=1;b"),
            ("a;\u{200b} \u{a0}-1", "a;'\u{200b} \u{a0}-1"),
            ("a\t=1\nb\r@c", "a\t'=1\nb\r'@c"),
            ("a;\"=1\"", "a;'\"=1\""),
            ("\"=1\"", "'\"=1\""),
            ("\tplain", "'\tplain"),
            ("\t=1", "'\t'=1"),
            (";;=1", ";;'=1"),
        ] {
            assert_eq!(without_formulas(text), expected, "{text:?}");
        }
    }

    #[test]
    fn json_keeps_its_meaning() {
        for json in [
            r#"["x;=1","=2"]"#,
            r#"{"a;-\u00e9":"b; −1","n":[1, -2]}"#,
            "[\n\t-1,\r\n\"x;@y\"]",
            r#"["x;"  , -1]"#,
            r#"["é;＝1"]"#,
        ] {
            let safe = json_without_formulas(json);
            let [before, after] = [json, &safe].map(|json| serde_json::from_str::<serde_json::Value>(json).unwrap());
            assert_eq!(before, after, "{safe}");
            let cells: Vec<&str> = safe.split([';', '\t', '\r', '\n']).collect();
            assert!(!cells.into_iter().any(is_formula), "{safe}");
        }
        assert_eq!(json_without_formulas(r#"["x;=1+1"]"#), r#"["x;\u003d1+1"]"#);
    }
}
