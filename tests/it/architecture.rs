//! The dependency rules that the compiler cannot keep; `docs/development/architecture.md` explains them.
//!
//! The compiler keeps the direction between crates, because a crate sees only what its manifest names. These tests
//! keep what the manifests may name, and a few rules about the text of source files. Files are read as text in the
//! form that rustfmt leaves. To widen a table, explain the reason beside the line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Folders with Rust source files, relative to the root.
const SOURCE_FOLDERS: [&str; 6] = ["src", "crates", "entity/src", "migration/src", "tests/it", "bench/src"];

/// (crate, the workspace crates that it may use, the external crates that it must not use)
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    ("model", &[], FRAMEWORKS),
    ("body-codec", &["model"], FRAMEWORKS),
    ("formats", &["model"], FRAMEWORKS),
    ("demo-data", &["model"], FRAMEWORKS),
    ("body-trainer", &["model", "formats", "demo-data", "body-codec"], FRAMEWORKS),
    ("auth", &["model"], &["actix-web", "async-graphql", "sea-orm", "sqlx"]),
    (
        "store",
        &["model", "body-codec", "entity", "migration"],
        &["actix-web", "async-graphql", "jsonwebtoken", "reqwest"],
    ),
    // A program beside the application: it sees the server only by HTTP, and no table of the log.
    ("outbox", &[], &["actix-web", "async-graphql", "clap", "jsonwebtoken"]),
    ("access", &["model", "auth", "store"], &["actix-web", "async-graphql", "sea-orm", "sqlx"]),
    ("api", &["model", "auth", "access", "store"], &["actix-web", "actix-ws", "clap", "sea-orm", "sqlx"]),
    // Rows move with the code; migrations are frozen. Neither may follow the other.
    ("entity", &[], &["async-graphql"]),
    ("migration", &[], &["async-graphql"]),
];
/// Crates for I/O, time or serving: crates of plain types use none of these.
const FRAMEWORKS: &[&str] = &[
    "actix-web",
    "actix-ws",
    "async-graphql",
    "clap",
    "reqwest",
    "sea-orm",
    "sqlx",
    "tokio",
    "tracing",
    "jsonwebtoken",
];

/// Tables that are not the log and whose rows change: tenants, the head row of each log, and the catalogue of
/// recorded activities. A function of `store` that updates or deletes rows names one of them, and no other table.
const MUTABLE_TABLES: &[&str] = &["tenant", "tenant_log", "activity_type"];
#[rustfmt::skip]
const MUTATING_CALLS: &[&str] = &[
    "Entity::update", "Entity::delete", "Query::update", "Query::delete", "Update::", "Delete::", "update_many", "delete_many",
    ".update_column", ".update(&", ".update(transaction", ".update(connection", ".delete(", ".save(", "DO UPDATE",
];

const FILE_LINES_MAX: usize = 450;
const FUNCTION_LINES_MAX: usize = 80;
const FORBIDDEN_FILE_NAMES: &[&str] = &["utils", "util", "helpers", "common", "misc", "types", "manager"];

#[test]
fn crates_use_only_the_crates_below_them() -> io::Result<()> {
    let ours: BTreeSet<&str> = LAYERS.iter().map(|(name, ..)| *name).collect();
    let mut found = Vec::new();
    for (name, below, forbidden) in LAYERS {
        let folder = if Path::new(ROOT).join(name).is_dir() { (*name).to_owned() } else { format!("crates/{name}") };
        for dependency in dependencies(&fs::read_to_string(Path::new(ROOT).join(folder).join("Cargo.toml"))?) {
            let dependency = dependency.as_str();
            if ours.contains(dependency) && !below.contains(&dependency) || forbidden.contains(&dependency) {
                found.push(format!("{name} uses {dependency}"));
            }
        }
    }
    assert_none("A crate uses only what stands below it in LAYERS", found);
    Ok(())
}

#[test]
fn every_crate_has_a_layer() -> io::Result<()> {
    let layered = |name: &String| LAYERS.iter().any(|(layer, ..)| layer == name);
    let folders = fs::read_dir(Path::new(ROOT).join("crates"))?;
    let names = folders.map(|folder| Ok(folder?.file_name().to_string_lossy().into_owned()));
    let names = names.collect::<io::Result<Vec<String>>>()?;
    assert_none("A new crate needs a line in LAYERS", names.into_iter().filter(|name| !layered(name)));
    Ok(())
}

