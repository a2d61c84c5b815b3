//! The floor plan of `lib.rs`, checked: who may use whom, what appears only in one place, how large a file may be.
//!
//! What may be used is data: [`FLOOR_PLAN`], [`ONLY_IN`] and [`MUTABLE`]. Whoever widens them writes down why, next to
//! the line and in the decision index of `lib.rs`. The sources are read as syntax trees, macro arguments as tokens, so
//! comments do not count. Files are found the way the compiler finds them: from the root, along the `mod` lines.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use Crates::{Except, Only};
use syn::buffer::{Cursor, TokenBuffer};
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
    ("tests/it/api", ANY, Except(&["auditgraph", "entity", "migration", "sea_orm", "sqlx"])),
    ("tests/it", ANY, Except(&[])),
];

/// What a room without I/O and without framework may use: words, numbers, hashes.
#[rustfmt::skip]
const PURE: &[&str] = &["base64", "caseless", "chrono", "serde", "serde_json", "sha2", "thiserror", "unicode_normalization", "uuid"];
const DATABASE: &[&str] = &["sea_orm", "sqlx", "entity", "migration"];
/// What speaks neither HTTP nor GraphQL nor SQL.
const NEIGHBOURS: &[&str] = &["actix", "async_graphql", "sea_orm", "sqlx", "entity", "migration"];

/// Time, randomness and the environment come in through these doors; everyone else takes them as arguments.
const ONLY_IN: [&str; 3] = ["app", "main", "config"];
const SURPRISES: &[&[&str]] = &[
    &["Utc", "now"],
    &["Local", "now"],
    &["SystemTime", "now"],
    &["Uuid", "new_v4"],
    &["Uuid", "now_v7"],
    &["std", "env"],
];

/// Tables that are not the log and may change: the tenants, the head of each log, what is counted behind the log.
/// A function of `store` that changes rows names one of them by its module (`tenant_log::Entity`), and no other table.
const MUTABLE: &[&str] = &["tenant", "tenant_log", "activity_type"];
#[rustfmt::skip]
const CHANGES: &[&str] = &[
    "Entity::update", "Entity::delete", "Query::update", "Query::delete", "Update::", "Delete::", "update_many", "delete_many",
    ".update_column", ".update(&", ".update(transaction", ".update(connection", ".delete(", ".save(",
];

const FILE_LINES_MAX: usize = 450;
const FUNCTION_LINES_MAX: usize = 80;
const HOMELESS: &[&str] = &["utils", "util", "helpers", "common", "misc", "types", "manager", "service", "handler"];

#[test]
fn every_room_has_a_line_in_the_floor_plan() {
    let homeless = sources().unwrap().into_iter().filter(|s| plan(&s.room).is_none());
    obey("A new room needs a line in FLOOR_PLAN", homeless.map(|s| s.file));
}

#[test]
fn rooms_use_only_the_rooms_below_them() {
    let mut found = Vec::new();
    for source in sources().unwrap() {
        let Some((_, rooms, _)) = plan(&source.room) else { continue };
        for mention in source.facts.mentions.iter().filter(|_| *rooms != ANY) {
            let [root, room, inside @ ..] = mention.path.as_slice() else { continue };
            if root != "crate" || *room == source.room || plan(room).is_none() {
                continue;
            }
            if !rooms.contains(&room.as_str()) {
                found.push(format!("{} uses {}", source.file, mention.path.join("::")));
            }
            let behind_the_door = inside.first().is_some_and(|name| name.starts_with(char::is_lowercase));
            if source.room == "http" && room == "store" && behind_the_door && inside != ["ping"] {
                found.push(format!("{} looks behind the door of store: {}", source.file, mention.path.join("::")));
            }
        }
    }
    obey("Data walks in one direction", found);
}

#[test]
fn rooms_use_only_the_crates_of_their_trade() {
    let (used, used_in_tests) = (dependencies("dependencies").unwrap(), dependencies("dev-dependencies").unwrap());
    let mut found = Vec::new();
    for source in sources().unwrap() {
        let Some((_, _, crates)) = plan(&source.room) else { continue };
        for Mention { path, testing } in &source.facts.mentions {
            let name = path[0].as_str();
            let known = used.contains(name) || used_in_tests.contains(name) || name == "auditgraph";
            if known && !crates.allow(name) && !(*testing && used_in_tests.contains(name)) {
                found.push(format!("{} uses {}", source.file, path.join("::")));
            }
        }
    }
    obey("Each room speaks its own words: status codes in http, SQL in store, frameworks nowhere else", found);
}

