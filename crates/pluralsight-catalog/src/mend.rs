//! From what the API refuses to the options that mend it.
//!
//! The one place where that is decided: discovery applies the changes itself, and an error of a query shows them as a
//! statement.

mod arguments;
mod mapping;
mod place;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use pluralsight_api::{Operation, Refusal, Shape};

use self::arguments::{
    argument_mends, missing_mends, type_mends, value_mends, variable_mends, written,
};
use self::mapping::is_within;
pub use self::mapping::{ColumnMapping, Mapping, Mend, Refused};
use self::place::{Spot, spot};
pub use self::statement::mend_statement;
use crate::declaration::{Column, Table};
use crate::names::snake_case;
use crate::nested;
use crate::query::argument_names;

/// The changes that make a table ask for nothing of what was refused; none where no option can help. `refusals` are what
/// [`pluralsight_api::Error::refusals`] says. What was refused is added to `refused`, so that another call does not come
/// back to it.
pub fn mends(
    table: &Mapping,
    refusals: &[(&Refusal, &[String])],
    refused: &mut Refused,
) -> Vec<Mend> {
    let placed: Vec<(&Refusal, Option<Spot>)> = refusals
        .iter()
        .map(|(refusal, at)| (*refusal, spot(table, refusal, at)))
        .collect();
    for (refusal, spot) in &placed {
        if let (Refusal::Field { .. } | Refusal::Composite { .. }, Some(Spot::Record(path))) =
            (refusal, spot)
        {
            refused.places.insert(path.clone());
        }
    }
    if let Some(mend) = other_shape(table, &placed, refused) {
        return vec![mend];
    }
    let mut mends: Vec<Mend> = Vec::new();
    let mut lost_filters = BTreeSet::new();
    for (refusal, spot) in &placed {
        let more = match (refusal, spot) {
            (Refusal::Field { field, .. }, Some(Spot::Filter)) => {
                lost_filters.insert(field.clone());
                continue;
            }
            (Refusal::Field { .. }, Some(Spot::Envelope(name))) => envelope_mends(table, name),
            (Refusal::Field { suggestions, .. }, Some(Spot::Record(path))) => {
                path_mends(table, path, suggestions, refused)
            }
            (Refusal::Leaf { .. }, Some(Spot::Record(path))) => {
                refused.places.insert(format!("{path}."));
                path_mends(table, &format!("{path}."), &[], refused)
            }
            (Refusal::Composite { .. }, Some(Spot::Record(path))) => {
                path_mends(table, path, &[], refused)
            }
            (Refusal::Missing { argument, .. }, Some(Spot::Record(path))) => {
                match size_of_page(table, path, argument, refused) {
                    Some(mend) => vec![mend],
                    None => {
                        // What it is to be given is not known.
                        refused.places.insert(path.clone());
                        path_mends(table, path, &[], refused)
                    }
                }
            }
            (
                Refusal::Missing {
                    argument, of_type, ..
                },
                _,
            ) => missing_mends(table, argument, of_type.as_deref()),
            (
                Refusal::Argument {
                    argument,
                    field,
                    suggestions,
                },
                _,
            ) => argument_mends(table, argument, field.as_deref(), suggestions, refused),
            (Refusal::Type { name, suggestions }, _) => type_mends(table, name, suggestions),
            (refusal @ Refusal::Variable { .. }, _) => variable_mends(table, refusal, refused),
            (Refusal::Value { field, expected }, _) => value_mends(table, field, expected),
            _ => Vec::new(),
        };
        for mend in more {
            let is_new = !mends
                .iter()
                .any(|known| known.column == mend.column && known.option == mend.option);
            if is_new {
                mends.push(mend);
            }
        }
    }
    if !lost_filters.is_empty() {
        let kept = table
            .filters
            .iter()
            .filter(|filter| !lost_filters.contains(&filter.name));
        mends.push(Mend::table("filters", written(table, kept)));
    }
    mends
}

/// Records that are not where they were looked for.
fn other_shape(
    table: &Mapping,
    placed: &[(&Refusal, Option<Spot>)],
    refused: &mut Refused,
) -> Option<Mend> {
    let operation = &table.operation;
    let is_refused = |wanted: &Spot| {
        placed.iter().any(|(refusal, spot)| {
            matches!(refusal, Refusal::Field { .. }) && spot.as_ref() == Some(wanted)
        })
    };
    if operation.shape == Shape::Connection {
        let envelope = |name: &str| Spot::Envelope(name.to_owned());
        let list = operation.records.segments().first()?;
        if !is_refused(&envelope(list)) {
            return None;
        }
        // The record itself stands where the connection was expected.
        let is_record = operation.total_count
            && operation.page_info
            && is_refused(&envelope("totalCount"))
            && is_refused(&envelope("pageInfo"));
        if !is_record && !refused.guessing && list != "nodes" {
            return None;
        }
        let other = if list == "nodes" {
            "edges.node"
        } else {
            "nodes"
        };
        refused
            .places
            .insert(format!("records:{}", operation.records));
        return Some(
            if is_record || refused.places.contains(&format!("records:{other}")) {
                Mend::table("shape", "list")
            } else {
                Mend::table("records", other)
            },
        );
    }
    let all_refused = !table.columns.is_empty()
        && table.columns.iter().all(|column| {
            let first = column.field.split('.').next().unwrap_or("");
            is_refused(&Spot::Record(first.to_owned()))
        });
    let is_connection = placed.iter().any(|(refusal, spot)| {
        matches!(spot, Some(Spot::Record(path)) if !path.contains('.'))
            && matches!(refusal, Refusal::Field { on_type: Some(on_type), .. } if on_type.ends_with("Connection"))
    });
    ((all_refused || is_connection) && refused.places.insert("shape".to_owned()))
        .then(|| Mend::table("shape", "connection"))
}

