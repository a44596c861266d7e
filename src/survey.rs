//! What the API has of the declared tables: its schema is asked, and then each table's own query is tried.

use std::collections::BTreeSet;
use std::rc::Rc;

use pgrx::pg_sys;
use pluralsight_api::{
    Call, Described, Error as ApiError, ErrorKind, FieldPath, Operation, Selection, Stats, describe,
};
use pluralsight_catalog::{
    ExistingTable, ImportedColumn, ImportedTable, Shape, Table, plan_import,
};
use serde_json::{Value, json};

use crate::error::{FdwError, Result};
use crate::executor::{Session, api_shape};
use crate::options::Server;

/// A table as the API allows it.
pub struct Surveyed {
    pub table: ImportedTable,
    /// What a person should know about it.
    pub notices: Vec<String>,
}

/// Asks about the tables; an error if there is no token that works. `existing` is what is there of a table already: a
/// field that the user gave a column is kept if the API has it.
pub fn survey(
    server: &Server,
    wanted: &[&'static Table],
    all: bool,
    existing: impl Fn(&Table) -> Option<ExistingTable>,
) -> Result<Vec<Surveyed>> {
    // SAFETY: reads the backend's own state.
    let user = unsafe { pg_sys::GetUserId() };
    let session = Session::open(server, user, Rc::new(Stats::default()))?;
    let roots: Vec<&str> = wanted.iter().map(|table| table.query).collect();
    let place = format!("server \"{}\"", server.name);
    let described = session.run(&place, async |client, context| {
        describe(client, context, &roots).await
    })?;
    let mut surveyed = Vec::with_capacity(wanted.len());
    let mut refusals = Vec::new();
    for table in wanted {
        let (table, refusal) = one(&session, table, described.as_ref(), all, existing(table))?;
        surveyed.push(table);
        refusals.extend(refusal);
    }
    // A token that reads nothing does not work.
    if refusals.len() == wanted.len()
        && let Some(refusal) = refusals.into_iter().next()
    {
        return Err(refusal);
    }
    Ok(surveyed)
}

fn one(
    session: &Session,
    declared: &'static Table,
    described: Option<&Described>,
    all: bool,
    existing: Option<ExistingTable>,
) -> Result<(Surveyed, Option<FdwError>)> {
    let (planned, mut notices) = match described {
        Some(described) => {
            let (table, notices) = plan_import(declared, described, all);
            (table, notices.into_iter().map(|notice| notice.0).collect())
        }
        None => (ImportedTable::declared(declared), Vec::new()),
    };
    let mut table = planned.clone();
    table.unchecked = false;
    if let Some(existing) = existing {
        keep_own_fields(&mut table, &existing);
    }
    let reachable = described.is_none_or(|described| described.root(declared.query).is_some());
    let refusal = if reachable {
        attempt(session, declared, &planned, &mut table, &mut notices)?
    } else {
        table.absent = may_be_absent(declared);
        None
    };
    Ok((Surveyed { table, notices }, refusal))
}

/// Without its people an organization has nothing to show.
fn may_be_absent(declared: &Table) -> bool {
    declared.name != "users"
}

/// A column that reads another field than planned was set by the user, or found by an earlier survey: it stays as long as
/// the API has the field.
fn keep_own_fields(table: &mut ImportedTable, existing: &ExistingTable) {
    for column in &mut table.columns {
        let Some(there) = existing.column(&column.name) else {
            continue;
        };
        let option = |name: &str| there.options.get(name).cloned();
        let is_on =
            |name: &str| matches!(option(name).as_deref(), Some("true" | "on" | "yes" | "1"));
        if let Some(field) = option("field")
            && field != column.field
            && !is_on("absent")
        {
            *column = ImportedColumn {
                field,
                only_where: option("only_where"),
                only_where_not: option("only_where_not"),
                aggregate: option("aggregate").map(|_| "sum"),
                null_as_empty: is_on("null_as_empty"),
                absent: false,
                ..column.clone()
            };
        }
    }
}

/// Reads one record with every column that is not absent, and learns from what the API refuses. The error, if the table
/// cannot be read at all.
fn attempt(
    session: &Session,
    declared: &'static Table,
    planned: &ImportedTable,
    table: &mut ImportedTable,
    notices: &mut Vec<String>,
) -> Result<Option<FdwError>> {
    let mut tried = BTreeSet::new();
    loop {
        let error = match ask(session, table)? {
            Ok(answer) => {
                table.rows = rows(table.shape, &answer);
                return Ok(None);
            }
            Err(error) => error,
        };
        let names: Vec<String> = match error.refused_field() {
            Some(field) => vec![field.field],
            None => error
                .named_fields()
                .into_iter()
                .map(str::to_owned)
                .collect(),
        };
        let mut learned = None;
        for name in &names {
            learned = without(declared, planned, table, name, &mut tried);
            if learned.is_some() {
                break;
            }
        }
        match (learned, error.kind()) {
            (Some(notice), _) => notices.push(format!("{notice}: {error}")),
            (None, ErrorKind::Forbidden | ErrorKind::GraphQl | ErrorKind::Shape) => {
                notices.push(format!(
                    "table \"{}\" cannot be read: {error}",
                    declared.name
                ));
                // Any other error may be gone tomorrow, and then an empty table would be a lie.
                let lacks_it = error.kind() == ErrorKind::Forbidden
                    || names.iter().any(|name| name == declared.query);
                table.absent = lacks_it && may_be_absent(declared);
                return Ok(Some(FdwError::from_api(&error, declared.name)));
            }
            (None, _) => return Err(FdwError::from_api(&error, declared.name)),
        }
    }
}

fn ask(session: &Session, table: &ImportedTable) -> Result<std::result::Result<Value, ApiError>> {
    let operation = Operation::named(&table.query)
        .ok_or_else(|| FdwError::internal("a declared query is not known"))?;
    let mut paths = Vec::new();
    let columns = table.columns.iter().filter(|column| !column.absent);
    let texts = columns.flat_map(|column| {
        [
            Some(&column.field),
            column.only_where.as_ref(),
            column.only_where_not.as_ref(),
        ]
    });
    for text in texts.chain([table.key.as_ref()]).flatten() {
        paths.extend(FieldPath::parse(text).ok());
    }
    for text in &table.truncated {
        paths.extend(FieldPath::parse(text).ok());
    }
    if paths.is_empty() {
        paths.extend(FieldPath::parse("__typename").ok());
    }
    let document = operation.document(
        &Selection::from_paths(&paths),
        false,
        api_shape(table.shape),
    );
    let variables = match table.shape {
        Shape::Connection => json!({ "first": 1 }),
        Shape::Object | Shape::List => json!({}),
    };
    let call = Call {
        operation: &table.query,
        document: &document,
        operation_name: None,
        variables,
    };
    let outcome = session.run(&table.name, async |client, context| {
        Ok(client.send(&call, context).await)
    })?;
    Ok(outcome.map(|reply| reply.data.get(&table.query).cloned().unwrap_or_default()))
}

fn rows(shape: Shape, answer: &Value) -> Option<u64> {
    match shape {
        Shape::Connection => answer.get("totalCount").and_then(Value::as_u64),
        Shape::Object => Some(1),
        Shape::List => answer
            .as_array()
            .and_then(|list| u64::try_from(list.len()).ok()),
    }
}

/// Where in a column's paths a name stands, the outermost place first.
fn depth(column: &ImportedColumn, name: &str) -> Option<usize> {
    [
        Some(&column.field),
        column.only_where.as_ref(),
        column.only_where_not.as_ref(),
    ]
    .into_iter()
    .flatten()
    .filter_map(|path| path.split('.').position(|segment| segment == name))
    .min()
}

/// Columns and the fields that were tried for them; the table's key counts as a column without a name.
type Tried = BTreeSet<(String, String)>;

/// The table without a field that the API refuses: its columns turn to another field or become absent. Where a name
/// stands at several depths, the outermost one goes first; another refusal will name it again if that was wrong.
fn without(
    declared: &Table,
    planned: &ImportedTable,
    table: &mut ImportedTable,
    name: &str,
    tried: &mut Tried,
) -> Option<String> {
    let holds = |path: &str| path.split('.').any(|segment| segment == name);
    let outermost = table
        .columns
        .iter()
        .filter(|column| !column.absent)
        .filter_map(|column| depth(column, name))
        .min();
    let mut changed = Vec::new();
    for column in &mut table.columns {
        if column.absent || outermost.is_none() || depth(column, name) != outermost {
            continue;
        }
        changed.push(column.name.clone());
        if !holds(&column.field) && column.only_where.as_deref().is_some_and(holds) {
            // Without the mark every value counts.
            column.only_where = None;
            continue;
        }
        tried.insert((column.name.clone(), column.field.clone()));
        let next = candidates(declared, planned, &column.name).find(|candidate| {
            !holds(&candidate.field)
                && !tried.contains(&(candidate.name.clone(), candidate.field.clone()))
        });
        match next {
            Some(next) => *column = next,
            None => column.absent = true,
        }
    }
    table.truncated.retain(|path| !holds(path));
    if let Some(key) = table.key.take_if(|key| holds(key)) {
        tried.insert((String::new(), key));
        table.key = declared.key.and_then(|fields| {
            fields
                .iter()
                .map(|&field| field.to_owned())
                .find(|field| !tried.contains(&(String::new(), field.clone())))
        });
        if changed.is_empty() {
            return Some(format!("table \"{}\" has no key {name}", declared.name));
        }
    }
    if changed.is_empty() {
        return None;
    }
    let columns: Vec<String> = changed
        .iter()
        .map(|column| format!("\"{}.{column}\"", declared.name))
        .collect();
    Some(format!(
        "{} {} without field {name}",
        if columns.len() == 1 {
            "column"
        } else {
            "columns"
        },
        columns.join(", ")
    ))
}

/// What a column may read: as planned, and each declared field.
fn candidates(
    declared: &Table,
    planned: &ImportedTable,
    name: &str,
) -> impl Iterator<Item = ImportedColumn> {
    let planned = planned
        .columns
        .iter()
        .find(|column| column.name == name && !column.absent)
        .cloned();
    let known = declared.column(name).copied();
    let others = known.into_iter().flat_map(|known| {
        known.fields.iter().map(move |&field| ImportedColumn {
            field: field.to_owned(),
            absent: false,
            ..ImportedColumn::declared(&known)
        })
    });
    planned.into_iter().chain(others)
}
