//! An error of the API in terms of the table that was read: which of its options to change, as a statement.

use std::collections::BTreeMap;

use pluralsight_api::{Error as ApiError, Refusal, Shape};
use pluralsight_catalog::{
    ColumnMapping, FilterOption, Mapping, Mend, Refused, longer_list, mend_statement, mends,
    quote_literal,
};

use super::trust::without;
use crate::error::FdwError;
use crate::namespace::{qualified_name, schema_name};
use crate::options::TableOptions;
use crate::options::catalog::raw_column_options;
use crate::relation::{Column, Relation, make_absent};

/// Records that one page may be asked for.
const LONGEST_PAGE: u32 = 10_000;

/// The error with, where the API refuses something that the table's options ask for, the statement that changes them.
pub fn explain(error: &ApiError, options: &TableOptions) -> FdwError {
    let mut report = FdwError::from_api(error, &options.name);
    let columns = columns(options);
    if let ApiError::Incomplete { gap, .. } = error
        && gap.is_of_the_total()
    {
        let mend = Mend {
            column: None,
            option: "total_count",
            value: Some("off".to_owned()),
        };
        report.hint = Some(format!(
            "More records came than the API says there are. To have its totals ignored: {}",
            statement(&[mend], options, &columns)
        ));
        return report;
    }
    if let ApiError::Incomplete { gap, .. } = error
        && let Some(path) = gap.cut_list()
    {
        if let Some(mend) = longer_list(&options.operation, &path.to_string()) {
            report.hint = Some(format!(
                "To ask for more entries of that list: {}",
                statement(&[mend], options, &columns)
            ));
        }
        return report;
    }
    if matches!(error, ApiError::Incomplete { .. }) && is_one_page(options) {
        let mend = Mend {
            column: None,
            option: "page_size",
            value: Some(LONGEST_PAGE.to_string()),
        };
        report.hint = Some(format!(
            "The API hands out one page and no further one. To ask for a longer page: {}",
            statement(&[mend], options, &columns)
        ));
        return report;
    }
    let refusals = error.refusals();
    let Some((first, _)) = refusals.first() else {
        explain_named_field(&mut report, error, options, &columns);
        return report;
    };
    let mends = mends(
        &mapping(options, &columns),
        &refusals,
        &mut Refused::default(),
    );
    report.detail = Some(match &report.detail {
        Some(detail) => format!("The API says: {error}\n{detail}"),
        None => format!("The API says: {error}"),
    });
    report.message = format!("{}: {}", options.name, subject(first, &mends, options));
    report.hint = Some(if mends.is_empty() {
        renew(options)
    } else {
        hint(&mends, options, &columns)
    });
    report
}

/// Whether the first page has to hold everything, and could be longer.
fn is_one_page(options: &TableOptions) -> bool {
    let operation = &options.operation;
    operation.shape == Shape::Connection
        && operation.first.is_some()
        && (operation.after.is_none() || !operation.page_info)
        && options.page_sizes.first.max(options.page_sizes.then) < LONGEST_PAGE
}

/// A field in Beta, or one that this key may not see: the API's words are its own, but they name the field.
fn explain_named_field(
    report: &mut FdwError,
    error: &ApiError,
    options: &TableOptions,
    columns: &[Column],
) {
    let reads = |column: &&Column, name: &str| {
        let path = column.options.field.segments();
        path.iter().any(|segment| segment == name)
    };
    let names = error.named_fields();
    // The same name may be that of a filter, and the values of that what the API does not take.
    let message = error.to_string().to_lowercase();
    let is_of_filter = ["filter", "input", "variable"]
        .iter()
        .any(|word| message.contains(word));
    let is_named = |filter: &&FilterOption| names.iter().any(|name| *name == filter.name);
    if let Some(filter) = options
        .filters
        .iter()
        .find(is_named)
        .filter(|_| is_of_filter)
    {
        report.hint = Some(format!(
            "The API names the filter {}. To leave it out: {}",
            filter.name,
            without(options, filter)
        ));
        return;
    }
    let column = names.into_iter().find_map(|name| {
        let last = |column: &&Column| {
            column
                .options
                .field
                .segments()
                .last()
                .is_some_and(|segment| segment == name)
        };
        columns
            .iter()
            .find(last)
            .or_else(|| columns.iter().find(|column| reads(column, name)))
    });
    if let Some(column) = column {
        report.hint = Some(format!(
            "The API names field {}, which column \"{}\" reads. To have that column read NULL instead: {}",
            column.options.field,
            column.name,
            make_absent(options.oid, column)
        ));
    }
}

/// What was refused, in one line.
fn subject(refusal: &Refusal, mends: &[Mend], options: &TableOptions) -> String {
    let column = mends.iter().find_map(|mend| mend.column.as_deref());
    match (refusal, column) {
        (Refusal::Field { field, .. }, Some(column)) => {
            format!("the API refused field {field} of column \"{column}\"")
        }
        (Refusal::Field { field, .. }, None)
            if options.filters.iter().any(|filter| filter.name == *field) =>
        {
            format!("the API does not take the filter {field}")
        }
        (refusal, Some(column)) => format!("{refusal} (column \"{column}\")"),
        (refusal, None) => refusal.to_string(),
    }
}

fn hint(mends: &[Mend], options: &TableOptions, columns: &[Column]) -> String {
    let statement = statement(mends, options, columns);
    let has = |option: &str| mends.iter().any(|mend| mend.option == option);
    if has("absent") {
        format!(
            "If the API has it under another name, set the column's option field. To have it read NULL: {statement}"
        )
    } else if mends.iter().any(|mend| mend.value.as_deref() == Some("")) {
        format!("Do without it: {statement}")
    } else {
        format!("Ask as the API wants it: {statement}")
    }
}

fn statement(mends: &[Mend], options: &TableOptions, columns: &[Column]) -> String {
    let of_columns: BTreeMap<&str, Vec<String>> = columns
        .iter()
        .map(|column| {
            let options = raw_column_options(options.oid, column.number);
            (column.name.as_str(), options.into_keys().collect())
        })
        .collect();
    mend_statement(
        &qualified_name(options.oid),
        mends,
        |column, option| match column {
            None => options.options.contains_key(option),
            Some(column) => of_columns
                .get(column)
                .is_some_and(|names| names.iter().any(|name| name == option)),
        },
    )
}

/// The statement that has everything found out anew.
fn renew(options: &TableOptions) -> String {
    format!(
        "Have it found out what the API takes: CALL pluralsight_fdw.set_up({}, {});",
        quote_literal(&options.server.name),
        quote_literal(&schema_name(options.oid))
    )
}

/// The columns that are read from the API.
fn columns(options: &TableOptions) -> Vec<Column> {
    let Ok(relation) = Relation::load(options.oid) else {
        return Vec::new();
    };
    relation
        .numbers()
        .filter_map(|number| relation.column(number).ok().flatten())
        .filter(|column| !column.options.absent)
        .collect()
}

fn mapping(options: &TableOptions, columns: &[Column]) -> Mapping {
    Mapping {
        operation: options.operation.clone(),
        key: options.key.as_ref().map(ToString::to_string),
        filters: options.filters.clone(),
        truncated: options.truncated.iter().map(ToString::to_string).collect(),
        columns: columns
            .iter()
            .map(|column| ColumnMapping {
                name: column.name.clone(),
                field: column.options.field.to_string(),
                only_where: column.options.only_where.as_ref().map(ToString::to_string),
                only_where_not: column
                    .options
                    .only_where_not
                    .as_ref()
                    .map(ToString::to_string),
            })
            .collect(),
    }
}
