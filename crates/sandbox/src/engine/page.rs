//! A page of a list, ready to be read.

use crate::{cursor, organisation::Position};

use super::{Tweaks, read::Source};

/// The place behind a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mark {
    User(Position),
    Offset(&'static str, u64),
}

impl Mark {
    pub(crate) fn text(self) -> String {
        match self {
            Self::User(position) => cursor::of_user(position),
            Self::Offset(list, number) => cursor::of_offset(list, number),
        }
    }
}

/// A record and the place behind it.
pub(crate) struct Row<'a> {
    pub(crate) node: Source<'a>,
    pub(crate) cursor: Mark,
}

/// What a connection answers.
pub(crate) struct Page<'a> {
    pub(crate) rows: Vec<Row<'a>>,
    pub(crate) end: Option<String>,
    pub(crate) has_next: bool,
    /// Counting can cost more than the page, so it is done when the query asks.
    pub(crate) total: Box<dyn Fn() -> i64 + 'a>,
}

impl Page<'_> {
    /// The page as a fault wants it. `after` is the cursor that was given.
    pub(crate) fn tweak(&mut self, tweaks: &Tweaks, after: Option<&str>) {
        if tweaks.empty_page {
            self.rows.clear();
        }
        self.rows
            .truncate(self.rows.len().saturating_sub(tweaks.drop_rows));
        if let Some(row) = tweaks.null_node.and_then(|place| self.rows.get_mut(place)) {
            row.node = Source::Nothing;
        }
        if let (true, Some(after)) = (tweaks.repeat_cursor, after) {
            self.end = Some(after.to_owned());
        }
        if tweaks.no_cursor {
            self.end = None;
        }
        if tweaks.repeat_cursor || tweaks.no_cursor || tweaks.empty_page {
            self.has_next = true;
        }
        if tweaks.last_page {
            self.has_next = false;
        }
        if let Some(total) = tweaks.total {
            self.total = Box::new(move || total);
        }
    }

    pub(crate) fn total(&self) -> i64 {
        (self.total)()
    }
}
