//! The foreign tables of the server: can each be read, and what does the API lack of it?

use std::sync::Arc;

use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use pluralsight_api::{ColumnPlan, Stats};
use pluralsight_catalog::{Presence, Table, quote_literal};

use super::finding::Finding;
use crate::error::{FdwError, Result};
use crate::executor::{Asked, ColumnReader, Fetch, Reading, readers};
use crate::options::Server;
use crate::relation::Relation;

/// One row per foreign table of the server.
pub fn check(server: &Server, user: Oid) -> Vec<Finding> {
    let set_up = |schema: Option<&str>| {
        let server = quote_literal(&server.name);
        match schema {
            Some(schema) => format!(
                "CALL pluralsight_fdw.set_up({server}, schema => {});",
                quote_literal(schema)
            ),
            None => format!("CALL pluralsight_fdw.set_up({server});"),
        }
    };
    let tables = match tables(server) {
        Ok(tables) => tables,
        Err(error) => return vec![Finding::failed("tables", error)],
    };
    if tables.is_empty() {
        return vec![Finding::warning(
            "tables",
            "no foreign table reads from this server",
            &set_up(None),
        )];
    }
    tables
        .into_iter()
        .map(|(oid, schema, name)| {
            look(
                oid,
                user,
                &set_up(Some(&schema)),
                &format!("{schema}.{name}"),
            )
        })
        .collect()
}

fn look(oid: Oid, user: Oid, set_up: &str, name: &str) -> Finding {
    let relation = match Relation::load(oid) {
        Ok(relation) => relation,
        Err(error) => return Finding::failed(name, error),
    };
    let options = &relation.options;
    let columns = match Columns::of(&relation) {
        Ok(columns) => columns,
        Err(error) => return Finding::failed(name, error),
    };
    if options.is_absent() {
        return Finding::warning(
            name,
            format!(
                "reads as empty: the API does not let this key read {}",
                options.query
            ),
            set_up,
        );
    }
    if let Err(error) = read_one(&relation, &columns.read, user) {
        return Finding::failed(name, error);
    }
    if options.has_switch("unchecked") {
        return Finding::warning(
            name,
            "unchecked: made without asking the API what it has",
            set_up,
        );
    }
    let filters = match &options.filters[..] {
        [] => "no filters".to_owned(),
        filters => format!(
            "filters {}",
            filters
                .iter()
                .map(|filter| filter.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    let read = match columns.read.len() {
        1 => "1 column".to_owned(),
        number => format!("{number} columns"),
    };
    if columns.missed.is_empty() {
        return Finding::ok(name, format!("{read}, {filters}"));
    }
    Finding::warning(
        name,
        format!(
            "{read}, {filters}; NULL, because the API lacks them: {}",
            columns.missed.join(", ")
        ),
        set_up,
    )
}

/// The columns of a table that the API has, and the declared ones that it lacks.
struct Columns {
    read: Vec<i16>,
    missed: Vec<String>,
}

impl Columns {
    fn of(relation: &Relation) -> Result<Columns> {
        let declared = Table::over(&relation.options.query);
        let mut columns = Columns {
            read: Vec::new(),
            missed: Vec::new(),
        };
        for number in relation.numbers() {
            let Some(column) = relation.column(number)? else {
                continue;
            };
            if !column.options.absent {
                columns.read.push(number);
                continue;
            }
            // What was only hoped for is not missed.
            let expected = declared
                .and_then(|table| table.column(&column.name))
                .is_none_or(|known| known.presence == Presence::Declared);
            if expected {
                columns.missed.push(column.name);
            }
        }
        Ok(columns)
    }
}

/// Reads the first record with all its columns, as a query would.
fn read_one(relation: &Relation, columns: &[i16], user: Oid) -> Result<()> {
    let columns: Vec<ColumnPlan> = readers(relation, columns)?
        .iter()
        .map(ColumnReader::plan)
        .collect();
    let reading = Reading {
        options: &relation.options,
        columns: &columns,
        asked: &Asked::Everything,
        limit: Some(1),
        reads_to_end: false,
    };
    Fetch::new(&reading, user, Arc::new(Stats::default()))?
        .next_page(&relation.options)
        .map(drop)
}

/// The foreign tables of the server, with their schemas and names.
fn tables(server: &Server) -> Result<Vec<(Oid, String, String)>> {
    let query = include_str!("../../sql/check/tables.sql");
    Spi::connect(|client| {
        let mut tables = Vec::new();
        for row in client.select(query, None, &[server.oid.into()])? {
            if let (Some(oid), Some(schema), Some(name)) = (
                row.get::<Oid>(1)?,
                row.get::<String>(2)?,
                row.get::<String>(3)?,
            ) {
                tables.push((oid, schema, name));
            }
        }
        Ok(tables)
    })
    .map_err(|error: pgrx::spi::Error| {
        FdwError::internal(format!("the server's tables cannot be listed: {error}"))
    })
}
