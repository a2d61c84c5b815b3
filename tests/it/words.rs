//! The word list: terms that are gone stay gone, and one type name has one meaning in the workspace.
//!
//! `words.toml` lists the words with their replacements. Files are read as text, so the checks are approximate: a word
//! inside a longer word does not count, an identifier is split at `_` and at capital letters, and a phrase counts
//! within one line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Files and folders that are checked, relative to the root.
const CHECKED: [&str; 10] =
    ["src", "crates", "entity", "migration", "tests", "bench", "fuzz", "web/src", "README.md", "docs"];
/// Extensions of files with prose or code. Other files hold data.
const EXTENSIONS: [&str; 8] = ["rs", "md", "mjs", "js", "ts", "tsx", "graphql", "css"];
/// Folders that hold the work of others, or data.
const SKIPPED_FOLDERS: [&str; 5] = ["node_modules", "target", "corpus", "dist", "generated"];

/// A word and its replacement.
type Words = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordList {
    types: Words,
    functions: Words,
    function_prefixes: Words,
    files: Words,
    words: Words,
    parts: Words,
    phrases: Words,
    repeated: Words,
    #[serde(default)]
    allowed: Vec<AllowedWords>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowedWords {
    path: String,
    words: BTreeSet<String>,
    reason: String,
}

impl WordList {
    fn read() -> Self {
        toml::from_str(include_str!("words.toml")).unwrap()
    }

    fn is_allowed(&self, path: &str, word: &str) -> bool {
        self.allowed.iter().any(|allowed| Path::new(path).starts_with(&allowed.path) && allowed.words.contains(word))
    }
}

#[test]
fn old_words_are_gone() {
    let list = WordList::read();
    let mut found = Vec::new();
    for (path, text) in checked_files() {
        let mut report = |line: usize, kind: &str, word: &str, replacement: &str| {
            if !list.is_allowed(&path, word) {
                found.push(format!("{path}:{line}: {kind} `{word}`, use: {replacement}"));
            }
        };
        let stem = Path::new(&path).file_stem().unwrap().to_string_lossy().into_owned();
        if let Some(replacement) = list.files.get(&stem) {
            report(1, "file", &stem, replacement);
        }
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(name) = declared(line, &["struct", "enum", "union", "trait", "type", "class", "interface"])
                && let Some(replacement) = list.types.get(name)
            {
                report(number, "type", name, replacement);
            }
            if let Some(name) = declared(line, &["fn", "function"]) {
                let prefix = list.function_prefixes.iter().find(|(prefix, _)| name.starts_with(prefix.as_str()));
                if let Some((_, replacement)) = list.functions.get_key_value(name).or(prefix) {
                    report(number, "function", name, replacement);
                }
            }
            for part in parts(line) {
                if let Some(replacement) = list.words.get(&part) {
                    report(number, "word", &part, replacement);
                }
            }
            for part in parts(&code_and_prose(&path, line).0) {
                if let Some(replacement) = list.parts.get(&part) {
                    report(number, "part of a name", &part, replacement);
                }
            }
            let words = prose(&path, line);
            for (phrase, replacement) in &list.phrases {
                if contains_phrase(&words, phrase) {
                    report(number, "phrase", phrase, replacement);
                }
            }
        }
    }
    assert!(found.is_empty(), "{} old words (tests/it/words.toml):\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_type_name_has_one_meaning() {
    let list = WordList::read();
    let mut declarations: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in checked_files() {
        let is_test = path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs");
        if is_test || !has_extension(&path, &["rs"]) {
            continue;
        }
        for (number, line) in (1..).zip(text.lines()).take_while(|(_, line)| *line != "#[cfg(test)]") {
            // An indented `type` is an associated type.
            let associated: &[&str] = if line.starts_with(' ') { &[] } else { &["type"] };
            if let Some(name) = declared(line, &[&["struct", "enum", "union", "trait"], associated].concat()) {
                declarations.entry(name.to_owned()).or_default().push(format!("{path}:{number}"));
            }
        }
    }
    let repeated = declarations.iter().filter(|(name, at)| at.len() > 1 && !list.repeated.contains_key(*name));
    let found: Vec<_> = repeated.map(|(name, at)| format!("{name}: {}", at.join(", "))).collect();
    assert!(found.is_empty(), "{} type names have several meanings:\n{}", found.len(), found.join("\n"));
}

#[test]
fn each_exception_has_a_reason_and_a_path() {
    let list = WordList::read();
    for allowed in &list.allowed {
        assert!(Path::new(ROOT).join(&allowed.path).exists(), "{} does not exist", allowed.path);
        assert!(!allowed.reason.is_empty(), "{} has no reason", allowed.path);
    }
    assert!(list.repeated.values().all(|reason| !reason.is_empty()));
}

/// Every checked file, as its path relative to the root and its text.
fn checked_files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut pending: Vec<_> = CHECKED.iter().map(|path| Path::new(ROOT).join(path)).collect();
    while let Some(path) = pending.pop() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            // Python environments are hidden folders.
            if !SKIPPED_FOLDERS.contains(&name.as_str()) && !name.starts_with(".venv") {
                pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        } else if has_extension(&name, &EXTENSIONS) {
            let relative = path.strip_prefix(ROOT).unwrap().iter().map(|part| part.to_string_lossy());
            found.push((relative.collect::<Vec<_>>().join("/"), fs::read_to_string(&path).unwrap()));
        }
    }
    // The check names the words itself.
    found.retain(|(path, _)| path != "tests/it/words.rs");
    found.sort();
    found
}

