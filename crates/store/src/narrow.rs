//! Searches for parts of names look among the names first: a word that few actors, targets and activities contain gives
//! few keys, and an index leads from keys to events, however large the log is. If there are many keys but few events,
//! the events are found first and then sorted.
//!
//! The keys only narrow a list down: every event of the list has one of them, and the condition still decides on each
//! event. There are far fewer names than events, so looking through them costs little; without this, a page for a rare
//! word would scan the whole period.

use std::collections::BTreeSet;

use super::condition::{self, ACTOR_COLUMNS, TARGET_COLUMNS, like};
use super::merge::{PARTS_MAX, conjuncts};
use super::select::{self, Driver};
use super::sql::Sql;
use super::{EventQuery, Reader, StoreError};
use model::filter::{ActorCondition, Condition, EventString, StringCondition, TargetCondition};
use model::page::{Order, OrderField};

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

/// What a list is narrowed down for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// A page in an order.
    Page(Order),
    /// Counting all of it.
    Count,
    /// Counting up to a limit.
    CountUpTo,
}

/// What was found out about a list: every event of it meets one of these conditions on keys.
#[derive(Debug)]
pub(super) enum Narrow {
    /// On a single key each. The events of each are walked.
    Keys(Vec<Condition>),
    /// On many keys each, of few events; or of any number, where it is only counted up to a limit.
    Events(Vec<Condition>),
}

impl Narrow {
    /// The conditions.
    pub(super) fn conditions(&self) -> &[Condition] {
        match self {
            Self::Keys(conditions) | Self::Events(conditions) => conditions,
        }
    }
}

/// What keys are of.
#[derive(Clone, Copy)]
enum Of {
    Actor,
    Target,
    Text(EventString),
}

impl Of {
    /// That an event has one of some keys.
    fn having(self, keys: BTreeSet<String>) -> Condition {
        match self {
            Self::Actor => Condition::Actor(Box::new(ActorCondition { keys: Some(keys), ..ActorCondition::default() })),
            Self::Target => {
                Condition::Target(Box::new(TargetCondition { keys: Some(keys), ..TargetCondition::default() }))
            }
            Self::Text(text) => {
                Condition::String(text, StringCondition { one_of: Some(keys), ..StringCondition::default() })
            }
        }
    }
}

/// Keys of one kind.
type Keys = (Of, BTreeSet<String>);

fn count(found: &[Keys]) -> usize {
    found.iter().map(|(_, keys)| keys.len()).sum()
}

impl Reader {
    /// What narrows a list down. None if the list has no part of a name, or if it would not be narrowed by much.
    pub(super) async fn narrow(&self, list: &EventQuery, purpose: Purpose) -> Result<Option<Narrow>, StoreError> {
        if is_served(&list.condition, purpose) {
            return Ok(None);
        }
        // On the heap: most lists do without, and all would carry it.
        Box::pin(self.looked_up(list, purpose)).await
    }

    async fn looked_up(&self, list: &EventQuery, purpose: Purpose) -> Result<Option<Narrow>, StoreError> {
        for conjunct in conjuncts(&list.condition) {
            let found = match conjunct {
                Condition::Search(words) => self.with_words(words).await?,
                Condition::Actor(actor) => match &actor.keys {
                    Some(keys) => Some(vec![(Of::Actor, keys.clone())]),
                    None => self.keys(Of::Actor, |sql| condition::actor_by_parts(sql, actor)).await?,
                },
                Condition::Target(target) => match &target.keys {
                    Some(keys) => Some(vec![(Of::Target, keys.clone())]),
                    None => self.keys(Of::Target, |sql| condition::target_by_parts(sql, target)).await?,
                },
                _ => None,
            };
            let Some(found) = found else { continue };
            if let Some(narrow) = self.few(list, found, purpose).await? {
                return Ok(Some(narrow));
            }
        }
        Ok(None)
    }

