//! Opaque cursors: base64 over the list's name and a place in it.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// Behind the record with this place in the order of the list, whether it is still there or not.
    After(u64),
    /// Behind so many records.
    Skip(u64),
}

/// The cursor behind a person, by who they are.
pub(crate) fn of_user(order: u64) -> String {
    STANDARD.encode(format!("users|key|{order}"))
}

/// The cursor behind the record of this number (1 for the first) of a list.
pub(crate) fn of_offset(list: &str, number: u64) -> String {
    STANDARD.encode(format!("{list}|offset|{number}"))
}

/// Where a page behind this cursor begins; `None` for a text that is no cursor of this list.
pub(crate) fn start(list: &str, cursor: &str) -> Option<Start> {
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    let rest = text.strip_prefix(list)?.strip_prefix('|')?;
    let (kind, number) = rest.split_once('|')?;
    let number = number.parse().ok()?;
    match kind {
        "key" if list == "users" => Some(Start::After(number)),
        "offset" => Some(Start::Skip(number)),
        _ => None,
    }
}
