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
        last_actor_id bigint NOT NULL,
        last_target_id bigint NOT NULL,
        activity_type_count bigint NOT NULL,
        uncatalogued_count bigint NOT NULL
    )",
    "CREATE TABLE audit_event (
        tenant_id integer NOT NULL,
        sequence bigint NOT NULL,
        occurred_at bigint NOT NULL,
        recorded_at bigint NOT NULL,
        service {key} NOT NULL,
        component {key} NOT NULL,
        category {key} NOT NULL,
        activity_key {key} NOT NULL,
        activity_name {key} NOT NULL,
        resource_type {key} NOT NULL,
        operation_type {key} NOT NULL,
        group_source {key} NOT NULL,
        status {key} NOT NULL,
        actor_id bigint NOT NULL,
        actor_key {key} NOT NULL,
        application_id {key} NOT NULL,
        ip_address {key} NOT NULL,
        correlation_key {key} NOT NULL,
        event_key {key} NOT NULL,
        recorded_by {key} NOT NULL,
        recorded_via {key} NOT NULL,
        checksum {bytes} NOT NULL,
        body_format smallint NOT NULL,
        body {bytes} NOT NULL,
        PRIMARY KEY (tenant_id, sequence)
    )",
    "CREATE INDEX audit_event_time ON audit_event (tenant_id, occurred_at DESC, sequence DESC)",
    "CREATE INDEX audit_event_service ON audit_event (tenant_id, service, occurred_at DESC, sequence DESC)",
    "CREATE INDEX audit_event_category ON audit_event (tenant_id, category, occurred_at DESC, sequence DESC)",
    "CREATE INDEX audit_event_activity ON audit_event (tenant_id, activity_key, occurred_at DESC, sequence DESC)",
    "CREATE INDEX audit_event_activity_name ON audit_event (tenant_id, activity_name, occurred_at DESC, sequence DESC)
        WHERE activity_name <> ''",
    "CREATE INDEX audit_event_actor ON audit_event (tenant_id, actor_key, occurred_at DESC, sequence DESC)",
    "CREATE INDEX audit_event_correlation ON audit_event (tenant_id, correlation_key, occurred_at DESC, sequence DESC)
        WHERE correlation_key <> ''",
    "CREATE INDEX audit_event_application ON audit_event (tenant_id, application_id, occurred_at DESC, sequence DESC)
        WHERE application_id <> ''",
    "CREATE INDEX audit_event_status ON audit_event (tenant_id, status, occurred_at DESC, sequence DESC)
        WHERE status <> 'SUCCESS'",
    "CREATE TABLE event_key (
        tenant_id integer NOT NULL,
        key_hash {bytes} NOT NULL,
        sequence bigint NOT NULL,
        content_hash {bytes} NOT NULL,
        input_hash {bytes} NOT NULL,
        PRIMARY KEY (tenant_id, key_hash)
    ) {clustered}",
    "CREATE TABLE actor (
        tenant_id integer NOT NULL,
        id bigint NOT NULL,
        fingerprint {bytes} NOT NULL,
        key {key} NOT NULL,
        service {key} NOT NULL,
        kind {key} NOT NULL,
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
        id bigint NOT NULL,
        fingerprint {bytes} NOT NULL,
        key {key} NOT NULL,
        service {key} NOT NULL,
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
        tenant_id integer NOT NULL,
        sequence bigint NOT NULL,
        ordinal integer NOT NULL,
        occurred_at bigint NOT NULL,
        target_id bigint NOT NULL,
        target_key {key} NOT NULL,
        is_first smallint NOT NULL,
        PRIMARY KEY (tenant_id, sequence, ordinal)
    ) {clustered}",
    "CREATE INDEX event_target_key ON event_target (tenant_id, target_key, occurred_at DESC, sequence DESC)
        WHERE is_first = 1",
    "CREATE TABLE property_change (
        tenant_id integer NOT NULL,
        sequence bigint NOT NULL,
        ordinal integer NOT NULL,
        occurred_at bigint NOT NULL,
        target_ordinal integer NOT NULL,
        name_key {key} NOT NULL,
        change {key} NOT NULL,
        sensitive smallint NOT NULL,
        old_hash {bytes},
        new_hash {bytes},
        is_first smallint NOT NULL,
        PRIMARY KEY (tenant_id, sequence, ordinal)
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
        tenant_id integer NOT NULL,
        block bigint NOT NULL,
        last_sequence bigint NOT NULL,
        PRIMARY KEY (tenant_id, block)
    ) {clustered}",
    "CREATE TABLE rollup_key (
        tenant_id integer NOT NULL,
        id bigint NOT NULL,
        service {key} NOT NULL,
        category {key} NOT NULL,
        activity_key {key} NOT NULL,
        resource_type {key} NOT NULL,
        operation_type {key} NOT NULL,
        status {key} NOT NULL,
        actor_key {key} NOT NULL,
        PRIMARY KEY (tenant_id, id)
    ) {clustered}",
    "CREATE TABLE rollup (
        tenant_id integer NOT NULL,
        grain smallint NOT NULL,
        starts_at bigint NOT NULL,
        block bigint NOT NULL,
        key_id bigint NOT NULL,
        events bigint NOT NULL,
        newest bigint NOT NULL,
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