#[test]
fn only_access_opens_the_log() {
    let mut found = Vec::new();
    for source in sources().unwrap().iter().filter(|s| s.room != "access" && s.is_product()) {
        let code: String = source.code().join("").split_whitespace().collect();
        let opens =
            ["store.reader(", "store.writer(", "store().reader(", "store().writer(", "Store::reader", "Store::writer"];
        found.extend(opens.iter().filter(|call| code.contains(*call)).map(|call| format!("{}: {call}", source.file)));
    }
    obey("store.reader() and store.writer() appear only in access.rs and tests: nobody holds an unscoped log", found);
}

#[test]
fn time_randomness_and_environment_come_in_through_the_door() {
    let mut found = Vec::new();
    for source in sources().unwrap() {
        if !source.file.starts_with("src/") || ONLY_IN.contains(&source.room.as_str()) {
            continue;
        }
        for Mention { path, .. } in &source.facts.mentions {
            if SURPRISES.iter().any(|s| path.starts_with(&owned(s)) || path.ends_with(&owned(s))) {
                found.push(format!("{} uses {}", source.file, path.join("::")));
            }
        }
    }
    obey("Clock, random ids and environment appear only in app.rs, main.rs and config.rs", found);
}

#[test]
fn events_are_never_changed_or_deleted() {
    let tables = tables().unwrap();
    let mut found = Vec::new();
    for source in sources().unwrap().iter().filter(|s| s.room == "store" && s.is_product()) {
        for Function { name, lines } in functions(&source.code()) {
            let text = lines.join("\n");
            let named: Vec<_> = tables.iter().filter(|table| names(&text, &format!("{table}::"))).collect();
            let may_change = !named.is_empty() && named.iter().all(|table| MUTABLE.contains(&table.as_str()));
            for call in CHANGES.iter().filter(|call| text.contains(*call) && !may_change) {
                found.push(format!("{}: fn {name} has `{call}` and names {named:?}", source.file));
            }
        }
        let words = source.code().join(" ").replace(['"', '\\', '(', ';'], " ").to_lowercase();
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        for table in tables.iter().map(String::as_str).filter(|table| !MUTABLE.contains(table)).chain(["{"]) {
            let texts = ["update", "delete from", "truncate", "truncate table"].map(|verb| format!("{verb} {table}"));
            found.extend(texts.iter().filter(|sql| names(&words, sql)).map(|sql| format!("{}: `{sql}`", source.file)));
        }
    }
    obey("The log is append only: there is no update and no delete of events", found);
}

#[test]
fn every_file_is_declared_by_its_parent() {
    let sources = sources().unwrap();
    let declared: BTreeSet<_> = sources.iter().map(|s| s.file.clone()).collect();
    let orphans = files().unwrap().into_iter().filter(|file| !declared.contains(file));
    obey("Each .rs file is declared by a `mod` line of its parent", orphans);
    let detours = sources.into_iter().filter(|s| s.facts.detours > 0);
    obey("A module lies where its name says, without #[path]", detours.map(|s| s.file));
}

#[test]
fn every_file_says_at_its_top_what_lives_there() {
    let silent = sources().unwrap().into_iter().filter(|s| !s.text.starts_with("//!"));
    obey("Every file begins with `//!`", silent.map(|s| s.file));
}

#[test]
fn files_and_functions_stay_small() {
    let mut found = Vec::new();
    for source in sources().unwrap().iter().filter(|s| !s.file.starts_with("tests/")) {
        let lines = source.own_lines().len();
        if lines > FILE_LINES_MAX && source.is_product() {
            found.push(format!("{} has {lines} lines, {FILE_LINES_MAX} are allowed: split it by noun", source.file));
        }
        let all: Vec<_> = source.text.lines().collect();
        for Function { name, lines } in functions(&all).into_iter().filter(|f| f.lines.len() > FUNCTION_LINES_MAX) {
            found.push(format!(
                "{}: fn {name} has {} lines, {FUNCTION_LINES_MAX} are allowed",
                source.file,
                lines.len()
            ));
        }
    }
    obey("Files and functions stay small, tests in the file excluded", found);
}

