//! The floor plan of `lib.rs`, checked: who may use whom, what appears only in one place, how large a file may be.
//!
//! What may be used is data: [`FLOOR_PLAN`], [`ONLY_IN`] and [`MUTABLE`]. Whoever widens them writes down why, next to
//! the line and in the decision index of `lib.rs`. Files are found the way the compiler finds them, along the
//! `mod` lines, and read as syntax trees; calls that change rows and sizes are found in the text rustfmt leaves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use Crates::{Except, Only};
use syn::visit::{self, Visit};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SOURCE_ROOTS: [&str; 4] = ["src", "entity/src", "migration/src", "tests/it"];
const ANY: &[&str] = &["*"];

enum Crates {
    /// These and the standard library.
    Only(&'static [&'static str]),
    /// Everything but these; `actix` stands for `actix_web` and its kin too.
    Except(&'static [&'static str]),
}

/// (room, the rooms it may use, the crates it may use)
const FLOOR_PLAN: &[(&str, &[&str], Crates)] = &[
    ("audit", &[], Only(PURE)),
    ("foreign", &["audit"], Only(PURE)),
    ("auth", &["audit"], Except(NEIGHBOURS)),
    ("store", &["audit"], Except(&["actix", "async_graphql", "jsonwebtoken"])),
    ("access", &["audit", "auth", "store"], Except(NEIGHBOURS)),
    ("graphql", &["audit", "auth", "access", "store"], Except(&["actix", "sea_orm", "sqlx", "entity", "migration"])),
    ("http", &["audit", "foreign", "auth", "access", "store", "graphql"], Except(DATABASE)),
    ("config", &[], Only(&["anyhow", "clap", "serde", "thiserror", "toml"])),
    ("import", &["audit", "foreign", "access", "store"], Except(NEIGHBOURS)),
    ("demo", &["audit", "foreign", "auth", "access", "store"], Except(NEIGHBOURS)),
    ("app", ANY, Except(&[])),
    ("main", ANY, Except(&[])),
    ("lib", ANY, Except(&[])),
    ("entity", ANY, Except(&["actix", "async_graphql", "auditgraph", "migration"])),
    ("migration", ANY, Except(&["actix", "async_graphql", "auditgraph", "entity"])),
    ("tests/it/api", ANY, Except(&["auditgraph", "sea_orm", "sqlx", "entity", "migration"])),
    ("tests/it", ANY, Except(&[])),
];

/// What a room without I/O and without framework may use: words, numbers, hashes, and a parser of tables that is fed
/// bytes and holds none.
#[rustfmt::skip]
const PURE: &[&str] = &["base64", "caseless", "chrono", "chrono_tz", "csv_core", "serde", "serde_json", "sha2", "thiserror", "unicode_normalization", "uuid"];
const DATABASE: &[&str] = &["sea_orm", "sqlx", "entity", "migration"];
/// What speaks neither HTTP nor GraphQL nor SQL.
const NEIGHBOURS: &[&str] = &["actix", "async_graphql", "sea_orm", "sqlx", "entity", "migration"];

/// Time, randomness and the environment come in through these doors; everyone else takes them as arguments.
const ONLY_IN: [&str; 3] = ["app", "main", "config"];
const SURPRISES: &[&str] = &["Utc::now", "Local::now", "SystemTime::now", "Uuid::new_v4", "std::env"];

/// Tables that are not the log and may change: the tenants, the head of each log, what is counted behind the log.
/// A function of `store` that changes rows names one of them by its module (`tenant_log::Entity`), and no other table.
const MUTABLE: &[&str] = &["tenant", "tenant_log", "activity_type"];
#[rustfmt::skip]
const CHANGES: &[&str] = &[
    "Entity::update", "Entity::delete", "Query::update", "Query::delete", "Update::", "Delete::", "update_many", "delete_many",
    ".update_column", ".update(&", ".update(transaction", ".update(connection", ".delete(", ".save(", "DO UPDATE",
];

const FILE_LINES_MAX: usize = 450;
const FUNCTION_LINES_MAX: usize = 80;
const HOMELESS: &[&str] = &["utils", "util", "helpers", "common", "misc", "types", "manager", "service", "handler"];

#[test]
fn every_room_has_a_line_in_the_floor_plan() -> io::Result<()> {
    let homeless = |source: &Source| plan(&source.room).is_none().then(|| source.room.clone()).into_iter().collect();
    each_source("A new room needs a line in FLOOR_PLAN", homeless)
}

