//! `CALL pluralsight_fdw.set_up(…)`: makes the foreign tables and the views in a schema, and renews them when called again.

use std::ffi::CStr;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
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
use crate::views::Place;
use crate::{check, comments, namespace, parameters, role, sql, views};

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
    parameters::with_safe_path(|| run(&server, &schema, replace_views.unwrap_or(false))).or_raise();
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
        there.push(match &place {
            Some(place) => existing(place, table, &server)?,
            None => None,
        });
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
        sql::run(
            &format!(
                "CREATE SCHEMA {name}; COMMENT ON SCHEMA {name} IS {}",
                quote_literal("Tables and views of Pluralsight, made by pluralsight_fdw.set_up()."),
                name = quote_identifier(schema)
            ),
            &[],
        )?;
        say(&format!("schema {} was made", quote_identifier(schema)));
    }
    for (surveyed, there) in surveyed.iter().zip(there) {
        apply(surveyed, there, schema, &server)?;
    }
    let outcomes = views::create(schema, replace_views)?;
    views::announce(schema, &outcomes);
    views::report(
        schema,
        &outcomes,
        &format!(
            "CALL pluralsight_fdw.set_up({}, {}, replace_views => true);",
            quote_literal(&server.name),
            quote_literal(schema)
        ),
    )
}

/// The schema, if it is there; then it must belong to the caller's role, or to one that the caller is a member of.
fn place(schema: &str, server: &Server) -> Result<Option<Place>> {
    let elsewhere = || {
        format!(
            "CALL pluralsight_fdw.set_up({}, schema => {});",
            quote_literal(&server.name),
            quote_literal(&namespace::free(schema))
        )
    };
    if namespace::is_reserved(schema) {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("schema \"{schema}\" is not for tables of a user's own"),
        )
        .hint(format!(
            "CALL pluralsight_fdw.set_up({});",
            quote_literal(&server.name)
        )));
    }
    let Some(oid) = namespace::find_or_reserve(schema) else {
        return Ok(None);
    };
    let place = Place {
        name: schema.to_owned(),
        oid,
    };
    let owner = place.owner()?;
    if !role::is_own(owner) {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!(
                "schema \"{schema}\" already exists and belongs to role \"{}\"",
                role::name(owner)
            ),
        )
        .detail("The tables and views would be within that role's reach.")
        .hint(elsewhere()));
    }
    // Two calls at once would trip over each other.
    namespace::lock(place.oid, schema)?;
    Ok(Some(place))
}

/// The relation that has the table's name already, which must be a foreign table of this server and the caller's.
fn existing(place: &Place, table: &Table, server: &Server) -> Result<Option<(Oid, ExistingTable)>> {
    let Some(relation) = place.relation(table.name)? else {
        return Ok(None);
    };
    let in_the_way = |code: PgSqlErrorCode, what: String| {
        FdwError::new(
            code,
            format!("{} already exists and {what}", place.qualified(table.name)),
        )
        .hint(format!(
            "CALL pluralsight_fdw.set_up({}, schema => {});",
            quote_literal(&server.name),
            quote_literal(&namespace::free(&place.name))
        ))
    };
    if relation.kind != pg_sys::RELKIND_FOREIGN_TABLE || !is_ours(relation.oid) {
        return Err(in_the_way(
            PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE,
            "is no foreign table of pluralsight_fdw".to_owned(),
        ));
    }
    let options = TableOptions::load(relation.oid)?;
    if options.server.oid != server.oid {
        return Err(in_the_way(
            PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE,
            format!("reads from server \"{}\"", options.server.name),
        ));
    }
    if !role::is_own(relation.owner) {
        return Err(in_the_way(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("belongs to role \"{}\"", role::name(relation.owner)),
        ));
    }
    Ok(Some((
        relation.oid,
        ExistingTable {
            columns: columns(relation.oid)?,
            options: options.options,
        },
    )))
}

fn columns(table: Oid) -> Result<Vec<ExistingColumn>> {
    let columns = sql::rows(
        include_str!("../sql/extension/lookup/columns.sql"),
        &[table.into()],
        |row| Ok(row.get::<i16>(1)?.zip(row.get::<String>(2)?)),
    )?;
    Ok(columns
        .into_iter()
        .flatten()
        .map(|(number, name)| ExistingColumn {
            options: raw_column_options(table, number),
            name,
        })
        .collect())
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
        sql::run(&table.create_statement(Some(schema), &server.name), &[])?;
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
        sql::run(&statement, &[])?;
        // The number of rows is no news.
        if !statement.contains("OPTIONS (SET rows ") {
            say(&format!("changed: {statement}"));
        }
    }
    comments::comment(relation);
    Ok(())
}

fn say(text: &str) {
    ereport!(
        PgLogLevel::NOTICE,
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        text.to_owned()
    );
}
