//! The entries of a reply's `errors`, and what they mean.

use std::fmt;

use serde_json::Value;

use crate::envelope;
use crate::refusal::{self, Refusal};
use crate::text::{prefix, presentable};
use crate::token::Token;

/// Entries of one reply's `errors` that are kept.
const KEPT: usize = 100;
/// Bytes of a message in which a refusal is looked for.
const READ: usize = 1024;

/// One entry of `errors`, without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphQlError {
    pub message: String,
    /// Where in the answer, as `users.nodes.3.email`.
    pub path: Option<String>,
    /// `extensions.code`.
    pub code: Option<String>,
    /// What the server refuses in the document, if that is what it says.
    pub refusal: Option<Refusal>,
    /// The line of the document that the error is about, from 1.
    line: Option<usize>,
    /// The field on that line, with those around it from the root field on.
    at: Vec<String>,
}

impl fmt::Display for GraphQlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match (&self.path, &self.code) {
            (None, None) => Ok(()),
            (Some(path), None) => write!(f, " (at {path})"),
            (None, Some(code)) => write!(f, " ({code})"),
            (Some(path), Some(code)) => write!(f, " ({code}, at {path})"),
        }
    }
}

/// What kind of trouble an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It may go away by itself.
    Transient,
    RateLimited,
    Unauthorized,
    Forbidden,
    Permanent,
}

/// Codes by which servers of this kind say what kind of trouble they are in. Pluralsight publishes none of its own;
/// these are the ones of Apollo's and of common gateways.
const CODES: &[(&str, Trouble)] = &[
    ("INTERNAL_SERVER_ERROR", Trouble::Transient),
    ("INTERNAL_ERROR", Trouble::Transient),
    ("SERVICE_UNAVAILABLE", Trouble::Transient),
    ("UNAVAILABLE", Trouble::Transient),
    ("TEMPORARILY_UNAVAILABLE", Trouble::Transient),
    ("BAD_GATEWAY", Trouble::Transient),
    ("GATEWAY_TIMEOUT", Trouble::Transient),
    ("TIMEOUT", Trouble::Transient),
    ("REQUEST_TIMEOUT", Trouble::Transient),
    ("DOWNSTREAM_SERVICE_ERROR", Trouble::Transient),
    ("SUBREQUEST_HTTP_ERROR", Trouble::Transient),
    ("RATE_LIMITED", Trouble::RateLimited),
    ("RATE_LIMIT_EXCEEDED", Trouble::RateLimited),
    ("TOO_MANY_REQUESTS", Trouble::RateLimited),
    ("THROTTLED", Trouble::RateLimited),
    ("UNAUTHENTICATED", Trouble::Unauthorized),
    ("FORBIDDEN", Trouble::Forbidden),
];

/// Codes by which they say that a document or its variables would be refused again.
const OF_THE_DOCUMENT: [&str; 5] = [
    "GRAPHQL_VALIDATION_FAILED",
    "GRAPHQL_PARSE_FAILED",
    "BAD_USER_INPUT",
    "BAD_REQUEST",
    "OPERATION_RESOLUTION_FAILURE",
];

/// Words by which an error without a known code says the same, in lower case.
const WORDS: &[(&str, Trouble)] = &[
    ("authenticationerror", Trouble::Unauthorized),
    ("invalid api key", Trouble::Unauthorized),
    ("too many requests", Trouble::RateLimited),
    ("rate limit", Trouble::RateLimited),
    ("timed out", Trouble::Transient),
    ("timeout", Trouble::Transient),
    ("temporarily unavailable", Trouble::Transient),
    ("service unavailable", Trouble::Transient),
    ("internal server error", Trouble::Transient),
    ("try again", Trouble::Transient),
    ("socket hang up", Trouble::Transient),
    ("connection reset", Trouble::Transient),
    ("econnreset", Trouble::Transient),
    ("econnrefused", Trouble::Transient),
    ("etimedout", Trouble::Transient),
];

impl GraphQlError {
    /// Reads the value of `errors`; anything in it counts as an error, also what no server should send.
    pub(crate) fn read_all(errors: Option<&str>, token: &Token) -> Vec<GraphQlError> {
        envelope::entries(errors, KEPT)
            .iter()
            .map(|entry| GraphQlError::read(entry, token))
            .collect()
    }

    /// The error in a text that stands in the place of a GraphQL answer, if it speaks of the document.
    pub(crate) fn in_text(text: &str, token: &Token) -> Option<GraphQlError> {
        let error = GraphQlError::read(&Value::from(prefix(text, READ)), token);
        error.refusal.is_some().then_some(error)
    }

