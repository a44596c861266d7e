//! The decoder against a reference that builds a tree first: for every input both say the same.

mod arbitrary;

use std::hash::RandomState;

use serde_json::{Value, json};

use super::RecordReader;
use crate::batch::{Batch, ProblemKind};
use crate::cell::Cell;
use crate::columns::{ColumnPlan, Condition, Layout, Take};
use crate::instant;
use crate::json::Scanner;
use crate::path::FieldPath;

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).expect(text)
}

/// A column, in short: `teams.name* if teams.on`.
fn column(text: &str) -> ColumnPlan {
    let (field, condition) = match text.split_once(" if ") {
        Some((field, condition)) => (field, Some(condition)),
        None => (text, None),
    };
    let (field, take) = match field.split_at(field.len() - 1) {
        (field, "*") => (field, Take::All),
        (field, "?") => (field, Take::Json),
        _ => (field, Take::One),
    };
    ColumnPlan {
        field: path(field),
        take,
        condition: condition.map(|text| Condition {
            path: path(text.trim_start_matches('!')),
            wanted: !text.starts_with('!'),
        }),
        instant: field.ends_with("On"),
    }
}

struct Decoded {
    batch: Batch,
    cuts: Vec<Option<(usize, usize)>>,
}

fn decode(records: &[String], columns: &[ColumnPlan], flags: &[FieldPath]) -> Decoded {
    let layout = Layout::new(columns, Some(&path("id")), flags);
    let hasher = RandomState::new();
    let mut reader = RecordReader::new(&layout, &hasher);
    for record in records {
        let mut scanner = Scanner::new(record);
        scanner.kind().expect(record);
        reader.record(&mut scanner).expect(record);
        scanner.end().expect(record);
    }
    let records = reader.finish();
    Decoded {
        batch: records.batch,
        cuts: records.cuts,
    }
}

