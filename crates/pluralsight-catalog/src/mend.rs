//! From what the API refuses to the options that mend it.
//!
//! The one place where that is decided: discovery applies the changes itself, and an error of a query shows them as a
//! statement.

mod place;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use pluralsight_api::{Argument, Constant, Operation, Refusal, Shape};

use self::place::{Spot, spot};
pub use self::statement::mend_statement;
use crate::Table;
use crate::filter::{FilterKind, FilterOption};
use crate::nested;
use crate::query::argument_names;
use crate::told::snake_case;

/// What a table asks of the API.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub operation: Operation,
    pub key: Option<String>,
    pub filters: Vec<FilterOption>,
    pub truncated: Vec<String>,
    /// Those that are read.
    pub columns: Vec<ColumnMapping>,
}

/// What a column asks of the API.
#[derive(Clone, Debug)]
pub struct ColumnMapping {
    pub name: String,
    pub field: String,
    pub only_where: Option<String>,
    pub only_where_not: Option<String>,
}

/// One option that is to change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mend {
    /// The column whose option it is; the table's own if there is none.
    pub column: Option<String>,
    pub option: &'static str,
    /// `None` takes the option away.
    pub value: Option<String>,
}

/// What is known to be refused: paths of fields, and names of arguments, that are not worth another try.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    places: BTreeSet<String>,
    /// What may be right is tried, too, since another refusal will be heard if it is not.
    guessing: bool,
}

impl Mend {
    fn table(option: &'static str, value: impl Into<String>) -> Mend {
        Mend {
            column: None,
            option,
            value: Some(value.into()),
        }
    }

    fn column(column: &ColumnMapping, option: &'static str, value: &str) -> Mend {
        Mend {
            column: Some(column.name.clone()),
            option,
            value: Some(value.to_owned()),
        }
    }
}

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
        .map_or_else(Vec::new, crate::Column::candidates);
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

/// Whether `path` is `place` or leads on from there; a `place` that ends in a dot stands for what is below it alone.
fn is_within(path: &str, place: &str) -> bool {
    match path.strip_prefix(place) {
        Some(rest) => rest.is_empty() || rest.starts_with('.') || place.ends_with('.'),
        None => false,
    }
}

impl Refused {
    /// Nothing yet; whoever asks again at once may guess.
    pub fn guessing() -> Refused {
        Refused {
            guessing: true,
            ..Refused::default()
        }
    }

    /// Whether an argument of that name was not refused.
    pub(crate) fn allows_argument(&self, name: &str) -> bool {
        !self.places.contains(&format!("argument:{name}"))
    }

