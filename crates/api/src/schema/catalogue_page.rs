//! Pages of the catalogue of activity types.

use async_graphql::{Object, SimpleObject};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::schema::activity::{ActivityTypeKey, AuditActivityType};
use crate::schema::event::PageInfo;
use crate::schema::scalar::Count;
use model::Invalid;

/// The default number of entries of a page.
pub(crate) const ENTRIES_DEFAULT: i32 = 100;
/// The most entries of a page.
const ENTRIES_MAX: i32 = 1_000;

/// A position in the catalogue: the folded display name of an entry, and its key.
type CataloguePosition = (String, ActivityTypeKey);

/// A page of activity types.
#[derive(Clone, Debug)]
pub struct AuditActivityTypeConnection {
    entries: Vec<AuditActivityType>,
    total: usize,
    has_next: bool,
    has_previous: bool,
}

/// The arguments of a page: `first` and `after`, `last` and `before`.
pub(crate) type PageArguments = ((Option<i32>, Option<String>), (Option<i32>, Option<String>));

impl AuditActivityTypeConnection {
    /// The page of a list, which is sorted by position.
    pub(crate) fn of(types: Vec<AuditActivityType>, arguments: PageArguments) -> Result<Self, Invalid> {
        let ((first, after), (last, before)) = arguments;
        let size = |part: &str, size: i32| {
            let size = usize::try_from(size).ok().filter(|size| (1..=ENTRIES_MAX as usize).contains(size));
            size.ok_or_else(|| Invalid::new(format!("`{part}` must be from 1 to {ENTRIES_MAX}")))
        };
        let after = after.map(|cursor| parse("after", &cursor)).transpose()?;
        let before = before.map(|cursor| parse("before", &cursor)).transpose()?;
        let total = types.len();
        let start = after.map_or(0, |after| types.partition_point(|entry| position(entry) <= after));
        let end = before.map_or(total, |before| types.partition_point(|entry| position(entry) < before));
        let (start, end) = (start.min(end), end);
        let (from, to) = match (first, last) {
            (Some(_), Some(_)) => return Err(Invalid::new("give `first` or `last`, not both")),
            (None, Some(last)) => (end.saturating_sub(size("last", last)?).max(start), end),
            (first, None) => (start, start.saturating_add(size("first", first.unwrap_or(ENTRIES_DEFAULT))?).min(end)),
        };
        let entries = types.into_iter().skip(from).take(to - from).collect();
        Ok(Self { entries, total, has_next: to < total, has_previous: from > 0 })
    }
}

/// A page of activity types.
#[Object]
impl AuditActivityTypeConnection {
    /// The entries of this page with their cursors.
    async fn edges(&self) -> Vec<AuditActivityTypeEdge> {
        self.entries.iter().map(|node| AuditActivityTypeEdge { cursor: cursor(node), node: node.clone() }).collect()
    }
    /// The entries of this page.
    async fn nodes(&self) -> &[AuditActivityType] {
        &self.entries
    }
    /// The cursors of this page, and whether there are more pages.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            next: self.has_next,
            previous: self.has_previous,
            start_cursor: self.entries.first().map(cursor),
            end_cursor: self.entries.last().map(cursor),
        }
    }
    /// The number of matching entries over all pages.
    async fn total_count(&self) -> Count {
        self.total.into()
    }
}

/// An entry of the catalogue with its cursor.
#[derive(Clone, Debug, SimpleObject)]
pub struct AuditActivityTypeEdge {
    /// The position of the entry in the list, for `after` and `before`.
    cursor: String,
    /// The entry.
    node: AuditActivityType,
}

fn position(entry: &AuditActivityType) -> CataloguePosition {
    (entry.sort_name(), entry.key())
}

fn cursor(entry: &AuditActivityType) -> String {
    let (name, [service, category, activity]) = position(entry);
    // Strings serialise without errors.
    URL_SAFE_NO_PAD.encode(serde_json::json!([name, service, category, activity]).to_string())
}

fn parse(part: &str, cursor: &str) -> Result<CataloguePosition, Invalid> {
    let names = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let [name, service, category, activity] =
        names.ok_or_else(|| Invalid::new(format!("`{part}` must be a cursor that this service returned")))?;
    Ok((name, [service, category, activity]))
}
