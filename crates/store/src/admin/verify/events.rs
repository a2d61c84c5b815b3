//! Verifies the events of a log, chunk by chunk.

use entity::{audit_event, tenant_log};
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _};
use sea_orm::{QueryFilter as _, QueryOrder as _};

use super::Verification;
use super::unreadable::is_damage;
use crate::StoreError;
use crate::query::sql::Sql;
use crate::read::stored_body;
use crate::write::prepared::PreparedEvent;
use crate::write::snapshot_cache::SnapshotIds;
use body_codec::{BodyCodecError, HEADER_BYTES_MAX};
use model::{NewEvent, Timestamp};

/// The most events per chunk.
const EVENTS_MAX: i64 = 500;
/// The most bytes of texts per chunk, unless a single event has more.
const BYTES_MAX: usize = 8 << 20;
/// The factor by which chunks shrink around events that cannot be read, and grow behind them.
const CHUNK_FACTOR: i64 = 8;

impl Verification<'_> {
    /// Verifies all events. Returns the sequence up to which rows were verified.
    pub(super) async fn check_events(&mut self, head: &tenant_log::Model) -> Result<i64, StoreError> {
        let (mut after, mut limit) = (i64::MIN, EVENTS_MAX);
        loop {
            match self.read_chunk(after, limit).await {
                Ok(None) => break,
                Ok(Some((end, events))) => {
                    self.report_unreadable_events();
                    self.check_chunk(after, end, events).await?;
                    (after, limit) = (end, (limit * CHUNK_FACTOR).min(EVENTS_MAX));
                }
                Err(error) if !is_damage(&error) => return Err(error),
                Err(error) => {
                    self.return_to_savepoint().await?;
                    let next = after.max(0) + 1;
                    if limit > 1 {
                        limit = (limit / CHUNK_FACTOR).max(1);
                    } else if next <= head.last_sequence {
                        // Sequences have no gaps, so the next event is known also if it cannot be read.
                        if self.unreadable.add(next, &error) {
                            self.report_unreadable_events();
                            self.unreadable.add(next, &error);
                        }
                        self.last_sequence = next;
                        after = next;
                    } else {
                        self.readable::<()>(Err(error), "audit_event", Some((next, i64::MAX))).await?;
                        break;
                    }
                }
            }
        }
        self.report_unreadable_events();
        Ok(after)
    }

    /// Reads the chunk of at most `limit` events after a sequence. Returns its last sequence and its events, or `None`
    /// at the end of the log.
    async fn read_chunk(&self, after: i64, limit: i64) -> Result<Option<(i64, Vec<audit_event::Model>)>, StoreError> {
        let Some(end) = self.chunk_end(after, limit).await? else { return Ok(None) };
        if end <= after {
            let (table, column, reason) = ("audit_event", "sequence", "an index returned a wrong row".to_owned());
            return Err(StoreError::Corrupt { table, column, id: end.to_string(), reason });
        }
        let found = audit_event::Entity::find()
            .filter(audit_event::Column::TenantId.eq(self.tenant_id))
            .filter(audit_event::Column::Sequence.gt(after))
            .filter(audit_event::Column::Sequence.lte(end))
            .order_by_asc(audit_event::Column::Sequence);
        Ok(Some((end, found.all(self.snapshot).await?)))
    }

    /// Returns the last sequence of the chunk that starts after a sequence and has at most `limit` events, or
    /// `None` at the end of the log.
    async fn chunk_end(&self, after: i64, limit: i64) -> Result<Option<i64>, StoreError> {
        let mut sql = Sql::for_tenant(self.tenant_id, "SELECT sequence, CAST(octet_length(body) AS bigint)");
        sql.push(&format!(", body_format, substr(body, 1, {HEADER_BYTES_MAX}) FROM audit_event"));
        sql.push(" WHERE tenant_id = $1 AND sequence > ").bind(after);
        sql.push(" ORDER BY sequence LIMIT ").bind(limit);
        let rows = self.snapshot.query_all_raw(sql.statement(self.snapshot.get_database_backend())).await?;
        let (mut end, mut bytes) = (None, 0);
        for found in rows {
            let stored_bytes = usize::try_from(found.try_get_by::<i64, _>(1)?).unwrap_or(usize::MAX);
            let start: Vec<u8> = found.try_get_by(3)?;
            bytes += stored_body::text_bytes(found.try_get_by(2)?, &start, stored_bytes);
            if end.is_some() && bytes > BYTES_MAX {
                break;
            }
            end = Some(found.try_get_by(0)?);
        }
        Ok(end)
    }

    /// Verifies the events of a chunk and their rows.
    async fn check_chunk(&mut self, after: i64, end: i64, found: Vec<audit_event::Model>) -> Result<(), StoreError> {
        self.undecodable.clear();
        let mut events: Vec<_> = found.into_iter().filter_map(|found| self.prepare(found)).collect();
        let range = Some((after.max(0) + 1, end));
        let links = self.links(after, end).await;
        let links = self.readable(links, "event_target", range).await?;
        let changes = self.changes(after, end).await;
        let changes = self.readable(changes, "property_change", range).await?;
        let referenced = self.referenced_terms(
            &events,
            links.as_deref().unwrap_or_default(),
            changes.as_deref().unwrap_or_default(),
        );
        let terms = self.check_terms(&referenced).await;
        let terms = self.readable(terms, "term", range).await?;
        // Without the terms, the numbers cannot be wrong.
        let terms = terms.unwrap_or_else(|| referenced.into_iter().map(|(term, (_, id))| (term, id)).collect());
        for (_, expected) in &mut events {
            expected.set_term_ids(&terms);
        }
        let actors = self.actor_ids(&events).await;
        let actors = self.readable(actors, "actor", range).await?;
        let targets = match &links {
            Some(links) => {
                let targets = self.target_ids(&events, links).await;
                self.readable(targets, "target", range).await?
            }
            None => None,
        };
        let mut expected_rows = Vec::with_capacity(events.len());
        for (found, mut expected) in events {
            expected.set_snapshot_ids(
                actors.as_ref().unwrap_or(&SnapshotIds::new()),
                targets.as_ref().unwrap_or(&SnapshotIds::new()),
            );
            if actors.is_none() {
                expected.event.actor_id = found.actor_id;
            }
            self.compare(found.sequence, "", &expected.event, &found);
            if self.activity_counts.as_mut().is_some_and(|counts| !counts.count(&expected)) {
                self.difference(found.sequence, ["activity_type", "property_names"], "lacks a name of the event");
            }
            expected_rows.push(expected);
        }
        let keys = self.check_event_keys(&expected_rows).await;
        self.readable(keys, "event_key", range).await?;
        self.check_side_rows(expected_rows, links.filter(|_| targets.is_some()), changes);
        Ok(())
    }

    /// Builds the rows that are expected for a stored event. Returns `None` if the body cannot be decoded; then the rows
    /// that belong to the event are not compared.
    fn prepare(&mut self, found: audit_event::Model) -> Option<(audit_event::Model, PreparedEvent)> {
        self.check_order(&found);
        let event = match body_codec::decode(found.body_format, &found.body) {
            Ok(text) => NewEvent::stored(text).map_err(|_invalid| ("body", "cannot be decoded".to_owned())),
            Err(BodyCodecError::UnknownFormat(_)) => Err(("body_format", "is unknown".to_owned())),
            Err(error) => Err(("body", format!("cannot be decompressed: {error}"))),
        };
        let event = match event {
            Ok(event) => event,
            Err((column, reason)) => {
                self.difference(found.sequence, ["audit_event", column], &reason);
                self.undecodable.insert(found.sequence);
                self.unreadable.set_any();
                return None;
            }
        };
        if !event.is_canonical() {
            let reason = "is not what its parts serialise to: it has unknown members or another layout";
            self.difference(found.sequence, ["audit_event", "body"], reason);
        }
        let mut expected = PreparedEvent::new(self.tenant_id, &event);
        expected.set_sequence(found.sequence, Timestamp(found.recorded_at));
        // One text has several stored forms.
        (expected.event.body_format, expected.event.body) = (found.body_format, found.body.clone());
        Some((found, expected))
    }

    /// Checks that sequences have no gaps and `recorded_at` never decreases.
    fn check_order(&mut self, found: &audit_event::Model) {
        let expected = self.last_sequence + 1;
        if found.sequence > expected {
            let missing = format!("gap of {}", found.sequence - expected);
            self.difference(expected, ["audit_event", "sequence"], &missing);
        } else if found.sequence < expected {
            self.difference(found.sequence, ["audit_event", "sequence"], "is less than 1");
        }
        if found.recorded_at < self.last_recorded_at {
            self.difference(
                found.sequence,
                ["audit_event", "recorded_at"],
                "is earlier than that of the previous event",
            );
        }
        self.last_sequence = self.last_sequence.max(found.sequence);
        self.last_recorded_at = self.last_recorded_at.max(found.recorded_at);
        self.events += 1;
        self.progress.add(1);
    }
}
