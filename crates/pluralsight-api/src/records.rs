//! The records in an answer's data, whatever shape they come in.

use serde_json::{Map, Value};

use crate::completeness::Gap;
use crate::operation::{Operation, Shape};
use crate::text::shortened;

/// What one answer holds.
#[derive(Debug)]
pub(crate) struct Records {
    /// Each an object.
    pub nodes: Vec<Value>,
    pub total_count: Option<u64>,
    pub has_next: bool,
    pub end_cursor: Option<String>,
    /// Something that should be there and is null.
    pub gap: Option<Gap>,
}

/// A value that breaks the schema.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// Where, as `data.users.nodes[3]`.
    pub path: String,
    pub expected: &'static str,
    /// What stands there; may hold text of the reply.
    pub got: String,
}

impl Records {
    /// Takes the records out of `data`. An object where a list was expected is a list of one, and the other way round.
    pub fn read(data: &mut Value, operation: &Operation) -> Result<Records, Unfit> {
        let root = operation.name.as_str();
        let answer = data.as_object_mut().and_then(|fields| fields.remove(root));
        let path = format!("data.{root}");
        match (operation.shape, answer) {
            (Shape::Connection, Some(Value::Object(connection))) => {
                Records::of_connection(connection, &path, operation)
            }
            (Shape::Connection, Some(Value::Null)) => Ok(Records {
                gap: Some(Gap::NullConnection),
                ..Records::of_nodes(Vec::new())
            }),
            (Shape::Connection, other) => Err(unfit(path, "an object with nodes", other.as_ref())),
            (_, Some(object @ Value::Object(_))) => Ok(Records::of_nodes(vec![object])),
            (_, Some(Value::Array(elements))) => Records::of_list(elements, &path, &[]),
            (Shape::Object, other) => Err(unfit(path, "an object", other.as_ref())),
            (Shape::List, other) => Err(unfit(path, "a list", other.as_ref())),
        }
    }

    fn of_nodes(nodes: Vec<Value>) -> Records {
        Records {
            nodes,
            total_count: None,
            has_next: false,
            end_cursor: None,
            gap: None,
        }
    }

    fn of_connection(
        mut connection: Map<String, Value>,
        path: &str,
        operation: &Operation,
    ) -> Result<Records, Unfit> {
        let total_count = total_count(&connection, path)?;
        let (has_next, end_cursor) = match connection.get("pageInfo") {
            _ if !operation.page_info => (false, None),
            Some(Value::Object(page)) => page_info(page, path)?,
            other => return Err(unfit(format!("{path}.pageInfo"), "an object", other)),
        };
        let (list, below) = match operation.records.segments() {
            [list, below @ ..] => (list.as_str(), below),
            [] => ("nodes", [].as_slice()),
        };
        let path = format!("{path}.{list}");
        let records = match connection.remove(list) {
            Some(Value::Array(elements)) => Records::of_list(elements, &path, below)?,
            Some(Value::Null) => Records {
                gap: Some(Gap::NullNodes),
                ..Records::of_nodes(Vec::new())
            },
            other => return Err(unfit(path, "a list", other.as_ref())),
        };
        Ok(Records {
            total_count,
            has_next,
            end_cursor,
            ..records
        })
    }

    /// The records in a list, each of them `below` its element.
    fn of_list(elements: Vec<Value>, path: &str, below: &[String]) -> Result<Records, Unfit> {
        let mut nodes = Vec::with_capacity(elements.len());
        let (mut first_null, mut nulls) = (None, 0);
        for (position, element) in elements.into_iter().enumerate() {
            let mut record = element;
            for name in below {
                record = match record {
                    Value::Object(mut holder) => holder.remove(name).unwrap_or_default(),
                    other => other,
                };
            }
            if record.is_object() {
                nodes.push(record);
            } else if record.is_null() {
                first_null = first_null.or(Some(position));
                nulls += 1;
            } else {
                return Err(unfit(
                    format!("{path}[{position}]"),
                    "an object",
                    Some(&record),
                ));
            }
        }
        let gap = first_null.map(|first| Gap::NullRecords {
            first,
            number: nulls,
        });
        Ok(Records {
            gap,
            ..Records::of_nodes(nodes)
        })
    }
}

