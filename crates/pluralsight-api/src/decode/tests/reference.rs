//! What a record's columns hold, found in a tree.

use serde_json::Value;

use crate::batch::Batch;
use crate::cell::Cell;
use crate::columns::{ColumnPlan, Take};
use crate::instant;

/// What the reference finds.
#[derive(Debug, PartialEq)]
pub enum Expected {
    Null,
    One(Value),
    List(Vec<Value>),
    Json(Value),
    Problem(&'static str),
}

pub fn reference(record: &Value, plan: &ColumnPlan) -> Expected {
    if plan.take == Take::Json {
        return match gather(record, plan.field.segments()) {
            Value::Null => Expected::Null,
            value => Expected::Json(value),
        };
    }
    let condition = plan
        .condition
        .as_ref()
        .map(|condition| (condition.path.segments(), condition.wanted));
    let mut found = Vec::new();
    let all = plan.take == Take::All;
    let listed = match collect(record, plan.field.segments(), condition, all, &mut found) {
        Ok(listed) => listed,
        Err(problem) => return Expected::Problem(problem),
    };
    let mut values: Vec<Value> = found.into_iter().cloned().collect();
    match values.as_slice() {
        _ if all && listed => Expected::List(values),
        [] | [Value::Null] => Expected::Null,
        [_] => Expected::One(values.remove(0)),
        _ => Expected::Problem("several"),
    }
}

type Marked<'a> = Option<(&'a [String], bool)>;

fn collect<'a>(
    value: &'a Value,
    path: &[String],
    condition: Marked<'_>,
    all: bool,
    found: &mut Vec<&'a Value>,
) -> Result<bool, &'static str> {
    match value {
        Value::Array(_) if path.is_empty() && !all => return Err("list"),
        Value::Array(items) => {
            let mut outcome = Ok(true);
            for item in items {
                outcome = outcome.and(collect(item, path, condition, all, found).map(|_| true));
            }
            return outcome;
        }
        Value::Null if !path.is_empty() => return Ok(false),
        _ => {}
    }
    let mut condition = condition;
    if let Some((beside, wanted)) = condition
        && (path.is_empty() || beside.first() != path.first())
    {
        let mark = beside.iter().try_fold(value, |value, name| value.get(name));
        let is_false = mark.and_then(Value::as_bool) == Some(false);
        if is_false == wanted {
            return Ok(false);
        }
        condition = None;
    }
    let Some((name, rest)) = path.split_first() else {
        found.push(value);
        return Ok(false);
    };
    let Value::Object(members) = value else {
        return Err("no object");
    };
    let Some(member) = members.get(name) else {
        return Err("missing");
    };
    let condition = condition.map(|(beside, wanted)| (beside.get(1..).unwrap_or_default(), wanted));
    collect(member, rest, condition, all, found)
}

fn gather(value: &Value, path: &[String]) -> Value {
    match (value, path.split_first()) {
        (_, None) => value.clone(),
        (Value::Array(items), _) => items.iter().map(|item| gather(item, path)).collect(),
        (_, Some((name, rest))) => value
            .get(name)
            .map_or(Value::Null, |member| gather(member, rest)),
    }
}

/// Whether any value at the end of the path, through whatever lists, is true.
pub fn any_is_true(value: &Value, path: &[String]) -> bool {
    match (value, path.split_first()) {
        (Value::Array(items), _) => items.iter().any(|item| any_is_true(item, path)),
        (value, None) => *value == Value::Bool(true),
        (value, Some((name, rest))) => value
            .get(name)
            .is_some_and(|member| any_is_true(member, rest)),
    }
}

fn same_value(cell: Cell<'_>, value: &Value) -> bool {
    match (cell, value) {
        (Cell::Null, Value::Null) => true,
        (Cell::Boolean(one), Value::Bool(other)) => one == *other,
        (Cell::Integer(one), value) => value.as_i64() == Some(one),
        (Cell::Number(digits), Value::Number(_)) => {
            value.as_i64().is_none_or(|number| number == 0)
                && serde_json::from_str::<Value>(digits).is_ok_and(|read| read == *value)
        }
        (Cell::Text(text), Value::String(other)) => text.as_str() == other,
        (Cell::Instant(instant), Value::String(text)) => instant::parse(text) == Some(instant),
        (Cell::Json(json), value @ (Value::Array(_) | Value::Object(_))) => {
            serde_json::from_str::<Value>(json).is_ok_and(|read| read == *value)
        }
        _ => false,
    }
}

pub fn same(batch: &Batch, column: usize, cell: Cell<'_>, expected: &Expected) -> bool {
    match (cell, expected) {
        (Cell::Null, Expected::Null) => true,
        (Cell::Problem, Expected::Problem(_)) => batch.problem(column).is_some(),
        (Cell::Json(json), Expected::Json(value)) => {
            serde_json::from_str::<Value>(json).is_ok_and(|read| read == *value)
        }
        (Cell::List(cells), Expected::List(values)) => {
            cells.left() == values.len()
                && cells
                    .zip(values)
                    .all(|(cell, value)| same_value(cell, value))
        }
        (cell, Expected::One(value)) => same_value(cell, value),
        _ => false,
    }
}
