//! The actions by name.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    engine::{
        record::{Page, Record},
        tweaks::PageTweak,
    },
    http::{
        body::Ending,
        reply::{JSON, Payload, Reply},
    },
    organization::{Organization, Place, User},
};

use super::script::{Action, Cut, Script};

/// The grammar, for the help of the program.
pub const GRAMMAR: &str = include_str!("grammar.txt").trim_ascii_end();

/// The action of this name; `None` when there is none, or when it does not take the value.
pub(super) fn action(name: &str, value: &str) -> Option<Action> {
    let text = value.to_owned();
    let number = value.parse::<u64>().ok();
    let place = number.and_then(|number| usize::try_from(number).ok());
    let json = serde_json::from_str::<Value>(value).ok();
    // Without a number, the body is cut in its middle.
    let cut = match value {
        "" => Some(Cut::Half),
        _ => place.map(Cut::After),
    };
    if let Ok(code) = name.parse::<u16>() {
        let status = StatusCode::from_u16(code).ok()?;
        let body = json!({ "error": format!("status {code}") }).to_string();
        return Some(instead(status, JSON, Payload::Text(body.into_bytes())));
    }
    Some(match name {
        "retry-after" => set(move |script| {
            if let Some(reply) = &mut script.instead {
                let header = ("retry-after".to_owned(), text.clone());
                reply.headers.push(header);
            }
        }),
        "body" => set(move |script| match &mut script.instead {
            Some(reply) => reply.payload = Payload::Text(text.clone().into_bytes()),
            None => {
                let payload = Payload::Raw(text.clone().into_bytes());
                script.instead = Some(Reply::new(StatusCode::OK, "application/json", payload));
            }
        }),
        "redirect" => set(move |script| {
            let status = script.instead.as_ref().map(|reply| reply.status);
            let status = status.unwrap_or(StatusCode::TEMPORARY_REDIRECT);
            let to = match text.as_str() {
                "self" => &script.address,
                elsewhere => elsewhere,
            };
            let header = ("location".to_owned(), to.to_owned());
            let mut reply = Reply::new(status, JSON, Payload::Raw(Vec::new()));
            reply.headers.push(header);
            script.instead = Some(reply);
        }),
        "html" => whole(
            "text/html; charset=utf-8",
            b"<html><body><h1>Service unavailable</h1></body></html>",
        ),
        "empty" => whole("application/json", b""),
        "invalid-utf8" => whole(
            "application/json",
            b"{\"data\":{\"users\":{\"nodes\":[{\"email\":\"\xff\xfe\"}]}}}",
        ),
        "not-json" => whole("application/json", b"{\"data\": {\"users\": {\"nodes\": [}"),
        "huge" => instead(StatusCode::OK, JSON, Payload::Huge(size(value)?)),
        "gzip-bomb" => instead(StatusCode::OK, JSON, Payload::Bomb(size(value)?)),
        "deep" => {
            let (open, close) = ("[".repeat(place?), "]".repeat(place?));
            let body = format!("{{\"data\":{{\"users\":{{\"nodes\":{open}{close}}}}}}}");
            instead(StatusCode::OK, JSON, Payload::Text(body.into_bytes()))
        }
        "header" => {
            let (name, value) = value.split_once(':')?;
            let header = (name.trim().to_owned(), value.trim().to_owned());
            set(move |script| script.headers.push(header.clone()))
        }
        "delay" => {
            let delay = duration(value)?;
            set(move |script| script.delay += delay)
        }
        "slow" => {
            let (every, bytes) = value.split_once('/').unwrap_or((value, "1"));
            let pace = (duration(every)?, bytes.parse().ok()?);
            set(move |script| script.pace = Some(pace))
        }
        "stall" => ends(Ending::Stall, cut?),
        "reset-body" => ends(Ending::Reset, cut?),
        "close-body" => ends(Ending::Close, cut?),
        "reset" => set(|script| script.breaks = Some(Ending::Reset)),
        "close" => set(|script| script.breaks = Some(Ending::Close)),
        "close-after" => set(|script| script.ending = Ending::CloseAfter),
        "truncated-gzip" => set(|script| script.truncates_gzip = true),
        "length" => {
            let by = value.parse().ok()?;
            set(move |script| script.length = by)
        }
        "errors" | "partial" => {
            let errors = match json {
                Some(Value::Array(errors)) => errors,
                _ => vec![json!({ "message": text })],
            };
            let hides_data = name == "errors";
            set(move |script| {
                script.errors.extend(errors.iter().cloned());
                script.hides_data |= hides_data;
            })
        }
        "set" => {
            let (pointer, value) = value.split_once(':')?;
            patch(pointer, Some(serde_json::from_str(value).ok()?))
        }
        "unset" => patch(value, None),
        "warnings" => match json? {
            Value::Array(warnings) => {
                set(move |script| script.warnings.extend(warnings.iter().cloned()))
            }
            other => patch("/extensions", Some(json!({ "warnings": other }))),
        },
        "duplicate-rows" => {
            let rows = place?;
            set(move |script| script.tweaks.repeat_rows = rows)
        }
        "drop-rows" => {
            let rows = place?;
            page(move |page| page.rows.truncate(page.rows.len().saturating_sub(rows)))
        }
        "repeat-cursor" => page(|page| {
            page.end = page.after.clone().or(page.end.take());
            page.has_next = true;
        }),
        "no-cursor" => page(|page| (page.end, page.has_next) = (None, true)),
        "empty-page" => page(|page| {
            page.rows.clear();
            page.has_next = true;
        }),
        "last-page" => page(|page| page.has_next = false),
        "null-node" => {
            let node = place?;
            page(move |page| {
                if let Some(row) = page.rows.get_mut(node) {
                    *row = Record::Nothing;
                }
            })
        }
        "null-connection" => set(|script| script.tweaks.null_connection = true),
        "total" => {
            let total = value.parse().ok()?;
            page(move |page| page.total = Some(total))
        }
        "revoke" => set(|script| script.revokes = true),
        "add" => joining(number?, Place::Start),
        "add-last" => joining(number?, Place::End),
        "forget" => forgetting(place?, false),
        "forget-last" => forgetting(place?, true),
        "deactivate" => {
            let count = place?;
            Arc::new(move |_, organization| {
                let active = organization.users().filter(|user| user.is_on_account);
                for user in active.take(count).collect::<Vec<User>>() {
                    organization.deactivate_user(&user.ps_user_id, organization.now());
                }
            })
        }
        _ => return None,
    })
}

