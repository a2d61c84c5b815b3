//! Resolves the prefilter of a list: runs the statements that find its keys. See [`crate::query::prefilter`].

use std::collections::BTreeSet;

use crate::query::condition::{self, ACTOR_COLUMNS, TARGET_COLUMNS};
use crate::query::merge::{PARTS_MAX, conjuncts};
use crate::query::prefilter::{KeyKind, KindKeys, Prefilter, Purpose, is_index_served, is_single_term, key_count};
use crate::query::sql::{Sql, like};
use crate::term::TermKind;
use crate::{EventQuery, Reader, StoreError};
use model::filter::{Condition, EventString};

/// The most distinct activities that are searched. A service that makes up an activity for each event exceeds this.
const ACTIVITIES_MAX: i64 = 5_000;
/// The most words of a search that are resolved.
const WORDS_MAX: usize = 4;
/// The most keys that are resolved.
const KEYS_MAX: usize = 1_000;
/// The most events that are sorted for a page. With more, a scan by time soon finds enough.
const SORTED_MAX: i64 = 10_000;
/// The most events that an exact count collects by key. With more, the count reads the whole period.
const COUNTED_MAX: i64 = 200_000;

impl Reader {
    /// Returns the prefilter of a list, or `None` if the list contains no substring condition or the keys would not
    /// exclude much. A list whose events are evaluated one by one gets its prefilter there.
    pub(crate) async fn key_prefilter(
        &self,
        list: &EventQuery,
        purpose: Purpose,
    ) -> Result<Option<Prefilter>, StoreError> {
        if list.condition.needs_body() { Ok(None) } else { self.column_prefilter(list, purpose).await }
    }

    /// Returns the prefilter of a list of which columns select a superset.
    pub(crate) async fn column_prefilter(
        &self,
        list: &EventQuery,
        purpose: Purpose,
    ) -> Result<Option<Prefilter>, StoreError> {
        if is_index_served(&list.condition, purpose) {
            return Ok(None);
        }
        // Boxed: most lists need no prefilter, and the future of every caller would carry this one.
        Box::pin(self.resolve_keys(list, purpose)).await
    }

    async fn resolve_keys(&self, list: &EventQuery, purpose: Purpose) -> Result<Option<Prefilter>, StoreError> {
        for conjunct in conjuncts(&list.condition) {
            let resolved = match conjunct {
                Condition::Search(words) => self.keys_of_words(words).await?,
                Condition::Actor(actor) => match &actor.keys {
                    Some(keys) => Some(vec![(KeyKind::Actor, keys.clone())]),
                    None => {
                        self.snapshot_keys(KeyKind::Actor, |sql| condition::actor_substring_filter(sql, actor)).await?
                    }
                },
                Condition::Target(target) => match &target.keys {
                    Some(keys) => Some(vec![(KeyKind::Target, keys.clone())]),
                    None => {
                        self.snapshot_keys(KeyKind::Target, |sql| condition::target_substring_filter(sql, target))
                            .await?
                    }
                },
                _ => None,
            };
            let Some(resolved) = resolved else { continue };
            if let Some(prefilter) = self.prefilter_from_keys(list, resolved, purpose).await? {
                return Ok(Some(prefilter));
            }
        }
        Ok(None)
    }

    /// Returns a prefilter from keys if they are few, or if their events are.
    async fn prefilter_from_keys(
        &self,
        list: &EventQuery,
        resolved: Vec<KindKeys>,
        purpose: Purpose,
    ) -> Result<Option<Prefilter>, StoreError> {
        let key_count = key_count(&resolved);
        let by_key = match purpose {
            // A scan by one key continues until it has found enough, so it is short only if nearly all events of the
            // key belong to the list.
            Purpose::Page(_) => is_single_term(&list.condition),
            Purpose::Count => true,
            Purpose::CountUpTo => false,
        };
        if key_count == 0 || key_count <= PARTS_MAX && by_key {
            let each =
                resolved.into_iter().flat_map(|(of, keys)| keys.into_iter().map(move |key| of.with_keys([key].into())));
            return Ok(Some(Prefilter::SingleKeys(each.collect())));
        }
        if key_count > KEYS_MAX {
            return Ok(None);
        }
        let with_keys =
            resolved.into_iter().filter(|(_, keys)| !keys.is_empty()).map(|(of, keys)| of.with_keys(keys)).collect();
        let prefilter = Prefilter::KeySets(with_keys);
        let events_max = match purpose {
            Purpose::Page(_) => SORTED_MAX,
            Purpose::Count => COUNTED_MAX,
            Purpose::CountUpTo => return Ok(Some(prefilter)),
        };
        let events = self.list_query(list).count_prefiltered(&prefilter, events_max + 1);
        Ok(if self.fetch_number(events).await? > events_max { None } else { Some(prefilter) })
    }

