//! Records, columns and bytes that nobody has thought of. `PROPTEST_CASES` says how many.

use proptest::prelude::*;

use super::*;
use crate::json::Scanner;

fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        (-3..3i64).prop_map(|value| value.to_string()),
        any::<f64>()
            .prop_filter("a number of JSON", |value| value.is_finite())
            .prop_map(|value| Value::from(value).to_string()),
        ".{0,12}".prop_map(|text| Value::from(text).to_string()),
        Just("\"2021-02-01T03:04:05.678Z\"".to_owned()),
        Just("\"\\ud83d\\udc4d \\u00e4 \\n \\/\"".to_owned()),
    ];
    let name = prop_oneof![
        Just("\"a\""),
        Just("\"b\""),
        Just("\"c\""),
        Just("\"On\""),
        Just("\"\\u0061\""),
        Just("\"other\""),
        Just("\"id\""),
        Just("\"\""),
    ];
    let space = || prop_oneof![8 => Just(""), 1 => Just(" "), 1 => Just("\n\t")];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..5), space())
                .prop_map(|(values, space)| format!("[{space}{}{space}]", values.join(","))),
            (prop::collection::vec((name.clone(), inner), 0..6), space()).prop_map(
                |(members, space)| {
                    let members: Vec<String> = members
                        .into_iter()
                        .map(|(name, value)| format!("{name}{space}:{space}{value}{space}"))
                        .collect();
                    format!("{{{}}}", members.join(","))
                }
            ),
        ]
    })
}

fn any_record() -> impl Strategy<Value = String> {
    any_value().prop_map(|value| {
        if value.starts_with('{') {
            value
        } else {
            format!("{{\"a\":{value}}}")
        }
    })
}

fn any_path() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("a"), Just("b"), Just("c"), Just("On"), Just("id")];
    prop::collection::vec(name, 1..4).prop_map(|names| names.join("."))
}

fn any_column() -> impl Strategy<Value = ColumnPlan> {
    let take = prop_oneof![2 => Just(""), 2 => Just("*"), 1 => Just("?")];
    let condition = prop::option::of((any_path(), prop_oneof![Just(""), Just("!")]));
    (any_path(), take, condition).prop_map(|(path, take, condition)| {
        let condition = match condition {
            // A JSON column takes what there is.
            Some((path, not)) if take != "?" => format!(" if {not}{path}"),
            _ => String::new(),
        };
        column(&format!("{path}{take}{condition}"))
    })
}

type Dice<'a> = std::iter::Cycle<std::iter::Copied<std::slice::Iter<'a, u8>>>;

/// A record that holds what the columns ask for, in the order in which the API answers, and as the dice have it.
fn shaped(columns: &[ColumnPlan], flags: &[FieldPath], dice: &[u8]) -> String {
    let conditions = columns
        .iter()
        .filter_map(|column| column.condition.as_ref());
    let paths = columns.iter().map(|column| &column.field).chain(flags);
    let paths = paths.chain(conditions.map(|condition| &condition.path));
    let mut names: Vec<&[String]> = paths.map(FieldPath::segments).collect();
    let id = path("id");
    names.push(id.segments());
    object(&names, &mut dice.iter().copied().cycle())
}

fn object(paths: &[&[String]], dice: &mut Dice<'_>) -> String {
    let firsts: std::collections::BTreeSet<&String> =
        paths.iter().filter_map(|path| path.first()).collect();
    let members: Vec<String> = firsts
        .into_iter()
        .map(|first| {
            let below = paths.iter().filter(|path| path.first() == Some(first));
            let below: Vec<&[String]> = below
                .filter_map(|path| path.get(1..))
                .filter(|path| !path.is_empty())
                .collect();
            format!("\"{first}\":{}", shaped_value(&below, dice))
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

fn shaped_value(below: &[&[String]], dice: &mut Dice<'_>) -> String {
    let list = |dice: &mut Dice<'_>, of: fn(&[&[String]], &mut Dice<'_>) -> String| {
        let length = dice.next().unwrap_or(0) % 4;
        let elements: Vec<String> = (0..length).map(|_| of(below, dice)).collect();
        format!("[{}]", elements.join(","))
    };
    let throw = dice.next().unwrap_or(0) % 16;
    if !below.is_empty() {
        return match throw {
            0 => "null".to_owned(),
            1..8 => list(dice, |below, dice| match dice.next() {
                Some(throw) if throw % 8 == 0 => "null".to_owned(),
                _ => object(below, dice),
            }),
            8 => "7".to_owned(),
            _ => object(below, dice),
        };
    }
    match throw {
        0 => "null".to_owned(),
        1..4 => "true".to_owned(),
        4..7 => "false".to_owned(),
        7 => "-12.5e1".to_owned(),
        8 => "\"2021-02-01T03:04:05.678Z\"".to_owned(),
        9 => "\"\\u0000 \\ud83d\\udc4d \\u00e4\"".to_owned(),
        10 => "123".to_owned(),
        11..13 => list(dice, |_, dice| dice.next().unwrap_or(0).to_string()),
        length => format!("\"{}\"", "ü".repeat(usize::from(length) * 7 - 70)),
    }
}

proptest! {
    #[test]
    fn records_that_look_as_expected_are_read_as_the_reference_reads_them(
        dice in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..4),
        columns in prop::collection::vec(any_column(), 0..6),
        flags in prop::collection::vec(any_path(), 0..2),
    ) {
        let flags: Vec<FieldPath> = flags.iter().map(|text| path(text)).collect();
        let records: Vec<String> = dice.iter().map(|dice| shaped(&columns, &flags, dice)).collect();
        check(&records, &columns, &flags);
    }

    #[test]
    fn any_records_are_read_as_the_reference_reads_them(
        records in prop::collection::vec(any_record(), 1..4),
        columns in prop::collection::vec(any_column(), 0..6),
        flags in prop::collection::vec(any_path(), 0..2),
    ) {
        let flags: Vec<FieldPath> = flags.iter().map(|text| path(text)).collect();
        check(&records, &columns, &flags);
    }

    #[test]
    fn any_bytes_are_json_for_both_or_for_neither(bytes in prop::collection::vec(prop_oneof![
        3 => prop::sample::select(&b"{}[]:,\"\\ntf01-.eE u"[..]), 1 => 0x20u8..0x7f,
    ], 0..24)) {
        let text = String::from_utf8(bytes).expect("ASCII");
        let mut scanner = Scanner::new(&text);
        let read = scanner.skip().and_then(|_| scanner.end());
        // A number too large for its double is JSON all the same, and half of a pair is mended.
        match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
            Ok(_) => assert!(read.is_ok(), "{text:?}"),
            Err(error) => assert!(read.is_err() || error.to_string().contains("out of range"), "{text:?}: {error}"),
        }
    }
}
