//! Which filters the API takes.

use pluralsight_api::Error;
use serde_json::{Map, Value, json};

use super::question::{Probe, is_of_the_table};
use super::records::REQUESTS;
use crate::ddl::ImportedTable;
use crate::declaration::{Filter, FilterKind};
use crate::filter::FilterOption;
use crate::mend::mends;
use crate::names::is_same_name;

/// A key that no record has, in the form that most APIs expect.
const NO_KEY: &str = "00000000-0000-4000-8000-000000000000";

pub async fn filters(probe: &mut Probe<'_>, table: &mut ImportedTable) -> Result<(), Error> {
    if table.operation.filter.is_none() || probe.declared.filters.is_empty() {
        return Ok(());
    }
    let sure = table.filters.clone();
    table.filters = probe
        .declared
        .filters
        .iter()
        .filter_map(|filter| entry(probe, table, filter))
        .collect();
    while !table.filters.is_empty() && probe.asked < REQUESTS {
        let values = filter_values(&table.mapping().filters);
        let error = match probe.ask(table, Some(values)).await {
            Ok(_) => return Ok(()),
            Err(error) if is_of_the_table(&error) => error,
            Err(error) => return Err(error),
        };
        let mut changes = mends(&table.mapping(), &error.refusals(), &mut probe.refused);
        probe.learn_types(table, &mut changes).await?;
        if changes.is_empty() {
            return each_filter(probe, table, sure).await;
        }
        for change in &changes {
            table.apply(change);
        }
        if table.operation.filter.is_none() {
            table.filters.clear();
            return Ok(());
        }
    }
    Ok(())
}

/// The entry of a filter in the table's option, where a column reads what it compares. The several paths of a list mean
/// the same list.
fn entry(probe: &Probe<'_>, table: &ImportedTable, filter: &Filter) -> Option<String> {
    if table.reads(filter.field) {
        return Some(filter.name.to_owned());
    }
    let column = probe
        .declared
        .columns
        .iter()
        .find(|column| column.default_field() == filter.field)?;
    let read = table.columns.iter().find(|read| {
        let is_it = filter.field.contains('.') || is_same_name(&read.field, filter.field);
        read.name == column.name && !read.absent && is_it
    })?;
    let option = FilterOption {
        name: filter.name.to_owned(),
        field: read.field.clone(),
        kind: filter.kind,
        exact: false,
        numbers: false,
    };
    Some(option.written(probe.declared))
}

/// Tries one filter after the other, where the API does not say which of them it refuses. Those that were declared
/// are kept if none can be told.
async fn each_filter(
    probe: &mut Probe<'_>,
    table: &mut ImportedTable,
    sure: Vec<String>,
) -> Result<(), Error> {
    let mut taken = Vec::new();
    for filter in table.mapping().filters {
        let numbers = FilterOption {
            numbers: true,
            ..filter.clone()
        };
        let takes_numbers = filter.kind != FilterKind::Pattern;
        for candidate in [Some(filter), takes_numbers.then_some(numbers)]
            .into_iter()
            .flatten()
        {
            let values = filter_values(std::slice::from_ref(&candidate));
            match probe.ask(table, Some(values)).await {
                Ok(_) => {
                    taken.push(candidate.written(probe.declared));
                    break;
                }
                Err(error) if is_of_the_table(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
    table.filters = if taken.is_empty() { sure } else { taken };
    Ok(())
}

/// A value for each filter, of a kind that it may take.
fn filter_values(filters: &[FilterOption]) -> Value {
    let mut values = Map::new();
    for filter in filters {
        let one = match (filter.numbers, filter.field.as_str()) {
            (true, _) => json!(0),
            (false, "isOnAccount") => json!(true),
            (false, "email") => json!("nobody@example.invalid"),
            (false, _) => json!(NO_KEY),
        };
        let value = match filter.kind {
            FilterKind::List => json!([one]),
            FilterKind::Scalar | FilterKind::Pattern => one,
        };
        values.insert(filter.name.clone(), value);
    }
    Value::Object(values)
}