#[test]
fn no_file_is_a_drawer_for_things_without_a_home() {
    let drawer = |file: &String| file.split('/').any(|part| HOMELESS.contains(&part.trim_end_matches(".rs")));
    obey("A file is named by the noun that lives in it", files().unwrap().into_iter().filter(drawer));
}

/// Fails with the rule and everything that breaks it.
fn obey(rule: &str, found: impl IntoIterator<Item = String>) {
    let found: BTreeSet<String> = found.into_iter().collect();
    let list = found.iter().map(|line| format!("\n  {line}")).collect::<String>();
    assert!(found.is_empty(), "{rule} (see lib.rs and FLOOR_PLAN in tests/it/architecture.rs):{list}");
}

fn plan(room: &str) -> Option<&'static (&'static str, &'static [&'static str], Crates)> {
    FLOOR_PLAN.iter().find(|(name, ..)| *name == room)
}

impl Crates {
    fn allow(&self, name: &str) -> bool {
        let kin =
            |family: &&str| name.strip_prefix(*family).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
        match self {
            Only(list) => list.contains(&name),
            Except(list) => !list.iter().any(|family| kin(&family)),
        }
    }
}

// ---- the sources ----

struct Source {
    /// Relative to the root, with `/`.
    file: String,
    room: String,
    text: String,
    /// Compiled for tests only, as its `mod` line says.
    testing: bool,
    facts: Facts,
}

impl Source {
    fn is_product(&self) -> bool {
        self.file.starts_with("src/") && !self.testing
    }

    /// Its lines without the tests at its end.
    fn own_lines(&self) -> Vec<&str> {
        let lines: Vec<_> = self.text.lines().collect();
        let tests = lines
            .windows(2)
            .position(|two| two[0] == "#[cfg(test)]" && two[1].starts_with("mod ") && two[1].ends_with('{'));
        lines[..tests.unwrap_or(lines.len())].to_vec()
    }

    /// Its own lines without comments.
    fn code(&self) -> Vec<&str> {
        self.own_lines().into_iter().filter(|line| !line.trim_start().starts_with("//")).collect()
    }
}

/// Every file the compiler would read.
fn sources() -> io::Result<Vec<Source>> {
    let mut found = Vec::new();
    for root in SOURCE_ROOTS {
        for start in ["lib.rs", "main.rs"] {
            let mut waiting = vec![(Vec::new(), false)];
            while let Some((module, testing)) = waiting.pop() {
                let path = Path::new(ROOT).join(root).join(module.iter().collect::<PathBuf>());
                let places = [path.with_extension("rs"), path.join(if module.is_empty() { start } else { "mod.rs" })];
                let Some(file) = places.into_iter().find(|place| place.is_file()) else { continue };
                let text = fs::read_to_string(&file)?;
                let tree = syn::parse_file(&text).map_err(|e| io::Error::other(format!("{}: {e}", file.display())))?;
                let mut facts = Facts { module, testing, ..Facts::default() };
                facts.visit_file(&tree);
                waiting.append(&mut facts.children);
                let file = relative(&file);
                found.push(Source { room: room(&file), file, text, testing, facts });
            }
        }
    }
    Ok(found)
}

fn room(file: &str) -> String {
    let mut parts = file.trim_end_matches(".rs").split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("src"), Some(room), ..) => room.to_owned(),
        (Some("tests"), _, Some("api"), Some(_)) => "tests/it/api".to_owned(),
        (Some("tests"), ..) => "tests/it".to_owned(),
        (first, ..) => first.unwrap_or_default().to_owned(),
    }
}

fn relative(file: &Path) -> String {
    let parts = file.strip_prefix(ROOT).unwrap_or(file).iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

/// Every `.rs` file there is, declared or not.
fn files() -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = SOURCE_ROOTS.iter().map(|root| Path::new(ROOT).join(root)).collect();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(path)? {
                waiting.push(entry?.path());
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(relative(&path));
        }
    }
    Ok(found)
}