fn set(act: impl Fn(&mut Script) + Send + Sync + 'static) -> Action {
    Arc::new(move |script, _| act(script))
}

fn instead(status: StatusCode, content_type: &'static str, payload: Payload) -> Action {
    let reply = Reply::new(status, content_type, payload);
    set(move |script| script.instead = Some(reply.clone()))
}

fn whole(content_type: &'static str, body: &[u8]) -> Action {
    instead(StatusCode::OK, content_type, Payload::Raw(body.to_vec()))
}

fn page(tweak: impl Fn(&mut Page<'_>) + Send + Sync + 'static) -> Action {
    let tweak: PageTweak = Arc::new(tweak);
    set(move |script| script.tweaks.pages.push(Arc::clone(&tweak)))
}

fn ends(ending: Ending, cut: Cut) -> Action {
    set(move |script| (script.ending, script.cut) = (ending, Some(cut)))
}

fn patch(pointer: &str, value: Option<Value>) -> Action {
    let patch = (pointer.to_owned(), value);
    set(move |script| script.patches.push(patch.clone()))
}

fn joining(count: u64, place: Place) -> Action {
    Arc::new(move |_, organization: &Organization| organization.add_users(count, place))
}

fn forgetting(count: usize, is_last: bool) -> Action {
    Arc::new(move |_, organization| {
        let users: Vec<User> = match is_last {
            true => organization.users().rev().take(count).collect(),
            false => organization.users().take(count).collect(),
        };
        for user in users {
            organization.forget_user(&user.ps_user_id);
        }
    })
}

/// A duration like `250ms` or `5s`.
fn duration(text: &str) -> Option<Duration> {
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s')?, 1.0),
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * scale).ok()
}

/// A size like `64kB`, `2GB`; powers of 1,000.
fn size(text: &str) -> Option<u64> {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let scale = match text.get(number.len()..)? {
        "" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}
