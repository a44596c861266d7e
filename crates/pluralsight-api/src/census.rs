//! How many records there are, and how a filter of two values divides them, in one request.

use serde_json::{Map, Value};

use crate::argument::Argument;
use crate::client::{Call, Client, Context};
use crate::error::{Error, Place};
use crate::operation::Operation;
use crate::path::FieldPath;
use crate::records::{Unfit, counted, total_count};
use crate::selection::Selection;

/// Records that are shown with a count.
const SAMPLE: u32 = 5;

/// One count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// `None` where the API tells none.
    pub total: Option<u64>,
    /// Some of the records, each an object with the field asked for.
    pub sample: Vec<Value>,
}

/// Asks for the number of all records, of those that `matching` brings and of those that `others` brings, in this order,
/// with `field` of some of the latter two.
pub async fn count_parts(
    client: &Client,
    context: &Context<'_>,
    operation: &Operation,
    field: &FieldPath,
    matching: Value,
    others: Value,
) -> Result<[Part; 3], Error> {
    let name = operation.name.as_str();
    let Some(filter) = &operation.filter else {
        return Err(Error::Settings(format!("{name} takes no filter")));
    };
    let mut variables = operation.variables(SAMPLE, None, None);
    if let Value::Object(fields) = &mut variables {
        // A filter that must be given is empty where everything is asked for.
        let everything = fields.remove("filter");
        fields.extend(everything.map(|everything| ("everything".to_owned(), everything)));
        fields.insert("matching".to_owned(), matching);
        fields.insert("others".to_owned(), others);
    }
    let call = Call {
        operation: name,
        document: &document(operation, filter, field),
        operation_name: None,
        variables,
    };
    let reply = client.send(&call, context).await?;
    read(&reply.data, operation).map_err(|unfit| {
        let at = Place {
            operation: name.to_owned(),
            host: client.host(),
            page: None,
        };
        unfit.into_error(Box::new(at), context.token)
    })
}

fn document(operation: &Operation, filter: &Argument, field: &FieldPath) -> String {
    let (name, of_type) = (&operation.name, &filter.of_type);
    let mut declared = Vec::new();
    let mut sized = Vec::new();
    if let Some(first) = &operation.first {
        declared.push(format!("$first: {}", first.of_type));
        sized.push(format!("{}: $first", first.name));
    }
    let (constants, given) = operation.constants();
    let arguments = |sized: &[String], filter: Option<String>| {
        let all: Vec<String> = sized
            .iter()
            .cloned()
            .chain(filter)
            .chain(given.clone())
            .collect();
        match all.as_slice() {
            [] => String::new(),
            all => format!("({})", all.join(", ")),
        }
    };
    let filtered = |variable: &str| Some(format!("{}: ${variable}", filter.name));
    let is_sized = operation
        .first
        .as_ref()
        .is_some_and(|first| first.of_type.is_required());
    let everything = of_type
        .is_required()
        .then(|| filtered("everything"))
        .flatten();
    let of_all = arguments(if is_sized { &sized } else { &[] }, everything.clone());
    if everything.is_some() {
        declared.push(format!("$everything: {of_type}"));
    }
    declared.extend([
        format!("$matching: {of_type}"),
        format!("$others: {of_type}"),
    ]);
    declared.extend(constants);
    let records = operation.records.segments();
    let (mut opened, mut closed) = (String::new(), String::new());
    for (depth, record) in records.iter().enumerate() {
        let indent = " ".repeat(4 + 2 * depth);
        opened.push_str(&format!("{indent}{record} {{\n"));
        closed.insert_str(0, &format!("{indent}}}\n"));
    }
    // Writing to a String cannot fail.
    let _ = Selection::from_paths([field]).write(&mut opened, 4 + 2 * records.len());
    let part = |part: &str| {
        let arguments = arguments(&sized, filtered(part));
        format!("  {part}: {name}{arguments} {{\n    totalCount\n{opened}{closed}  }}\n")
    };
    format!(
        "query Census({}) {{\n  all: {name}{of_all} {{\n    totalCount\n  }}\n{}{}}}\n",
        declared.join(", "),
        part("matching"),
        part("others")
    )
}

fn read(data: &Value, operation: &Operation) -> Result<[Part; 3], Unfit> {
    Ok([
        part(data, "all", operation)?,
        part(data, "matching", operation)?,
        part(data, "others", operation)?,
    ])
}

fn part(data: &Value, name: &str, operation: &Operation) -> Result<Part, Unfit> {
    let path = format!("data.{name}");
    let connection = counted(data, name, &path)?;
    Ok(Part {
        total: total_count(connection, &path)?,
        sample: sample(connection, operation.records.segments()),
    })
}

/// The records that came with a count.
fn sample(connection: &Map<String, Value>, records: &[String]) -> Vec<Value> {
    let Some((list, below)) = records.split_first() else {
        return Vec::new();
    };
    let elements = connection.get(list).and_then(Value::as_array);
    let record = |element: &Value| {
        let mut names = below.iter();
        names
            .try_fold(element, |value, name| value.get(name))
            .cloned()
    };
    elements.into_iter().flatten().filter_map(record).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operation::Shape;
    use crate::path::Name;

    fn users() -> (Operation, Argument) {
        let filter = Argument::declared("filter", "UserFilter");
        let users = Operation {
            filter: Some(filter.clone()),
            ..Operation::new(Name::declared("users"), Shape::Connection)
        };
        (users, filter)
    }

    #[test]
    fn one_document_asks_for_all_three() {
        let field = FieldPath::parse("isOnAccount").expect("a path");
        let (users, filter) = users();
        assert_eq!(
            document(&users, &filter, &field),
            "query Census($first: Int, $matching: UserFilter, $others: UserFilter) {\n  all: users {\n    totalCount\n  }\n  matching: users(first: $first, filter: $matching) {\n    totalCount\n    nodes {\n      isOnAccount\n    }\n  }\n  others: users(first: $first, filter: $others) {\n    totalCount\n    nodes {\n      isOnAccount\n    }\n  }\n}\n"
        );
    }

    #[test]
    fn totals_may_be_missing_and_parts_may_not() {
        let users = || users().0;
        let parts = read(&json!({
            "all": {"totalCount": 3}, "matching": {"totalCount": 2, "nodes": [{"a": true}]}, "others": {"totalCount": null, "nodes": null}
        }), &users())
        .expect("three parts");
        assert_eq!(parts[0].total, Some(3));
        assert_eq!(parts[1].sample, [json!({"a": true})]);
        assert_eq!(parts[2], Part::default());
        assert!(
            read(
                &json!({"all": {"totalCount": 3}, "matching": null}),
                &users()
            )
            .is_err()
        );
        assert!(
            read(
                &json!({"all": {"totalCount": -3}, "matching": {}, "others": {}}),
                &users()
            )
            .is_err()
        );
    }
}
