//! A reader for source records that shares no code with the product, and the check that no data is lost.

use std::collections::HashSet;

/// A JSON value that keeps numbers as strings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tree {
    Object(Vec<(String, Tree)>),
    Array(Vec<Tree>),
    Text(String),
    /// A number, `true`, `false` or `null`, as written.
    Word(String),
}

/// The unread input.
struct Rest<'a>(&'a str);

impl Tree {
    /// Parses a complete JSON document.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut rest = Rest(text);
        let tree = rest.value()?;
        rest.0.trim().is_empty().then_some(tree)
    }

    /// The last member with this name.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(super) fn elements(&self) -> &[Self] {
        if let Self::Array(elements) = self { elements } else { &[] }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// All strings in the value, in document order.
    pub(super) fn texts(&self) -> String {
        let mut texts = String::new();
        self.scalars(&mut Vec::new(), &mut |_, scalar| texts.extend(scalar.text().into_iter().chain(["\n"])));
        texts
    }

    /// Every value at a pointer; repeated names give several values.
    fn at(&self, pointer: &[String]) -> Vec<&Self> {
        let Some((first, rest)) = pointer.split_first() else { return vec![self] };
        match self {
            Self::Object(members) => {
                members.iter().filter(|(key, _)| key == first).flat_map(|(_, value)| value.at(rest)).collect()
            }
            Self::Array(elements) => {
                first.parse().ok().and_then(|i: usize| elements.get(i)).map_or(Vec::new(), |value| value.at(rest))
            }
            _ => Vec::new(),
        }
    }

    /// Every scalar with its pointer.
    fn scalars<'a>(&'a self, pointer: &mut Vec<String>, visit: &mut dyn FnMut(&[String], &'a Self)) {
        let mut below = |name: String, value: &'a Self| {
            pointer.push(name);
            value.scalars(pointer, visit);
            pointer.pop();
        };
        match self {
            Self::Object(members) => members.iter().for_each(|(key, value)| below(key.clone(), value)),
            Self::Array(elements) => elements.iter().enumerate().for_each(|(i, value)| below(i.to_string(), value)),
            scalar => visit(pointer, scalar),
        }
    }
}

impl Rest<'_> {
    fn expect(&mut self, expected: char) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(expected)?;
        Some(())
    }

    fn value(&mut self) -> Option<Tree> {
        self.0 = self.0.trim_start();
        match self.0.chars().next()? {
            '{' => self
                .list('{', '}', |rest| {
                    let name = rest.string()?;
                    rest.expect(':')?;
                    Some((name, rest.value()?))
                })
                .map(Tree::Object),
            '[' => self.list('[', ']', Self::value).map(Tree::Array),
            '"' => self.string().map(Tree::Text),
            _ => {
                let end =
                    self.0.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(self.0.len());
                let (word, rest) = self.0.split_at(end);
                self.0 = rest;
                serde_json::from_str::<&serde_json::value::RawValue>(word).ok().map(|_| Tree::Word(word.to_owned()))
            }
        }
    }

    fn list<T>(&mut self, open: char, close: char, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.expect(open)?;
        let mut items = Vec::new();
        if self.expect(close).is_some() {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            if self.expect(',').is_none() {
                return self.expect(close).map(|()| items);
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.0 = self.0.trim_start();
        let inside = self.0.strip_prefix('"')?;
        let mut is_escaped = false;
        let end = inside.find(|c| {
            let ends = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends
        })?;
        let (whole, rest) = self.0.split_at(end + 2);
        self.0 = rest;
        serde_json::from_str(whole).ok()
    }
}

/// The fields of one event in a response, with `unmapped` and `raw` kept separately.
pub(super) struct ImportedEvent {
    leaves: HashSet<Tree>,
    values: HashSet<Tree>,
    unmapped: Option<Tree>,
}

/// Members of the response that the server generates, or that contain the whole record.
const NOT_OF_THE_ORIGINAL: &[&str] = &[
    "ownId",
    "ownKey",
    "sequence",
    "recordedAt",
    "unmapped",
    "raw",
    "activityType",
    "isRedacted",
    "redaction",
    "change",
];

impl ImportedEvent {
    /// Collects the values of an event in a response.
    pub(super) fn of(event: &Tree) -> Self {
        let unmapped = event.get("unmapped").filter(|tree| **tree != Tree::Word("null".to_owned())).cloned();
        let mut imported = Self { leaves: HashSet::new(), values: HashSet::new(), unmapped };
        imported.add(event);
        imported
    }

    fn add(&mut self, tree: &Tree) {
        match tree {
            Tree::Object(members) => {
                for (name, value) in members.iter().filter(|(name, _)| !NOT_OF_THE_ORIGINAL.contains(&name.as_str())) {
                    if ["oldValue", "newValue"].contains(&name.as_str()) {
                        self.add_value(value);
                    } else {
                        self.add(value);
                    }
                }
            }
            Tree::Array(elements) => elements.iter().for_each(|element| self.add(element)),
            leaf => _ = self.leaves.insert(leaf.clone()),
        }
    }

    fn add_value(&mut self, value: &Tree) {
        self.values.insert(value.clone());
        value.scalars(&mut Vec::new(), &mut |_, scalar| _ = self.leaves.insert(scalar.clone()));
    }

    /// Whether a scalar is a leaf of the response, or equal to an element of JSON embedded in a string.
    fn shows(&self, scalar: &Tree) -> bool {
        self.leaves.contains(scalar) || self.values.contains(scalar) || {
            let Some(held) = scalar.text().and_then(Tree::read) else { return false };
            match &held {
                Tree::Object(_) | Tree::Array(_) => self.values.contains(&held) || self.shows_all(&held),
                inner => self.shows(inner),
            }
        }
    }

    fn shows_all(&self, held: &Tree) -> bool {
        let mut all = true;
        held.scalars(&mut Vec::new(), &mut |_, scalar| {
            all &= *scalar == Tree::Word("null".to_owned()) || self.shows(scalar);
        });
        all
    }

    /// The values of a source record that are neither in the event nor at their pointer in `unmapped`. A null counts as
    /// present if the field is absent.
    pub(super) fn lost(&self, original: &Tree) -> Vec<String> {
        let mut lost = Vec::new();
        original.scalars(&mut Vec::new(), &mut |pointer, scalar| {
            let is_kept = || self.unmapped.as_ref().is_some_and(|tree| tree.at(pointer).contains(&scalar));
            if *scalar != Tree::Word("null".to_owned()) && !is_kept() && !self.shows(scalar) {
                lost.push(format!("/{} = {scalar:?}", pointer.join("/")));
            }
        });
        lost
    }
}