#[test]
fn rooms_use_only_the_rooms_below_them() -> io::Result<()> {
    each_source("Requests flow in one direction, and http sees only the door of store", |source| {
        let Some((own, rooms, _)) = plan(&source.room).filter(|(_, rooms, _)| *rooms != ANY) else { return Vec::new() };
        let breaks = |path: &str| {
            let Some(path) = path.strip_prefix("crate::") else { return false };
            let (room, inside) = path.split_once("::").unwrap_or((path, ""));
            let behind_the_door = room == "store" && inside.starts_with(char::is_lowercase);
            room != *own && plan(room).is_some() && !rooms.contains(&room) || *own == "http" && behind_the_door
        };
        source.mentions.iter().map(|(path, _)| path.clone()).filter(|path| breaks(path)).collect()
    })
}

#[test]
fn rooms_use_only_the_crates_of_their_trade() -> io::Result<()> {
    let (always, in_tests) = (dependencies("dependencies")?, dependencies("dev-dependencies")?);
    each_source("Each room speaks its own words: status codes in http, SQL in store, no framework below", |source| {
        let Some((_, _, crates)) = plan(&source.room) else { return Vec::new() };
        let breaks = |path: &str, testing: bool| {
            let name = path.split("::").next().unwrap_or_default();
            let known = always.contains(name) || in_tests.contains(name) || name == "auditgraph";
            known && !crates.allow(name) && !(testing && in_tests.contains(name))
        };
        source.mentions.iter().filter(|(path, testing)| breaks(path, *testing)).map(|(path, _)| path.clone()).collect()
    })
}

#[test]
fn only_access_opens_the_log() -> io::Result<()> {
    each_source("store.reader() and store.writer() appear only in access.rs and tests", |source| {
        let bound = source.room != "access" && source.is_product();
        let code: String = source.code().join("").split_whitespace().collect();
        let found =
            ["store.", "store().", "Store::"].map(|store| ["reader", "writer"].map(|call| format!("{store}{call}")));
        found.into_iter().flatten().filter(|call| bound && code.contains(call)).collect()
    })
}

#[test]
fn time_randomness_and_environment_come_in_through_the_door() -> io::Result<()> {
    each_source("Clock, random ids and environment appear only in app.rs, main.rs and config.rs", |source| {
        let bound = source.file.starts_with("src/") && !ONLY_IN.contains(&source.room.as_str());
        let is = |path: &str, surprise: &str| format!("::{path}::").contains(&format!("::{surprise}::"));
        let breaks = |path: &str| bound && SURPRISES.iter().any(|surprise| is(path, surprise));
        source.mentions.iter().map(|(path, _)| path.clone()).filter(|path| breaks(path)).collect()
    })
}

#[test]
fn events_are_never_changed_or_deleted() -> io::Result<()> {
    let stem = |file: String| Some(file.strip_prefix("entity/src/")?.replace(".rs", ""));
    let tables: Vec<_> = files()?.into_iter().filter_map(stem).filter(|name| name != "lib").collect();
    each_source("The log is append only: there is no update and no delete of events", |source| {
        let mut found = Vec::new();
        let code = if source.room == "store" && source.is_product() { source.code() } else { Vec::new() };
        for (name, lines) in functions(&code) {
            let text = lines.join("\n");
            let named: Vec<_> = tables.iter().filter(|table| names(&text, &format!("{table}::"))).collect();
            let may_change = !named.is_empty() && named.iter().all(|table| MUTABLE.contains(&table.as_str()));
            let calls = CHANGES.iter().filter(|call| !may_change && text.contains(**call));
            found.extend(calls.map(|call| format!("fn {name} has `{call}` and names the tables {named:?}")));
        }
        let code = code.join(" ").replace(['"', '\\', '(', ';'], " ").replace('{', "{ ").to_lowercase();
        let words: String = code.split_whitespace().flat_map(|word| [word, " "]).collect();
        for table in tables.iter().map(String::as_str).filter(|table| !MUTABLE.contains(table)).chain(["{"]) {
            let texts = ["update", "delete from", "truncate", "truncate table"].map(|verb| format!("{verb} {table} "));
            found.extend(texts.into_iter().filter(|sql| words.contains(sql)));
        }
        found
    })
}