fn envelope_mends(table: &Mapping, name: &str) -> Vec<Mend> {
    match name {
        "totalCount" if table.operation.total_count => vec![Mend::table("total_count", "off")],
        "pageInfo" | "hasNextPage" | "endCursor" if table.operation.page_info => {
            vec![Mend::table("page_info", "off")]
        }
        _ => Vec::new(),
    }
}

/// The changes after which nothing at or below that path is asked for. A path that ends in a dot stands for what is
/// below it alone.
fn path_mends(table: &Mapping, path: &str, suggestions: &[String], refused: &Refused) -> Vec<Mend> {
    let declared = Table::over(table.operation.name.as_str());
    let goes_there = |candidate: &str| is_within(candidate, path);
    let mut mends = Vec::new();
    for column in &table.columns {
        if goes_there(&column.field) {
            let mend = next_candidate(declared, column, suggestions, refused);
            if mend.option == "field" && column.only_where.is_some() {
                // The mark stands beside the path that is given up.
                mends.push(Mend {
                    value: None,
                    option: "only_where",
                    ..mend.clone()
                });
            }
            mends.push(mend);
        } else if let Some(mark) = column.only_where.as_deref().filter(|mark| goes_there(mark)) {
            mends.push(Mend {
                column: Some(column.name.clone()),
                option: "only_where",
                // Without the mark every value counts.
                value: other_spelling(mark, suggestions, refused),
            });
        } else if let Some(mark) = column
            .only_where_not
            .as_deref()
            .filter(|mark| goes_there(mark))
        {
            mends.push(match other_spelling(mark, suggestions, refused) {
                Some(other) => Mend::column(column, "only_where_not", &other),
                None => Mend::column(column, "absent", "true"),
            });
        }
    }
    if table.key.as_deref().is_some_and(goes_there) {
        let keys = declared.and_then(|table| table.key).unwrap_or_default();
        let spellings = keys
            .iter()
            .flat_map(|&key| [key.to_owned(), snake_case(key)]);
        mends.push(Mend {
            column: None,
            option: "key",
            value: spellings.into_iter().find(|key| {
                refused.allows(key) && (refused.guessing || keys.contains(&key.as_str()))
            }),
        });
    }
    if table.truncated.iter().any(|path| goes_there(path)) {
        let kept = table.truncated.iter().map(String::as_str);
        let kept: Vec<&str> = kept.filter(|path| !goes_there(path)).collect();
        mends.push(Mend::table("truncated", kept.join(", ")));
    }
    mends
}

/// Another path that the column may be read from, or its absence.
fn next_candidate(
    declared: Option<&Table>,
    column: &ColumnMapping,
    suggestions: &[String],
    refused: &Refused,
) -> Mend {
    let candidates = declared
        .and_then(|table| table.column(&column.name))
        .map_or_else(Vec::new, Column::candidates);
    let is_open = |path: &&String| **path != column.field && refused.allows(path);
    let suggested = candidates.iter().filter(is_open).find(|path| {
        suggestions
            .iter()
            .any(|name| path.split('.').any(|part| part == name))
    });
    // A mark belongs to the path that it was declared for.
    let is_marked = column.only_where_not.is_some();
    let guess = || candidates.iter().find(is_open).filter(|_| refused.guessing);
    match suggested.or_else(guess) {
        Some(path) if !is_marked => Mend::column(column, "field", path),
        _ => Mend::column(column, "absent", "true"),
    }
}

/// The same path with its last name in snake_case, where that may be how the API writes it.
fn other_spelling(path: &str, suggestions: &[String], refused: &Refused) -> Option<String> {
    let (holder, name) = path.rsplit_once('.').unwrap_or(("", path));
    let other = snake_case(name);
    let is_likely = refused.guessing || suggestions.contains(&other);
    let spelled = match holder {
        "" => other,
        holder => format!("{holder}.{other}"),
    };
    (is_likely && spelled != path && refused.allows(&spelled)).then_some(spelled)
}

/// A list inside a record that wants to be told how many of its entries are wanted.
fn size_of_page(table: &Mapping, path: &str, argument: &str, refused: &Refused) -> Option<Mend> {
    let size = nested::size(path, argument)?;
    let constants = &table.operation.arguments;
    let is_given = constants.iter().any(|known| known.path == size.path);
    let is_size = argument_names("first_argument").contains(&argument);
    if !is_size || is_given || !refused.allows_argument(&size.path.to_string()) {
        return None;
    }
    let written = constants.iter().chain([&size]).map(ToString::to_string);
    Some(Mend::table(
        "arguments",
        written.collect::<Vec<_>>().join(", "),
    ))
}

/// The change that asks for more entries of a list inside records, which says at `truncated` that it was cut; `None` where
/// the table does not say how many it asks for, or the number is large already.
pub fn longer_list(operation: &Operation, truncated: &str) -> Option<Mend> {
    let list = nested::list_of(truncated)?;
    let mut constants = operation.arguments.clone();
    let size = constants
        .iter_mut()
        .find(|constant| constant.field().join(".") == list && constant.value.is_u64())?;
    let longer = size.value.as_u64()?.checked_mul(10)?;
    if longer > nested::MOST_ENTRIES {
        return None;
    }
    size.value = longer.into();
    let written: Vec<String> = constants.iter().map(ToString::to_string).collect();
    Some(Mend::table("arguments", written.join(", ")))
}
