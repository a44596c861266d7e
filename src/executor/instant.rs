//! Instants, in every form of ISO 8601 that PostgreSQL takes, and as seconds or milliseconds since 1970.
//!
//! What does not say its zone is UTC, and a date alone is its midnight, whatever type the column has and whatever the
//! session's time zone is.

use std::ffi::CString;

use chrono::DateTime;
use pgrx::pg_sys::{self, Datum};
use pgrx::prelude::PgTryBuilder;
use pluralsight_api::Cell;

use crate::options::Epoch;

/// Microseconds between the epochs of Unix and PostgreSQL.
const EPOCH_DIFFERENCE: i64 = 946_684_800 * 1_000_000;
/// The first instant that PostgreSQL stores, and the first one after the last, in its own count.
const STORABLE: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;
const DAY: i64 = 86_400 * 1_000_000;
/// The longest text that is an instant.
const LONGEST: usize = 64;

/// The type of a column of instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstantType {
    Timestamptz,
    /// In UTC.
    Timestamp,
    /// In UTC.
    Date,
}

impl InstantType {
    /// The value of that type; `typmod` is the number of digits behind the point, or -1.
    pub fn datum(self, instant: i64, typmod: i32) -> Datum {
        match self {
            InstantType::Timestamptz | InstantType::Timestamp => {
                Datum::from(rounded(instant, typmod))
            }
            InstantType::Date => Datum::from(instant.div_euclid(DAY) as i32),
        }
    }
}

/// As PostgreSQL rounds: to the nearest, away from zero.
fn rounded(instant: i64, typmod: i32) -> i64 {
    let Ok(digits @ 0..6) = u32::try_from(typmod) else {
        return instant;
    };
    let unit = 10i64.pow(6 - digits);
    let half = if instant < 0 { -unit / 2 } else { unit / 2 };
    (instant + half) / unit * unit
}

/// An instant in PostgreSQL's own count, microseconds since 2000; `None` for what is none or cannot be stored.
pub fn read(value: Cell<'_>, epoch: Option<Epoch>) -> Option<i64> {
    let instant = match (value, epoch) {
        (Cell::Instant(since_1970), _) => since_1970.checked_sub(EPOCH_DIFFERENCE)?,
        (Cell::Text(text), None) => from_text(text.as_str())?,
        (Cell::Text(text), Some(epoch)) => {
            let text = text.as_str();
            from_number(text.trim(), epoch).or_else(|| from_text(text))?
        }
        (Cell::Integer(number), Some(epoch)) => from_number(&number.to_string(), epoch)?,
        (Cell::Number(digits), Some(epoch)) => from_number(digits, epoch)?,
        _ => return None,
    };
    STORABLE.contains(&instant).then_some(instant)
}

fn from_number(digits: &str, epoch: Epoch) -> Option<i64> {
    let places = match epoch {
        Epoch::Seconds => 6,
        Epoch::Milliseconds => 3,
    };
    let since_1970 = match decimal(digits, places) {
        Some(exact) => exact,
        // In a notation such as 1.6121718e9.
        None => {
            let number: f64 = digits.parse().ok()?;
            let scaled = (number * 10f64.powi(places as i32)).round();
            (scaled.abs() < 9e18).then_some(scaled as i64)?
        }
    };
    since_1970.checked_sub(EPOCH_DIFFERENCE)
}

/// `digits` times ten to the power of `places`, what is left behind the point cut off.
fn decimal(digits: &str, places: usize) -> Option<i64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if unsigned.is_empty() || !is_plain(unsigned) || !is_plain(fraction) {
        return None;
    }
    let kept = fraction.get(..places.min(fraction.len()))?;
    format!("{whole}{kept:0<places$}").parse().ok()
}

fn from_text(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some(usual) = usual(text) {
        return Some(usual);
    }
    // PostgreSQL takes much that no API means, such as `now` and `infinity`: only digits and what stands between them.
    let is_iso = text.len() <= LONGEST
        && text.as_bytes().iter().take(4).all(u8::is_ascii_digit)
        && text.bytes().all(|byte| {
            byte.is_ascii_digit()
                || matches!(
                    byte,
                    b'-' | b'+' | b':' | b'.' | b'T' | b't' | b'Z' | b'z' | b' '
                )
        });
    is_iso.then(|| by_postgresql(&with_zone(text))).flatten()
}

/// The form in which the API's documentation has it.
fn usual(text: &str) -> Option<i64> {
    let first = text.as_bytes().first()?;
    if !first.is_ascii_digit() {
        return None;
    }
    let instant = DateTime::parse_from_rfc3339(text).ok()?;
    instant.timestamp_micros().checked_sub(EPOCH_DIFFERENCE)
}

/// The text with a time and a zone, where it lacks them.
fn with_zone(text: &str) -> String {
    let Some(separator) = text.find(['T', 't', ' ']) else {
        return match text.strip_suffix(['Z', 'z']) {
            Some(date) => format!("{date} 00:00:00Z"),
            None => format!("{text} 00:00:00Z"),
        };
    };
    let (date, time) = text.split_at(separator);
    if time.contains(['+', '-', 'Z', 'z']) {
        // A zone of its own. PostgreSQL takes a blank in the place of the T, and not before the zone's sign.
        let time = time.get(1..).unwrap_or_default().trim();
        return format!("{date} {}", time.replace(" +", "+").replace(" -", "-"));
    }
    format!("{text}Z")
}

fn by_postgresql(text: &str) -> Option<i64> {
    let text = CString::new(text).ok()?;
    PgTryBuilder::new(|| {
        // SAFETY: the input function of timestamptz gets a string that ends in NUL, no type to look up and no modifier.
        let datum = unsafe {
            pg_sys::OidInputFunctionCall(
                pg_sys::Oid::from(pg_sys::F_TIMESTAMPTZ_IN),
                text.as_ptr().cast_mut(),
                pg_sys::Oid::INVALID,
                -1,
            )
        };
        Some(datum.value() as i64)
    })
    .catch_others(|caught| match caught {
        pg_sys::panic::CaughtError::PostgresError(_)
        | pg_sys::panic::CaughtError::ErrorReport(_) => None,
        other => other.rethrow(),
    })
    .execute()
}
