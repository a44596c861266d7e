//! The columns of foreign tables, copies and views.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pluralsight_catalog::{CopiedColumn, CopiedTable, quote_identifier};

use super::set::Set;
use super::source::{Source, SourceTable};
use crate::error::{FdwError, Result};
use crate::sql;

/// The columns of a relation, and the one that reads the key.
pub fn of(relation: Oid) -> Result<(Vec<CopiedColumn>, Option<String>)> {
    let mut key = None;
    let columns = sql::look_up(
        include_str!("../../sql/copies/lookup/columns.sql"),
        &[relation.into()],
        |row| {
            Ok((
                CopiedColumn {
                    name: row.get::<String>(1)?.unwrap_or_default(),
                    sql_type: row.get::<String>(2)?.unwrap_or_default(),
                    collation: row.get::<String>(3)?,
                    comment: row.get::<String>(4)?,
                },
                row.get::<bool>(5)?.unwrap_or_default(),
            ))
        },
    )?;
    let columns = columns
        .into_iter()
        .map(|(column, is_key)| {
            if is_key && key.is_none() {
                key = Some(column.name.clone());
            }
            column
        })
        .collect();
    Ok((columns, key))
}

/// The columns of a table that PostgreSQL fills in itself.
pub fn computed(table: Oid) -> Result<Vec<String>> {
    sql::look_up(
        include_str!("../../sql/copies/lookup/computed.sql"),
        &[table.into()],
        |row| row.get::<String>(1),
    )
    .map(|columns| columns.into_iter().flatten().collect())
}

/// The foreign table, as its copy would be made.
pub fn wanted(source: &Source, table: &SourceTable) -> Result<CopiedTable> {
    let (columns, key) = of(table.oid)?;
    Ok(CopiedTable {
        name: table.name.clone(),
        source: format!(
            "{}.{}",
            quote_identifier(&source.name),
            quote_identifier(&table.name)
        ),
        columns,
        key,
    })
}

/// The foreign table and its copy, in the columns of the copy, which the foreign table must have alike.
pub fn copied(set: &Set, source: &Source, table: &SourceTable) -> Result<CopiedTable> {
    // What is looked at here must be what is read.
    // SAFETY: the lock goes with the transaction.
    unsafe { pg_sys::LockRelationOid(table.oid, pg_sys::AccessShareLock as pg_sys::LOCKMODE) };
    let mut wanted = wanted(source, table)?;
    let copy = set
        .relation(&table.name)
        .ok_or_else(|| FdwError::internal(format!("copy \"{}\" is gone", table.name)))?;
    let (mut kept, _) = of(copy)?;
    let computed = computed(copy)?;
    kept.retain(|column| !computed.contains(&column.name));
    for column in &kept {
        let (name, quoted) = (&column.name, quote_identifier(&column.name));
        let problem = match wanted.columns.iter().find(|live| live.name == *name) {
            None => (
                format!(
                    "column \"{name}\" of \"{}\".\"{}\" is missing in foreign table {}",
                    set.name, table.name, wanted.source
                ),
                format!(
                    "ALTER FOREIGN TABLE {} ADD COLUMN {quoted} {} OPTIONS (absent 'true');",
                    wanted.source, column.sql_type
                ),
            ),
            Some(live) if live.sql_type != column.sql_type => (
                format!(
                    "column \"{name}\" of \"{}\".\"{}\" is {}, and in foreign table {} it is {}",
                    set.name, table.name, column.sql_type, wanted.source, live.sql_type
                ),
                format!(
                    "ALTER FOREIGN TABLE {} ALTER COLUMN {quoted} TYPE {};",
                    wanted.source, column.sql_type
                ),
            ),
            Some(_) => continue,
        };
        return Err(
            FdwError::new(PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH, problem.0).hint(problem.1),
        );
    }
    // Without its key column a copy is written as one without a key.
    wanted.key = wanted
        .key
        .filter(|key| kept.iter().any(|column| column.name == *key));
    wanted.columns = kept;
    Ok(wanted)
}
