//! What the API says beside its data: deprecations, an expired key, a page that was cut.
//!
//! A person hears each once a session, as a NOTICE; the view `api_announcements` lists what this session has heard.

use std::cell::RefCell;

use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use pluralsight_api::Warning;

use crate::encoding;

/// Announcements that a session keeps.
const MOST: usize = 1_000;

struct Announcement {
    heard_at: TimestampWithTimeZone,
    table: String,
    text: String,
}

thread_local! {
    static HEARD: RefCell<Vec<Announcement>> = const { RefCell::new(Vec::new()) };
}

/// Tells what of `warnings` this session has not heard yet; `table` is where it was met.
pub fn tell(table: &str, warnings: &[Warning]) {
    for warning in warnings {
        let text = warning.to_string();
        let fresh = HEARD.with_borrow_mut(|heard| {
            if heard.len() >= MOST || heard.iter().any(|known| known.text == text) {
                return false;
            }
            heard.push(Announcement {
                heard_at: now(),
                table: table.to_owned(),
                text: text.clone(),
            });
            true
        });
        if fresh {
            ereport!(
                PgLogLevel::NOTICE,
                PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
                encoding::message(&format!("{table}: the API says: {text}")).into_owned()
            );
        }
    }
}

/// What this session has heard, oldest first.
pub fn heard() -> Vec<(TimestampWithTimeZone, String, String)> {
    HEARD.with_borrow(|heard| {
        heard
            .iter()
            .map(|known| {
                let shown = |text: &str| encoding::message(text).into_owned();
                (known.heard_at, shown(&known.table), shown(&known.text))
            })
            .collect()
    })
}
