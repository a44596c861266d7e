//! The options of a foreign table that say how its query is asked.
//!
//! Each has a default, which is what the table's declaration says, or else what most GraphQL APIs do. So a table has
//! only the options in which its API differs.

use std::collections::BTreeMap;

use pluralsight_api::{Argument, Constant, FieldPath, InputType, Name, Operation, Shape};

use crate::declaration::Table;

/// Names of the argument that says how many records a page has, the usual one first.
const FIRST_ARGUMENTS: &[&str] = &["first", "limit", "pageSize", "take"];
/// Names of the argument that says after which record a page begins.
const AFTER_ARGUMENTS: &[&str] = &["after", "cursor", "afterCursor"];
/// Names of the argument that says which records are wanted.
const FILTER_ARGUMENTS: &[&str] = &["filter", "where", "filters", "filterBy"];

/// The names that an argument may have, by the option that holds its name; the usual one comes first.
pub(crate) fn argument_names(option: &str) -> &'static [&'static str] {
    match option {
        "first_argument" => FIRST_ARGUMENTS,
        "after_argument" => AFTER_ARGUMENTS,
        "filter_argument" => FILTER_ARGUMENTS,
        _ => &[],
    }
}

/// One option that says how a query is asked.
pub struct QueryOption {
    pub name: &'static str,
    /// Says what is wrong with a value.
    pub check: fn(&str) -> Result<(), String>,
}

/// Every such option, in the order in which they are written.
pub const QUERY_OPTIONS: &[QueryOption] = &[
    QueryOption {
        name: "query",
        check: |value| name(value).map(drop),
    },
    QueryOption {
        name: "shape",
        check: |value| shape(value).map(drop),
    },
    QueryOption {
        name: "records",
        check: |value| path(value).map(drop),
    },
    QueryOption {
        name: "total_count",
        check: |value| boolean(value).map(drop),
    },
    QueryOption {
        name: "page_info",
        check: |value| boolean(value).map(drop),
    },
    QueryOption {
        name: "first_argument",
        check: |value| optional_name(value).map(drop),
    },
    QueryOption {
        name: "first_type",
        check: |value| input_type(value).map(drop),
    },
    QueryOption {
        name: "after_argument",
        check: |value| optional_name(value).map(drop),
    },
    QueryOption {
        name: "after_type",
        check: |value| input_type(value).map(drop),
    },
    QueryOption {
        name: "filter_argument",
        check: |value| optional_name(value).map(drop),
    },
    QueryOption {
        name: "filter_type",
        check: |value| input_type(value).map(drop),
    },
    QueryOption {
        name: "arguments",
        check: |value| constants(value).map(drop),
    },
];

/// An option that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryOptionError {
    pub option: &'static str,
    pub problem: String,
}

/// The query that a table's options describe. An option that is not there is as declared for that query.
pub fn operation_from(options: &BTreeMap<String, String>) -> Result<Operation, QueryOptionError> {
    let query = read(options, "query", name)?.ok_or_else(|| QueryOptionError {
        option: "query",
        problem: "is missing".to_owned(),
    })?;
    let declared = Table::over(query.as_str());
    let shape = read(options, "shape", shape)?
        .or(declared.map(|table| table.shape))
        .unwrap_or(Shape::Connection);
    let mut operation = standard(query, shape);
    if let Some(records) = read(options, "records", path)? {
        operation.records = records;
    }
    if let Some(total_count) = read(options, "total_count", boolean)? {
        operation.total_count = total_count && shape == Shape::Connection;
    }
    if let Some(page_info) = read(options, "page_info", boolean)? {
        operation.page_info = page_info && shape == Shape::Connection;
    }
    for (argument, name_option, type_option, default_name, default_type) in [
        (
            &mut operation.first,
            "first_argument",
            "first_type",
            "first",
            Some("Int"),
        ),
        (
            &mut operation.after,
            "after_argument",
            "after_type",
            "after",
            Some("String"),
        ),
        (
            &mut operation.filter,
            "filter_argument",
            "filter_type",
            "filter",
            None,
        ),
    ] {
        let name = read(options, name_option, optional_name)?;
        let of_type = read(options, type_option, input_type)?;
        if name == Some(None) {
            *argument = None;
            continue;
        }
        let known = argument.take();
        let of_type = of_type
            .or_else(|| known.as_ref().map(|known| known.of_type.clone()))
            .or(default_type
                .filter(|_| name.is_some())
                .map(InputType::declared));
        let name = name
            .flatten()
            .or(known.map(|known| known.name))
            .unwrap_or_else(|| Name::declared(default_name));
        *argument = of_type.map(|of_type| Argument { name, of_type });
    }
    if let Some(constants) = read(options, "arguments", constants)? {
        operation.arguments = constants;
    }
    Ok(operation)
}

