//! Parts of names, found among the names first: a word that few actors, targets and activities have leads to few keys,
//! and those are an index away from their events, however large the log is.
//!
//! What is found only narrows a list down: an event of the list has one of the keys, and the condition still decides on
//! each event. Names are far fewer than events, so looking through them costs little; without it a page of a rare word
//! would be looked for in the whole period.

use super::condition::{self, ACTOR_COLUMNS, TARGET_COLUMNS, like};
use super::merge::{PARTS_MAX, conjuncts};
use super::select::Driver;
use super::sql::Sql;
use super::{Reader, StoreError};
use crate::audit::filter::{ActorCondition, Condition, EventText, TargetCondition, TextCondition};
use crate::audit::page::{Order, OrderField};

/// The most different activities that are looked through. An application that makes one up for each event has more.
const ACTIVITIES_MAX: i64 = 5_000;

impl Reader {
    /// Conditions on single keys of which every event of a list meets one. None if they would be too many, or if nothing
    /// in the list is a part of a name.
    pub(super) async fn narrowed(
        &self,
        condition: &Condition,
        order: Order,
    ) -> Result<Option<Vec<Condition>>, StoreError> {
        let conjuncts = conjuncts(condition);
        let is_key = |conjunct: &Condition| match conjunct {
            Condition::Actor(actor) => actor.keys.is_some(),
            Condition::Target(target) => target.keys.is_some(),
            Condition::Text(EventText::Correlation | EventText::EventKey, text) => text.one_of.is_some(),
            _ => false,
        };
        let is_served = Driver::of(condition, order) != Driver::Event || conjuncts.iter().any(is_key);
        if order.field == OrderField::Sequence || is_served {
            return Ok(None);
        }
        for conjunct in conjuncts {
            let found = match conjunct {
                Condition::Search(words) => self.with_word(words).await?,
                Condition::Actor(actor) => {
                    self.keys("actor a", actors, |sql| condition::actor_by_parts(sql, actor)).await?
                }
                Condition::Target(target) => {
                    self.keys("target g", targets, |sql| condition::target_by_parts(sql, target)).await?
                }
                _ => None,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The keys under which the longest of some words is found.
    async fn with_word(&self, words: &[String]) -> Result<Option<Vec<Condition>>, StoreError> {
        let Some(word) = words.iter().max_by_key(|word| word.len()) else { return Ok(None) };
        let any = |columns: &'static [&str]| {
            move |sql: &mut Sql| {
                sql.push(" AND ").joined(columns, " OR ", "FALSE", |sql, column| like(sql, column, word));
                true
            }
        };
        // Of a word that many activities have nothing else is asked.
        let activities = self.activities(EventText::Activity, "activity_key", word).await?;
        let Some(mut all) = activities else { return Ok(None) };
        let Some(names) = self.activities(EventText::ActivityName, "activity_name", word).await? else {
            return Ok(None);
        };
        let Some(actors) = self.keys("actor a", actors, any(&ACTOR_COLUMNS)).await? else { return Ok(None) };
        let Some(targets) = self.keys("target g", targets, any(&TARGET_COLUMNS)).await? else { return Ok(None) };
        all.extend(names.into_iter().chain(actors).chain(targets));
        Ok(Some(all).filter(|all| all.len() <= PARTS_MAX))
    }

    /// The keys of the snapshots that meet a condition, if they are few. `write` says whether it is worth looking.
    async fn keys(
        &self,
        table: &str,
        condition: fn(TextCondition) -> Condition,
        write: impl FnOnce(&mut Sql) -> bool,
    ) -> Result<Option<Vec<Condition>>, StoreError> {
        let alias = &table[table.len() - 1..];
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT DISTINCT ");
        sql.push(&format!("{alias}.key FROM {table} WHERE {alias}.tenant_id = $1"));
        if !write(&mut sql) {
            return Ok(None);
        }
        sql.push(&format!(" LIMIT {}", PARTS_MAX + 1));
        let rows = self.query(sql).await?;
        let keys =
            rows.iter().map(|row| Ok(condition(only(row.try_get_by(0)?)))).collect::<Result<Vec<_>, StoreError>>();
        Ok(Some(keys?).filter(|keys| keys.len() <= PARTS_MAX))
    }

    /// The activities, or their display names, that contain a word, if they are few. The index has them in order, so
    /// that they are found by going from each to the next.
    async fn activities(
        &self,
        text: EventText,
        column: &str,
        word: &str,
    ) -> Result<Option<Vec<Condition>>, StoreError> {
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
        let mut found = Vec::new();
        for row in &rows {
            if row.try_get_by::<i64, _>(1)? == ACTIVITIES_MAX {
                return Ok(None);
            }
            found.push(Condition::Text(text, only(row.try_get_by(0)?)));
        }
        Ok(Some(found).filter(|found| found.len() <= PARTS_MAX))
    }
}

fn only(text: String) -> TextCondition {
    TextCondition { one_of: Some([text].into()), ..TextCondition::default() }
}

fn actors(key: TextCondition) -> Condition {
    Condition::Actor(Box::new(ActorCondition { keys: key.one_of, ..ActorCondition::default() }))
}

fn targets(key: TextCondition) -> Condition {
    Condition::Target(Box::new(TargetCondition { keys: key.one_of, ..TargetCondition::default() }))
}
