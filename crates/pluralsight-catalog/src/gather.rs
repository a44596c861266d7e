//! A record that the API hands out in parts: `planInfo` may be a list of the plan's products, or pages of them. The parts
//! are read as one record, whose lists are made of them.

use pluralsight_api::{Constant, Operation};

use crate::ddl::{ImportedColumn, ImportedTable};
use crate::declaration::Table;
use pluralsight_api::Shape;

/// Parts that one answer is asked to hold: more than any record has, and fewer than any API refuses.
const PARTS: &str = "100";

/// The table as one row over the parts, if the records that were found are not what is declared, but the parts of one:
/// several of them where there is to be one, without what the whole is known by.
pub(crate) fn gathered(declared: &Table, table: &ImportedTable) -> Option<ImportedTable> {
    if declared.shape != Shape::Object || table.operation.shape == Shape::Object {
        return None;
    }
    let read = || table.columns.iter().filter(|column| !column.absent);
    let of_part = |column: &ImportedColumn| {
        let known = declared.column(&column.name)?;
        part_of(known.default_field()).filter(|field| *field == column.field)
    };
    let whole = declared.columns.first()?;
    let is_whole = |column: &ImportedColumn| {
        column.name == whole.name && column.field == whole.default_field()
    };
    if !read().any(|column| of_part(column).is_some()) || read().any(is_whole) {
        return None;
    }
    let mut operation = Operation {
        filter: None,
        arguments: table.operation.arguments.clone(),
        ..declared.operation_in(Shape::Object)
    };
    let (mut prefix, mut truncated) = (String::new(), Vec::new());
    if table.operation.shape == Shape::Connection {
        prefix = format!("{}.", table.operation.records);
        if table.operation.page_info {
            truncated.push("pageInfo.hasNextPage".to_owned());
        }
        let first = table.operation.first.as_ref();
        let first = first.map(|first| format!("{}={PARTS}", first.name));
        let first = first.and_then(|text| Constant::parse_list(&text).ok());
        operation.arguments.extend(first.into_iter().flatten());
    }
    let columns = declared.columns.iter().map(|column| {
        let Some(part) = part_of(column.default_field()) else {
            return ImportedColumn::missing(column);
        };
        ImportedColumn {
            field: format!("{prefix}{part}"),
            ..ImportedColumn::declared(column)
        }
    });
    Some(ImportedTable {
        operation,
        key: None,
        filters: Vec::new(),
        truncated,
        columns: columns.collect(),
        rows: Some(1),
        ..table.clone()
    })
}

/// What a path reads of each part, where it leads through a list of them.
fn part_of(path: &str) -> Option<&str> {
    path.split_once('.').map(|(_, part)| part)
}