#[test]
fn every_file_is_declared_by_its_parent() {
    let declared: BTreeSet<_> = sources().unwrap().into_iter().map(|source| source.file).collect();
    let orphans = files().unwrap().into_iter().filter(|file| !declared.contains(file));
    obey("Each .rs file is declared by a `mod` line of its parent, without #[path]", orphans);
}

#[test]
fn every_file_says_at_its_top_what_lives_there() {
    let silent = sources().unwrap().into_iter().filter(|source| !source.text.starts_with("//!"));
    obey("Every file begins with `//!`", silent.map(|source| source.file));
}

#[test]
fn files_and_functions_stay_small() -> io::Result<()> {
    each_source("Files and functions stay small, tests in the file excluded", |source| {
        let own = if source.is_product() { source.own_lines().len() } else { 0 };
        let code: Vec<_> = source.text.lines().filter(|_| !source.file.starts_with("tests/")).collect();
        let counted = functions(&code).into_iter().map(|(name, lines)| (name, lines.len(), FUNCTION_LINES_MAX));
        let large = counted.chain([("the file", own, FILE_LINES_MAX)]).filter(|(_, lines, max)| lines > max);
        large.map(|(what, lines, max)| format!("{what} has {lines} lines, {max} are allowed")).collect()
    })
}

#[test]
fn no_file_is_a_drawer_for_things_without_a_home() {
    let drawer = |file: &String| file.split('/').any(|part| HOMELESS.contains(&part.trim_end_matches(".rs")));
    obey("A file is named by the noun that lives in it", files().unwrap().into_iter().filter(drawer));
}

fn obey(rule: &str, found: impl IntoIterator<Item = String>) {
    let list: BTreeSet<String> = found.into_iter().map(|line| format!("\n  {line}")).collect();
    assert!(
        list.is_empty(),
        "{rule} (see lib.rs and the head of {}):{}",
        file!(),
        list.into_iter().collect::<String>()
    );
}

/// Fails with the rule and every file that breaks it.
fn each_source(rule: &str, breaks: impl Fn(&Source) -> Vec<String>) -> io::Result<()> {
    let sources = sources()?;
    obey(rule, sources.iter().flat_map(|s| breaks(s).into_iter().map(|what| format!("{}: {what}", s.file))));
    Ok(())
}

fn plan(room: &str) -> Option<&'static (&'static str, &'static [&'static str], Crates)> {
    FLOOR_PLAN.iter().find(|(name, ..)| *name == room)
}

impl Crates {
    fn allow(&self, name: &str) -> bool {
        let kin = |family| name.strip_prefix(family).is_some_and(|rest: &str| rest.is_empty() || rest.starts_with('_'));
        match self {
            Only(list) => list.contains(&name),
            Except(list) => !list.iter().any(|family| kin(*family)),
        }
    }
}

#[derive(Default)]
struct Source {
    /// Relative to the root, with `/`.
    file: String,
    room: String,
    text: String,
    module: Vec<String>,
    testing: bool,
    /// Modules declared here that lie in files of their own, and whether they are compiled for tests only.
    children: Vec<(Vec<String>, bool)>,
    /// Paths and used names, `self` and `super` resolved, and whether a test names them.
    mentions: Vec<(String, bool)>,
}

/// Every file the compiler would read.
fn sources() -> io::Result<Vec<Source>> {
    let mut found = Vec::new();
    for (root, start) in SOURCE_ROOTS.iter().flat_map(|root| [(root, "lib"), (root, "main")]) {
        let mut waiting = vec![(Vec::new(), false)];
        while let Some((module, testing)) = waiting.pop() {
            let path = module.iter().fold((*root).to_owned(), |path, name| format!("{path}/{name}"));
            let inside = if module.is_empty() { start } else { "mod" };
            let places = [format!("{path}.rs"), format!("{path}/{inside}.rs")];
            let Some(file) = places.into_iter().find(|file| Path::new(ROOT).join(file).is_file()) else { continue };
            let text = fs::read_to_string(Path::new(ROOT).join(&file))?;
            let tree = syn::parse_file(&text).map_err(|error| io::Error::other(format!("{file}: {error}")))?;
            let mut source = Source { room: room(&file).to_owned(), file, text, module, testing, ..Source::default() };
            source.visit_file(&tree);
            waiting.append(&mut source.children);
            found.push(source);
        }
    }
    Ok(found)
}

