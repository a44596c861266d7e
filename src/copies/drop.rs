//! `drop_copies()`: takes a set away, and nothing else.

use pgrx::pg_sys;
use pgrx::prelude::*;
use pluralsight_catalog::quote_identifier;

use super::set::{Set, required};
use super::{ERASURE_KEY, call, history, lock, own, schedule};
use crate::error::{OrRaise, Result};
use crate::parameters;
use crate::role;
use crate::sql;
use crate::sql_file;
use crate::views;

/// The view of this layer; the others are in `views`.
const OWN_VIEW: &str = "history_span";

/// Takes away stored copies with their views and their history. What else the schema holds stays, and so does the schema then;
/// what depends on the copies keeps them from being dropped.
#[pg_extern(sql = r#"
CREATE PROCEDURE drop_copies(copies name)
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON PROCEDURE drop_copies(name) IS
    'Drops stored copies with their views, history and log. Whatever else is in the schema stays.';
"#)]
fn drop_copies(fcinfo: pg_sys::FunctionCallInfo) {
    // SAFETY: PostgreSQL passes a call with the one argument of the declaration.
    let copies = unsafe { call::name(fcinfo, 0) };
    parameters::with_safe_path(|| {
        lock::refuse_read_only("CALL pluralsight_fdw.drop_copies()")?;
        let copies = required("copies", copies)?;
        let set = Set::open(&copies)?;
        lock::take(&set)?;
        schedule::unschedule(&copies)?;
        drop_set(&set)
    })
    .or_raise();
}

fn drop_set(set: &Set) -> Result<()> {
    let tables: Vec<String> = set
        .tables()?
        .into_iter()
        .chain(own::NAMES.map(str::to_owned))
        .chain(history::TABLES.map(|(name, _)| name.to_owned()))
        .chain(not_filled_in(set)?)
        .collect();
    let schema = quote_identifier(&set.name);
    role::run_as(set.owner, || {
        for statement in drops(set, &tables)? {
            sql::run(&statement, &[])?;
        }
        let left = sql::value::<i64>(
            include_str!("../../sql/copies/lookup/left_over.sql"),
            &[set.schema.into()],
        )?
        .unwrap_or_default();
        if left == 0 {
            sql::run(&format!("DROP SCHEMA {schema}"), &[])?;
        } else {
            ereport!(
                PgLogLevel::NOTICE,
                PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
                format!("schema {schema} stays, because it holds other objects")
            );
        }
        Ok(())
    })
}

/// The tables that users fill in and that nobody has filled in. What somebody has entered is not of our making, and stays.
fn not_filled_in(set: &Set) -> Result<Vec<String>> {
    let mut empty = Vec::new();
    for (name, _) in views::FILLED_IN {
        if set.relation(name).is_none() {
            continue;
        }
        let is_used = set.work(|| {
            sql::value::<bool>(
                &sql_file::for_table(
                    include_str!("../../sql/copies/lookup/is_filled_in.sql"),
                    name,
                ),
                &[],
            )
        })?;
        if is_used == Some(false) {
            empty.push(name.to_owned());
        }
    }
    Ok(empty)
}

/// One statement per kind of object, since those of a kind may depend on one another.
fn drops(set: &Set, tables: &[String]) -> Result<Vec<String>> {
    sql::rows(
        include_str!("../../sql/copies/lookup/drops.sql"),
        &[
            set.schema.into(),
            tables.to_vec().into(),
            views::FILES
                .iter()
                .map(|file| file.name)
                .chain([OWN_VIEW])
                .map(str::to_owned)
                .collect::<Vec<String>>()
                .into(),
            views::SALT
                .into_iter()
                .chain(ERASURE_KEY)
                .map(str::to_owned)
                .collect::<Vec<String>>()
                .into(),
        ],
        |row| row.get::<String>(1),
    )
    .map(|statements| statements.into_iter().flatten().collect())
}
