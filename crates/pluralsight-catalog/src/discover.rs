//! What an API has of what is declared: its schema is asked, and then each table's own query is tried.

use pluralsight_api::{Client, Constant, Context, Error, describe};

use crate::ddl::{ExistingTable, ImportedColumn, ImportedTable};
use crate::declaration::Table;
use crate::gather::gathered;
use crate::notice::Notice;
use crate::probe::{Known, is_no_query, probe, probe_filters, probe_parts};
use crate::query::operation_from;
use crate::told::plan_import;

/// What the API has of these tables: its schema is asked, and each table's own query is tried. Every table is in the
/// answer, with every declared column; what the API lacks is marked as absent. With `all`, the scalar fields of a record
/// that no column reads are added, where the schema tells of them. `existing` is what is there of a table already: a field
/// that a person gave a column is kept if the API has it. An error is one of the token or the network.
pub async fn discover(
    client: &Client,
    context: &Context<'_>,
    tables: &[&Table],
    all: bool,
    existing: impl Fn(&Table) -> Option<ExistingTable>,
) -> Result<Vec<Discovered>, Error> {
    let roots: Vec<&str> = tables.iter().map(|table| table.query).collect();
    let described = describe(client, context, &roots).await?;
    let told = |table: &Table| {
        described
            .as_ref()
            .and_then(|described| plan_import(table, described, all))
    };
    let mut known = Known::default();
    let mut found = Vec::with_capacity(tables.len());
    for &declared in tables {
        let (planned, there) = (told(declared), existing(declared));
        found.push(one(client, context, declared, planned, there, &mut known).await?);
    }
    // A value that one table needs may be told by a later one.
    for (&declared, discovered) in tables.iter().zip(&mut found) {
        if discovered.failure.is_some() && !known.is_empty() {
            let (planned, there) = (told(declared), existing(declared));
            *discovered = one(client, context, declared, planned, there, &mut known).await?;
        }
    }
    Ok(found)
}

/// What was found out about one table.
pub struct Discovered {
    pub table: ImportedTable,
    /// What a person should know about it.
    pub notices: Vec<Notice>,
    /// Why it cannot be read: the API has no such query, or refuses it to this key.
    pub failure: Option<Error>,
}

async fn one(
    client: &Client,
    context: &Context<'_>,
    declared: &Table,
    planned: Option<(ImportedTable, Vec<Notice>)>,
    existing: Option<ExistingTable>,
    known: &mut Known,
) -> Result<Discovered, Error> {
    let is_told = planned.is_some();
    // A schema that is told in part may keep back a query that works.
    let (mut table, mut notices) = planned.unwrap_or_else(|| {
        let mut table = ImportedTable::declared(declared);
        // What was only hoped for is asked for, too.
        for column in &mut table.columns {
            column.absent = false;
        }
        (table, Vec::new())
    });
    table.unchecked = false;
    if let Some(existing) = &existing {
        keep_own(&mut table, existing);
    }
    let failure = probe(
        client,
        context,
        declared,
        &mut table,
        is_told,
        known,
        &mut notices,
    )
    .await?;
    if failure.is_none()
        && let Some(mut whole) = gathered(declared, &table)
    {
        let says = match probe_parts(client, context, declared, &mut whole, known).await? {
            None => {
                table = whole;
                "is read from the parts of its record, which"
            }
            Some(_) => {
                table.absent = true;
                "is empty: the parts of its record, not the record, are what"
            }
        };
        notices.retain(|notice| !notice.0.contains(&format!("\"{}.", table.name)));
        notices.push(Notice(format!(
            "table \"{}\" {says} the API's {} hands out",
            table.name, declared.query
        )));
        notices.extend(
            table
                .columns
                .iter()
                .filter(|column| column.absent)
                .map(|column| {
                    Notice(format!(
                        "column \"{}.{}\" is absent: no part has it",
                        table.name, column.name
                    ))
                }),
        );
    }
    match &failure {
        None if table.absent => {}
        None if !is_told => probe_filters(client, context, declared, &mut table).await?,
        None => {}
        Some(error) => notices.push(Notice(format!(
            "table \"{}\" cannot be read: {error}",
            table.name
        ))),
    }
    if let Some(error) = &failure {
        // Without its people an organization has nothing to show; and any other error may be gone tomorrow, so that an
        // empty table would be a lie.
        table.absent = declared.name != "users" && is_no_query(error, declared);
    }
    Ok(Discovered {
        table,
        notices,
        failure,
    })
}

/// A column that reads another field than planned was set by a person, or found earlier: it stays as long as the API has
/// the field. So do the values of further arguments.
fn keep_own(table: &mut ImportedTable, existing: &ExistingTable) {
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
    if let Some(arguments) = existing.options.get("arguments")
        && let Ok(arguments) = Constant::parse_list(arguments)
    {
        let operation = &table.operation;
        let variables = [&operation.first, &operation.after, &operation.filter];
        let is_variable = |constant: &Constant| {
            let mut taken = variables.iter().copied().flatten();
            let is_taken = taken.any(|argument| argument.name.as_str() == constant.name());
            constant.field().is_empty() && is_taken
        };
        let mut kept: Vec<Constant> = arguments
            .into_iter()
            .filter(|constant| !is_variable(constant))
            .collect();
        let found = table.operation.arguments.iter();
        let is_new = |found: &&Constant| kept.iter().all(|own| own.path != found.path);
        let new: Vec<Constant> = found.filter(is_new).cloned().collect();
        kept.extend(new);
        table.operation.arguments = kept;
    }
    // Totals that are there and wrong cannot be told from right ones.
    if operation_from(&existing.options).is_ok_and(|operation| !operation.total_count) {
        table.operation.total_count = false;
    }
}