/// What the reference finds.
#[derive(Debug, PartialEq)]
enum Expected {
    Null,
    One(Value),
    List(Vec<Value>),
    Json(Value),
    Problem(&'static str),
}

fn reference(record: &Value, plan: &ColumnPlan) -> Expected {
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
fn any_is_true(value: &Value, path: &[String]) -> bool {
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

fn same(decoded: &Decoded, column: usize, cell: Cell<'_>, expected: &Expected) -> bool {
    match (cell, expected) {
        (Cell::Null, Expected::Null) => true,
        (Cell::Problem, Expected::Problem(_)) => decoded.batch.problem(column).is_some(),
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

/// Decodes the records and compares every cell, key and flag with the reference's.
fn check(records: &[String], columns: &[ColumnPlan], flags: &[FieldPath]) {
    let decoded = decode(records, columns, flags);
    assert_eq!(decoded.batch.len(), records.len());
    let values: Vec<Value> = records
        .iter()
        .map(|record| serde_json::from_str(record).expect(record))
        .collect();
    for ((record, value), row) in records.iter().zip(&values).zip(decoded.batch.rows()) {
        let cells: Vec<Cell<'_>> = row.cells().collect();
        assert_eq!(cells.len(), columns.len(), "{record}");
        for (index, (plan, &cell)) in columns.iter().zip(&cells).enumerate() {
            let expected = reference(value, plan);
            assert!(
                same(&decoded, index, cell, &expected),
                "{record}\n{plan:?}\n{cell:?} where {expected:?} was expected"
            );
        }
    }
    for (index, value) in values.iter().enumerate() {
        let key = value.get("id");
        let fingerprint = decoded.batch.fingerprint(index);
        assert_eq!(fingerprint.is_some(), key.is_some_and(|key| !key.is_null()));
        for (other, earlier) in values.iter().enumerate().take(index) {
            if let (Some(one), Some(Value::String(two))) = (key, earlier.get("id"))
                && let Value::String(one) = one
            {
                assert_eq!(one == two, fingerprint == decoded.batch.fingerprint(other));
            }
        }
    }
    for (flag, cut) in flags.iter().zip(&decoded.cuts) {
        let is_cut = |value: &Value| any_is_true(value, flag.segments());
        let first = values.iter().position(is_cut);
        let number = values.iter().filter(|value| is_cut(value)).count();
        assert_eq!(*cut, first.map(|first| (first, number)));
    }
}

fn record(value: Value) -> Vec<String> {
    vec![value.to_string()]
}

#[test]
fn columns_are_read_through_objects_lists_and_conditions() {
    let columns: Vec<ColumnPlan> = [
        "id",
        "on",
        "seen.On",
        "teams.edges.node.name*",
        "teams.edges.node.name* if teams.edges.direct",
        "teams.edges.node.name* if !teams.edges.direct",
        "teams?",
        "teams.edges.node.id?",
        "teams.edges.direct*",
        "id if on",
        "id if !on",
    ]
    .map(column)
    .to_vec();
    for teams in [
        json!(null),
        json!([]),
        json!({"edges": null}),
        json!({"edges": []}),
        json!({"edges": [{"node": {"name": "a", "id": 1}, "direct": true}, {"direct": false, "node": {"name": "b", "id": "x"}}]}),
        json!({"edges": [{"node": null, "direct": true}, {"node": {"name": ["c", ["d", null]]}, "direct": null}]}),
        json!({"edges": [[{"node": {"name": "e"}, "direct": [false]}], 7, null]}),
        json!({"edges": "none"}),
        json!({"other": 1}),
        json!(3),
    ] {
        for on in [json!(true), json!(false), json!(null)] {
            check(
                &record(
                    json!({"id": "u", "on": on, "seen": {"On": "2021-02-01T00:00:00Z"}, "teams": teams, "more": [1, {"x": "y"}]}),
                ),
                &columns,
                &[path("teams.edges.direct")],
            );
        }
    }
}

#[test]
fn problems_say_what_is_wrong_and_where() {
    let columns = ["email", "teams.name*", "note", "teams.id"].map(column);
    let records = [
        r#"{"email": "a", "teams": [], "note": "n"}"#,
        r#"{"teams": [{"name": "t", "id": 1}, {"name": "u", "id": 2}], "note": [1, 2]}"#,
        r#"{"email": 1, "teams": ["x"], "note": [3]}"#,
    ]
    .map(str::to_owned);
    let batch = decode(&records, &columns, &[]).batch;
    let missing = batch.problem(0).expect("no email");
    assert_eq!(missing.record, 1);
    assert_eq!(
        missing.kind,
        ProblemKind::Missing {
            name: "email".to_owned()
        }
    );
    assert_eq!(
        batch.problem(1).expect("a text").kind,
        ProblemKind::NotAnObject {
            name: "name".to_owned(),
            kind: "the text",
            shown: "\"x\"".to_owned()
        }
    );
    assert_eq!(
        batch.problem(2).expect("a list").kind,
        ProblemKind::List {
            shown: "[1, 2]".to_owned()
        }
    );
    assert_eq!(
        batch.problem(3).expect("two ids").kind,
        ProblemKind::Several(2)
    );
}

#[test]
fn digits_stay_as_they_were_sent() {
    let columns = ["a", "b", "c", "d?"].map(column);
    let records =
        [r#"{"a": 18446744073709551616, "b": 1.50, "c": -0, "d": {"x": 1e2}}"#.to_owned()];
    let batch = decode(&records, &columns, &[]).batch;
    let cells: Vec<Cell<'_>> = batch.row(0).cells().collect();
    assert_eq!(
        cells,
        [
            Cell::Number("18446744073709551616"),
            Cell::Number("1.50"),
            Cell::Number("-0"),
            Cell::Json(r#"{"x":1e2}"#)
        ]
    );
}

#[test]
fn of_a_member_that_comes_twice_the_last_one_counts() {
    let columns = ["a", "l.x*", "l.x* if l.on", "o.p*", "o?", "l.y.z*"].map(column);
    for record in [
        r#"{"a": 1, "a": 2}"#,
        r#"{"a": [1], "a": 2, "l": [], "l": [{"x": 1, "x": 2}], "o": {"p": 1}, "o": {"p": null}}"#,
        r#"{"l": [{"x": 0}, {"on": false, "x": 1, "on": true, "x": 2, "on": null}, {"x": 3, "on": false}]}"#,
        r#"{"l": [{"x": 0, "y": {"z": 1}, "y": {}}, {"y": {"z": 2}, "y": {"z": 3, "z": [4, 5]}}], "o": 7, "o": null}"#,
        r#"{"o": {"p": [1, 2]}, "o": {"p": 3, "p": 4, "q": 5}, "l": null, "l": [{"x": [], "x": [[]], "\u0078": 9}]}"#,
    ] {
        check(&[record.to_owned()], &columns, &[path("l.on"), path("o")]);
    }
}

#[test]
fn rows_can_be_dropped() {
    let columns = ["id", "a*"].map(column);
    let records: Vec<String> = (0..50)
        .map(|number| {
            json!({"id": format!("u{}", number % 7), "a": vec![number; number % 5]}).to_string()
        })
        .collect();
    let mut batch = decode(&records, &columns, &[]).batch;
    let whole = batch.clone();
    let mut seen = std::collections::HashSet::new();
    batch.retain(|key, _| key.is_none_or(|key| seen.insert(key)));
    assert_eq!(batch.len(), 7);
    for (one, other) in batch.rows().zip(whole.rows()) {
        assert_eq!(one.bytes(), other.bytes());
    }
    batch.truncate(3);
    assert_eq!(batch.len(), 3);
    assert_eq!(batch.row(2).bytes(), whole.row(2).bytes());
    batch.retain(|_, _| false);
    assert!(batch.is_empty() && batch.rows().next().is_none());
}

#[test]
fn memory_is_in_proportion_to_the_text() {
    let wide: Vec<ColumnPlan> = (0..22)
        .map(|number| column(&format!("field{number}.part")))
        .collect();
    let all = ["a*".to_owned()].map(|text| column(&text));
    for (record, columns) in [
        (r#"{"":0}"#, wide.as_slice()),
        (r#"{"id":1}"#, wide.as_slice()),
        (r#"{"":0}"#, &[]),
        (r#"{"a":[0,0,0,0,0,0,0,0,0,[],[],[[]]]}"#, &all),
        (r#"{"a":null}"#, &all),
    ] {
        let records = vec![record.to_owned(); 100_000];
        let batch = decode(&records, columns, &[]).batch;
        let text = records.len() * (record.len() + 1);
        assert!(
            batch.memory() <= 4 * text,
            "{record}: {} of {text}",
            batch.memory()
        );
    }
}

/// The page whose instructions `scripts/check-instructions` counts: it looks for the name of this function.
#[inline(never)]
fn decode_a_page_of_users(records: &[String], columns: &[ColumnPlan]) -> usize {
    decode(records, columns, &[]).batch.len()
}

#[test]
fn a_page_of_users_is_decoded() {
    let columns = [
        "id",
        "email",
        "firstName",
        "lastName",
        "isOnAccount",
        "createdOn",
        "lastLoginOn",
        "note",
        "productIds*",
        "teams.edges.node.id*",
        "teams.edges.node.name*",
        "teams.edges.node.name* if teams.edges.isDirect",
    ]
    .map(column);
    let records: Vec<String> = (0..1_000_u32)
        .map(|number| {
            let team = |team: u32| json!({"isDirect": team.is_multiple_of(2), "node": {"id": format!("5b3a5e0e-6b1c-4a55-8f57-0000000{:05}", number * 7 + team), "name": format!("Team {team}, Zürich")}});
            let teams: Vec<Value> = (0..number % 5).map(team).collect();
            let note = number.is_multiple_of(4).then(|| "A \"note\" of more than one line.\n".repeat(4));
            json!({
                "createdOn": "2021-02-01T10:20:30.123Z",
                "email": format!("jordan.öberg.{number}@example.com"),
                "firstName": "Jordan",
                "id": format!("0f8fad5b-d9cb-469f-a165-0000000{number:05}"),
                "isOnAccount": number % 5 != 0,
                "lastLoginOn": (number % 3 != 0).then_some("2024-11-30T23:59:59.000Z"),
                "lastName": "Öberg",
                "note": note,
                "productIds": ["3fa85f64-5717-4562-b3fc-2c963f66afa6"],
                "teams": {"edges": teams},
                "unasked": {"list": [1, 2.5, true, null, "text"]},
            })
            .to_string()
        })
        .collect();
    assert_eq!(decode_a_page_of_users(&records, &columns), 1_000);
}
