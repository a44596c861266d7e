//! Values of records as JSON: what is taken out of a record, and how it compares.

use pluralsight_api::{Cell, ColumnPlan, FieldPath, Take};
use serde_json::Value as Json;

/// A column that takes whatever stands at a path.
pub fn as_json(path: &FieldPath) -> ColumnPlan {
    ColumnPlan {
        take: Take::Json,
        ..ColumnPlan::one(path.clone())
    }
}

/// What such a column holds, or one of one value.
pub fn json_of(cell: Cell<'_>) -> Json {
    match cell {
        Cell::Json(json) | Cell::Number(json) => serde_json::from_str(json).unwrap_or(Json::Null),
        Cell::Text(text) => Json::from(text.as_str()),
        Cell::Integer(number) => Json::from(number),
        Cell::Boolean(value) => Json::from(value),
        _ => Json::Null,
    }
}

/// The value, or those in it if it is a list.
pub fn elements(value: &Json) -> Vec<&Json> {
    match value {
        Json::Array(items) => items.iter().flat_map(elements).collect(),
        one => vec![one],
    }
}

/// The values at the end of the path, through whatever lists.
pub fn values_at<'a>(record: &'a Json, field: &FieldPath) -> Vec<&'a Json> {
    fn gather<'a>(value: &'a Json, names: &[String], found: &mut Vec<&'a Json>) {
        match (value, names.split_first()) {
            (Json::Array(items), _) => items.iter().for_each(|item| gather(item, names, found)),
            (value, None) => found.push(value),
            (value, Some((name, rest))) => {
                if let Some(member) = value.get(name) {
                    gather(member, rest, found);
                }
            }
        }
    }
    let mut found = Vec::new();
    gather(record, field.segments(), &mut found);
    found
}

/// A value as a key is written.
pub fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether the two are the same value; `10` and `10.0` are.
pub fn same(left: &Json, right: &Json) -> bool {
    left == right
        || match (left, right) {
            (Json::Number(left), Json::Number(right)) => left.as_f64() == right.as_f64(),
            _ => false,
        }
}
