//! Opaque cursors: base64 over the list's name and a place in it.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::organisation::{Position, Start};

/// The cursor behind a person, by who they are.
pub(crate) fn of_user(position: Position) -> String {
    STANDARD.encode(format!("users|key|{}|{}", position.index, position.sub))
}

/// The cursor behind the record of this number (1 for the first) of a list.
pub(crate) fn of_offset(list: &str, number: u64) -> String {
    STANDARD.encode(format!("{list}|offset|{number}"))
}

/// Where a page behind this cursor begins; `None` for a text that is no cursor of this list.
pub(crate) fn start(list: &str, cursor: &str) -> Option<Start> {
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    let mut parts = text.split('|');
    if parts.next()? != list {
        return None;
    }
    let start = match parts.next()? {
        "key" if list == "users" => {
            let index = parts.next()?.parse().ok()?;
            let sub = parts.next()?.parse().ok()?;
            Start::After(Some(Position { index, sub }))
        }
        "offset" => Start::Skip(parts.next()?.parse().ok()?),
        _ => return None,
    };
    parts.next().is_none().then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back() {
        let position = Position { index: 41, sub: 3 };
        assert_eq!(
            start("users", &of_user(position)),
            Some(Start::After(Some(position)))
        );
        assert_eq!(
            start("teams", &of_offset("teams", 20)),
            Some(Start::Skip(20))
        );
    }

    #[test]
    fn a_cursor_of_another_list_and_any_other_text_are_unknown() {
        for text in [
            "",
            "None",
            "Zm9v",
            "é",
            &of_offset("teams", 20),
            &STANDARD.encode("users|offset|x"),
            &STANDARD.encode("users|key|1|2|3"),
        ] {
            assert_eq!(start("users", text), None, "{text}");
        }
    }
}
