//! `IMPORT FOREIGN SCHEMA`: the declared tables, as far as the API's schema has them.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pluralsight_catalog::{ImportedTable, Table, quote_literal, tables};
use supabase_wrappers::prelude::{ImportForeignSchemaStmt, ImportSchemaType};

use crate::error::{FdwError, Result};
use crate::options::Server;
use crate::survey::survey;

/// The one remote schema there is.
const REMOTE_SCHEMA: &str = "pluralsight";

/// Which columns an import creates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Discover {
    /// The declared ones, checked against the live schema.
    Declared,
    /// And every other scalar field of a record.
    All,
    /// The declared ones, without asking the API: the tables are unchecked.
    Off,
}

/// The statements that create the tables asked for.
pub fn statements(server: Oid, statement: &ImportForeignSchemaStmt) -> Result<Vec<String>> {
    let server = Server::load(server);
    if statement.remote_schema != REMOTE_SCHEMA {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_FDW_SCHEMA_NOT_FOUND,
            format!("there is no remote schema \"{}\"", statement.remote_schema),
        )
        .hint(format!(
            "CALL pluralsight_fdw.set_up({}); makes the tables and the views.",
            quote_literal(&server.name)
        )));
    }
    let discover = discover(statement)?;
    let wanted: Vec<&Table> = tables::ALL
        .iter()
        .copied()
        .filter(|table| is_wanted(table, statement))
        .collect();
    check_names(statement)?;
    let surveyed = match discover {
        Discover::Off => {
            return Ok(wanted
                .into_iter()
                .map(|table| ImportedTable::declared(table).create_statement(None, &server.name))
                .collect());
        }
        Discover::Declared => survey(&server, &wanted, false, |_| None)?,
        Discover::All => survey(&server, &wanted, true, |_| None)?,
    };
    let mut statements = Vec::new();
    for surveyed in surveyed {
        for notice in &surveyed.notices {
            pgrx::notice!("{notice}");
        }
        statements.push(surveyed.table.create_statement(None, &server.name));
    }
    Ok(statements)
}

fn is_wanted(table: &Table, statement: &ImportForeignSchemaStmt) -> bool {
    let listed = statement.table_list.iter().any(|name| name == table.name);
    match statement.list_type {
        ImportSchemaType::FdwImportSchemaAll => true,
        ImportSchemaType::FdwImportSchemaLimitTo => listed,
        ImportSchemaType::FdwImportSchemaExcept => !listed,
    }
}

/// PostgreSQL would silently pass over a name that does not exist.
fn check_names(statement: &ImportForeignSchemaStmt) -> Result<()> {
    for name in &statement.table_list {
        if Table::named(name).is_none() {
            let names: Vec<&str> = tables::ALL.iter().map(|table| table.name).collect();
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_FDW_TABLE_NOT_FOUND,
                format!("there is no table \"{name}\" to import"),
            )
            .hint(format!("There are {}.", names.join(", "))));
        }
    }
    Ok(())
}

fn discover(statement: &ImportForeignSchemaStmt) -> Result<Discover> {
    let mut discover = Discover::Declared;
    for (name, value) in &statement.options {
        discover = match (name.as_str(), value.as_str()) {
            ("discover", "declared") => Discover::Declared,
            ("discover", "all") => Discover::All,
            ("discover", "off") => Discover::Off,
            ("discover", _) => {
                return Err(FdwError::new(
                    PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
                    "invalid value for option \"discover\": must be declared, all or off",
                ));
            }
            _ => {
                return Err(FdwError::new(
                    PgSqlErrorCode::ERRCODE_FDW_INVALID_OPTION_NAME,
                    format!("invalid option \"{name}\" for IMPORT FOREIGN SCHEMA"),
                )
                .hint("The one option here is discover: declared, all or off."));
            }
        };
    }
    Ok(discover)
}
