//! How many records there are, and how a filter of two values divides them, in one request.

use serde_json::{Map, Value, json};

use crate::client::{Call, Client, Context};
use crate::error::{Error, Place};
use crate::operation::Operation;
use crate::path::FieldPath;
use crate::records::{Unfit, total_count, unfit};
use crate::selection::Selection;
use crate::text::presentable;

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
    let name = operation.name();
    let Some(filter_type) = operation.filter_type() else {
        return Err(Error::Settings(format!("{name} takes no filter")));
    };
    let call = Call {
        operation: name,
        document: &document(name, filter_type, field),
        operation_name: None,
        variables: json!({ "first": SAMPLE, "matching": matching, "others": others }),
    };
    let reply = client.send(&call, context).await?;
    read(&reply.data).map_err(
        |Unfit {
             path,
             expected,
             got,
         }| Error::Shape {
            at: Box::new(Place {
                operation: name.to_owned(),
                host: client.host(),
                page: None,
            }),
            path,
            expected: expected.to_owned(),
            got: presentable(&got, context.token),
        },
    )
}

fn document(name: &str, filter_type: &str, field: &FieldPath) -> String {
    let mut sample = String::new();
    // Writing to a String cannot fail.
    let _ = Selection::from_paths([field]).write(&mut sample, 6);
    let part = |part: &str| {
        format!(
            "  {part}: {name}(first: $first, filter: ${part}) {{\n    totalCount\n    nodes {{\n{sample}    }}\n  }}\n"
        )
    };
    format!(
        "query Census($first: Int, $matching: {filter_type}, $others: {filter_type}) {{\n  all: {name} {{\n    totalCount\n  }}\n{}{}}}\n",
        part("matching"),
        part("others")
    )
}

fn read(data: &Value) -> Result<[Part; 3], Unfit> {
    Ok([
        part(data, "all")?,
        part(data, "matching")?,
        part(data, "others")?,
    ])
}

fn part(data: &Value, name: &str) -> Result<Part, Unfit> {
    let path = format!("data.{name}");
    let connection: &Map<String, Value> = match data.get(name) {
        Some(Value::Object(connection)) => connection,
        other => return Err(unfit(path, "an object with totalCount", other)),
    };
    Ok(Part {
        total: total_count(connection, &path)?,
        sample: match connection.get("nodes") {
            Some(Value::Array(nodes)) => nodes.clone(),
            _ => Vec::new(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_document_asks_for_all_three() {
        let field = FieldPath::parse("isOnAccount").expect("a path");
        assert_eq!(
            document("users", "UserFilter", &field),
            "query Census($first: Int, $matching: UserFilter, $others: UserFilter) {\n  all: users {\n    totalCount\n  }\n  matching: users(first: $first, filter: $matching) {\n    totalCount\n    nodes {\n      isOnAccount\n    }\n  }\n  others: users(first: $first, filter: $others) {\n    totalCount\n    nodes {\n      isOnAccount\n    }\n  }\n}\n"
        );
    }

    #[test]
    fn totals_may_be_missing_and_parts_may_not() {
        let parts = read(&json!({
            "all": {"totalCount": 3}, "matching": {"totalCount": 2, "nodes": [{"a": true}]}, "others": {"totalCount": null, "nodes": null}
        }))
        .expect("three parts");
        assert_eq!(parts[0].total, Some(3));
        assert_eq!(parts[1].sample, [json!({"a": true})]);
        assert_eq!(parts[2], Part::default());
        assert!(read(&json!({"all": {"totalCount": 3}, "matching": null})).is_err());
        assert!(read(&json!({"all": {"totalCount": -3}, "matching": {}, "others": {}})).is_err());
    }
}