#[test]
fn only_access_opens_the_log() -> io::Result<()> {
    check_sources("store.reader() and store.writer() appear only in crates/access", |source| {
        let code: String = source.code().join("").split_whitespace().collect();
        let is_bound = source.is_product() && !source.path.starts_with("crates/access/");
        let calls =
            ["store.", "store().", "Store::"].map(|store| ["reader(", "writer("].map(|call| store.to_owned() + call));
        calls.into_iter().flatten().filter(|call| is_bound && code.contains(call)).collect()
    })
}

#[test]
fn crates_take_time_random_ids_and_environment_as_arguments() -> io::Result<()> {
    check_sources("Only src may use the clock, random ids and the environment (.clippy.toml)", |source| {
        let exempt = source.path.starts_with("crates/") && source.text.contains("clippy::disallowed_methods");
        exempt.then(|| "has an exemption from disallowed_methods".to_owned()).into_iter().collect()
    })
}

#[test]
fn events_are_never_updated_or_deleted() -> io::Result<()> {
    let tables: Vec<String> = source_paths()?
        .into_iter()
        .filter_map(|path| Some(path.strip_prefix("entity/src/")?.strip_suffix(".rs")?.to_owned()))
        .filter(|name| name != "lib")
        .collect();
    check_sources("The log is append-only: no update and no delete of events", |source| {
        let is_bound = source.is_product() && source.path.starts_with("crates/store/");
        let code = if is_bound { source.code() } else { Vec::new() };
        let mut found = Vec::new();
        for (name, lines) in functions(&code) {
            let body = lines.join("\n");
            let named: Vec<_> = tables.iter().filter(|table| contains_word(&body, &format!("{table}::"))).collect();
            let may_change = !named.is_empty() && named.iter().all(|table| MUTABLE_TABLES.contains(&table.as_str()));
            let calls = MUTATING_CALLS.iter().filter(|call| !may_change && body.contains(**call));
            found.extend(calls.map(|call| format!("fn {name} has `{call}` and names the tables {named:?}")));
        }
        let code = code.join(" ").replace(['"', '\\', '(', ';'], " ").replace('{', "{ ").to_lowercase();
        let words: String = code.split_whitespace().flat_map(|word| [word, " "]).collect();
        for table in tables.iter().map(String::as_str).filter(|table| !MUTABLE_TABLES.contains(table)).chain(["{"]) {
            let statements =
                ["update", "delete from", "truncate", "truncate table"].map(|verb| format!("{verb} {table} "));
            found.extend(statements.into_iter().filter(|sql| words.contains(sql)));
        }
        found
    })
}

