//! From the bytes of a body to data, warnings or errors. Takes anything, panics at nothing.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, GraphQlError, HTML};
use crate::token::Token;

/// Characters of the API's own words that are passed on.
const QUOTED: usize = 500;

/// Something that the API says beside its data, in `extensions.warnings`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Warning(String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A successful answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The member `data`; never null.
    pub data: Value,
    pub warnings: Vec<Warning>,
    /// Size of the body, after decompression.
    pub bytes: u64,
}

#[derive(Deserialize)]
struct Body {
    data: Option<Value>,
    errors: Option<Value>,
    extensions: Option<Value>,
}

/// What a body turned out to be.
pub(crate) enum Decoded {
    Reply(Reply),
    Errors(Vec<GraphQlError>),
    /// Why it is no GraphQL reply.
    Unreadable(String),
}

/// Reads a body, whatever the status it came with.
pub(crate) fn decode(body: &[u8], token: &Token) -> Decoded {
    let parsed: Body = match serde_json::from_slice(body) {
        Ok(parsed) => parsed,
        Err(error) => return Decoded::Unreadable(unreadable(body, &error)),
    };
    let errors = graphql_errors(parsed.errors, token);
    if !errors.is_empty() {
        return Decoded::Errors(errors);
    }
    match parsed.data {
        Some(data) if !data.is_null() => Decoded::Reply(Reply {
            data,
            warnings: warnings(parsed.extensions, token),
            bytes: body.len() as u64,
        }),
        _ => Decoded::Unreadable("it has neither data nor errors".to_owned()),
    }
}

fn unreadable(body: &[u8], error: &serde_json::Error) -> String {
    let start = body.trim_ascii_start();
    if start.is_empty() {
        "it is empty".to_owned()
    } else if start.first() == Some(&b'<') {
        format!("it is {HTML}")
    } else if std::str::from_utf8(body).is_err() {
        "it is not UTF-8".to_owned()
    } else {
        format!("it is not a JSON object as GraphQL defines it ({error})")
    }
}

fn graphql_errors(errors: Option<Value>, token: &Token) -> Vec<GraphQlError> {
    let entries = match errors {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(other) => vec![other],
    };
    entries
        .iter()
        .map(|entry| {
            let message = entry.get("message").and_then(Value::as_str).map_or_else(|| entry.to_string(), str::to_owned);
            let path = match entry.get("path") {
                Some(Value::Array(parts)) => parts.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect::<Vec<_>>().join("."),
                _ => String::new(),
            };
            let code = entry.pointer("/extensions/code").and_then(Value::as_str).unwrap_or_default();
            GraphQlError {
                message: quote(&message, token),
                path: quote(&path, token),
                code: quote(code, token),
            }
        })
        .collect()
}

fn warnings(extensions: Option<Value>, token: &Token) -> Vec<Warning> {
    let entries = match extensions.and_then(|mut extensions| extensions.get_mut("warnings").map(Value::take)) {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(other) => vec![other],
    };
    entries
        .iter()
        .map(|entry| {
            let text = match entry {
                Value::String(text) => text.clone(),
                other => other.get("message").and_then(Value::as_str).map_or_else(|| other.to_string(), str::to_owned),
            };
            Warning(quote(&text, token))
        })
        .collect()
}

/// The API's words, without the token, control characters or excess length.
pub(crate) fn quote(text: &str, token: &Token) -> String {
    let mut quoted: String = token.mask(text).chars().map(|c| if c.is_control() { ' ' } else { c }).take(QUOTED + 1).collect();
    if quoted.chars().count() > QUOTED {
        quoted.pop();
        quoted.push('…');
    }
    quoted
}

/// The message of a body that is no GraphQL reply, such as `{"error":"AuthenticationError: Invalid API Key"}`.
pub(crate) fn plain_message(body: &[u8], token: &Token) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return String::new() };
    let message = value.get("error").or_else(|| value.get("message")).or_else(|| value.pointer("/errors/0/message"));
    message.and_then(Value::as_str).map(|text| quote(text, token)).unwrap_or_default()
}

/// A GraphQL error as an [`Error`].
pub(crate) fn graphql_error(errors: Vec<GraphQlError>, attempts: u32, document: &str) -> Error {
    Error::GraphQl { errors, attempts, document: document.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token::new("canary".to_owned()).expect("fit for a header")
    }

    #[test]
    fn data_beside_errors_is_an_error() {
        assert!(matches!(decode(br#"{"data":{"a":1},"errors":[{"message":"x"}]}"#, &token()), Decoded::Errors(_)));
        assert!(matches!(decode(br#"{"data":{"a":1},"errors":[]}"#, &token()), Decoded::Reply(_)));
        assert!(matches!(decode(br#"{"data":{"a":1},"errors":null}"#, &token()), Decoded::Reply(_)));
    }

    #[test]
    fn warnings_come_as_texts_or_objects() {
        let Decoded::Reply(reply) = decode(br#"{"data":{},"extensions":{"warnings":["a",{"message":"b"},{"c":1}]}}"#, &token()) else {
            panic!("a reply");
        };
        assert_eq!(reply.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a", "b", "{\"c\":1}"]);
    }

    #[test]
    fn what_is_no_reply_says_what_it_is() {
        for (body, words) in [
            (&b""[..], "empty"),
            (b"  <html>", "web page"),
            (b"\xff\xfe", "UTF-8"),
            (b"[1]", "JSON object"),
            (b"{\"data\":", "JSON object"),
            (b"{}", "neither data nor errors"),
            (b"{\"data\":null}", "neither data nor errors"),
        ] {
            let Decoded::Unreadable(why) = decode(body, &token()) else { panic!("{body:?}") };
            assert!(why.contains(words), "{why}");
        }
        let deep = format!("{{\"data\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(matches!(decode(deep.as_bytes(), &token()), Decoded::Unreadable(_)));
    }

    #[test]
    fn an_echoed_token_is_masked() {
        let Decoded::Errors(errors) = decode(br#"{"errors":[{"message":"bad key canary"}]}"#, &token()) else {
            panic!("errors");
        };
        assert_eq!(errors[0].message, "bad key [token]");
    }
}