/// The tables, one file of `entity` each.
fn tables() -> io::Result<BTreeSet<String>> {
    let inside = files()?.into_iter().filter_map(|file| Some(file.strip_prefix("entity/src/")?.replace(".rs", "")));
    Ok(inside.filter(|name| name != "lib").collect())
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

// ---- what a file says ----

#[derive(Default)]
struct Facts {
    module: Vec<String>,
    testing: bool,
    /// Modules declared here that lie in files of their own, and whether they are for tests.
    children: Vec<(Vec<String>, bool)>,
    detours: usize,
    mentions: Vec<Mention>,
}

/// A path of more than one part, `self` and `super` resolved.
struct Mention {
    path: Vec<String>,
    testing: bool,
}

impl Facts {
    fn mention(&mut self, parts: &[String]) {
        let here = || [&["crate".to_owned()], self.module.as_slice()].concat();
        let mut path = Vec::new();
        for part in parts {
            match part.as_str() {
                "self" if path.is_empty() => path = here(),
                "super" if path.is_empty() => path = here()[..self.module.len()].to_vec(),
                "super" => drop(path.pop()),
                "self" => {}
                _ => path.push(part.clone()),
            }
        }
        self.mentions.extend((!path.is_empty()).then_some(Mention { path, testing: self.testing }));
    }

    fn uses(&mut self, tree: &syn::UseTree, path: &[String]) {
        match tree {
            syn::UseTree::Path(step) => self.uses(&step.tree, &[path, &[plain(&step.ident)]].concat()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.uses(item, path)),
            syn::UseTree::Name(end) => self.mention(&[path, &[plain(&end.ident)]].concat()),
            syn::UseTree::Rename(end) => self.mention(&[path, &[plain(&end.ident)]].concat()),
            syn::UseTree::Glob(_) => self.mention(path),
        }
    }

    /// The paths in the arguments of a macro or an attribute.
    fn tokens(&mut self, mut cursor: Cursor<'_>) {
        let mut path = Vec::new();
        while let Some((_, rest)) = cursor.token_tree() {
            if let Some((inside, ..)) = cursor.any_group() {
                self.tokens(inside);
            }
            path.extend(cursor.ident().map(|(ident, _)| plain(&ident)));
            cursor = match rest.punct().zip(rest.punct().and_then(|(_, rest)| rest.punct())) {
                Some(((one, _), (two, rest))) if one.as_char() == ':' && two.as_char() == ':' => rest,
                _ => {
                    if path.len() > 1 {
                        self.mention(&path);
                    }
                    path.clear();
                    rest
                }
            };
        }
    }
}

impl Visit<'_> for Facts {
    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        let outside = self.testing;
        self.testing |= item.attrs.iter().any(is_for_tests);
        self.detours += item.attrs.iter().filter(|attribute| attribute.path().is_ident("path")).count();
        self.module.push(plain(&item.ident));
        if item.content.is_none() {
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
            self.mention(&path.segments.iter().map(|part| plain(&part.ident)).collect::<Vec<_>>());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &syn::Macro) {
        visit::visit_macro(self, item);
        self.tokens(TokenBuffer::new2(item.tokens.clone()).begin());
    }

    fn visit_meta_list(&mut self, list: &syn::MetaList) {
        visit::visit_meta_list(self, list);
        self.tokens(TokenBuffer::new2(list.tokens.clone()).begin());
    }
}

fn plain(ident: &syn::Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

fn is_for_tests(attribute: &syn::Attribute) -> bool {
    matches!(&attribute.meta, syn::Meta::List(l) if l.path.is_ident("cfg") && l.tokens.to_string() == "test")
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Whether a text has this word, not as the end of a longer one.
fn names(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    let free = |(at, _): (usize, &str)| {
        !text[..at].ends_with(inside) && !(word.ends_with(inside) && text[at + word.len()..].starts_with(inside))
    };
    text.match_indices(word).any(free)
}

struct Function<'a> {
    name: &'a str,
    lines: Vec<&'a str>,
}

/// The functions, found by their indentation: rustfmt puts the last brace under the first word.
fn functions<'a>(lines: &[&'a str]) -> Vec<Function<'a>> {
    let qualifier = |word: &str| word.starts_with("pub") || ["const", "async", "unsafe"].contains(&word);
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let Some((before, name)) = code.split_once("fn ").filter(|(b, _)| b.split_whitespace().all(qualifier)) else {
            continue;
        };
        let indent = &line[..line.len() - code.len()];
        let ends = |line: &&str| {
            line.strip_prefix(indent)
                .is_some_and(|rest| rest.starts_with('}') || rest.starts_with(')') && rest.ends_with(';'))
        };
        let more = if code.ends_with(['}', ';']) { 0 } else { lines[start..].iter().position(ends).unwrap_or(0) };
        found.push(Function {
            name: name.split(['(', '<']).next().unwrap_or(before),
            lines: lines[start..=start + more].to_vec(),
        });
    }
    found
}