/// The value of `totalCount`; a missing one is no error, since nothing depends on it but the check.
pub(crate) fn total_count(
    connection: &Map<String, Value>,
    path: &str,
) -> Result<Option<u64>, Unfit> {
    match connection.get("totalCount") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match whole_number(value) {
            Some(total) => Ok(Some(total)),
            None => Err(unfit(
                format!("{path}.totalCount"),
                "a whole number",
                Some(value),
            )),
        },
    }
}

/// A number that is whole, also where it is written `10.0`.
pub fn whole_number(value: &Value) -> Option<u64> {
    // Beyond this, a floating-point number is not sure of its ones.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        ((0.0..EXACT).contains(&number) && number.fract() == 0.0).then_some(number as u64)
    })
}

fn page_info(page: &Map<String, Value>, path: &str) -> Result<(bool, Option<String>), Unfit> {
    let has_next = match page.get("hasNextPage") {
        Some(Value::Bool(has_next)) => *has_next,
        other => {
            return Err(unfit(
                format!("{path}.pageInfo.hasNextPage"),
                "true or false",
                other,
            ));
        }
    };
    let end_cursor = match page.get("endCursor") {
        None | Some(Value::Null) => None,
        Some(Value::String(cursor)) => Some(cursor.clone()),
        other => return Err(unfit(format!("{path}.pageInfo.endCursor"), "a text", other)),
    };
    Ok((has_next, end_cursor))
}

pub(crate) fn unfit(path: String, expected: &'static str, got: Option<&Value>) -> Unfit {
    Unfit {
        path,
        expected,
        got: named(got),
    }
}

