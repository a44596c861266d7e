//! The actions for one request, sorted by what they act on.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    connection::Control,
    engine::{Answer, Tweaks},
    faults::rule::{Action, Cut, End},
    organization::{Organization, Place, User},
    state::Shared,
};

use super::{
    body::{Bomb, Ending, Filler, Shaped, Source},
    patch,
    reply::{Payload, Reply},
};

/// What is to be done to one request.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) actions: Vec<Action>,
}

impl Script {
    pub(crate) fn names(&self) -> Vec<String> {
        self.actions.iter().map(ToString::to_string).collect()
    }

    /// What happens to the organization and the key before the answer.
    pub(crate) async fn prepare(&self, shared: &Arc<Shared>) {
        for action in &self.actions {
            match action {
                Action::RevokeToken => shared.revoke(true),
                Action::RestoreToken => shared.revoke(false),
                Action::AddUsers { count, end } => {
                    let place = if *end == End::First {
                        Place::Start
                    } else {
                        Place::End
                    };
                    shared.organization.add_users(*count, place);
                }
                Action::ForgetUsers { count, end } => {
                    for user in some(&shared.organization, *count, *end, |_| true) {
                        shared.organization.forget_user(&user.ps_user_id);
                    }
                }
                Action::DeactivateUsers { count, end } => {
                    let now = shared.organization.now();
                    for user in some(&shared.organization, *count, *end, |user| {
                        user.is_on_account
                    }) {
                        shared.organization.deactivate_user(&user.ps_user_id, now);
                    }
                }
                Action::Run(hook) => {
                    let (hook, shared) = (Arc::clone(hook), Arc::clone(shared));
                    // A hook that panics fails its test elsewhere; the request is answered all the same.
                    let _ = tokio::task::spawn_blocking(move || hook(&shared.organization)).await;
                }
                _ => {}
            }
        }
    }

    pub(crate) fn delay(&self) -> Duration {
        let delays = self.actions.iter().map(|action| match action {
            Action::Delay(delay) => *delay,
            _ => Duration::ZERO,
        });
        delays.sum()
    }

    pub(crate) fn tweaks(&self) -> Tweaks {
        let mut tweaks = Tweaks::default();
        for action in &self.actions {
            match action {
                Action::DuplicateRows(count) => tweaks.repeat_rows = *count,
                Action::DropRows(count) => tweaks.drop_rows = *count,
                Action::RepeatCursor => tweaks.repeat_cursor = true,
                Action::NoCursorButNext => tweaks.no_cursor = true,
                Action::EmptyPageButNext => tweaks.empty_page = true,
                Action::LastPage => tweaks.last_page = true,
                Action::NullConnection => tweaks.null_connection = true,
                Action::NullNode(place) => tweaks.null_node = Some(*place),
                Action::TotalCount(count) => tweaks.total = Some(*count),
                _ => {}
            }
        }
        tweaks
    }

    /// An answer that has nothing to do with the question.
    pub(crate) fn instead(&self, address: &str) -> Option<Reply> {
        self.actions.iter().rev().find_map(|action| {
            let json = "application/json; charset=utf-8";
            Some(match action {
                Action::Status {
                    code,
                    retry_after,
                    body,
                } => {
                    let default = json!({ "error": format!("status {code}") }).to_string();
                    let body = body.clone().unwrap_or(default);
                    let reply = Reply::new(status(*code), json, Payload::Text(body.into_bytes()));
                    reply.with_header("retry-after", retry_after.as_deref())
                }
                Action::Redirect { code, to } => {
                    let to = if to == "self" { address } else { to };
                    Reply::new(status(*code), json, Payload::Raw(Vec::new()))
                        .with_header("location", Some(to))
                }
                Action::Body {
                    content_type,
                    bytes,
                } => Reply::new(StatusCode::OK, content_type, Payload::Raw(bytes.clone())),
                Action::HugeBody(bytes) => Reply::new(StatusCode::OK, json, Payload::Huge(*bytes)),
                Action::GzipBomb(bytes) => Reply::new(StatusCode::OK, json, Payload::Bomb(*bytes)),
                Action::DeepJson(depth) => {
                    let (open, close) = ("[".repeat(*depth), "]".repeat(*depth));
                    let body = format!("{{\"data\":{{\"users\":{{\"nodes\":{open}{close}}}}}}}");
                    Reply::new(StatusCode::OK, json, Payload::Text(body.into_bytes()))
                }
                _ => return None,
            })
        })
    }

