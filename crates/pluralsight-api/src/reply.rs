//! What a reply holds: data, errors, warnings, or something else than a GraphQL answer.

use std::fmt;

use serde_json::Value;

use crate::envelope::{self, Data, Envelope, Unread};
use crate::failure::Failure;
use crate::graphql_error::GraphQlError;
use crate::json::{Malformed, Scanner};
use crate::text::{excerpt, presentable};
use crate::token::Token;
use crate::transport::RawReply;

/// Entries of one reply's `extensions.warnings` that are kept.
const WARNINGS_KEPT: usize = 100;

/// A whole answer without errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply<D = Value> {
    /// What was read of `data`, which is an object.
    pub data: D,
    /// What the API says beside it.
    pub warnings: Vec<Warning>,
    /// Size of the body, after decompression.
    pub bytes: u64,
}

/// One entry of `extensions.warnings`: a page that was cut, a field that will go away, a key that has expired. Whether
/// the API sends texts or objects is not published; both are read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Warning {
    pub message: String,
    /// `code`, or `extensions.code`, of a warning that is an object.
    pub code: Option<String>,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What becomes of the data of a reply.
pub(crate) trait ReadData {
    type Data;

    /// A reply has come and will be read next.
    fn came(&self, _reply: &RawReply) -> impl Future<Output = ()> {
        std::future::ready(())
    }

    /// Reads the object that the scanner stands on.
    fn read(&self, scanner: &mut Scanner<'_>) -> Result<Self::Data, Malformed>;

    /// The reply that came could not be used.
    fn failed(&self) {}
}

/// Builds the data up as a tree.
pub(crate) struct Tree;

impl ReadData for Tree {
    type Data = Value;

