//! Rules as a person types them: `users@2=429,retry-after=1`.

use std::{fmt, str::FromStr};

use serde_json::{Value, json};

use crate::duration::duration;

use super::rule::{Action, Cut, End, Rule, When};

/// The grammar, for the help of the program.
pub const GRAMMAR: &str = include_str!("grammar.txt").trim_ascii_end();

/// A rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    /// There is no `=` between the requests and the actions.
    #[error("{0}: expected OPERATION@WHEN=ACTION")]
    NoAction(String),
    /// The part behind `@`.
    #[error("{0}: expected a number, 2-4, 3-, -3, %5 or ~20")]
    When(String),
    /// A name that is no action.
    #[error("{0}: no such action")]
    Unknown(String),
    /// A value that its action does not take.
    #[error("{action}: cannot read {value:?}")]
    Value {
        /// The action.
        action: String,
        /// What was given.
        value: String,
    },
}

impl FromStr for Rule {
    type Err = GrammarError;

    fn from_str(text: &str) -> Result<Self, GrammarError> {
        let (target, actions) = text
            .split_once('=')
            .ok_or_else(|| GrammarError::NoAction(text.to_owned()))?;
        let (operation, when) = match target.split_once('@') {
            Some((operation, when)) => (operation, read_when(when)?),
            None => (target, When::Always),
        };
        let operation = Some(operation.trim()).filter(|name| !matches!(*name, "" | "*"));
        let mut rule = Self {
            operation: operation.map(str::to_owned),
            when,
            actions: Vec::new(),
        };
        for part in parts(actions) {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name, Some(unquoted(value))),
                None => (part, None),
            };
            read_action(name.trim(), value, &mut rule.actions)?;
        }
        Ok(rule)
    }
}

fn read_when(text: &str) -> Result<When, GrammarError> {
    let wrong = || GrammarError::When(text.to_owned());
    let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    if let Some(rest) = text.strip_prefix('%') {
        return Ok(When::Every(number(rest)?));
    }
    if let Some(rest) = text.strip_prefix('~') {
        return Ok(When::OneIn(number(rest)?));
    }
    Ok(match text.split_once('-') {
        None => When::Nth(number(text)?),
        Some(("", to)) => When::First(number(to)?),
        Some((from, "")) => When::From(number(from)?),
        Some((from, to)) => When::Between(number(from)?, number(to)?),
    })
}