    /// Changes to what GraphQL answers.
    pub(crate) fn edit(&self, answer: &mut Answer) {
        for action in &self.actions {
            match action {
                Action::GraphQlErrors { errors, with_data } => {
                    answer.errors.extend(
                        errors
                            .as_array()
                            .cloned()
                            .unwrap_or_else(|| vec![errors.clone()]),
                    );
                    if !with_data {
                        answer.data = None;
                    }
                }
                Action::Warnings(Value::Array(warnings)) => {
                    answer.warnings.extend(warnings.iter().cloned())
                }
                _ => {}
            }
        }
    }

    /// Changes to the text of the answer.
    pub(crate) fn patch(&self, text: Vec<u8>) -> Vec<u8> {
        let is_patch = |action: &Action| match action {
            Action::PatchJson { .. } | Action::RemoveJson { .. } => true,
            Action::Warnings(warnings) => !warnings.is_array(),
            _ => false,
        };
        if !self.actions.iter().any(is_patch) {
            return text;
        }
        let mut value: Value = serde_json::from_slice(&text).unwrap_or_default();
        for action in &self.actions {
            match action {
                Action::PatchJson {
                    pointer,
                    value: new,
                } => patch::set(&mut value, pointer, new),
                Action::RemoveJson { pointer } => patch::remove(&mut value, pointer),
                Action::Warnings(warnings) if !warnings.is_array() => {
                    patch::set(&mut value, "/extensions", &json!({ "warnings": warnings }));
                }
                _ => {}
            }
        }
        value.to_string().into_bytes()
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.actions.iter().filter_map(|action| match action {
            Action::Header { name, value } => Some((name.as_str(), value.as_str())),
            _ => None,
        })
    }

    pub(crate) fn truncates_gzip(&self) -> bool {
        self.actions
            .iter()
            .any(|action| matches!(action, Action::TruncatedGzip))
    }

    /// Breaks the connection before the headers, if that is to happen. True when it was done.
    pub(crate) fn breaks_off(&self, control: Option<&Arc<Control>>) -> bool {
        let Some(control) = control else { return false };
        self.actions.iter().any(|action| match action {
            Action::ResetBeforeHeaders => {
                control.reset();
                true
            }
            Action::CloseBeforeHeaders => {
                control.close();
                true
            }
            _ => false,
        })
    }

    /// The body in the shape that the actions give it, with the length that the header is to say; `None` when it can be
    /// sent as it is.
    pub(crate) fn shape(
        &self,
        payload: &Payload,
        control: Option<Arc<Control>>,
    ) -> Option<(Shaped, Option<u64>)> {
        let (mut ending, mut cut, mut pace, mut length) = (Ending::Finish, None, None, 0);
        for action in &self.actions {
            match action {
                Action::StallBody(at) => (ending, cut) = (Ending::Stall, Some(*at)),
                Action::ResetMidBody(at) => (ending, cut) = (Ending::Reset, Some(*at)),
                Action::CloseMidBody(at) => (ending, cut) = (Ending::Close, Some(*at)),
                Action::CloseAfter => ending = Ending::CloseAfter,
                Action::SlowBody { every, bytes } => pace = Some((*every, *bytes)),
                Action::WrongContentLength(by) => length = *by,
                _ => {}
            }
        }
        let source = match payload {
            Payload::Huge(bytes) => {
                return Some((
                    Shaped::new(Source::Filler(Filler::new(*bytes)), pace, ending, control),
                    None,
                ));
            }
            Payload::Bomb(bytes) => {
                return Some((
                    Shaped::new(
                        Source::Bomb(Box::new(Bomb::new(*bytes))),
                        pace,
                        ending,
                        control,
                    ),
                    None,
                ));
            }
            Payload::Text(bytes) | Payload::Raw(bytes) => bytes,
        };
        if ending == Ending::Finish && length > 0 {
            // What was promised and does not come: the connection has to end for the client to see it.
            ending = Ending::Close;
        }
        if ending == Ending::Finish && pace.is_none() && length == 0 {
            return None;
        }
        let said = (source.len() as i64).saturating_add(length).max(0) as u64;
        let sent = match cut {
            None => source.len(),
            Some(Cut::Half) => source.len() / 2,
            // The last byte is kept back: a body that is complete could not be broken.
            Some(Cut::After(bytes)) => bytes.min(source.len().saturating_sub(1)),
        };
        let bytes = Bytes::from(source.get(..sent).unwrap_or_default().to_vec());
        Some((
            Shaped::new(Source::Bytes(bytes), pace, ending, control),
            Some(said),
        ))
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn some(
    organization: &Organization,
    count: u64,
    end: End,
    wanted: impl Fn(&User) -> bool,
) -> Vec<User> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    match end {
        End::First => organization.users().filter(wanted).take(count).collect(),
        End::Last => {
            let len = organization.len();
            (0..len)
                .rev()
                .filter_map(|number| organization.get(number))
                .filter(wanted)
                .take(count)
                .collect()
        }
    }
}