    fn read(entry: &Value, token: &Token) -> GraphQlError {
        let message = match (entry.get("message").and_then(Value::as_str), entry.as_str()) {
            (Some(text), _) | (None, Some(text)) => presentable(text, token),
            (None, None) => presentable(&entry.to_string(), token),
        };
        let extension = |name: &str| entry.get("extensions")?.get(name)?.as_str();
        let code = extension("code");
        GraphQlError {
            // Read before it is shortened: the names that count may come late.
            refusal: (entry
                .get("message")
                .and_then(Value::as_str)
                .or(entry.as_str()))
            .and_then(|text| refusal::read(prefix(text, READ), extension("locationType"))),
            message: if message.is_empty() {
                "an error without a message".to_owned()
            } else {
                message
            },
            line: entry
                .pointer("/locations/0/line")
                .and_then(Value::as_u64)
                .and_then(|line| usize::try_from(line).ok()),
            at: Vec::new(),
            path: entry
                .get("path")
                .and_then(Value::as_array)
                .filter(|path| !path.is_empty())
                .map(|path| presentable(&joined(path), token)),
            code: code
                .filter(|code| !code.is_empty())
                .map(|code| presentable(code, token)),
        }
    }

    /// Finds the place in the document that was sent.
    pub(crate) fn locate(&mut self, document: &str) {
        if let Some(line) = self.line {
            self.at = field_at(document, line);
        }
    }

    /// The names from the root field down to the field that the error is about, where the server says where that is.
    pub fn at(&self) -> &[String] {
        &self.at
    }

    fn trouble(&self) -> Trouble {
        if let Some(code) = &self.code {
            let known = CODES
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(code));
            // A code that is not known is not guessed at from the words beside it.
            return known.map_or(Trouble::Permanent, |(_, trouble)| *trouble);
        }
        if self.refusal.is_some() {
            return Trouble::Permanent;
        }
        let message = self.message.to_lowercase();
        WORDS
            .iter()
            .find(|(words, _)| message.contains(words))
            .map_or(Trouble::Permanent, |(_, trouble)| *trouble)
    }
}

/// The field on a line of a document as this client writes them, one field a line; empty on any other line.
fn field_at(document: &str, line: usize) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (number, text) in (1..).zip(document.lines()) {
        let text = text.trim();
        let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let name = text.get(..end.unwrap_or(text.len())).unwrap_or("");
        let is_field = number > 1 && !name.is_empty();
        if is_field {
            names.push(name.to_owned());
        }
        if number == line {
            return if is_field { names } else { Vec::new() };
        }
        if text == "}" || (is_field && !text.ends_with('{')) {
            names.pop();
        }
    }
    Vec::new()
}

fn joined(path: &[Value]) -> String {
    let names: Vec<String> = path
        .iter()
        .take(32)
        .map(|part| match part {
            Value::String(name) => name.clone(),
            other => other.to_string(),
        })
        .collect();
    names.join(".")
}

/// Whether one of the errors says that the document, or what came with it, is not valid: it would be refused each time.
pub(crate) fn refuses_the_document(errors: &[GraphQlError]) -> bool {
    errors.iter().any(|error| {
        let is_code = |known: &str| {
            let code = error.code.as_deref();
            code.is_some_and(|code| known.eq_ignore_ascii_case(code))
        };
        error.refusal.is_some() || OF_THE_DOCUMENT.iter().any(|known| is_code(known))
    })
}

/// What the errors of one reply amount to: passing trouble only if every one of them will pass.
pub(crate) fn overall(errors: &[GraphQlError]) -> Trouble {
    let troubles: Vec<Trouble> = errors.iter().map(GraphQlError::trouble).collect();
    let all = |accepted: &[Trouble]| {
        !troubles.is_empty() && troubles.iter().all(|trouble| accepted.contains(trouble))
    };
    let any = |wanted: Trouble| troubles.contains(&wanted);
    if any(Trouble::Unauthorized) {
        Trouble::Unauthorized
    } else if all(&[Trouble::Forbidden]) {
        Trouble::Forbidden
    } else if all(&[Trouble::RateLimited]) {
        Trouble::RateLimited
    } else if all(&[Trouble::Transient, Trouble::RateLimited]) {
        Trouble::Transient
    } else {
        Trouble::Permanent
    }
}

