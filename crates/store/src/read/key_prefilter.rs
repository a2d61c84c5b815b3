//! Finds the keys that narrow a list down.

use std::collections::BTreeSet;

use crate::query::condition::{self, ACTOR_COLUMNS, TARGET_COLUMNS};
use crate::query::merge::{PARTS_MAX, conjuncts};
use crate::query::prefilter::{KeyKind, KindKeys, Prefilter, Purpose, is_index_served, is_single_term, key_count};
use crate::query::select;
use crate::query::sql::{Sql, like};
use crate::read::page::EventQuery;
use crate::{Reader, StoreError};
use model::filter::{Condition, EventText};

/// The most different activities that are looked through. An application that makes one up for each event has more.
const ACTIVITIES_MAX: i64 = 5_000;
/// The most words that are looked for.
const WORDS_MAX: usize = 4;
/// The most keys that are looked up.
const KEYS_MAX: usize = 1_000;
/// The most events that are put in order for a page. Of more, the walk by time soon meets enough.
const SORTED_MAX: i64 = 10_000;
/// The most events that are found by their keys to be counted. Of more, all of the period are looked at.
const COUNTED_MAX: i64 = 200_000;

impl Reader {
    /// What narrows a list down. None if the list has no part of a name, or if it would not be narrowed by much.
    pub(crate) async fn key_prefilter(
        &self,
        list: &EventQuery,
        purpose: Purpose,
    ) -> Result<Option<Prefilter>, StoreError> {
        if is_index_served(&list.condition, purpose) {
            return Ok(None);
        }
        // On the heap: most lists do without, and all would carry it.
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

    /// Keys that narrow a list down: few, or those of few events.
    async fn prefilter_from_keys(
        &self,
        list: &EventQuery,
        resolved: Vec<KindKeys>,
        purpose: Purpose,
    ) -> Result<Option<Prefilter>, StoreError> {
        let key_count = key_count(&resolved);
        let by_key = match purpose {
            // A walk of one key goes on until it has found enough, so it is short only where nearly all of its events
            // belong to the list.
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
        let events = select::ListQuery { prefilter: Some(&prefilter), ..self.list_query(list) }
            .count_prefiltered(events_max + 1);
        Ok(if self.fetch_number(events).await? > events_max { None } else { Some(prefilter) })
    }

    /// The keys under which one of the longest of some words is found: of the one with the fewest.
    async fn keys_of_words(&self, words: &[String]) -> Result<Option<Vec<KindKeys>>, StoreError> {
        let mut words: Vec<&String> = words.iter().collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let mut best: Option<Vec<KindKeys>> = None;
        for word in words.into_iter().take(WORDS_MAX) {
            let Some(resolved) = self.keys_of_word(word).await? else { continue };
            if best.as_ref().is_none_or(|known| key_count(&resolved) < key_count(known)) {
                best = Some(resolved);
            }
        }
        Ok(best)
    }

    /// The keys under which a word is found.
    async fn keys_of_word(&self, word: &str) -> Result<Option<Vec<KindKeys>>, StoreError> {
        let any = |columns: &'static [&str]| {
            move |sql: &mut Sql| {
                sql.push(" AND ").joined(columns, " OR ", "FALSE", |sql, column| like(sql, column, word));
                true
            }
        };
        // Of a word that many activities have nothing else is asked.
        let activity_keys = self.activity_keys(EventText::Activity, "activity_key", word).await?;
        let Some(mut all) = activity_keys else { return Ok(None) };
        let Some(names) = self.activity_keys(EventText::ActivityName, "activity_name", word).await? else {
            return Ok(None);
        };
        let Some(actors) = self.snapshot_keys(KeyKind::Actor, any(&ACTOR_COLUMNS)).await? else { return Ok(None) };
        let Some(targets) = self.snapshot_keys(KeyKind::Target, any(&TARGET_COLUMNS)).await? else { return Ok(None) };
        all.extend(names.into_iter().chain(actors).chain(targets));
        Ok(Some(all))
    }

    /// The keys of the snapshots that match a condition, if there are not too many. `write` says whether it is worth
    /// looking.
    async fn snapshot_keys(
        &self,
        of: KeyKind,
        write: impl FnOnce(&mut Sql) -> bool,
    ) -> Result<Option<Vec<KindKeys>>, StoreError> {
        let (table, alias) = if matches!(of, KeyKind::Actor) { ("actor", "a") } else { ("target", "g") };
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT DISTINCT ");
        sql.push(&format!("{alias}.key FROM {table} {alias} WHERE {alias}.tenant_id = $1"));
        if !write(&mut sql) {
            return Ok(None);
        }
        sql.push(&format!(" LIMIT {}", KEYS_MAX + 1));
        let rows = self.query(sql).await?;
        let keys = rows.iter().map(|row| Ok(row.try_get_by(0)?)).collect::<Result<BTreeSet<String>, StoreError>>()?;
        Ok(Some(keys).filter(|keys| keys.len() <= KEYS_MAX).map(|keys| vec![(of, keys)]))
    }

    /// The activities, or their display names, that contain a word, if they are few. The index has them in order, so
    /// that they are found by going from each to the next.
    async fn activity_keys(
        &self,
        text: EventText,
        column: &str,
        word: &str,
    ) -> Result<Option<Vec<KindKeys>>, StoreError> {
        let next = |after: &str| {
            format!("SELECT MIN(e.{column}) FROM audit_event e WHERE e.tenant_id = $1 AND e.{column} <> ''{after}")
        };
        let mut sql = Sql::for_tenant(self.tenant_id, "WITH RECURSIVE found (name, number) AS (SELECT (");
        sql.push(&next("")).push("), 1 UNION ALL SELECT (").push(&next(&format!(" AND e.{column} > found.name")));
        sql.push("), found.number + 1 FROM found WHERE found.name IS NOT NULL AND found.number < ")
            .bind(ACTIVITIES_MAX);
        sql.push(") SELECT found.name, CAST(found.number AS bigint) FROM found WHERE found.name IS NOT NULL AND (");
        like(&mut sql, "found.name", word);
        sql.push(" OR found.number = ").bind(ACTIVITIES_MAX).push(&format!(") LIMIT {}", PARTS_MAX + 1));
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
            .map(|resolved| vec![(KeyKind::Text(text), resolved)]))
    }
}