fn room(file: &str) -> &str {
    match file {
        _ if file.starts_with("tests/it/api/") => "tests/it/api",
        _ if file.starts_with("tests/") => "tests/it",
        _ => file.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default(),
    }
}

/// Every `.rs` file there is, declared or not.
fn files() -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = SOURCE_ROOTS.iter().map(|root| Path::new(ROOT).join(root)).collect();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?.iter().map(fs::DirEntry::path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let parts = path.strip_prefix(ROOT).unwrap_or(&path).iter().map(|part| part.to_string_lossy());
            found.push(parts.collect::<Vec<_>>().join("/"));
        }
    }
    Ok(found)
}

/// The crates a section of our manifests names, as they are written in Rust.
fn dependencies(section: &str) -> io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for manifest in ["Cargo.toml", "entity/Cargo.toml", "migration/Cargo.toml"] {
        let mut inside = false;
        for line in fs::read_to_string(Path::new(ROOT).join(manifest))?.lines() {
            if let Some(header) = line.strip_prefix('[') {
                inside = header.trim_end_matches(']') == section;
            } else if let Some((name, _)) = line.split_once(['=', '.']).filter(|_| inside) {
                found.insert(name.trim().replace('-', "_"));
            }
        }
    }
    Ok(found)
}

impl Source {
    fn is_product(&self) -> bool {
        self.file.starts_with("src/") && !self.testing
    }

    /// Its lines without the tests at its end.
    fn own_lines(&self) -> Vec<&str> {
        let lines: Vec<_> = self.text.lines().collect();
        let opens = |two: &[&str]| two[0] == "#[cfg(test)]" && two[1].starts_with("mod ") && two[1].ends_with('{');
        let tests = lines.windows(2).position(opens);
        lines[..tests.unwrap_or(lines.len())].to_vec()
    }

    /// Its own lines without comments.
    fn code(&self) -> Vec<&str> {
        self.own_lines().into_iter().filter(|line| !line.trim_start().starts_with("//")).collect()
    }

    fn mention(&mut self, parts: &[String]) {
        let mut path = Vec::new();
        for part in parts {
            let up = part == "super";
            if path.is_empty() && (up || part == "self") {
                path = ["crate"].into_iter().chain(self.module.iter().map(String::as_str)).collect();
            }
            if up {
                path.pop();
            } else if part != "self" {
                path.push(part);
            }
        }
        self.mentions.push((path.join("::"), self.testing));
    }

    fn uses(&mut self, tree: &syn::UseTree, path: &[String]) {
        let join = |ident: &syn::Ident| [path, &[ident.to_string()]].concat();
        match tree {
            syn::UseTree::Path(step) => self.uses(&step.tree, &join(&step.ident)),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.uses(item, path)),
            syn::UseTree::Name(end) => self.mention(&join(&end.ident)),
            syn::UseTree::Rename(end) => self.mention(&join(&end.ident)),
            syn::UseTree::Glob(_) => self.mention(path),
        }
    }

    /// The paths in the arguments of a macro or an attribute.
    fn arguments(&mut self, tokens: &str) {
        for word in tokens.replace(" :: ", "::").split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':') {
            let parts: Vec<_> = word.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            if parts.len() > 1 {
                self.mention(&parts);
            }
        }
    }
}

impl Visit<'_> for Source {
    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        let outside = self.testing;
        self.testing |= item.attrs.iter().any(|attribute| {
            matches!(&attribute.meta, syn::Meta::List(l) if l.path.is_ident("cfg") && l.tokens.to_string() == "test")
        });
        self.module.push(item.ident.to_string());
        if item.content.is_none() && !item.attrs.iter().any(|attribute| attribute.path().is_ident("path")) {
            self.children.push((self.module.clone(), self.testing));
        }
        visit::visit_item_mod(self, item);
        self.module.pop();
        self.testing = outside;
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.uses(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if path.segments.len() > 1 {
            self.mention(&path.segments.iter().map(|part| part.ident.to_string()).collect::<Vec<_>>());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &syn::Macro) {
        visit::visit_macro(self, item);
        self.arguments(&item.tokens.to_string());
    }

    fn visit_meta_list(&mut self, list: &syn::MetaList) {
        visit::visit_meta_list(self, list);
        self.arguments(&list.tokens.to_string());
    }
}

/// Whether a text has this word, not as the end of a longer one.
fn names(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The functions with their lines, found by indentation: rustfmt puts the last brace under the first word.
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