/// The options that describe a query: those that [`operation_from`] needs to read it back, and the type of its filter,
/// which is what a person is most likely to have to correct.
pub fn operation_options(operation: &Operation) -> Vec<(&'static str, String)> {
    let standard = standard(operation.name.clone(), operation.shape);
    let mut options = vec![
        ("query", operation.name.to_string()),
        ("shape", operation.shape.name().to_owned()),
    ];
    if operation.records != standard.records {
        options.push(("records", operation.records.to_string()));
    }
    for (option, value, usual) in [
        ("total_count", operation.total_count, standard.total_count),
        ("page_info", operation.page_info, standard.page_info),
    ] {
        if value != usual {
            options.push((option, value.to_string()));
        }
    }
    for (name_option, type_option, value, usual) in [
        (
            "first_argument",
            "first_type",
            &operation.first,
            &standard.first,
        ),
        (
            "after_argument",
            "after_type",
            &operation.after,
            &standard.after,
        ),
        (
            "filter_argument",
            "filter_type",
            &operation.filter,
            &standard.filter,
        ),
    ] {
        let Some(argument) = value else {
            if usual.is_some() {
                options.push((name_option, String::new()));
            }
            continue;
        };
        let usual_name = usual.as_ref().map(|usual| &usual.name);
        if usual_name.map_or(argument.name.as_str() != "filter", |usual| {
            *usual != argument.name
        }) {
            options.push((name_option, argument.name.to_string()));
        }
        if type_option == "filter_type"
            || usual
                .as_ref()
                .is_none_or(|usual| usual.of_type != argument.of_type)
        {
            options.push((type_option, argument.of_type.to_string()));
        }
    }
    if !operation.arguments.is_empty() {
        let written: Vec<String> = operation
            .arguments
            .iter()
            .map(ToString::to_string)
            .collect();
        options.push(("arguments", written.join(", ")));
    }
    options
}

/// The query as it is declared, or as most APIs would have it.
fn standard(query: Name, shape: Shape) -> Operation {
    match Table::over(query.as_str()) {
        Some(table) => table.operation_in(shape),
        None => Operation::new(query, shape),
    }
}

fn read<T>(
    options: &BTreeMap<String, String>,
    option: &'static str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, QueryOptionError> {
    options
        .get(option)
        .map(|value| parse(value))
        .transpose()
        .map_err(|problem| QueryOptionError { option, problem })
}

fn name(value: &str) -> Result<Name, String> {
    Name::parse(value).map_err(|_| {
        "must be one GraphQL name: letters, digits and underscores, not starting with a digit"
            .to_owned()
    })
}

fn optional_name(value: &str) -> Result<Option<Name>, String> {
    match value {
        "" => Ok(None),
        _ => Name::parse(value).map(Some).map_err(|_| {
            "must be one GraphQL name, or empty where the query has no such argument".to_owned()
        }),
    }
}

fn shape(value: &str) -> Result<Shape, String> {
    Shape::parse(value).ok_or_else(|| "must be connection, object or list".to_owned())
}

