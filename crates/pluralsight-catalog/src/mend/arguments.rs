//! What refusals of arguments, of their types and of their values come to.

use pluralsight_api::{Argument, Constant, Operation, Refusal};

use super::mapping::{Mapping, Mend, Refused};
use crate::declaration::{FilterKind, Table};
use crate::filter::FilterOption;
use crate::query::argument_names;

pub(super) fn argument_mends(
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
pub(super) fn argument_options(
    operation: &Operation,
) -> [(&'static str, &'static str, Option<&Argument>); 3] {
    [
        ("first_argument", "first_type", operation.first.as_ref()),
        ("after_argument", "after_type", operation.after.as_ref()),
        ("filter_argument", "filter_type", operation.filter.as_ref()),
    ]
}

pub(super) fn type_mends(table: &Mapping, name: &str, suggestions: &[String]) -> Vec<Mend> {
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

pub(super) fn variable_mends(
    table: &Mapping,
    refusal: &Refusal,
    refused: &mut Refused,
) -> Vec<Mend> {
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
pub(super) fn usual_types(type_option: &str, known: &Argument) -> Vec<String> {
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

pub(super) fn missing_mends(table: &Mapping, argument: &str, of_type: Option<&str>) -> Vec<Mend> {
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

pub(super) fn value_mends(table: &Mapping, field: &str, expected: &str) -> Vec<Mend> {
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
pub(super) fn written<'a>(
    table: &Mapping,
    filters: impl Iterator<Item = &'a FilterOption>,
) -> String {
    let declared = Table::over(table.operation.name.as_str());
    let entries: Vec<String> = filters
        .map(|filter| match declared {
            Some(declared) => filter.written(declared),
            None => filter.to_string(),
        })
        .collect();
    entries.join(", ")
}
