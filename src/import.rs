//! `IMPORT FOREIGN SCHEMA`: the declared tables, as far as the API's schema has them.

use std::rc::Rc;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use pluralsight_api::{Described, Stats, describe};
use pluralsight_catalog::{ImportedTable, Table, plan_import, tables};
use supabase_wrappers::prelude::{ImportForeignSchemaStmt, ImportSchemaType};

use crate::error::{FdwError, Result};
use crate::executor::Session;
use crate::options::Server;

/// The one remote schema there is.
const REMOTE_SCHEMA: &str = "pluralsight";

/// Which columns an import creates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Discover {
    /// The declared ones, checked against the live schema.
    Declared,
    /// And every other scalar field of a record.
    All,
    /// The declared ones, unchecked.
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
            "IMPORT FOREIGN SCHEMA {REMOTE_SCHEMA} FROM SERVER … INTO …;"
        )));
    }
    let discover = discover(statement)?;
    let wanted: Vec<&Table> = tables::ALL
        .iter()
        .copied()
        .filter(|table| is_wanted(table, statement))
        .collect();
    check_names(statement)?;
    let described = match discover {
        Discover::Off => None,
        _ => live_schema(&server, &wanted),
    };
    let mut statements = Vec::new();
    for table in wanted {
        let Some(described) = &described else {
            statements.push(ImportedTable::declared(table).create_statement(&server.name));
            continue;
        };
        let (imported, notices) = plan_import(table, described, discover == Discover::All);
        for notice in notices {
            pgrx::notice!("{}", notice.0);
        }
        statements.extend(imported.map(|imported| imported.create_statement(&server.name)));
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

/// The part of the API's schema that the tables rest on, or `None`, with a NOTICE that says why, where it cannot be had.
fn live_schema(server: &Server, wanted: &[&Table]) -> Option<Described> {
    let roots: Vec<&str> = wanted.iter().map(|table| table.query).collect();
    // SAFETY: reads the backend's own state.
    let user = unsafe { pg_sys::GetUserId() };
    let answer = Session::open(server, user, Rc::new(Stats::default())).and_then(|session| {
        session.run("IMPORT FOREIGN SCHEMA", async |client, context| {
            describe(client, context, &roots).await
        })
    });
    let reason = match answer {
        Ok(Some(described)) => return Some(described),
        Ok(None) => "the API does not tell its schema to this key".to_owned(),
        Err(error) => match error.hint {
            Some(hint) => format!("{}. {hint}", error.message),
            None => error.message,
        },
    };
    ereport!(
        PgLogLevel::NOTICE,
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        format!("the tables were imported as declared, unchecked: {reason}")
    );
    None
}
