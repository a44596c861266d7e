//! `CALL pluralsight_fdw.set_up(…)`: makes the foreign tables and the views in a schema, and renews them when called again.

use std::ffi::{CStr, CString};

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, AsPgCStr, Oid};
use pgrx::prelude::*;
use pluralsight_catalog::{
    ExistingColumn, ExistingTable, Table, qualified, quote_identifier, quote_literal, tables,
};

use crate::error::{FdwError, OrRaise, Result};
use crate::options::Server;
use crate::options::TableOptions;
use crate::options::catalog::raw_column_options;
use crate::relation::{is_our_server, is_ours};
use crate::survey::{Surveyed, survey};
use crate::{check, comments, search_path, views};

/// Schemas that hold nothing of a user's.
const OWN_SCHEMAS: [&str; 4] = [
    "pluralsight_fdw",
    "pluralsight_fdw_internal",
    "pg_catalog",
    "information_schema",
];

#[pg_extern(sql = r#"
CREATE PROCEDURE set_up(server name, schema name DEFAULT 'pluralsight', replace_views boolean DEFAULT false)
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON PROCEDURE set_up(name, name, boolean) IS
    'Makes the foreign tables of a server and the views over them in a schema; called again, it renews them and keeps what is your own.';
"#)]
fn set_up(server: Option<&CStr>, schema: Option<&CStr>, replace_views: Option<bool>) {
    let argument = |value: Option<&CStr>, name: &str| -> Result<String> {
        value
            .map(|text| text.to_string_lossy().into_owned())
            .filter(|text| !text.is_empty())
            .ok_or_else(|| {
                FdwError::new(
                    PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                    format!("argument \"{name}\" of set_up() must not be null or empty"),
                )
                .hint("CALL pluralsight_fdw.set_up('pluralsight');")
            })
    };
    let server = argument(server, "server").or_raise();
    let schema = argument(schema, "schema").or_raise();
    search_path::under(search_path::SAFE, || {
        run(&server, &schema, replace_views.unwrap_or(false))
    })
    .or_raise();
}

fn run(server: &str, schema: &str, replace_views: bool) -> Result<()> {
    let server = Server::named(server);
    if !is_our_server(server.oid) {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
            format!(
                "server \"{}\" does not belong to the foreign-data wrapper of pluralsight_fdw",
                server.name
            ),
        )
        .detail(
            "set_up() takes a server that was made with FOREIGN DATA WRAPPER pluralsight_fdw.",
        ));
    }
    check::may_use(&server)?;
    let place = place(schema, &server)?;
    // Before anything is made: what is in the way, and what the API has.
    let mut there = Vec::with_capacity(tables::ALL.len());
    for table in tables::ALL {
        there.push(place.map_or(Ok(None), |place| existing(place, schema, table, &server))?);
    }
    let known = |table: &Table| -> Option<ExistingTable> {
        let position = tables::ALL
            .iter()
            .position(|known| known.name == table.name)?;
        there[position]
            .as_ref()
            .map(|(_, existing)| existing.clone())
    };
    let surveyed = survey(&server, tables::ALL, false, known)?;
    if place.is_none() {
        execute(&format!("CREATE SCHEMA {}", quote_identifier(schema)))?;
        execute(&format!(
            "COMMENT ON SCHEMA {} IS {}",
            quote_identifier(schema),
            quote_literal("Tables and views of Pluralsight, made by pluralsight_fdw.set_up().")
        ))?;
        say(&format!("schema {} was made", quote_identifier(schema)));
    }
    for (surveyed, there) in surveyed.iter().zip(there) {
        apply(surveyed, there, schema, &server)?;
    }
    let outcomes = views::create_views(schema, replace_views)?;
    views::announce(schema, &outcomes);
    views::report(schema, &outcomes)
}

/// The schema, if it is there; then it must belong to the caller's role, or to one that the caller is a member of.
fn place(schema: &str, server: &Server) -> Result<Option<Oid>> {
    let elsewhere = || {
        format!(
            "CALL pluralsight_fdw.set_up({}, schema => {});",
            quote_literal(&server.name),
            quote_literal(&free_schema(schema))
        )
    };
    if OWN_SCHEMAS.contains(&schema) {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("schema \"{schema}\" is not for tables of a user's own"),
        )
        .hint(format!(
            "CALL pluralsight_fdw.set_up({});",
            quote_literal(&server.name)
        )));
    }
    // SAFETY: catalog look-ups; a schema that does not exist answers InvalidOid.
    unsafe {
        let place = pg_sys::get_namespace_oid(schema.as_pg_cstr(), true);
        if place == Oid::INVALID {
            return Ok(None);
        }
        let owner = owner_of_schema(place)?;
        if is_the_callers(owner) {
            // Two calls at once would trip over each other.
            pg_sys::LockDatabaseObject(
                pg_sys::NamespaceRelationId,
                place,
                0,
                pg_sys::ShareUpdateExclusiveLock as pg_sys::LOCKMODE,
            );
        } else {
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!(
                    "schema \"{schema}\" already exists and belongs to role \"{}\"",
                    role_name(owner)
                ),
            )
            .detail("The tables and views would be within that role's reach.")
            .hint(elsewhere()));
        }
        Ok(Some(place))
    }
}