/// Names in a message that may be those of fields: the second half of `User.email`, and a single name in quotes.
pub(crate) fn named_fields(message: &str) -> Vec<&str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.');
    let mut names: Vec<&str> = message
        .split(|letter| !is_part(letter))
        .filter_map(|word| {
            let (on_type, field) = word.trim_matches('.').split_once('.')?;
            // Types begin with a capital, hosts and paths do not.
            let is_type = on_type.starts_with(|letter: char| letter.is_ascii_uppercase());
            (is_type && crate::path::is_name(on_type) && crate::path::is_name(field))
                .then_some(field)
        })
        .collect();
    for quote in ['"', '\'', '`'] {
        names.extend(
            message
                .split(quote)
                .skip(1)
                .step_by(2)
                .filter(|name| crate::path::is_name(name)),
        );
    }
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(errors: Value) -> Vec<GraphQlError> {
        GraphQlError::read_all(
            Some(&errors.to_string()),
            &Token::new("canary-token-0123456789").expect("a legal token"),
        )
    }

    #[test]
    fn errors_are_read_whatever_their_form() {
        let errors = read(json!([
            {"message": "no such user", "path": ["users", "nodes", 3, "email"], "extensions": {"code": "NOT_FOUND"}},
            {"message": "plain"},
            "a bare text",
            {"extensions": {"code": 7}},
            {"message": ""},
            null,
        ]));
        let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "no such user (NOT_FOUND, at users.nodes.3.email)",
                "plain",
                "a bare text",
                r#"{"extensions":{"code":7}}"#,
                "an error without a message",
                "null"
            ]
        );
        assert!(read(json!([])).is_empty());
        assert!(read(Value::Null).is_empty());
        assert_eq!(read(json!({"message": "not a list"})).len(), 1);
        assert_eq!(read(json!("not a list")).len(), 1);
    }

    #[test]
    fn fields_that_a_message_names_are_found() {
        for (message, fields) in [
            (
                "The field User.email is in Beta; this key has no access.",
                &["email"][..],
            ),
            (
                "No access to field 'mfaEnabled' (see https://example.com/a.b.c).",
                &["mfaEnabled"],
            ),
            ("Field `note` of \"User\" is restricted", &["User", "note"]),
            ("Something broke. Try again", &[]),
            ("", &[]),
            ("....\"\"''a.", &[]),
            ("It's \u{e4}.b", &[]),
        ] {
            assert_eq!(named_fields(message), fields, "{message}");
        }
    }

    #[test]
    fn an_error_is_located_in_the_document() {
        let document = "query Users($first: Int) {\n  users(first: $first) {\n    nodes {\n      email\n      teams {\n        edges {\n          id\n        }\n      }\n      note\n    }\n  }\n}\n";
        for (line, expected) in [
            (0, ""),
            (1, ""),
            (2, "users"),
            (3, "users.nodes"),
            (4, "users.nodes.email"),
            (6, "users.nodes.teams.edges"),
            (7, "users.nodes.teams.edges.id"),
            (8, ""),
            (10, "users.nodes.note"),
            (99, ""),
        ] {
            assert_eq!(field_at(document, line).join("."), expected, "{line}");
        }
        let mut errors = read(json!([
            {"message": "Cannot query field \"id\" on type \"Edge\".", "locations": [{"line": 7, "column": 11}]},
            {"message": "Unknown type \"X\".", "locations": [{"line": -7}]},
        ]));
        for error in &mut errors {
            error.locate(document);
        }
        assert_eq!(errors[0].at().join("."), "users.nodes.teams.edges.id");
        assert!(errors[1].at().is_empty());
    }

    #[test]
    fn an_echoed_token_is_masked() {
        let errors = read(
            json!([{"message": "bad canary-token-0123456789", "path": ["canary-token-0123456789"], "extensions": {"code": "canary-token-0123456789"}}]),
        );
        assert!(!format!("{errors:?}").contains("canary"), "{errors:?}");
    }

    #[test]
    fn only_errors_that_say_they_pass_are_transient() {
        for (errors, expected) in [
            (
                json!([{"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]),
                Trouble::Transient,
            ),
            (
                json!([{"message": "Request timed out"}]),
                Trouble::Transient,
            ),
            (
                json!([{"message": "please try again later"}, {"message": "x", "extensions": {"code": "THROTTLED"}}]),
                Trouble::Transient,
            ),
            (
                json!([{"message": "Rate limit exceeded"}]),
                Trouble::RateLimited,
            ),
            (
                json!([{"message": "x", "extensions": {"code": "FORBIDDEN"}}]),
                Trouble::Forbidden,
            ),
            (
                json!([{"message": "AuthenticationError: Invalid API Key"}]),
                Trouble::Unauthorized,
            ),
            (
                json!([{"message": "x", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}]),
                Trouble::Permanent,
            ),
            (
                json!([{"message": "timeout is not a field", "extensions": {"code": "BAD_USER_INPUT"}}]),
                Trouble::Permanent,
            ),
            (
                json!([{"message": "Cannot query field \"timeout\" on type \"User\"."}]),
                Trouble::Permanent,
            ),
            (
                json!([{"message": "timeout"}, {"message": "Syntax Error"}]),
                Trouble::Permanent,
            ),
            (json!([{"message": "something else"}]), Trouble::Permanent),
        ] {
            assert_eq!(overall(&read(errors.clone())), expected, "{errors}");
        }
    }
}
