//! Creates the log: tenants, events, and the side tables with their indexes.
//!
//! The tables are written in SQL, because the important parts must be the same on both databases: the leading columns
//! of each index, their direction, and the rows of partial indexes. A word in braces stands for what differs: `{key}`
//! is a string compared byte by byte, `{bytes}` a byte string, `{identity}` an id that the database assigns, and
//! `{clustered}` a table stored in its primary key.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(Debug)]
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261122_000001_log"
    }
}

const STATEMENTS: &[&str] = &[
    "CREATE TABLE tenant (
        id {identity},
        key {key} NOT NULL UNIQUE,
        display_name text NOT NULL,
        domains text NOT NULL,
        is_disabled smallint NOT NULL
    )",
    // `secret_hash` is the SHA-256 of the secret, which is not stored. The id contains the tenant's, so that a key is
    // found by the primary key.
    "CREATE TABLE api_key (
        tenant_id integer NOT NULL,
        id {key} NOT NULL,
        name text NOT NULL,
        secret_hash {bytes} NOT NULL,
        grants text NOT NULL,
        created_at bigint NOT NULL,
        created_by text NOT NULL,
        expires_at bigint,
        revoked_at bigint,
        last_used_at bigint,
        PRIMARY KEY (tenant_id, id)
    ) {clustered}",
    // The head row, which every recording transaction locks.
    "CREATE TABLE tenant_log (
        tenant_id integer NOT NULL PRIMARY KEY REFERENCES tenant (id),
        log_id text NOT NULL,
        last_sequence bigint NOT NULL,
        last_recorded_at bigint NOT NULL,
        last_term_id bigint NOT NULL,
        last_actor_id bigint NOT NULL,
        last_target_id bigint NOT NULL,
        activity_type_count bigint NOT NULL,
        uncatalogued_count bigint NOT NULL
    )",
    // The folded strings that events share, each with the number by which the other tables refer to it. In those
    // tables, 0 is an absent string.
    "CREATE TABLE term (
        tenant_id integer NOT NULL,
        id integer NOT NULL,
        kind smallint NOT NULL,
        key {key} NOT NULL,
        PRIMARY KEY (tenant_id, id)
    ) {clustered}",
    "CREATE UNIQUE INDEX term_key ON term (tenant_id, kind, key)",
    // Columns are ordered by their alignment in PostgreSQL: a `bigint` after a single `integer` would waste four bytes
    // of each row.
    "CREATE TABLE audit_event (
        sequence bigint NOT NULL,
        occurred_at bigint NOT NULL,
        recorded_at bigint NOT NULL,
        tenant_id integer NOT NULL,
        service integer NOT NULL,
        component integer NOT NULL,
        category integer NOT NULL,
        activity_key integer NOT NULL,
        activity_name integer NOT NULL,
        actor_id integer NOT NULL,
        actor_key integer NOT NULL,
        application_id integer NOT NULL,
        ip_address integer NOT NULL,
        recorded_by integer NOT NULL,
        correlation_hash integer NOT NULL,
        event_key_hash integer NOT NULL,
        resource_type smallint NOT NULL,
        operation_type smallint NOT NULL,
        group_source smallint NOT NULL,
        status smallint NOT NULL,
        recorded_via smallint NOT NULL,
        body_format smallint NOT NULL,
        checksum {bytes} NOT NULL,
        body {bytes} NOT NULL,
        PRIMARY KEY (tenant_id, sequence)
    )",
    "CREATE INDEX audit_event_time ON audit_event (tenant_id, occurred_at DESC, sequence DESC)",
    "CREATE INDEX audit_event_service ON audit_event (tenant_id, service, occurred_at DESC, sequence DESC)",
    "CREATE INDEX audit_event_category ON audit_event (tenant_id, category, occurred_at DESC, sequence DESC)",
    "CREATE INDEX audit_event_activity ON audit_event (tenant_id, activity_key, occurred_at DESC, sequence DESC)",
    "CREATE INDEX audit_event_activity_name ON audit_event (tenant_id, activity_name, occurred_at DESC, sequence DESC)
        WHERE activity_name <> 0",
    "CREATE INDEX audit_event_actor ON audit_event (tenant_id, actor_key, occurred_at DESC, sequence DESC)",
    "CREATE INDEX audit_event_correlation ON audit_event (tenant_id, correlation_hash, occurred_at DESC, sequence DESC)
        WHERE correlation_hash <> 0",
    "CREATE INDEX audit_event_application ON audit_event (tenant_id, application_id, occurred_at DESC, sequence DESC)
        WHERE application_id <> 0",
    // 1 is the number of `Status::Success`.
    "CREATE INDEX audit_event_status ON audit_event (tenant_id, status, occurred_at DESC, sequence DESC)
        WHERE status <> 1",
    "CREATE TABLE event_key (
        sequence bigint NOT NULL,
        tenant_id integer NOT NULL,
        key_hash {bytes} NOT NULL,
        input_hash {bytes} NOT NULL,
        PRIMARY KEY (tenant_id, key_hash)
    ) {clustered}",
    "CREATE TABLE actor (
        tenant_id integer NOT NULL,
        id integer NOT NULL,
        key integer NOT NULL,
        service integer NOT NULL,
        kind smallint NOT NULL,
        fingerprint {bytes} NOT NULL,
        object_id {key} NOT NULL,
        user_principal_name {key} NOT NULL,
        display_name {key} NOT NULL,
        service_principal_name {key} NOT NULL,
        application_id {key} NOT NULL,
        application_name {key} NOT NULL,
        PRIMARY KEY (tenant_id, id)
    ) {clustered}",
    "CREATE UNIQUE INDEX actor_fingerprint ON actor (tenant_id, fingerprint)",
    "CREATE TABLE target (
        tenant_id integer NOT NULL,
        id integer NOT NULL,
        key integer NOT NULL,
        service integer NOT NULL,
        fingerprint {bytes} NOT NULL,
        type {key} NOT NULL,
        object_id {key} NOT NULL,
        user_principal_name {key} NOT NULL,
        display_name {key} NOT NULL,
        application_id {key} NOT NULL,
        PRIMARY KEY (tenant_id, id)
    ) {clustered}",
    "CREATE UNIQUE INDEX target_fingerprint ON target (tenant_id, fingerprint)",
    // `is_first` is 1 on the first row of an event with this key: a partial index over those rows returns each event
    // once, however often the key repeats.
    "CREATE TABLE event_target (
        sequence bigint NOT NULL,
        occurred_at bigint NOT NULL,
        tenant_id integer NOT NULL,
        target_id integer NOT NULL,
        target_key integer NOT NULL,
        ordinal smallint NOT NULL,
        is_first smallint NOT NULL,
        PRIMARY KEY (tenant_id, sequence, ordinal)
    ) {clustered}",
    "CREATE INDEX event_target_key ON event_target (tenant_id, target_key, occurred_at DESC, sequence DESC)
        WHERE is_first = 1",
    // The hashes of the values are 0 if there is no value. `flags` is the number of the kind of change, plus 8 if the
    // values are sensitive.
    "CREATE TABLE property_change (
        sequence bigint NOT NULL,
        occurred_at bigint NOT NULL,
        tenant_id integer NOT NULL,
        name_key integer NOT NULL,
        old_hash integer NOT NULL,
        new_hash integer NOT NULL,
        target_ordinal smallint NOT NULL,
        ordinal smallint NOT NULL,
        flags smallint NOT NULL,
        is_first smallint NOT NULL,
        PRIMARY KEY (tenant_id, sequence, target_ordinal, ordinal)
    ) {clustered}",
    "CREATE INDEX property_change_name ON property_change (tenant_id, name_key, occurred_at DESC, sequence DESC)
        WHERE is_first = 1",
    "CREATE TABLE activity_type (
        tenant_id integer NOT NULL,
        service {key} NOT NULL,
        category {key} NOT NULL,
        activity_key {key} NOT NULL,
        service_name text NOT NULL,
        category_name text NOT NULL,
        activity text NOT NULL,
        display_name text NOT NULL,
        resource_type {key} NOT NULL,
        operation_type {key} NOT NULL,
        property_names text NOT NULL,
        first_seen_at bigint NOT NULL,
        last_seen_at bigint NOT NULL,
        event_count bigint NOT NULL,
        PRIMARY KEY (tenant_id, service, category, activity_key)
    ) {clustered}",
    // Counts per block. The primary key starts with the grain and the start of the span, because queries select by
    // them.
    "CREATE TABLE rollup_block (
        last_sequence bigint NOT NULL,
        tenant_id integer NOT NULL,
        block integer NOT NULL,
        PRIMARY KEY (tenant_id, block)
    ) {clustered}",
    "CREATE TABLE rollup_key (
        tenant_id integer NOT NULL,
        id integer NOT NULL,
        service integer NOT NULL,
        category integer NOT NULL,
        activity_key integer NOT NULL,
        actor_key integer NOT NULL,
        resource_type smallint NOT NULL,
        operation_type smallint NOT NULL,
        status smallint NOT NULL,
        PRIMARY KEY (tenant_id, id)
    ) {clustered}",
    "CREATE TABLE rollup (
        starts_at bigint NOT NULL,
        events bigint NOT NULL,
        newest bigint NOT NULL,
        tenant_id integer NOT NULL,
        block integer NOT NULL,
        key_id integer NOT NULL,
        grain smallint NOT NULL,
        PRIMARY KEY (tenant_id, grain, starts_at, block, key_id)
    ) {clustered}",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let words = match manager.get_database_backend() {
            DbBackend::Postgres => [
                ("{key}", "text COLLATE \"C\""),
                ("{bytes}", "bytea"),
                ("{identity}", "integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"),
                ("{clustered}", ""),
            ],
            _ => [
                ("{key}", "text"),
                ("{bytes}", "blob"),
                ("{identity}", "integer PRIMARY KEY"),
                ("{clustered}", "WITHOUT ROWID"),
            ],
        };
        for statement in STATEMENTS {
            let sql = words.iter().fold((*statement).to_owned(), |sql, (word, meaning)| sql.replace(word, meaning));
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        if manager.get_database_backend() == DbBackend::Postgres {
            // Bodies are compressed already: PostgreSQL does not try to compress them again.
            let storage = "ALTER TABLE audit_event ALTER COLUMN body SET STORAGE EXTERNAL";
            manager.get_connection().execute_unprepared(storage).await?;
        }
        Ok(())
    }
}
