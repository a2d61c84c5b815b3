//! The statements that create the outbox table.

/// The channel on which PostgreSQL notifies relays of new rows.
pub const CHANNEL: &str = "auditgraph_outbox";

/// The databases of applications that a relay can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxDatabase {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

impl OutboxDatabase {
    /// Returns the statements that create the table, its index and, on PostgreSQL, the trigger that wakes relays.
    pub const fn statements(self) -> &'static str {
        match self {
            Self::Postgres => POSTGRES,
            Self::Sqlite => SQLITE,
        }
    }
}

const POSTGRES: &str = r"-- The outbox of an application: events to record, written in the transaction of the change that they report.
CREATE TABLE auditgraph_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The key of the event: recording it again has no effect.
    event_key uuid NOT NULL DEFAULT gen_random_uuid(),
    -- The time of the activity.
    at timestamptz NOT NULL DEFAULT now(),
    -- The event without `eventKey` and `occurredAt`.
    event jsonb NOT NULL,
    -- When the event was recorded, if recorded rows are kept for some time.
    recorded_at timestamptz,
    -- When the server refused the event, and its problems. Set both to NULL to deliver it again.
    failed_at timestamptz,
    problem text
);
CREATE INDEX auditgraph_outbox_waiting ON auditgraph_outbox (id) WHERE recorded_at IS NULL AND failed_at IS NULL;

-- Wakes the relays when a transaction with new rows commits.
CREATE FUNCTION auditgraph_outbox_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('auditgraph_outbox', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER auditgraph_outbox_inserted AFTER INSERT ON auditgraph_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION auditgraph_outbox_notify();
";

const SQLITE: &str = r"-- The outbox of an application: events to record, written in the transaction of the change that they report.
CREATE TABLE auditgraph_outbox (
    id integer PRIMARY KEY AUTOINCREMENT,
    -- The key of the event: recording it again has no effect.
    event_key text NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    -- The time of the activity, in UTC.
    at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    -- The event without `eventKey` and `occurredAt`.
    event text NOT NULL CHECK (json_valid(event)),
    -- When the event was recorded, if recorded rows are kept for some time.
    recorded_at text,
    -- When the server refused the event, and its problems. Set both to NULL to deliver it again.
    failed_at text,
    problem text
);
CREATE INDEX auditgraph_outbox_waiting ON auditgraph_outbox (id) WHERE recorded_at IS NULL AND failed_at IS NULL;
";
