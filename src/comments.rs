//! The comments that explain foreign tables, for tables that have none.

use std::ffi::CString;

use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use pluralsight_catalog::Table;

use crate::error::{FdwError, OrRaise, Result};
use crate::options::catalog::options_from_list;
use crate::{parameters, relation};

/// The event trigger: comments on the foreign tables that the statement has just created. It works for every role that
/// can create a table, because it calls nothing by name and nothing that the role would need rights for.
#[pg_extern(
    schema = "pluralsight_fdw_internal",
    sql = r#"
CREATE FUNCTION pluralsight_fdw_internal.comment_new_tables()
RETURNS event_trigger
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON FUNCTION pluralsight_fdw_internal.comment_new_tables() IS
    'Gives foreign tables of pluralsight_fdw the comments that explain them.';
"#
)]
fn comment_new_tables(fcinfo: pg_sys::FunctionCallInfo) {
    // SAFETY: PostgreSQL passes a valid call; the context's tag is looked at before anything is made of it.
    let triggered = unsafe {
        let context = (*fcinfo).context;
        !context.is_null() && (*context).type_ == pg_sys::NodeTag::T_EventTriggerData
    };
    if !triggered {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED,
            "comment_new_tables() is an event trigger and cannot be called",
        )
        .raise();
    }
    for table in parameters::with_safe_path(new_tables).or_raise() {
        if relation::is_ours(table) {
            comment(table);
        }
    }
}

/// The foreign tables of the statement that ended.
fn new_tables() -> Result<Vec<Oid>> {
    let query = include_str!("../sql/extension/lookup/new_tables.sql");
    Spi::connect(|client| {
        client
            .select(query, None, &[])?
            .map(|row| row.get::<Oid>(1))
            .collect::<std::result::Result<Vec<_>, _>>()
    })
    .map(|tables| tables.into_iter().flatten().collect())
    .map_err(|error| FdwError::internal(format!("the new tables cannot be listed: {error}")))
}

/// Comments on a table of ours and on its columns, where there is no comment yet.
pub fn comment(table: Oid) {
    // SAFETY: the table exists, as its creation has just been seen or it is locked; its options are copied.
    let options = unsafe { options_from_list((*pg_sys::GetForeignTable(table)).options) };
    let Some(declared) = options.get("query").and_then(|query| Table::over(query)) else {
        return;
    };
    comment_on(table, 0, declared.comment);
    for column in declared.columns {
        let Ok(name) = CString::new(column.name) else {
            continue;
        };
        // SAFETY: a catalog look-up by name.
        let number = unsafe { pg_sys::get_attnum(table, name.as_ptr()) };
        if number > 0 {
            comment_on(table, i32::from(number), column.comment);
        }
    }
}

fn comment_on(table: Oid, column: i32, text: &str) {
    let Ok(text) = CString::new(text) else {
        return;
    };
    // SAFETY: catalog access within a transaction; the text is ASCII, and so valid in every encoding.
    unsafe {
        if pg_sys::GetComment(table, pg_sys::RelationRelationId, column).is_null() {
            pg_sys::CreateComments(table, pg_sys::RelationRelationId, column, text.as_ptr());
        }
    }
}

extension_sql_file!(
    "../sql/extension/comments.sql",
    name = "comments",
    requires = [comment_new_tables]
);