/// A name that no schema has.
fn free_schema(schema: &str) -> String {
    (2..)
        .map(|number| {
            let suffix = format!("_{number}");
            let mut name = schema.to_owned();
            // An identifier has at most 63 bytes.
            while name.len() + suffix.len() > 63 {
                name.pop();
            }
            name + &suffix
        })
        // SAFETY: a catalog look-up by name.
        .find(|name| unsafe { pg_sys::get_namespace_oid(name.as_pg_cstr(), true) } == Oid::INVALID)
        .unwrap_or_default()
}

/// Whether a role is the caller's own, or one that the caller belongs to by GRANT. That a superuser may act for everybody
/// does not count: what belongs to another role is in that role's hands.
pub fn is_the_callers(role: Oid) -> bool {
    // SAFETY: look-ups in the role catalogs.
    unsafe { pg_sys::is_member_of_role_nosuper(pg_sys::GetUserId(), role) }
}

fn role_name(role: Oid) -> String {
    // SAFETY: with missing_ok the call answers null for a role that is gone; the name is copied.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        if name.is_null() {
            return role.to_u32().to_string();
        }
        CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}

fn owner_of_schema(schema: Oid) -> Result<Oid> {
    owner(
        "SELECT nspowner FROM pg_catalog.pg_namespace WHERE oid = $1",
        schema,
    )
}

fn owner(query: &str, object: Oid) -> Result<Oid> {
    Spi::get_one_with_args::<Oid>(query, &[object.into()])
        .ok()
        .flatten()
        .ok_or_else(|| FdwError::internal("an object without an owner"))
}

/// The relation that has the table's name already, which must be a foreign table of this server and the caller's.
fn existing(
    place: Oid,
    schema: &str,
    table: &Table,
    server: &Server,
) -> Result<Option<(Oid, ExistingTable)>> {
    let name = CString::new(table.name).map_err(|_| FdwError::internal("a name with a NUL"))?;
    // SAFETY: a catalog look-up by name.
    let relation = unsafe { pg_sys::get_relname_relid(name.as_ptr(), place) };
    if relation == Oid::INVALID {
        return Ok(None);
    }
    let in_the_way = |code: PgSqlErrorCode, what: String| {
        FdwError::new(
            code,
            format!(
                "{} already exists and {what}",
                qualified(schema, table.name)
            ),
        )
        .hint(format!(
            "CALL pluralsight_fdw.set_up({}, schema => {});",
            quote_literal(&server.name),
            quote_literal(&free_schema(schema))
        ))
    };
    // SAFETY: a catalog look-up by id.
    let kind = unsafe { pg_sys::get_rel_relkind(relation) } as u8;
    if kind != pg_sys::RELKIND_FOREIGN_TABLE || !is_ours(relation) {
        return Err(in_the_way(
            PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE,
            "is no foreign table of pluralsight_fdw".to_owned(),
        ));
    }
    let options = TableOptions::load(relation)?;
    if options.server.oid != server.oid {
        return Err(in_the_way(
            PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE,
            format!("reads from server \"{}\"", options.server.name),
        ));
    }
    let owner = owner(
        "SELECT relowner FROM pg_catalog.pg_class WHERE oid = $1",
        relation,
    )?;
    if !is_the_callers(owner) {
        return Err(in_the_way(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("belongs to role \"{}\"", role_name(owner)),
        ));
    }
    Ok(Some((
        relation,
        ExistingTable {
            columns: columns(relation)?,
            options: options.options,
        },
    )))
}

fn columns(table: Oid) -> Result<Vec<ExistingColumn>> {
    let query = "SELECT attnum, attname::pg_catalog.text FROM pg_catalog.pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    Spi::connect(|client| {
        let mut columns = Vec::new();
        for row in client.select(query, None, &[table.into()])? {
            if let (Some(number), Some(name)) = (row.get::<i16>(1)?, row.get::<String>(2)?) {
                let options = raw_column_options(table, number);
                columns.push(ExistingColumn { name, options });
            }
        }
        Ok(columns)
    })
    .map_err(|error: pgrx::spi::Error| {
        FdwError::internal(format!("the table's columns cannot be listed: {error}"))
    })
}

fn apply(
    surveyed: &Surveyed,
    there: Option<(Oid, ExistingTable)>,
    schema: &str,
    server: &Server,
) -> Result<()> {
    let table = &surveyed.table;
    let name = qualified(schema, &table.name);
    for notice in &surveyed.notices {
        say(notice);
    }
    let Some((relation, existing)) = there else {
        execute(&table.create_statement(Some(schema), &server.name))?;
        say(&match table.rows {
            Some(1) => format!("foreign table {name} was made; it has 1 row"),
            Some(rows) => format!("foreign table {name} was made; it has {rows} rows"),
            None => format!("foreign table {name} was made"),
        });
        return Ok(());
    };
    let mut table = table.clone();
    if table.rows.is_none() {
        // An API that does not count its records does not know better than what is there.
        table.rows = existing
            .options
            .get("rows")
            .and_then(|text| text.trim().parse().ok());
    }
    for statement in table.renew_statements(schema, &existing) {
        execute(&statement)?;
        // The number of rows is no news.
        if !statement.contains("OPTIONS (SET rows ") {
            say(&format!("changed: {statement}"));
        }
    }
    comments::comment(relation);
    Ok(())
}

fn execute(statement: &str) -> Result<()> {
    Spi::run(statement)
        .map_err(|error| FdwError::internal(format!("{statement} could not be run: {error}")))
}

fn say(text: &str) {
    ereport!(
        PgLogLevel::NOTICE,
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        text.to_owned()
    );
}