    /// Keys that narrow a list down: few, or those of few events.
    async fn few(&self, list: &EventQuery, found: Vec<Keys>, purpose: Purpose) -> Result<Option<Narrow>, StoreError> {
        let count = count(&found);
        let by_key = match purpose {
            // A walk of one key goes on until it has found enough, so it is short only where nearly all of its events
            // belong to the list.
            Purpose::Page(_) => asks_for_one(&list.condition),
            Purpose::Count => true,
            Purpose::CountUpTo => false,
        };
        if count == 0 || count <= PARTS_MAX && by_key {
            let each =
                found.into_iter().flat_map(|(of, keys)| keys.into_iter().map(move |key| of.having([key].into())));
            return Ok(Some(Narrow::Keys(each.collect())));
        }
        if count > KEYS_MAX {
            return Ok(None);
        }
        let having = found.into_iter().filter(|(_, keys)| !keys.is_empty()).map(|(of, keys)| of.having(keys)).collect();
        let narrow = Narrow::Events(having);
        let most = match purpose {
            Purpose::Page(_) => SORTED_MAX,
            Purpose::Count => COUNTED_MAX,
            Purpose::CountUpTo => return Ok(Some(narrow)),
        };
        let events = select::ListQuery { narrow: Some(&narrow), ..self.list(list) }.count_narrowed(most + 1);
        Ok(if self.number(events).await? > most { None } else { Some(narrow) })
    }

    /// The keys under which one of the longest of some words is found: of the one with the fewest.
    async fn with_words(&self, words: &[String]) -> Result<Option<Vec<Keys>>, StoreError> {
        let mut words: Vec<&String> = words.iter().collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let mut fewest: Option<Vec<Keys>> = None;
        for word in words.into_iter().take(WORDS_MAX) {
            let Some(found) = self.with_word(word).await? else { continue };
            if fewest.as_ref().is_none_or(|known| count(&found) < count(known)) {
                fewest = Some(found);
            }
        }
        Ok(fewest)
    }

    /// The keys under which a word is found.
    async fn with_word(&self, word: &str) -> Result<Option<Vec<Keys>>, StoreError> {
        let any = |columns: &'static [&str]| {
            move |sql: &mut Sql| {
                sql.push(" AND ").joined(columns, " OR ", "FALSE", |sql, column| like(sql, column, word));
                true
            }
        };
        // Of a word that many activities have nothing else is asked.
        let activities = self.activities(EventString::Activity, "activity_key", word).await?;
        let Some(mut all) = activities else { return Ok(None) };
        let Some(names) = self.activities(EventString::ActivityName, "activity_name", word).await? else {
            return Ok(None);
        };
        let Some(actors) = self.keys(Of::Actor, any(&ACTOR_COLUMNS)).await? else { return Ok(None) };
        let Some(targets) = self.keys(Of::Target, any(&TARGET_COLUMNS)).await? else { return Ok(None) };
        all.extend(names.into_iter().chain(actors).chain(targets));
        Ok(Some(all))
    }

    /// The keys of the snapshots that match a condition, if there are not too many. `write` says whether it is worth
    /// looking.
    async fn keys(&self, of: Of, write: impl FnOnce(&mut Sql) -> bool) -> Result<Option<Vec<Keys>>, StoreError> {
        let (table, alias) = if matches!(of, Of::Actor) { ("actor", "a") } else { ("target", "g") };
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
    async fn activities(&self, text: EventString, column: &str, word: &str) -> Result<Option<Vec<Keys>>, StoreError> {
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
        let mut found = BTreeSet::new();
        for row in &rows {
            if row.try_get_by::<i64, _>(1)? == ACTIVITIES_MAX {
                return Ok(None);
            }
            found.insert(row.try_get_by(0)?);
        }
        Ok(Some(found).filter(|found| found.len() <= PARTS_MAX).map(|found| vec![(Of::Text(text), found)]))
    }
}

/// Whether a condition is about a single name.
fn asks_for_one(condition: &Condition) -> bool {
    match conjuncts(condition) {
        [Condition::Search(words)] => words.len() == 1,
        [_] => true,
        _ => false,
    }
}

/// Whether an index leads to a list without looking any further.
fn is_served(condition: &Condition, purpose: Purpose) -> bool {
    let walked = if let Purpose::Page(order) = purpose { order } else { Order::NEWEST };
    let is_key = |conjunct: &Condition| match conjunct {
        Condition::Actor(actor) => actor.keys.as_ref().is_some_and(|keys| keys.len() <= PARTS_MAX),
        Condition::Target(target) => target.keys.as_ref().is_some_and(|keys| keys.len() <= PARTS_MAX),
        Condition::String(EventString::Correlation | EventString::EventKey, text) => text.one_of.is_some(),
        _ => false,
    };
    let has_names =
        |conjunct: &Condition| matches!(conjunct, Condition::Search(_) | Condition::Actor(_) | Condition::Target(_));
    walked.field == OrderField::Sequence
        || !conjuncts(condition).iter().any(has_names)
        || Driver::of(condition, walked) != Driver::Event
        || conjuncts(condition).iter().any(is_key)
}