fn path(value: &str) -> Result<FieldPath, String> {
    FieldPath::parse(value).map_err(|_| {
        "must be GraphQL names joined by dots, such as edges.node, and nothing else".to_owned()
    })
}

fn boolean(value: &str) -> Result<bool, String> {
    match value.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}

fn input_type(value: &str) -> Result<InputType, String> {
    InputType::parse(value)
        .map_err(|_| "must be a GraphQL type, such as UserFilter, Int! or [ID!]".to_owned())
}

fn constants(value: &str) -> Result<Vec<Constant>, String> {
    Constant::parse_list(value).map_err(|error| {
        format!("must be name=value or name:Type=value, separated by commas: {error}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::ALL;

    fn options(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn written(operation: &Operation) -> BTreeMap<String, String> {
        operation_options(operation)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    #[test]
    fn the_options_of_a_query_read_back_as_the_same_query() {
        let mut operations: Vec<Operation> = ALL
            .iter()
            .flat_map(|table| {
                [Shape::Connection, Shape::Object, Shape::List]
                    .map(|shape| table.operation_in(shape))
            })
            .collect();
        for list in [
            &[
                ("query", "users"),
                ("filter_type", "UsersFilterInput!"),
                ("after_type", "ID"),
            ][..],
            &[
                ("query", "users"),
                ("filter_argument", ""),
                ("first_argument", "limit"),
                ("first_type", "Int!"),
            ],
            &[("query", "users"), ("filter_argument", "where")],
            &[
                ("query", "teams"),
                ("records", "edges.node"),
                ("total_count", "off"),
                ("page_info", "false"),
            ],
            &[
                ("query", "planInfo"),
                ("arguments", "planId=\"a, b\", kind:Kind=X"),
            ],
            &[
                ("query", "planInfo"),
                ("shape", "connection"),
                ("first_argument", ""),
                ("after_argument", ""),
            ],
            &[("query", "courseCatalog"), ("filter_type", "[ID!]")],
            &[
                ("query", "courseCatalog"),
                ("filter_type", "F"),
                ("filter_argument", "by"),
            ],
            &[
                ("query", "priorities"),
                ("shape", "list"),
                ("first_argument", "top"),
            ],
        ] {
            operations.push(operation_from(&options(list)).expect("options"));
        }
        for operation in operations {
            assert_eq!(
                operation_from(&written(&operation)).as_ref(),
                Ok(&operation),
                "{:?}",
                written(&operation)
            );
        }
    }

    #[test]
    fn what_is_not_said_is_as_declared() {
        for table in ALL {
            assert_eq!(
                operation_from(&options(&[("query", table.query)])),
                Ok(table.operation())
            );
        }
        let unknown = operation_from(&options(&[("query", "courseCatalog")])).expect("a query");
        assert_eq!(unknown.shape, Shape::Connection);
        assert_eq!(unknown.filter, None);
    }

    #[test]
    fn a_wrong_value_names_its_option() {
        for (option, value) in [
            ("query", "a b"),
            ("shape", "tree"),
            ("records", "edges { node }"),
            ("total_count", "maybe"),
            ("page_info", ""),
            ("first_argument", "first: 1"),
            ("first_type", "Int) {"),
            ("after_type", ""),
            ("filter_type", "[A"),
            ("arguments", "planId"),
        ] {
            let mut list = options(&[("query", "users")]);
            list.insert(option.to_owned(), value.to_owned());
            let error = operation_from(&list).expect_err(option);
            assert_eq!(error.option, option);
            let definition = QUERY_OPTIONS
                .iter()
                .find(|known| known.name == option)
                .expect(option);
            assert_eq!((definition.check)(value), Err(error.problem));
        }
        assert_eq!(
            operation_from(&BTreeMap::new())
                .expect_err("no query")
                .option,
            "query"
        );
    }
}