/// A value as a message names it.
fn named(value: Option<&Value>) -> String {
    match value {
        None => "missing".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Number(number)) => format!("the number {number}"),
        // Long enough to hide a whole token in, before it is cut for good.
        Some(Value::String(text)) => format!("the text \"{}\"", shortened(text, 4_096)),
        Some(Value::Array(_)) => "a list".to_owned(),
        Some(Value::Object(_)) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::path::FieldPath;

    fn read(mut data: Value, shape: Shape) -> Result<Records, Unfit> {
        Records::read(&mut data, &operation(shape))
    }

    fn operation(shape: Shape) -> Operation {
        Operation::new(crate::path::Name::parse("users").expect("a name"), shape)
    }

    #[test]
    fn records_may_stand_below_edges_and_without_pages() {
        let edges = Operation {
            records: FieldPath::parse("edges.node").expect("a path"),
            page_info: false,
            ..operation(Shape::Connection)
        };
        let mut data = json!({"users": {"edges": [{"node": {"id": 1}}, {"node": null}, null]}});
        let records = Records::read(&mut data, &edges).expect("a connection");
        assert_eq!(records.nodes, [json!({"id": 1})]);
        assert_eq!(
            records.gap,
            Some(Gap::NullRecords {
                first: 1,
                number: 2
            })
        );
        assert!(!records.has_next);
        let mut data = json!({"users": {"edges": [{"node": 7}]}});
        assert!(Records::read(&mut data, &edges).is_err());
    }

    #[test]
    fn a_connection_is_read() {
        let data = json!({"users": {"totalCount": 3, "pageInfo": {"hasNextPage": true, "endCursor": "c"}, "nodes": [{"id": 1}]}});
        let records = read(data, Shape::Connection).expect("a connection");
        assert_eq!(
            (
                records.nodes.len(),
                records.total_count,
                records.has_next,
                records.end_cursor.as_deref(),
                records.gap
            ),
            (1, Some(3), true, Some("c"), None)
        );
    }

    #[test]
    fn one_object_and_a_list_stand_for_each_other() {
        for shape in [Shape::Object, Shape::List] {
            assert_eq!(
                read(json!({"users": {"id": 1}}), shape)
                    .expect("an object")
                    .nodes,
                [json!({"id": 1})]
            );
            assert_eq!(
                read(json!({"users": [{"id": 1}, {"id": 2}]}), shape)
                    .expect("a list")
                    .nodes
                    .len(),
                2
            );
            assert_eq!(
                read(json!({"users": []}), shape)
                    .expect("a list")
                    .nodes
                    .len(),
                0
            );
        }
    }

    #[test]
    fn a_null_where_records_belong_is_a_gap() {
        let page = json!({"hasNextPage": false});
        for (users, gap) in [
            (json!(null), Gap::NullConnection),
            (json!({"pageInfo": page, "nodes": null}), Gap::NullNodes),
            (
                json!({"pageInfo": page, "nodes": [{}, null, {}, null]}),
                Gap::NullRecords {
                    first: 1,
                    number: 2,
                },
            ),
        ] {
            assert_eq!(
                read(json!({"users": users}), Shape::Connection)
                    .expect("readable")
                    .gap,
                Some(gap)
            );
        }
    }

    #[test]
    fn what_breaks_the_schema_is_named_with_its_path() {
        let page = json!({"hasNextPage": false});
        for (shape, data, path, got) in [
            (Shape::Connection, json!({}), "data.users", "missing"),
            (
                Shape::Connection,
                json!({"users": []}),
                "data.users",
                "a list",
            ),
            (
                Shape::Connection,
                json!({"users": 3}),
                "data.users",
                "the number 3",
            ),
            (
                Shape::Connection,
                json!({"users": {"nodes": []}}),
                "data.users.pageInfo",
                "missing",
            ),
            (
                Shape::Connection,
                json!({"users": {"nodes": [], "pageInfo": null}}),
                "data.users.pageInfo",
                "null",
            ),
            (
                Shape::Connection,
                json!({"users": {"nodes": [], "pageInfo": {}}}),
                "data.users.pageInfo.hasNextPage",
                "missing",
            ),
            (
                Shape::Connection,
                json!({"users": {"nodes": [], "pageInfo": {"hasNextPage": "yes"}}}),
                "data.users.pageInfo.hasNextPage",
                "the text \"yes\"",
            ),
            (
                Shape::Connection,
                json!({"users": {"nodes": [], "pageInfo": {"hasNextPage": true, "endCursor": 7}}}),
                "data.users.pageInfo.endCursor",
                "the number 7",
            ),
            (
                Shape::Connection,
                json!({"users": {"pageInfo": page}}),
                "data.users.nodes",
                "missing",
            ),
            (
                Shape::Connection,
                json!({"users": {"pageInfo": page, "nodes": {}}}),
                "data.users.nodes",
                "an object",
            ),
            (
                Shape::Connection,
                json!({"users": {"pageInfo": page, "nodes": [{}, true]}}),
                "data.users.nodes[1]",
                "true",
            ),
            (
                Shape::Connection,
                json!({"users": {"pageInfo": page, "nodes": [], "totalCount": -1}}),
                "data.users.totalCount",
                "the number -1",
            ),
            (
                Shape::Connection,
                json!({"users": {"pageInfo": page, "nodes": [], "totalCount": 1.5}}),
                "data.users.totalCount",
                "the number 1.5",
            ),
            (
                Shape::Connection,
                json!({"users": {"pageInfo": page, "nodes": [], "totalCount": "3"}}),
                "data.users.totalCount",
                "the text \"3\"",
            ),
            (Shape::Object, json!({"users": null}), "data.users", "null"),
            (Shape::Object, json!({}), "data.users", "missing"),
            (
                Shape::List,
                json!({"users": "x"}),
                "data.users",
                "the text \"x\"",
            ),
            (
                Shape::List,
                json!({"users": [7]}),
                "data.users[0]",
                "the number 7",
            ),
        ] {
            let unfit = read(data.clone(), shape).expect_err(&data.to_string());
            assert_eq!(
                (unfit.path.as_str(), unfit.got.as_str()),
                (path, got),
                "{data}"
            );
        }
    }
}