    /// Resolves the longest words of a search, at most `WORDS_MAX`. Returns the keys of the word with the fewest.
    async fn keys_of_words(&self, words: &[String]) -> Result<Option<Vec<KindKeys>>, StoreError> {
        let mut words: Vec<&String> = words.iter().collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let mut best: Option<Vec<KindKeys>> = None;
        for word in words.into_iter().take(WORDS_MAX) {
            let Some(resolved) = self.keys_of_word(word).await? else { continue };
            if best.as_ref().is_none_or(|other| key_count(&resolved) < key_count(other)) {
                best = Some(resolved);
            }
        }
        Ok(best)
    }

    /// Resolves the keys whose names contain a word. Returns `None` if there are too many.
    async fn keys_of_word(&self, word: &str) -> Result<Option<Vec<KindKeys>>, StoreError> {
        let any = |columns: &'static [&str]| {
            move |sql: &mut Sql| {
                sql.push(" AND ").joined(columns, " OR ", "FALSE", |sql, column| like(sql, column, word));
                true
            }
        };
        // Resolve activities first: if too many match, the other statements are not needed.
        let activity_keys = self.activity_keys(EventString::Activity, TermKind::Activity, word).await?;
        let Some(mut all) = activity_keys else { return Ok(None) };
        let names = self.activity_keys(EventString::ActivityName, TermKind::ActivityName, word).await?;
        let Some(names) = names else { return Ok(None) };
        let Some(actors) = self.snapshot_keys(KeyKind::Actor, any(&ACTOR_COLUMNS)).await? else { return Ok(None) };
        let Some(targets) = self.snapshot_keys(KeyKind::Target, any(&TARGET_COLUMNS)).await? else { return Ok(None) };
        all.extend(names.into_iter().chain(actors).chain(targets));
        Ok(Some(all))
    }

    /// Returns the keys of the snapshots that match a condition, or `None` if there are more than `KEYS_MAX`. `write`
    /// appends the condition and returns whether to run the statement at all.
    async fn snapshot_keys(
        &self,
        of: KeyKind,
        write: impl FnOnce(&mut Sql) -> bool,
    ) -> Result<Option<Vec<KindKeys>>, StoreError> {
        let (table, alias) = if matches!(of, KeyKind::Actor) { ("actor", "a") } else { ("target", "g") };
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT k.key FROM (SELECT DISTINCT ");
        sql.push(&format!("{alias}.key AS id FROM {table} {alias} WHERE {alias}.tenant_id = $1"));
        if !write(&mut sql) {
            return Ok(None);
        }
        sql.push(&format!(" LIMIT {}) found CROSS JOIN term k", KEYS_MAX + 1));
        sql.push(" WHERE k.tenant_id = $1 AND k.id = found.id");
        let rows = self.query(sql).await?;
        let keys = rows.iter().map(|row| Ok(row.try_get_by(0)?)).collect::<Result<BTreeSet<String>, StoreError>>()?;
        Ok(Some(keys).filter(|keys| keys.len() <= KEYS_MAX).map(|keys| vec![(of, keys)]))
    }

    /// Returns the activities, or their display names, that contain a word, or `None` if there are too many.
    async fn activity_keys(
        &self,
        string: EventString,
        kind: TermKind,
        word: &str,
    ) -> Result<Option<Vec<KindKeys>>, StoreError> {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT found.key, found.number FROM (");
        sql.push("SELECT k.key AS key, ROW_NUMBER() OVER (ORDER BY k.key) AS number FROM term k");
        sql.push(&format!(" WHERE k.tenant_id = $1 AND k.kind = {} ORDER BY k.key LIMIT ", kind.code()));
        sql.bind(ACTIVITIES_MAX).push(") found WHERE ");
        like(&mut sql, "found.key", word);
        sql.push(" OR found.number = ").bind(ACTIVITIES_MAX).push(&format!(" LIMIT {}", PARTS_MAX + 1));
        let rows = self.query(sql).await?;
        let mut resolved = BTreeSet::new();
        for row in &rows {
            if row.try_get_by::<i64, _>(1)? == ACTIVITIES_MAX {
                return Ok(None);
            }
            resolved.insert(row.try_get_by(0)?);
        }
        Ok(Some(resolved)
            .filter(|resolved| resolved.len() <= PARTS_MAX)
            .map(|resolved| vec![(KeyKind::String(string), resolved)]))
    }
}