fn has_extension(path: &str, extensions: &[&str]) -> bool {
    Path::new(path).extension().is_some_and(|extension| extensions.iter().any(|it| extension == *it))
}

/// The name that a line declares with one of the keywords.
fn declared<'a>(line: &'a str, keywords: &[&str]) -> Option<&'a str> {
    let modifiers = ["pub", "async", "const", "unsafe", "export", "default", "declare", "abstract"];
    let mut words = line.split_whitespace();
    let mut keyword = words.next()?;
    while modifiers.contains(&keyword) || keyword.starts_with("pub(") {
        keyword = words.next()?;
    }
    let name = words.next().filter(|_| keywords.contains(&keyword))?;
    name.split(|c: char| !c.is_alphanumeric() && c != '_').next().filter(|name| !name.is_empty())
}

/// The code and the prose of a line: comments and the contents of strings are prose. Other files than source files
/// have only prose.
fn code_and_prose(path: &str, line: &str) -> (String, String) {
    if !has_extension(path, &["rs", "mjs", "js", "ts", "tsx"]) {
        return (String::new(), line.to_owned());
    }
    let (code, comment) = line.split_once("//").unwrap_or((line, ""));
    let (mut code_only, mut prose) = (String::new(), String::new());
    for (i, piece) in code.split('"').enumerate() {
        let text = if i % 2 == 0 { &mut code_only } else { &mut prose };
        text.push_str(piece);
        text.push(' ');
    }
    (code_only, prose + comment)
}

/// The words of a line in lower case, where identifiers are split at `_` and at capital letters.
fn parts(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for identifier in line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        for piece in identifier.split('_') {
            let mut after_lower = false;
            let mut part = String::new();
            for c in piece.chars() {
                if c.is_ascii_uppercase() && after_lower {
                    found.push(std::mem::take(&mut part));
                }
                after_lower = !c.is_ascii_uppercase();
                part.push(c.to_ascii_lowercase());
            }
            found.push(part);
        }
    }
    found.retain(|part: &String| !part.is_empty());
    found
}

/// The words of the prose of a line in lower case, separated by single spaces; code in backticks stays apart.
fn prose(path: &str, line: &str) -> String {
    let prose = code_and_prose(path, line).1.to_lowercase();
    let words = prose.split(|c: char| !c.is_alphanumeric() && c != '`' && c != '\'');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether words contain a phrase as whole words.
fn contains_phrase(words: &str, phrase: &str) -> bool {
    words.match_indices(phrase).any(|(start, _)| {
        let (before, after) = (&words[..start], &words[start + phrase.len()..]);
        (before.is_empty() || before.ends_with(' ')) && (after.is_empty() || after.starts_with(' '))
    })
}

#[test]
fn identifiers_are_split_into_words() {
    let split = |line: &str| parts(line).join(" ");
    assert_eq!(split("const RECORD_PATIENCE: u64"), "const record patience u64");
    assert_eq!(split("fn dear_turn(who: CallerTurn)"), "fn dear turn who caller turn");
    assert_eq!(split("// Nobody's replacement"), "nobody s replacement");
    let (code, prose_only) = code_and_prose("a.rs", "let place = f(\"told\"); // none");
    assert_eq!((code.trim(), prose_only.as_str()), ("let place = f( );", "told  none"));
    assert_eq!(prose("a.rs", "/// None if `x` is so many."), "none if `x` is so many");
    assert!(contains_phrase("none if `x` is so many", "so many") && !contains_phrase("so manyfold", "so many"));
    assert_eq!(declared("    pub(super) enum Place<'a> {", &["enum"]), Some("Place"));
    assert_eq!(declared("pub async fn tell(&self)", &["fn"]), Some("tell"));
    assert_eq!(declared("export class Turn {", &["class"]), Some("Turn"));
    assert_eq!(declared("let type_of = 1;", &["type"]), None);
}
