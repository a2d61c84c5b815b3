//! Identities in unified audit records.

use super::super::source_record::JsonCursor;

/// The actor or target that a list of identities describes.
#[derive(Default)]
pub(super) struct IdentityList {
    pub(super) object_id: Option<String>,
    pub(super) upn: Option<String>,
    pub(super) name: Option<String>,
    pub(super) sort: Option<String>,
    /// The application: the actor or target itself, or the client of a user.
    pub(super) application_id: Option<String>,
    pub(super) service_principal_name: Option<String>,
}

impl IdentityList {
    /// Reads the identities of an actor or a target, without marking them as taken: [`take_carried`] does that.
    pub(super) fn of(elements: &[JsonCursor]) -> Self {
        let mut identity = Self::default();
        let mut ids = Vec::new();
        for element in elements {
            let Some(word) = element.get("ID").and_then(JsonCursor::as_str) else { continue };
            let word = word.into_owned();
            let slot = match element.str_at("Type").unwrap_or_default().to_ascii_uppercase().as_str() {
                "5" | "UPN" => &mut identity.upn,
                "4" | "SPN" => &mut identity.service_principal_name,
                "1" | "NAME" => &mut identity.name,
                "0" | "CLAIM" => {
                    ids.push(word);
                    continue;
                }
                "3" | "PUID" => continue,
                _ => {
                    identity.add_other(word, &mut ids);
                    continue;
                }
            };
            slot.get_or_insert(word);
        }
        if identity.object_id.is_none() && identity.sort.is_none() && !ids.is_empty() {
            identity.object_id = Some(ids.remove(0));
        }
        identity.application_id = ids.into_iter().find(|id| Some(id) != identity.object_id.as_ref());
        identity
    }

    /// Adds an identity of type *other*: `User_<id>`, an id, or the type of the whole list.
    fn add_other(&mut self, word: String, ids: &mut Vec<String>) {
        if let Some((_, id)) = prefixed(&word) {
            self.object_id.get_or_insert(id.to_owned());
        } else if word.chars().all(char::is_alphabetic) {
            self.sort = Some(word);
        } else {
            ids.push(word);
        }
    }
}

/// Marks the identities as taken that an actor or a target has as one of its values.
pub(super) fn take_carried(elements: &[JsonCursor], values: &[Option<&String>]) {
    for cursor in elements.iter().filter_map(|element| element.get("ID")) {
        if cursor.as_str().is_some_and(|word| values.iter().flatten().any(|value| **value == *word)) {
            cursor.take();
        }
    }
}

/// Splits `User_<id>`.
pub(super) fn prefixed(text: &str) -> Option<(&str, &str)> {
    let (sort, id) = text.split_once('_')?;
    let is_sort = !sort.is_empty() && sort.chars().all(|c| c.is_ascii_alphabetic());
    (is_sort && id.chars().any(|c| c.is_ascii_digit()) && !id.contains('@')).then_some((sort, id))
}