#[test]
fn every_source_file_is_declared_by_its_parent() -> io::Result<()> {
    let sources = sources()?;
    let by_path: BTreeMap<&str, &Source> = sources.iter().map(|source| (source.path.as_str(), source)).collect();
    let orphans = sources.iter().filter(|source| {
        let (folder, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
        let (folder, name) = match file.trim_end_matches(".rs") {
            "lib" | "main" => return false,
            "mod" => folder.rsplit_once('/').unwrap_or(("", folder)),
            name => (folder, name),
        };
        let parents = ["lib.rs", "main.rs", "mod.rs"].map(|parent| format!("{folder}/{parent}"));
        let declaration = format!("mod {name};");
        !parents.iter().filter_map(|path| by_path.get(path.as_str())).any(|parent| parent.text.contains(&declaration))
    });
    assert_none("Each .rs file is declared by a `mod` line of its parent", orphans.map(|source| source.path.clone()));
    Ok(())
}

#[test]
fn every_source_file_begins_with_a_module_comment() -> io::Result<()> {
    check_sources("Every file begins with `//!`", |source| {
        if source.text.starts_with("//!") { Vec::new() } else { vec!["no module comment".to_owned()] }
    })
}

#[test]
fn files_and_functions_stay_small() -> io::Result<()> {
    check_sources("Files and functions stay small, tests excluded", |source| {
        let lines = if source.is_product() { source.lines_before_tests() } else { Vec::new() };
        let functions = functions(&lines).into_iter().map(|(name, body)| (name, body.len(), FUNCTION_LINES_MAX));
        let large = functions.chain([("the file", lines.len(), FILE_LINES_MAX)]).filter(|(_, lines, max)| lines > max);
        large.map(|(what, lines, max)| format!("{what} has {lines} lines, at most {max} are allowed")).collect()
    })
}

#[test]
fn file_names_are_specific() -> io::Result<()> {
    let is_vague =
        |path: &String| path.split('/').any(|part| FORBIDDEN_FILE_NAMES.contains(&part.trim_end_matches(".rs")));
    assert_none("A file is named by the noun that it defines", source_paths()?.into_iter().filter(is_vague));
    Ok(())
}

fn assert_none(rule: &str, violations: impl IntoIterator<Item = String>) {
    let list: BTreeSet<String> = violations.into_iter().map(|line| format!("\n  {line}")).collect();
    assert!(list.is_empty(), "{rule} (see {}):{}", file!(), list.into_iter().collect::<String>());
}

/// Fails with the rule and every file that violates it.
fn check_sources(rule: &str, violations: impl Fn(&Source) -> Vec<String>) -> io::Result<()> {
    let sources = sources()?;
    let found = sources.iter().flat_map(|s| violations(s).into_iter().map(|what| format!("{}: {what}", s.path)));
    assert_none(rule, found.collect::<Vec<_>>());
    Ok(())
}

struct Source {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Whether the file is product code.
    fn is_product(&self) -> bool {
        let is_test = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        !is_test && !self.path.starts_with("tests/") && !self.path.starts_with("bench/")
    }

    /// Its lines without the test module at its end.
    fn lines_before_tests(&self) -> Vec<&str> {
        let lines: Vec<_> = self.text.lines().collect();
        let opens = |two: &[&str]| two[0] == "#[cfg(test)]" && two[1].starts_with("mod ") && two[1].ends_with('{');
        let tests = lines.windows(2).position(opens);
        lines[..tests.unwrap_or(lines.len())].to_vec()
    }

    /// Its lines without tests and comments.
    fn code(&self) -> Vec<&str> {
        self.lines_before_tests().into_iter().filter(|line| !line.trim_start().starts_with("//")).collect()
    }
}

fn sources() -> io::Result<Vec<Source>> {
    let read = |path: String| Ok(Source { text: fs::read_to_string(Path::new(ROOT).join(&path))?, path });
    source_paths()?.into_iter().map(read).collect()
}

/// Every `.rs` file in the source folders, relative to the root.
fn source_paths() -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut pending: Vec<PathBuf> = SOURCE_FOLDERS.iter().map(|folder| Path::new(ROOT).join(folder)).collect();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?.iter().map(fs::DirEntry::path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let parts = path.strip_prefix(ROOT).unwrap_or(&path).iter().map(|part| part.to_string_lossy());
            found.push(parts.collect::<Vec<_>>().join("/"));
        }
    }
    Ok(found)
}

/// The crates in the section `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let lines = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let section = lines.take_while(|line| !line.starts_with('['));
    section.filter_map(|line| Some(line.split_once(['.', ' ', '='])?.0.to_owned())).collect()
}

/// Whether a string contains the word, not as the end of a longer one.
fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The functions with their lines, found by indentation: rustfmt puts the closing brace under the first word.
fn functions<'a>(lines: &[&'a str]) -> Vec<(&'a str, Vec<&'a str>)> {
    let qualifier = |word: &str| word.starts_with("pub") || ["const", "async", "unsafe"].contains(&word);
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        let Some((before, name)) = code.split_once("fn ") else { continue };
        if before.split_whitespace().all(qualifier) {
            let closes = |rest: &str| rest.starts_with('}') || rest.starts_with(')') && rest.ends_with(';');
            let ends = |line: &&str| line.strip_prefix(indent).is_some_and(closes);
            let more = if code.ends_with(['}', ';']) { None } else { lines[start..].iter().position(ends) };
            let name = name.split(['(', '<']).next().unwrap_or(name);
            found.push((name, lines[start..=start + more.unwrap_or(0)].to_vec()));
        }
    }
    found
}
