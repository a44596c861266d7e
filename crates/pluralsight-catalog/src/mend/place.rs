//! Where in a document a refused field stands.

use pluralsight_api::{Refusal, Shape};

use super::mapping::Mapping;

/// Where a refused field stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// In the filter's type.
    Filter,
    /// In the connection, around the records.
    Envelope(String),
    /// In a record, by its path.
    Record(String),
}

pub(super) fn spot(table: &Mapping, refusal: &Refusal, at: &[String]) -> Option<Spot> {
    let operation = &table.operation;
    let (field, on_type) = match refusal {
        Refusal::Field { field, on_type, .. } => (field, on_type.as_deref()),
        Refusal::Leaf { field } | Refusal::Composite { field } => (field, None),
        Refusal::Missing {
            field: Some(field), ..
        } => (field, None),
        _ => return None,
    };
    let envelope = match operation.shape {
        Shape::Connection => operation.records.segments(),
        Shape::Object | Shape::List => &[],
    };
    if at.last() == Some(field) && at.first().map(String::as_str) == Some(operation.name.as_str()) {
        let inside = at.get(1..).unwrap_or_default();
        return match inside.strip_prefix(envelope) {
            _ if inside.is_empty() => None,
            Some(path) if !path.is_empty() => Some(Spot::Record(path.join("."))),
            _ => Some(Spot::Envelope(field.clone())),
        };
    }
    let is_filter = table.filters.iter().any(|filter| filter.name == *field);
    let of_filter = operation.filter.as_ref().is_some_and(|filter| {
        on_type.is_none_or(|on_type| {
            filter.of_type.name() == on_type
                || ["Filter", "Input", "Where"]
                    .iter()
                    .any(|word| on_type.contains(word))
        })
    });
    if is_filter && of_filter {
        return Some(Spot::Filter);
    }
    // Where the server does not say where: the outermost place; another refusal will name it again if that was wrong.
    let place = paths(table).filter_map(|path| {
        let depth = path.split('.').position(|name| name == field)?;
        let names: Vec<&str> = path.split('.').take(depth + 1).collect();
        Some((depth, names.join(".")))
    });
    let outermost = place.min_by_key(|(depth, _)| *depth);
    let of_connection = envelope.contains(field)
        || matches!(
            field.as_str(),
            "totalCount" | "pageInfo" | "hasNextPage" | "endCursor"
        );
    match outermost {
        Some((depth, path)) if depth == 0 || !of_connection => Some(Spot::Record(path)),
        _ if of_connection && operation.shape == Shape::Connection => {
            Some(Spot::Envelope(field.clone()))
        }
        Some((_, path)) => Some(Spot::Record(path)),
        None => None,
    }
}

/// Every path below a record that is asked for.
fn paths(table: &Mapping) -> impl Iterator<Item = &str> {
    let columns = table.columns.iter().flat_map(|column| {
        [
            Some(&column.field),
            column.only_where.as_ref(),
            column.only_where_not.as_ref(),
        ]
    });
    columns
        .flatten()
        .chain(&table.key)
        .chain(&table.truncated)
        .map(String::as_str)
}
