//! The objects of a schema, read from the catalogues of the databases: tables, columns, constraints, indexes, triggers,
//! and whatever else changes what statements on the tables do.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::StoreError;

/// An object of a schema.
#[derive(Debug)]
pub(super) struct SchemaObject {
    /// The table that it belongs to, in lower case.
    pub(super) table: String,
    /// Its kind and its name.
    pub(super) name: String,
    /// Everything that distinguishes it from another object of this name.
    pub(super) definition: String,
}

/// Reads the objects of an SQLite database. A name is compared with its case, but belongs to the same table in any case.
pub(super) async fn sqlite_objects(connection: &impl ConnectionTrait) -> Result<Vec<SchemaObject>, StoreError> {
    let sql = "SELECT lower(tbl_name), type || ' ' || name || CASE type WHEN 'trigger' THEN ' on ' || lower(tbl_name)
        ELSE '' END, coalesce(sql, '') FROM sqlite_schema";
    objects(connection, DbBackend::Sqlite, sql).await
}

/// The statement for [`postgres_objects`]. `{schema}` stands for the oid of the schema. A temporary table counts as a
/// permanent one, and names are without their schema.
const POSTGRES_OBJECTS: &str = "
    WITH t AS (
        SELECT c.*, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relnamespace = {schema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    )
    SELECT CAST(t.relname AS text) AS owner, 'table ' || t.relname AS name, concat_ws(' ', t.relkind,
        replace(CAST(t.relpersistence AS text), 't', 'p'), t.relrowsecurity, t.relforcerowsecurity,
        (SELECT count(*) FROM pg_inherits i WHERE t.oid IN (i.inhrelid, i.inhparent))) AS definition
    FROM t
    UNION ALL
    SELECT CAST(t.relname AS text), 'column ' || t.relname || '.' || a.attname, concat_ws(' ',
        format_type(a.atttypid, a.atttypmod), l.collname, a.attnotnull, a.attidentity, a.attgenerated,
        pg_get_expr(d.adbin, d.adrelid))
    FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_collation l ON l.oid = a.attcollation
    UNION ALL
    SELECT CAST(t.relname AS text), 'constraint ' || k.conname || ' of ' || t.relname,
        concat_ws(' ', pg_get_constraintdef(k.oid), k.convalidated)
    FROM t JOIN pg_constraint k ON k.conrelid = t.oid
    UNION ALL
    SELECT CAST(t.relname AS text), 'index ' || i.relname, concat_ws(' ',
        replace(replace(pg_get_indexdef(i.oid), format(' ON %I.', t.nspname), ' ON '), ' ON pg_temp.', ' ON '),
        x.indisvalid, x.indisready, x.indislive)
    FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
    UNION ALL
    SELECT CAST(t.relname AS text),
        'trigger ' || CASE WHEN g.tgisinternal THEN CAST(CAST(g.tgfoid AS regproc) AS text) ELSE g.tgname END || ' on '
        || t.relname,
        concat_ws(' ', CASE WHEN NOT g.tgisinternal THEN pg_get_triggerdef(g.oid) END, g.tgenabled)
    FROM t JOIN pg_trigger g ON g.tgrelid = t.oid
    UNION ALL
    SELECT CAST(t.relname AS text), 'rule ' || r.rulename || ' on ' || t.relname, pg_get_ruledef(r.oid)
    FROM t JOIN pg_rewrite r ON r.ev_class = t.oid
    UNION ALL
    SELECT CAST(t.relname AS text), 'policy ' || p.polname || ' on ' || t.relname,
        concat_ws(' ', p.polcmd, pg_get_expr(p.polqual, p.polrelid))
    FROM t JOIN pg_policy p ON p.polrelid = t.oid";

/// Reads the objects of a PostgreSQL schema, whose oid an SQL expression returns.
pub(super) async fn postgres_objects(
    connection: &impl ConnectionTrait,
    schema: &str,
) -> Result<Vec<SchemaObject>, StoreError> {
    objects(connection, DbBackend::Postgres, &POSTGRES_OBJECTS.replace("{schema}", schema)).await
}

async fn objects(
    connection: &impl ConnectionTrait,
    backend: DbBackend,
    sql: &str,
) -> Result<Vec<SchemaObject>, StoreError> {
    let rows = connection.query_all_raw(Statement::from_string(backend, sql)).await?;
    let object = |row: &sea_orm::QueryResult| {
        let definition: String = row.try_get_by(2)?;
        // White space in a statement has no meaning.
        let definition = definition.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(SchemaObject { table: row.try_get_by(0)?, name: row.try_get_by(1)?, definition })
    };
    rows.iter().map(object).collect()
}
