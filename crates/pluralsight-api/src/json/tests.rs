//! What the scanner passes, and what it refuses.

use super::*;

fn skipped(text: &str) -> Result<&str> {
    let mut scanner = Scanner::new(text);
    let value = scanner.skip()?;
    scanner.end()?;
    Ok(value)
}

fn read(text: &str) -> String {
    Scanner::new(text).string().expect(text).into_owned()
}

#[test]
fn every_value_is_passed_whole() {
    for text in [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "12",
        "-3.25",
        "1e9",
        "1E+9",
        "2.5e-3",
        "\"\"",
        "\"a\\\"b\"",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        "[1, [2, []], {\"a\": {}}]",
        "{\"a\": 1, \"b\": [], \"\": {\"c\": null}}",
        "\"1234567\"",
        "\"12345678\"",
        "\"123456789 \u{e4}\u{1f44d}\"",
    ] {
        assert_eq!(skipped(&format!(" {text}\n")), Ok(text));
    }
}

#[test]
fn whatever_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "nul",
        "nullx",
        "fal",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "\"\u{1f}\"",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,]",
        "[1 2]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "[1}",
        "{\"a\":1]",
        "1 2",
        "NaN",
        "\u{0}",
        "'a'",
        "{1:2}",
        "\"\\",
        "\"\\u\"",
    ] {
        assert_eq!(skipped(text), Err(Malformed::Syntax), "{text:?}");
    }
}

#[test]
fn depth_is_bounded_as_serde_json_bounds_it() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for levels in [1, 126, 127, 128, 129, 5_000] {
        let text = nested(levels);
        let expected = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        assert_eq!(skipped(&text).is_ok(), expected, "{levels}");
    }
    assert_eq!(skipped(&nested(128)), Err(Malformed::TooDeep));
    let objects = format!("{}1{}", "{\"a\":".repeat(127), "}".repeat(127));
    assert_eq!(skipped(&objects), Ok(objects.as_str()));
}

#[test]
fn strings_are_read_with_their_escapes_and_halves_of_pairs() {
    assert_eq!(
        read(r#""a\"b\\c\/d\b\f\n\r\t""#),
        "a\"b\\c/d\u{8}\u{c}\n\r\t"
    );
    assert_eq!(read(r#""\u00e4\ud83d\udc4d""#), "\u{e4}\u{1f44d}");
    assert_eq!(read(r#""cut \ud83d""#), "cut \u{fffd}");
    assert_eq!(read(r#""\udc4dx""#), "\u{fffd}x");
    assert_eq!(read(r#""\ud83d\ud83d\udc4d""#), "\u{fffd}\u{1f44d}");
    assert_eq!(read(r#""\ud83d\n\\ud83d""#), "\u{fffd}\n\\ud83d");
    assert_eq!(read(r#""\u0000""#), "\0");
    let plain = Scanner::new("\"plain text of some length\"").string();
    assert!(matches!(plain, Ok(Cow::Borrowed(_))));
}

#[test]
fn a_compact_text_says_the_same() {
    let compact = |text: &str| {
        let mut out = String::new();
        write_compact(text, &mut out);
        out
    };
    assert_eq!(
        compact("{ \"a b\" : [ 1.50 , \"x \\\" y\" , null ] }"),
        "{\"a b\":[1.50,\"x \\\" y\",null]}"
    );
    assert_eq!(
        compact(r#"["\ud83d", "\ud83d\udc4d\u00e4", "\\ud83d"]"#),
        r#"["\ufffd","\ud83d\udc4d\u00e4","\\ud83d"]"#
    );
}