    fn read(&self, scanner: &mut Scanner<'_>) -> Result<Value, Malformed> {
        envelope::tree(scanner.skip()?)
    }
}

/// Reads a reply: its data, or why it is no answer.
pub(crate) fn read<R: ReadData>(
    raw: &RawReply,
    token: &Token,
    data: &R,
) -> Result<Reply<R::Data>, Failure> {
    let is_success = (200..300).contains(&raw.status);
    let is_page = looks_like_a_page(raw);
    let envelope = if is_page {
        Err(Unread::Page)
    } else {
        envelope::read(&raw.body, |scanner| data.read(scanner))
    };
    // Errors count whatever the status: servers of this kind answer 400 to an invalid query.
    if let Ok(envelope) = &envelope
        && !matches!(raw.status, 401 | 403 | 429)
    {
        let errors = GraphQlError::read_all(envelope.errors, token);
        if !errors.is_empty() {
            return Err(Failure::GraphQl {
                errors,
                status: raw.status,
                retry_after: raw.retry_after,
            });
        }
    }
    if !is_success && let Some(error) = refusal_in_text(raw, envelope.as_ref().ok(), token) {
        return Err(Failure::GraphQl {
            errors: vec![error],
            status: raw.status,
            retry_after: raw.retry_after,
        });
    }
    if !is_success {
        return Err(match raw.status {
            300..400 => Failure::Redirect {
                status: raw.status,
                to: raw
                    .redirected_to
                    .as_ref()
                    .map(|host| presentable(host, token)),
            },
            status => Failure::Status {
                status,
                retry_after: raw.retry_after,
                says: envelope.map_or_else(|_| String::new(), |envelope| said(&envelope, token)),
                excerpt: excerpt(&raw.body, token),
                is_page,
            },
        });
    }
    let envelope = envelope.map_err(|unread| failure(unread, raw, token))?;
    match envelope.data {
        Data::Object(data) => Ok(Reply {
            data,
            warnings: warnings(envelope.extensions, token),
            bytes: raw.body.len() as u64,
        }),
        Data::Null => Err(failure(Unread::NullData, raw, token)),
        Data::Unknown | Data::Missing => Err(failure(Unread::NoData, raw, token)),
    }
}

fn failure(unread: Unread, raw: &RawReply, token: &Token) -> Failure {
    let why = match unread {
        Unread::Page => "it is a web page (HTML)".to_owned(),
        Unread::Empty => "it is empty".to_owned(),
        Unread::NotUtf8 => "it is not UTF-8".to_owned(),
        Unread::TooDeep => "its JSON is nested too deeply".to_owned(),
        Unread::TooMany => "it holds too many values".to_owned(),
        Unread::NotJson => {
            format!(
                "it is not JSON ({})",
                presentable(&syntax_error(&raw.body), token)
            )
        }
        Unread::NotAnObject => "it is JSON, but not an object".to_owned(),
        Unread::NullData => "its data is null, and it has no errors".to_owned(),
        Unread::NoData => "it has neither data nor errors".to_owned(),
    };
    Failure::Broken {
        why,
        excerpt: excerpt(&raw.body, token),
        is_page: unread == Unread::Page,
        passes: !matches!(unread, Unread::TooDeep | Unread::TooMany),
    }
}

/// What is wrong with a body, and where, in the words of a reader that knows how to say it.
fn syntax_error(body: &[u8]) -> String {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => "it cannot be read".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn looks_like_a_page(raw: &RawReply) -> bool {
    let declared = raw.content_type.to_ascii_lowercase();
    declared.contains("text/html")
        || declared.contains("application/xhtml")
        || raw.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// What a body that is not a GraphQL answer says went wrong: `{"error": "…"}`, `{"message": "…"}`, `{"errors": […]}`.
fn said<D>(envelope: &Envelope<'_, D>, token: &Token) -> String {
    match &envelope.says {
        Some(text) => presentable(text, token),
        None => GraphQlError::read_all(envelope.errors, token)
            .first()
            .map_or_else(String::new, ToString::to_string),
    }
}

/// What a reply refuses in the document that has no list of errors: it says so in `{"message": "…"}`, or in plain text.
fn refusal_in_text<D>(
    raw: &RawReply,
    envelope: Option<&Envelope<'_, D>>,
    token: &Token,
) -> Option<GraphQlError> {
    if matches!(raw.status, 300..=399 | 401 | 403 | 429) || looks_like_a_page(raw) {
        return None;
    }
    let text = match envelope {
        Some(envelope) => envelope.says.as_deref()?,
        None => envelope::text_of(&raw.body).ok()?,
    };
    GraphQlError::in_text(text, token)
}

fn warnings(extensions: Option<&str>, token: &Token) -> Vec<Warning> {
    let entries = extensions.and_then(|extensions| envelope::member(extensions, "warnings"));
    envelope::entries(entries, WARNINGS_KEPT)
        .iter()
        .filter(|entry| !entry.is_null())
        .map(|entry| warning(entry, token))
        .collect()
}

fn warning(entry: &Value, token: &Token) -> Warning {
    let text = |value: Option<&Value>| {
        value
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(|text| presentable(text, token))
    };
    Warning {
        message: text(Some(entry))
            .or_else(|| text(entry.get("message")))
            .unwrap_or_else(|| presentable(&entry.to_string(), token)),
        code: text(entry.get("code")).or_else(|| text(entry.pointer("/extensions/code"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::Outcome;

    const TOKEN: &str = "canary-token-0123456789";

    fn answer(status: u16, content_type: &str, body: &[u8]) -> Result<Reply, Failure> {
        let raw = RawReply {
            status,
            content_type: content_type.to_owned(),
            retry_after: None,
            redirected_to: None,
            body: body.to_vec(),
        };
        read(&raw, &Token::new(TOKEN).expect("a legal token"), &Tree)
    }

    fn why(body: &[u8]) -> String {
        match answer(200, "application/json", body) {
            Err(Failure::Broken { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn data_without_errors_is_an_answer() {
        for body in [
            r#"{"data": {"a": 1}}"#,
            r#"{"data": {"a": 1}, "errors": []}"#,
            r#"{"data": {"a": 1}, "errors": null, "extensions": {"x": 1}}"#,
            "\u{feff} {\"data\": {\"a\": 1}}",
        ] {
            let reply = answer(200, "application/json", body.as_bytes()).expect(body);
            assert_eq!(reply.data, serde_json::json!({"a": 1}));
            assert_eq!(reply.bytes, body.len() as u64);
        }
    }

    #[test]
    fn whatever_is_not_an_answer_says_what_it_is() {
        for (body, expected) in [
            (&b""[..], "it is empty"),
            (b" \n", "it is empty"),
            (b"<!doctype html><p>Sign in", "it is a web page (HTML)"),
            (b"{\"data\": {\"a\": \"\xff\"}}", "it is not UTF-8"),
            (b"[1, 2]", "it is JSON, but not an object"),
            (b"{}", "it has neither data nor errors"),
            (b"{\"data\": [1]}", "it has neither data nor errors"),
            (
                b"{\"data\": null}",
                "its data is null, and it has no errors",
            ),
        ] {
            assert_eq!(why(body), expected);
        }
        assert!(why(b"{\"data\": ").starts_with("it is not JSON (EOF"));
        assert!(why(b"oops").starts_with("it is not JSON ("));
        assert_eq!(
            why(&[b"{\"data\":".to_vec(), vec![b'['; 10_000]].concat()),
            "its JSON is nested too deeply"
        );
    }

    #[test]
    fn errors_count_whatever_the_status_and_whatever_the_data() {
        let body = br#"{"data": {"a": 1}, "errors": [{"message": "no"}]}"#;
        for status in [200, 400, 404, 422, 500] {
            assert!(
                matches!(
                    answer(status, "application/json", body),
                    Err(Failure::GraphQl { .. })
                ),
                "{status}"
            );
        }
        assert!(matches!(
            answer(401, "application/json", body),
            Err(Failure::Status { status: 401, .. })
        ));
    }

    #[test]
    fn a_refusal_is_read_from_whatever_body_it_stands_in() {
        let words = r#"Cannot query field \"shoe\" on type \"User\"."#;
        let plain = words.replace('\\', "");
        for body in [
            format!(r#"{{"message": "{words}"}}"#),
            format!(r#"{{"error": "{words}", "status": 500}}"#),
            plain.clone(),
            format!("GraphQL error: {plain}\n    at execute (/srv/app.js:7:1)"),
        ] {
            for status in [400, 422, 500, 502] {
                let failure = answer(status, "", body.as_bytes()).expect_err("no answer");
                let Failure::GraphQl { errors, .. } = &failure else {
                    panic!("{status} {body}: {failure:?}");
                };
                assert!(errors[0].refusal.is_some());
                assert_eq!(failure.outcome(), Outcome::Permanent, "{status} {body}");
            }
        }
        for (status, body) in [
            (401, plain.as_str()),
            (403, &plain),
            (429, &plain),
            (500, "Internal Server Error"),
            (500, r#"{"message": "field"}"#),
            (500, &format!("<p>{plain}")),
        ] {
            let failure = answer(status, "", body.as_bytes()).expect_err("no answer");
            assert!(matches!(failure, Failure::Status { .. }), "{status} {body}");
        }
    }

    #[test]
    fn what_a_server_in_trouble_says_of_the_document_is_final() {
        for (errors, expected) in [
            (
                r#"{"message": "Cannot query field \"shoe\" on type \"User\"."}"#,
                true,
            ),
            (
                r#"{"message": "no", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}"#,
                true,
            ),
            (
                r#"{"message": "no", "extensions": {"code": "bad_user_input"}}"#,
                true,
            ),
            (
                r#"{"message": "oops"}, {"message": "Unknown type \"Shoe\"."}"#,
                true,
            ),
            (r#"{"message": "oops"}"#, false),
            (
                r#"{"message": "no", "extensions": {"code": "SHOE"}}"#,
                false,
            ),
        ] {
            let body = format!(r#"{{"errors": [{errors}]}}"#);
            let failure = answer(500, "", body.as_bytes()).expect_err("no answer");
            let is_final = failure.outcome() == Outcome::Permanent;
            assert_eq!(is_final, expected, "{errors}");
        }
    }

    #[test]
    fn an_echoed_token_is_masked_in_what_a_reply_said() {
        let body = format!(r#"{{"error": "Invalid API Key {TOKEN}"}}"#);
        let Err(Failure::Status { says, excerpt, .. }) =
            answer(401, "application/json", body.as_bytes())
        else {
            panic!()
        };
        assert_eq!(says, "Invalid API Key ***");
        assert!(!excerpt.contains("canary"));
        let body = format!(
            r#"{{"data": {{}}, "extensions": {{"warnings": ["{TOKEN}", {{"message": "key {TOKEN}"}}]}}}}"#
        );
        let reply = answer(200, "application/json", body.as_bytes()).expect("an answer");
        assert!(!format!("{:?}", reply.warnings).contains("canary"));
    }

    #[test]
    fn warnings_are_read_as_texts_and_as_objects() {
        let body = br#"{"data": {}, "extensions": {"warnings": ["cut", {"message": "old", "code": "DEPRECATED"}, {"x": 1}, null, 7, ""]}}"#;
        let warnings = answer(200, "", body).expect("an answer").warnings;
        let shown: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["cut", "old", r#"{"x":1}"#, "7", r#""""#]);
        assert_eq!(warnings[1].code.as_deref(), Some("DEPRECATED"));
        let one = answer(
            200,
            "",
            br#"{"data": {}, "extensions": {"warnings": "alone"}}"#,
        )
        .expect("an answer")
        .warnings;
        assert_eq!(one.len(), 1);
        for none in [
            r#"{"data": {}, "extensions": {"warnings": null}}"#,
            r#"{"data": {}, "extensions": 3}"#,
        ] {
            assert!(
                answer(200, "", none.as_bytes())
                    .expect("an answer")
                    .warnings
                    .is_empty()
            );
        }
    }

    #[test]
    fn half_a_character_pair_does_not_make_an_answer_unreadable() {
        let body = br#"{"data": {"a": "cut \ud83d", "b": "\udc4d\u00e4", "c": "whole \ud83d\udc4d", "d": "\\ud83d", "e": "\ud83d\ud83d\udc4d"}}"#;
        let data = answer(200, "", body).expect("an answer").data;
        assert_eq!(data["a"], "cut \u{fffd}");
        assert_eq!(data["b"], "\u{fffd}ä");
        assert_eq!(data["c"], "whole 👍");
        assert_eq!(data["d"], "\\ud83d");
        assert_eq!(data["e"], "\u{fffd}👍");
    }
}
