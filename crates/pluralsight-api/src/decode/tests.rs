//! The decoder against a reference that builds a tree first: for every input both say the same.

mod arbitrary;
mod reference;

use serde_json::{Value, json};

use self::reference::{any_is_true, reference, same};
use super::{Luck, RecordReader};
use crate::batch::{Batch, ProblemKind};
use crate::cell::Cell;
use crate::columns::{ColumnPlan, Condition, Layout, Take};
use crate::fingerprint::Fingerprints;
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
    let fingerprints = Fingerprints::random();
    decode_by(&fingerprints, records, columns, flags, Look::Any).0
}

/// Whether records are read along what they are expected to look like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Look {
    Any,
    Expected,
    Unexpected,
}

/// What was decoded, and how many records looked as expected.
fn decode_by(
    fingerprints: &Fingerprints,
    records: &[String],
    columns: &[ColumnPlan],
    flags: &[FieldPath],
    look: Look,
) -> (Decoded, usize) {
    let layout = Layout::new(columns, Some(&path("id")), flags);
    let mut reader = RecordReader::new(&layout, fingerprints);
    if look == Look::Unexpected {
        reader.expected.clear();
    }
    let mut as_expected = 0;
    for record in records {
        if look == Look::Expected {
            reader.luck = Luck::default();
        }
        let mut scanner = Scanner::new(record);
        scanner.kind().expect(record);
        reader.record(&mut scanner).expect(record);
        scanner.end().expect(record);
        as_expected += usize::from(look == Look::Expected && reader.luck.is_right());
    }
    let records = reader.finish();
    let decoded = Decoded {
        batch: records.batch,
        cuts: records.cuts,
    };
    (decoded, as_expected)
}

/// Decodes the records and compares every cell, key and flag with the reference's: how many looked as expected.
fn check(records: &[String], columns: &[ColumnPlan], flags: &[FieldPath]) -> usize {
    let fingerprints = Fingerprints::random();
    let decode_by = |look| decode_by(&fingerprints, records, columns, flags, look);
    let (decoded, as_expected) = decode_by(Look::Expected);
    let (unexpected, _) = decode_by(Look::Unexpected);
    assert_eq!(decoded.batch, unexpected.batch, "{records:?}");
    assert_eq!(decoded.batch.keys(), unexpected.batch.keys());
    assert_eq!(decoded.cuts, unexpected.cuts);
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
                same(&decoded.batch, index, cell, &expected),
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
    as_expected
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
fn what_the_api_answers_looks_as_expected() {
    let columns = [
        "id",
        "more*",
        "On",
        "teams.edges.node.name*",
        "teams.edges.node.name* if teams.edges.direct",
        "teams.edges.node.id* if !teams.edges.direct",
        "count",
    ]
    .map(column);
    let record = |teams: &str| {
        format!(
            r#"{{"On":"2021-02-01T00:00:00Z","count":3,"id":"u","more":["a","\u00e4",null],"teams":{teams}}}"#
        )
    };
    let edge = |direct: &str| format!(r#"{{"direct":{direct},"node":{{"id":"i","name":"n\""}}}}"#);
    let [direct, inherited] = ["true", "false"].map(edge);
    let lists = [
        "null".to_owned(),
        r#"{"edges":[]}"#.to_owned(),
        r#"{"edges":null}"#.to_owned(),
        format!(r#"{{"edges":[{direct},null,{inherited},{{"direct":null,"node":null}}]}}"#),
        format!(r#"{{"edges":{direct}}}"#),
    ];
    let records = lists.each_ref().map(|teams| record(teams));
    let flags = [path("teams.edges.direct")];
    assert_eq!(check(&records, &columns, &flags), records.len());
    let others = [
        record(r#"{"edges": []}"#),
        record(r#"{"edges":[[]]}"#),
        record(&format!(r#"{{"edges":[{direct},7]}}"#)),
        record(r#"{"edges":[{"node":{"id":"i","name":"n"},"direct":false}]}"#),
        record(r#"{"edges":[{"direct":true,"node":{"id":"i"}}]}"#),
        record(r#"{"edges":[],"edges":null}"#),
        record("[]").replacen(':', " :", 1),
        record("null").replace("\"id\":\"u\"", "\"id\":[\"u\"]"),
    ];
    assert_eq!(check(&others, &columns, &flags), 0);
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
            })
            .to_string()
        })
        .collect();
    assert_eq!(decode_a_page_of_users(&records, &columns), 1_000);
}
