//! Values in filters: the strings and keys that a condition compares.

use std::collections::BTreeSet;

use model::Invalid;
use model::catalogue::catalogue;
use model::filter::LIST_MAX;

/// The kind of a filtered string. Activities have aliases.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StringKind {
    Activity,
    Other,
}

impl StringKind {
    /// The strings, and for activities also the keys that they are aliases of.
    pub(crate) fn with_aliases(self, strings: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        match self {
            Self::Activity => strings.into_iter().flat_map(|string| catalogue().keys_of(&string)).collect(),
            Self::Other => strings.into_iter().collect(),
        }
    }
}

/// The hash of JSON null, if the value must be that: the index contains hashes.
pub(crate) fn null_by_hash(equal: Option<[u8; 16]>, is_null: Option<bool>) -> (Option<[u8; 16]>, Option<bool>) {
    match (equal, is_null) {
        (None, Some(true)) => (Some(model::Json::stored("null".to_owned()).equality_hash()), None),
        other => other,
    }
}

/// Keys in a filter. No key contains NUL, and PostgreSQL rejects it in a string.
pub(crate) fn exact_keys(part: &str, name: &str, keys: Vec<String>) -> Result<BTreeSet<String>, Invalid> {
    if keys.len() > LIST_MAX {
        return Err(Invalid::new(format!("`{part}.{name}` may have at most {LIST_MAX} values")));
    }
    Ok(keys.into_iter().filter(|key| !key.contains('\0')).collect())
}

/// The distinct values. The values are those of an enum, so the result is short.
pub(crate) fn distinct<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}