    /// Whether a path holds nothing of what was refused.
    pub(crate) fn allows(&self, path: &str) -> bool {
        !self.places.iter().any(|place| is_within(path, place))
    }
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

fn argument_mends(
    table: &Mapping,
    argument: &str,
    field: Option<&str>,
    suggestions: &[String],
    refused: &mut Refused,
) -> Vec<Mend> {
    let operation = &table.operation;
    let is_it = |constant: &Constant| {
        let holder = constant
            .field()
            .last()
            .map_or(operation.name.as_str(), String::as_str);
        constant.name() == argument && field.is_none_or(|field| field == holder)
    };
    if let Some(constant) = operation.arguments.iter().find(|constant| is_it(constant)) {
        refused.places.insert(format!("argument:{}", constant.path));
        let others = operation
            .arguments
            .iter()
            .filter(|other| *other != constant);
        let kept: Vec<String> = others.map(ToString::to_string).collect();
        return vec![Mend::table("arguments", kept.join(", "))];
    }
    if field.is_some_and(|field| field != operation.name.as_str()) {
        return Vec::new();
    }
    let option = argument_options(operation)
        .into_iter()
        .find(|(_, _, known)| known.is_some_and(|known| known.name.as_str() == argument))
        .map(|(option, ..)| option);
    let Some(option) = option else {
        return Vec::new();
    };
    refused.places.insert(format!("argument:{argument}"));
    let names = argument_names(option);
    let is_open = |name: &&&str| !refused.places.contains(&format!("argument:{name}"));
    let suggested = names
        .iter()
        .filter(is_open)
        .find(|name| suggestions.iter().any(|suggestion| suggestion == **name));
    vec![Mend::table(option, suggested.copied().unwrap_or(""))]
}

/// The options of name and type of the arguments whose values are variables.
fn argument_options(operation: &Operation) -> [(&'static str, &'static str, Option<&Argument>); 3] {
    [
        ("first_argument", "first_type", operation.first.as_ref()),
        ("after_argument", "after_type", operation.after.as_ref()),
        ("filter_argument", "filter_type", operation.filter.as_ref()),
    ]
}

fn type_mends(table: &Mapping, name: &str, suggestions: &[String]) -> Vec<Mend> {
    let mut mends = Vec::new();
    for (name_option, type_option, argument) in argument_options(&table.operation) {
        let Some(argument) = argument.filter(|argument| argument.of_type.name() == name) else {
            continue;
        };
        let likely = suggestions
            .iter()
            .find(|suggestion| {
                *suggestion != name && suggestion.to_ascii_lowercase().contains("filter")
            })
            .filter(|_| type_option == "filter_type");
        mends.push(match likely {
            Some(suggestion) => Mend::table(
                type_option,
                argument.of_type.as_str().replacen(name, suggestion, 1),
            ),
            // Without its type there is nothing to declare the variable with.
            None => Mend::table(name_option, ""),
        });
    }
    mends
}

fn variable_mends(table: &Mapping, refusal: &Refusal, refused: &mut Refused) -> Vec<Mend> {
    let Refusal::Variable {
        variable,
        argument,
        given,
        expected,
    } = refusal
    else {
        return Vec::new();
    };
    let mut mends = Vec::new();
    for (name_option, type_option, known) in argument_options(&table.operation) {
        let Some(known) = known else {
            continue;
        };
        let is_meant = match (variable, argument) {
            (Some(variable), _) => type_option.strip_suffix("_type") == Some(variable),
            (None, Some(argument)) => known.name.as_str() == argument,
            (None, None) => given.as_deref() == Some(known.of_type.as_str()),
        };
        if !is_meant {
            continue;
        }
        let of_type = known.of_type.as_str();
        refused.places.insert(format!("{type_option}:{of_type}"));
        let right = match expected {
            Some(expected) => Some(expected.clone()).filter(|expected| expected != of_type),
            None => usual_types(type_option, known)
                .into_iter()
                .skip_while(|usual| usual != of_type)
                .find(|usual| !refused.places.contains(&format!("{type_option}:{usual}"))),
        };
        mends.push(match right {
            Some(right) => Mend::table(type_option, right),
            None => Mend::table(name_option, ""),
        });
    }
    mends
}

/// The types that an argument may have, where the server does not name the right one.
fn usual_types(type_option: &str, known: &Argument) -> Vec<String> {
    let types: &[&str] = match type_option {
        "first_type" => &["Int", "Int!"],
        "after_type" => &["String", "ID", "String!", "ID!"],
        _ => {
            let bare = known.of_type.as_str().trim_end_matches('!');
            return vec![bare.to_owned(), format!("{bare}!")];
        }
    };
    types.iter().map(|&usual| usual.to_owned()).collect()
}

fn missing_mends(table: &Mapping, argument: &str, of_type: Option<&str>) -> Vec<Mend> {
    let operation = &table.operation;
    for (name_option, type_option, known) in argument_options(operation) {
        if known.is_none() && argument_names(name_option).contains(&argument) {
            let usual = match name_option {
                "first_argument" => Some("Int!"),
                "after_argument" => Some("String!"),
                _ => None,
            };
            return match of_type.or(usual) {
                Some(of_type) => vec![
                    Mend::table(name_option, argument),
                    Mend::table(type_option, of_type),
                ],
                None => Vec::new(),
            };
        }
    }
    Vec::new()
}

fn value_mends(table: &Mapping, field: &str, expected: &str) -> Vec<Mend> {
    let is_number = matches!(expected, "Int" | "Long" | "BigInt" | "Float");
    let mut changed = false;
    let filters: Vec<FilterOption> = table
        .filters
        .iter()
        .filter_map(|filter| {
            if filter.name != field {
                return Some(filter.clone());
            }
            changed = true;
            let as_numbers = is_number && !filter.numbers && filter.kind != FilterKind::Pattern;
            as_numbers.then(|| FilterOption {
                numbers: true,
                ..filter.clone()
            })
        })
        .collect();
    if changed {
        vec![Mend::table("filters", written(table, filters.iter()))]
    } else {
        Vec::new()
    }
}

/// The option `filters` for these.
fn written<'a>(table: &Mapping, filters: impl Iterator<Item = &'a FilterOption>) -> String {
    let declared = Table::over(table.operation.name.as_str());
    let entries: Vec<String> = filters
        .map(|filter| match declared {
            Some(declared) => filter.written(declared),
            None => filter.to_string(),
        })
        .collect();
    entries.join(", ")
}
