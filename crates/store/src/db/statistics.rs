//! Statistics for SQLite's query planner.
//!
//! SQLite gathers statistics only on request. Without any it assumes ten events per tenant, and scans the whole period
//! to find the three events of one correlation id. Fixed typical numbers give good plans that do not change as a log
//! grows.

use sea_orm::{ConnectionTrait, DbErr};

/// Table, index and `sqlite_stat1.stat`: the number of rows, then the rows that share the first column, the first two
/// columns, and so on.
const TYPICAL_STATISTICS: &[(&str, &str, &str)] = &[
    ("audit_event", "sqlite_autoindex_audit_event_1", "1000000 1000000 1"),
    ("audit_event", "audit_event_time", "1000000 1000000 2 1"),
    ("audit_event", "audit_event_service", "1000000 1000000 100000 2 1"),
    ("audit_event", "audit_event_category", "1000000 1000000 30000 2 1"),
    ("audit_event", "audit_event_activity", "1000000 1000000 5000 2 1"),
    ("audit_event", "audit_event_activity_name", "300000 300000 5000 2 1"),
    ("audit_event", "audit_event_actor", "1000000 1000000 1000 2 1"),
    ("audit_event", "audit_event_correlation", "500000 500000 5 1 1"),
    ("audit_event", "audit_event_application", "300000 300000 10000 1 1"),
    ("audit_event", "audit_event_status", "10000 10000 5000 1 1"),
    ("term", "term", "100000 100000 1"),
    ("term", "term_key", "100000 100000 10000 1"),
    ("event_key", "event_key", "1000000 1000000 1"),
    ("actor", "actor", "20000 20000 1"),
    ("actor", "actor_fingerprint", "20000 20000 1"),
    ("target", "target", "100000 100000 1"),
    ("target", "target_fingerprint", "100000 100000 1"),
    ("event_target", "event_target", "1500000 1500000 2 1"),
    ("event_target", "event_target_key", "1500000 1500000 50 1 1"),
    ("property_change", "property_change", "2000000 2000000 2 2 1"),
    ("property_change", "property_change_name", "1500000 1500000 10000 1 1"),
    ("rollup_block", "rollup_block", "200 200 1"),
    ("rollup_key", "rollup_key", "5000 5000 1"),
    ("rollup", "rollup", "500000 500000 200000 100 50 1"),
    ("activity_type", "activity_type", "500 500 50 10 1"),
];

/// Inserts the typical statistics of each index that has none.
pub(crate) async fn write_typical(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    // Creates `sqlite_stat1`, and makes SQLite reload it afterwards.
    const ANALYZE: &str = "ANALYZE sqlite_schema";
    connection.execute_unprepared(ANALYZE).await?;
    for (table, index, numbers) in TYPICAL_STATISTICS {
        let known = format!("SELECT 1 FROM sqlite_stat1 WHERE tbl = '{table}' AND idx = '{index}'");
        let values = format!("SELECT '{table}', '{index}', '{numbers}' WHERE NOT EXISTS ({known})");
        connection.execute_unprepared(&format!("INSERT INTO sqlite_stat1 (tbl, idx, stat) {values}")).await?;
    }
    connection.execute_unprepared(ANALYZE).await?;
    Ok(())
}
