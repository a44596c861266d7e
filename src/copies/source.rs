//! Where a set of copies is read from.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pluralsight_catalog::{quote_identifier, tables};

use super::set::Set;
use crate::error::{FdwError, Result};
use crate::namespace;
use crate::sql;
use crate::views::{reconnect_call, set_up_call};

/// A schema with foreign tables of ours.
pub struct Source {
    pub name: String,
    pub schema: Oid,
}

/// A foreign table of ours.
pub struct SourceTable {
    pub oid: Oid,
    pub name: String,
    /// Why it cannot be copied, and the statement that mends it.
    problem: Option<(String, Option<String>)>,
}

impl Source {
    pub fn named(name: &str) -> Result<Option<Source>> {
        Ok(namespace::find(name).and_then(Source::with_oid))
    }

    /// Its tables are read by name, so it keeps its name until the end of the transaction.
    fn with_oid(schema: Oid) -> Option<Source> {
        namespace::hold(schema).map(|name| Source { name, schema })
    }

    /// The source that a set remembers: by its OID, which a new name does not change, where the OID is this database's; or by
    /// its name, where a dump was restored or the schema was made anew.
    pub fn of(set: &Set) -> Result<Source> {
        let (name, source) = Source::remembered(set)?;
        source.ok_or_else(|| missing(&name))
    }

    /// The name that a set remembers, and the schema that it stands for now.
    pub fn remembered(set: &Set) -> Result<(String, Option<Source>)> {
        let (name, schema) = set
            .work(|| {
                sql::rows(
                    include_str!("../../sql/copies/lookup/source.sql"),
                    &[this_database().into()],
                    |row| Ok((row.get::<String>(1)?, row.get::<Oid>(2)?)),
                )
            })?
            .into_iter()
            .next()
            .ok_or_else(|| without_settings(set))?;
        let name = name.unwrap_or_default();
        if let Some(schema) = schema
            && let Some(source) = Source::with_oid(schema)
        {
            return Ok((name, Some(source)));
        }
        let source = Source::named(&name)?;
        Ok((name, source))
    }

    /// Writes down where the set is read from.
    pub fn remember(&self, set: &Set) -> Result<()> {
        set.work(|| {
            sql::run(
                include_str!("../../sql/copies/remember_source.sql"),
                &[
                    self.name.as_str().into(),
                    self.schema.into(),
                    this_database().into(),
                ],
            )
        })
        .map(|_| ())
    }

    /// Its foreign tables, as copies of `owner` could be made of them.
    pub fn tables(&self, owner: Oid) -> Result<Vec<SourceTable>> {
        sql::look_up(
            include_str!("../../sql/copies/lookup/source_tables.sql"),
            &[self.schema.into(), owner.into()],
            |row| {
                let hint = row.get::<String>(4)?;
                Ok(SourceTable {
                    oid: row.get::<Oid>(1)?.unwrap_or(Oid::INVALID),
                    name: row.get::<String>(2)?.unwrap_or_default(),
                    problem: row.get::<String>(3)?.map(|problem| (problem, hint)),
                })
            },
        )
    }

    /// The tables of those names, checked.
    pub fn checked(&self, owner: Oid, names: &[String]) -> Result<Vec<SourceTable>> {
        let mut present = self.tables(owner)?;
        let known: Vec<String> = present.iter().map(|table| table.name.clone()).collect();
        let mut checked = Vec::with_capacity(names.len());
        for name in names {
            let Some(place) = present.iter().position(|table| table.name == *name) else {
                return Err(self.lacks(name, &known));
            };
            let table = present.swap_remove(place);
            if let Some((problem, hint)) = table.problem {
                let mut error = FdwError::new(
                    PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!(
                        "foreign table {}.{} {problem}",
                        quote_identifier(&self.name),
                        quote_identifier(name)
                    ),
                )
                .detail("Copies are made of foreign tables that their owner may read, that belong to the same role or to a superuser, and that run nobody's code.");
                error.hint = hint;
                return Err(error);
            }
            checked.push(table);
        }
        Ok(checked)
    }

    fn lacks(&self, table: &str, present: &[String]) -> FdwError {
        let error = FdwError::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            format!(
                "schema \"{}\" holds no foreign table \"{table}\" of pluralsight_fdw",
                self.name
            ),
        );
        let error = if present.is_empty() {
            error
        } else {
            error.detail(format!("It holds {}.", present.join(", ")))
        };
        if tables::ALL.iter().any(|declared| declared.name == table) {
            error.hint(set_up_call(&self.name))
        } else {
            error
        }
    }
}

/// The set does not know any longer what it copies.
pub fn without_settings(set: &Set) -> FdwError {
    FdwError::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!(
            "the stored copies in schema \"{}\" have lost their settings",
            set.name
        ),
    )
    .detail("That is so after a dump without data was restored.")
    .hint(reconnect_call(&set.name))
}

/// The source is not there.
pub fn missing(name: &str) -> FdwError {
    FdwError::new(
        PgSqlErrorCode::ERRCODE_INVALID_SCHEMA_NAME,
        format!("schema \"{name}\" does not exist"),
    )
    .detail("It would hold the foreign tables that are copied.")
    .hint(set_up_call(name))
}

/// Cluster and database, which together say whose an OID is.
pub fn this_database() -> String {
    // SAFETY: reads the server's own state.
    let database = unsafe { pg_sys::MyDatabaseId };
    format!("{}.{}", system_identifier(), database.to_u32())
}

/// The cluster, as PostgreSQL's functions show it.
pub fn system_identifier() -> i64 {
    // SAFETY: reads the control file's copy in shared memory.
    unsafe { pg_sys::GetSystemIdentifier() }.cast_signed()
}