/// Splits at commas that stand outside of quotes, brackets and braces.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quote) = (0, 0_i32, None);
    for (place, letter) in text.char_indices() {
        match (letter, quote) {
            (_, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => quote = Some(letter),
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth -= 1,
            (',', None) if depth <= 0 => {
                parts.extend(text.get(start..place));
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('\'')
        .and_then(|inner| inner.strip_suffix('\''))
        .unwrap_or(text)
}

fn read_action(
    name: &str,
    value: Option<&str>,
    actions: &mut Vec<Action>,
) -> Result<(), GrammarError> {
    let wrong = || GrammarError::Value {
        action: name.to_owned(),
        value: value.unwrap_or_default().to_owned(),
    };
    let text = || value.map(str::to_owned).ok_or_else(wrong);
    let count = || {
        value
            .and_then(|text| text.parse::<u64>().ok())
            .ok_or_else(wrong)
    };
    let signed = || {
        value
            .and_then(|text| text.parse::<i64>().ok())
            .ok_or_else(wrong)
    };
    let place = || count().and_then(|count| usize::try_from(count).map_err(|_| wrong()));
    let size = || value.and_then(bytes).ok_or_else(wrong);
    let cut = || match value {
        None => Ok(Cut::Half),
        Some(_) => place().map(Cut::After),
    };
    let json = || {
        value
            .and_then(|text| serde_json::from_str::<Value>(text).ok())
            .ok_or_else(wrong)
    };
    let page = |content_type: &str, bytes: &[u8]| Action::Body {
        content_type: content_type.to_owned(),
        bytes: bytes.to_vec(),
    };
    if let Ok(code) = name.parse::<u16>() {
        if !(100..1000).contains(&code) {
            return Err(GrammarError::Unknown(name.to_owned()));
        }
        actions.push(Action::Status {
            code,
            retry_after: None,
            body: None,
        });
        return Ok(());
    }
    let action = match name {
        "retry-after" => match actions.last_mut() {
            Some(Action::Status { retry_after, .. }) => {
                *retry_after = Some(text()?);
                return Ok(());
            }
            _ => return Err(wrong()),
        },
        "body" => match actions.last_mut() {
            Some(Action::Status { body, .. }) => {
                *body = Some(text()?);
                return Ok(());
            }
            _ => page("application/json", text()?.as_bytes()),
        },
        "redirect" => {
            let code = match actions.pop() {
                Some(Action::Status { code, .. }) => code,
                other => {
                    actions.extend(other);
                    307
                }
            };
            Action::Redirect { code, to: text()? }
        }
        "html" => page(
            "text/html; charset=utf-8",
            b"<html><body><h1>Service unavailable</h1></body></html>",
        ),
        "empty" => page("application/json", b""),
        "invalid-utf8" => page(
            "application/json",
            b"{\"data\":{\"users\":{\"nodes\":[{\"email\":\"\xff\xfe\"}]}}}",
        ),
        "not-json" => page("application/json", b"{\"data\": {\"users\": {\"nodes\": [}"),
        "huge" => Action::HugeBody(size()?),
        "gzip-bomb" => Action::GzipBomb(size()?),
        "deep" => Action::DeepJson(place()?),
        "header" => {
            let (name, value) = value
                .and_then(|text| text.split_once(':'))
                .ok_or_else(wrong)?;
            Action::Header {
                name: name.trim().to_owned(),
                value: value.trim().to_owned(),
            }
        }
        "delay" => Action::Delay(
            value
                .and_then(|text| duration(text).ok())
                .ok_or_else(wrong)?,
        ),
        "slow" => {
            let (every, bytes) = value
                .map(|text| text.split_once('/').unwrap_or((text, "1")))
                .ok_or_else(wrong)?;
            Action::SlowBody {
                every: duration(every).map_err(|_| wrong())?,
                bytes: bytes.parse().map_err(|_| wrong())?,
            }
        }
        "stall" => Action::StallBody(cut()?),
        "reset" => Action::ResetBeforeHeaders,
        "reset-body" => Action::ResetMidBody(cut()?),
        "close" => Action::CloseBeforeHeaders,
        "close-body" => Action::CloseMidBody(cut()?),
        "close-after" => Action::CloseAfter,
        "truncated-gzip" => Action::TruncatedGzip,
        "length" => Action::WrongContentLength(signed()?),
        "errors" | "partial" => {
            let errors = json()
                .ok()
                .filter(Value::is_array)
                .map_or_else(|| Ok(json!([{ "message": text()? }])), Ok)?;
            Action::GraphQlErrors {
                errors,
                with_data: name == "partial",
            }
        }
        "set" => {
            let (pointer, value) = value
                .and_then(|text| text.split_once(':'))
                .ok_or_else(wrong)?;
            Action::PatchJson {
                pointer: pointer.to_owned(),
                value: serde_json::from_str(value).map_err(|_| wrong())?,
            }
        }
        "unset" => Action::RemoveJson { pointer: text()? },
        "warnings" => Action::Warnings(json()?),
        "duplicate-rows" => Action::DuplicateRows(count()?),
        "drop-rows" => Action::DropRows(place()?),
        "repeat-cursor" => Action::RepeatCursor,
        "no-cursor" => Action::NoCursorButNext,
        "empty-page" => Action::EmptyPageButNext,
        "last-page" => Action::LastPage,
        "null-connection" => Action::NullConnection,
        "null-node" => Action::NullNode(place()?),
        "total" => Action::TotalCount(signed()?),
        "revoke" => Action::RevokeToken,
        "restore" => Action::RestoreToken,
        "add" => Action::AddUsers {
            count: count()?,
            end: End::First,
        },
        "add-last" => Action::AddUsers {
            count: count()?,
            end: End::Last,
        },
        "forget" => Action::ForgetUsers {
            count: count()?,
            end: End::First,
        },
        "forget-last" => Action::ForgetUsers {
            count: count()?,
            end: End::Last,
        },
        "deactivate" => Action::DeactivateUsers {
            count: count()?,
            end: End::First,
        },
        "deactivate-last" => Action::DeactivateUsers {
            count: count()?,
            end: End::Last,
        },
        _ => return Err(GrammarError::Unknown(name.to_owned())),
    };
    actions.push(action);
    Ok(())
}

/// A size like `64kB`, `2GB`; powers of 1,000.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let scale = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(scale)
}

/// In the words of the grammar.
impl fmt::Display for Action {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = |to: &mut fmt::Formatter<'_>, name: &str, cut: &Cut| match cut {
            Cut::Half => write!(to, "{name}"),
            Cut::After(bytes) => write!(to, "{name}={bytes}"),
        };
        let end = |to: &mut fmt::Formatter<'_>, name: &str, count: u64, end: End| match end {
            End::First => write!(to, "{name}={count}"),
            End::Last => write!(to, "{name}-last={count}"),
        };
        match self {
            Self::Status {
                code,
                retry_after,
                body,
            } => {
                write!(to, "{code}")?;
                if let Some(after) = retry_after {
                    write!(to, ",retry-after='{after}'")?;
                }
                body.as_ref()
                    .map_or(Ok(()), |body| write!(to, ",body='{body}'"))
            }
            Self::Delay(time) => write!(to, "delay={}us", time.as_micros()),
            Self::StallBody(at) => cut(to, "stall", at),
            Self::SlowBody { every, bytes } => write!(to, "slow={}us/{bytes}", every.as_micros()),
            Self::ResetBeforeHeaders => write!(to, "reset"),
            Self::ResetMidBody(at) => cut(to, "reset-body", at),
            Self::CloseBeforeHeaders => write!(to, "close"),
            Self::CloseMidBody(at) => cut(to, "close-body", at),
            Self::CloseAfter => write!(to, "close-after"),
            Self::TruncatedGzip => write!(to, "truncated-gzip"),
            Self::WrongContentLength(by) => write!(to, "length={by:+}"),
            Self::Body { bytes, .. } => write!(to, "body='{}'", String::from_utf8_lossy(bytes)),
            Self::HugeBody(bytes) => write!(to, "huge={bytes}"),
            Self::GzipBomb(bytes) => write!(to, "gzip-bomb={bytes}"),
            Self::DeepJson(depth) => write!(to, "deep={depth}"),
            Self::Redirect { code, to: target } => write!(to, "{code},redirect={target}"),
            Self::Header { name, value } => write!(to, "header='{name}:{value}'"),
            Self::GraphQlErrors { errors, with_data } => write!(
                to,
                "{}={errors}",
                if *with_data { "partial" } else { "errors" }
            ),
            Self::PatchJson { pointer, value } => write!(to, "set={pointer}:{value}"),
            Self::RemoveJson { pointer } => write!(to, "unset={pointer}"),
            Self::DuplicateRows(count) => write!(to, "duplicate-rows={count}"),
            Self::DropRows(count) => write!(to, "drop-rows={count}"),
            Self::RepeatCursor => write!(to, "repeat-cursor"),
            Self::NoCursorButNext => write!(to, "no-cursor"),
            Self::EmptyPageButNext => write!(to, "empty-page"),
            Self::LastPage => write!(to, "last-page"),
            Self::NullConnection => write!(to, "null-connection"),
            Self::NullNode(place) => write!(to, "null-node={place}"),
            Self::TotalCount(count) => write!(to, "total={count}"),
            Self::Warnings(value) => write!(to, "warnings={value}"),
            Self::RevokeToken => write!(to, "revoke"),
            Self::RestoreToken => write!(to, "restore"),
            Self::AddUsers { count, end: at } => end(to, "add", *count, *at),
            Self::ForgetUsers { count, end: at } => end(to, "forget", *count, *at),
            Self::DeactivateUsers { count, end: at } => end(to, "deactivate", *count, *at),
            Self::Run(_) => write!(to, "run"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_back() {
        for text in [
            "429,retry-after='1'",
            "429,retry-after='Sun, 06 Nov 1994 08:49:37 GMT'",
            "503,body='a, b'",
            "delay=250000us",
            "stall",
            "stall=10",
            "slow=5000us/3",
            "reset",
            "reset-body=7",
            "close",
            "close-body",
            "close-after",
            "truncated-gzip",
            "length=+10",
            "length=-3",
            "huge=2000000000",
            "gzip-bomb=5",
            "deep=10000",
            "302,redirect=https://elsewhere.example/graphql",
            "header='x-a: b, c'",
            r#"errors=[{"message":"a, b","path":["users"]}]"#,
            r#"partial=[{"message":"oops"}]"#,
            r#"set=/data/users/nodes/*/email:{"a":[1,2]}"#,
            "unset=/data/users",
            "duplicate-rows=3",
            "drop-rows=2",
            "repeat-cursor",
            "no-cursor",
            "empty-page",
            "last-page",
            "null-connection",
            "null-node=0",
            "total=5",
            "total=-1",
            r#"warnings=["a","b"]"#,
            "revoke",
            "restore",
            "add=5",
            "add-last=5",
            "forget=1",
            "forget-last=1",
            "deactivate=2",
            "deactivate-last=2",
        ] {
            let once: Rule = format!("users={text}").parse().expect(text);
            let shown = once
                .actions
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(",");
            let twice: Rule = format!("users={shown}").parse().expect(&shown);
            assert_eq!(
                format!("{:?}", once.actions),
                format!("{:?}", twice.actions),
                "{text}"
            );
            assert_eq!(once.actions.len(), 1, "{text}");
        }
    }

    #[test]
    fn requests_are_named_as_documented() {
        let rule = |text: &str| text.parse::<Rule>().map(|rule| (rule.operation, rule.when));
        let users = || Some("users".to_owned());
        assert_eq!(rule("users=500"), Ok((users(), When::Always)));
        assert_eq!(rule("users@2=500"), Ok((users(), When::Nth(2))));
        assert_eq!(rule("users@2-4=500"), Ok((users(), When::Between(2, 4))));
        assert_eq!(rule("users@3-=500"), Ok((users(), When::From(3))));
        assert_eq!(rule("users@-3=500"), Ok((users(), When::First(3))));
        assert_eq!(rule("users@%5=500"), Ok((users(), When::Every(5))));
        assert_eq!(rule("*@~20=500"), Ok((None, When::OneIn(20))));
        assert_eq!(rule("@1=500"), Ok((None, When::Nth(1))));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in [
            "users",
            "users@x=500",
            "users@2=nonsense",
            "users=delay=soon",
            "users=huge=2XB",
            "users=set=/a",
            "users=retry-after=1",
            "users=99",
            "users=deep",
        ] {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }

    #[test]
    fn several_actions_make_one_rule() {
        let rule: Rule = "users@2=delay=1s,429,retry-after=1,header='a: b, c'"
            .parse()
            .expect("it is documented");
        assert_eq!(rule.actions.len(), 3);
    }
}
