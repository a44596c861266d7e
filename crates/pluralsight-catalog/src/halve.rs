//! Finding out by bare yes and no: an API that does not say what it refuses is asked for as little as can be asked, and
//! then for more, one thing after the other.

use pluralsight_api::{Argument, Error, FieldPath, Operation, Shape};

use crate::ddl::{ImportedColumn, ImportedTable};
use crate::declaration::Column;
use crate::nested;
use crate::probe::question::{Probe, is_of_the_table};

/// Requests that one table may cost in this way.
const REQUESTS: u32 = 160;

/// Changes the table until the API answers; false if it answers nothing at all.
pub(crate) async fn halve(probe: &mut Probe<'_>, table: &mut ImportedTable) -> Result<bool, Error> {
    let declared = table.operation.clone();
    let wanted: Vec<ImportedColumn> = table.columns.clone();
    let (key, truncated) = (table.key.take(), std::mem::take(&mut table.truncated));
    for column in &mut table.columns {
        column.absent = true;
    }
    let mut found = false;
    for operation in barest(&declared) {
        table.operation = operation;
        if answers(probe, table).await? {
            found = true;
            break;
        }
    }
    if !found {
        table.operation = declared;
        table.columns = wanted;
        (table.key, table.truncated) = (key, truncated);
        return Ok(false);
    }
    if table.operation.shape == Shape::Connection {
        envelope(probe, table, &declared).await?;
    }
    columns(probe, table, wanted).await?;
    if table.operation.shape == Shape::Connection {
        let keys = probe.declared.key.unwrap_or_default();
        table.key = keys
            .iter()
            .find(|key| table.reads(key))
            .map(|&key| key.to_owned());
    }
    table.truncated = nested::truncation(table);
    if !table.truncated.is_empty() && !answers(probe, table).await? {
        table.truncated.clear();
    }
    Ok(true)
}

/// The query in each shape, with as little around its records as can be.
fn barest(declared: &Operation) -> Vec<Operation> {
    let bare = Operation {
        total_count: false,
        page_info: false,
        first: None,
        after: None,
        filter: None,
        ..declared.clone()
    };
    let connection = |records| Operation {
        shape: Shape::Connection,
        records,
        ..bare.clone()
    };
    let edges = FieldPath::parse("edges.node");
    let mut shapes = vec![connection(
        Operation::new(bare.name.clone(), Shape::Connection).records,
    )];
    shapes.extend(edges.ok().map(connection));
    shapes.push(Operation {
        shape: Shape::List,
        ..bare.clone()
    });
    // A connection may want to be told how long its pages are to be.
    let sized: Vec<Operation> = shapes
        .iter()
        .filter(|operation| operation.shape == Shape::Connection)
        .map(|operation| Operation {
            first: Some(Argument::declared("first", "Int!")),
            ..operation.clone()
        })
        .collect();
    let list = shapes.pop();
    shapes.into_iter().chain(sized).chain(list).collect()
}

/// Gives a query one of its arguments.
type Setter = fn(&mut Operation, Option<Argument>);

fn set_first(operation: &mut Operation, argument: Option<Argument>) {
    operation.first = argument;
}

fn set_after(operation: &mut Operation, argument: Option<Argument>) {
    operation.after = argument;
}

fn set_filter(operation: &mut Operation, argument: Option<Argument>) {
    operation.filter = argument;
}

/// What stands around the records, one thing after the other.
async fn envelope(
    probe: &mut Probe<'_>,
    table: &mut ImportedTable,
    declared: &Operation,
) -> Result<(), Error> {
    for switch in [
        (|operation: &mut Operation| operation.total_count = true) as fn(&mut Operation),
        |operation| operation.page_info = true,
    ] {
        accept(probe, table, switch).await?;
    }
    let filter = declared
        .filter
        .as_ref()
        .map(|filter| filter.of_type.to_string());
    for (set, name, types) in [
        (
            set_first as Setter,
            "first",
            vec!["Int".to_owned(), "Int!".to_owned()],
        ),
        (
            set_after,
            "after",
            vec!["String".to_owned(), "ID".to_owned()],
        ),
        (set_filter, "filter", filter.into_iter().collect()),
    ] {
        if name == "first" && table.operation.first.is_some() {
            continue;
        }
        for of_type in types {
            let argument = Argument::new(name, &of_type).ok();
            if accept(probe, table, |operation| set(operation, argument.clone())).await? {
                break;
            }
        }
    }
    Ok(())
}

/// Keeps a change of the query if the API takes it.
async fn accept(
    probe: &mut Probe<'_>,
    table: &mut ImportedTable,
    change: impl Fn(&mut Operation),
) -> Result<bool, Error> {
    let before = table.operation.clone();
    change(&mut table.operation);
    let taken = answers(probe, table).await?;
    if !taken {
        table.operation = before;
    }
    Ok(taken)
}

/// The columns, by halves of those that are refused together.
async fn columns(
    probe: &mut Probe<'_>,
    table: &mut ImportedTable,
    wanted: Vec<ImportedColumn>,
) -> Result<(), Error> {
    let readable: Vec<ImportedColumn> =
        wanted.into_iter().filter(|column| !column.absent).collect();
    let mut groups = vec![readable];
    while let Some(group) = groups.pop() {
        if group.is_empty() || probe.asked >= REQUESTS {
            continue;
        }
        put(table, &group);
        if answers(probe, table).await? {
            continue;
        }
        for column in &group {
            put(
                table,
                &[ImportedColumn {
                    absent: true,
                    ..column.clone()
                }],
            );
        }
        if let [column] = group.as_slice() {
            other_path(probe, table, column).await?;
        } else {
            let mut first = group;
            let second = first.split_off(first.len() / 2);
            groups.extend([second, first]);
        }
    }
    Ok(())
}

/// A column that is refused where it was looked for: perhaps it is elsewhere, or its mark is what was refused.
async fn other_path(
    probe: &mut Probe<'_>,
    table: &mut ImportedTable,
    column: &ImportedColumn,
) -> Result<(), Error> {
    if column.only_where_not.is_some() {
        return Ok(());
    }
    let declared = probe.declared.column(&column.name);
    let paths = declared.map_or_else(Vec::new, Column::candidates);
    let unmarked = column.only_where.is_some().then(|| column.field.clone());
    let others = paths.into_iter().filter(|path| *path != column.field);
    for path in unmarked.into_iter().chain(others) {
        let candidate = ImportedColumn {
            field: path,
            only_where: None,
            ..column.clone()
        };
        put(table, &[candidate]);
        if probe.asked < REQUESTS && answers(probe, table).await? {
            return Ok(());
        }
    }
    put(
        table,
        &[ImportedColumn {
            absent: true,
            ..column.clone()
        }],
    );
    Ok(())
}

fn put(table: &mut ImportedTable, columns: &[ImportedColumn]) {
    for column in columns {
        if let Some(place) = table
            .columns
            .iter_mut()
            .find(|known| known.name == column.name)
        {
            *place = column.clone();
        }
    }
}

async fn answers(probe: &mut Probe<'_>, table: &ImportedTable) -> Result<bool, Error> {
    match probe.ask(table, None).await {
        Ok(_) => Ok(true),
        Err(error) if is_of_the_table(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
