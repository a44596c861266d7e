//! Texts on their way between this extension, whose texts are UTF-8, and a database of whatever encoding.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_char};

use pgrx::pg_sys;
use pgrx::prelude::PgTryBuilder;

const UTF8: i32 = pg_sys::pg_enc::PG_UTF8 as i32;
const SQL_ASCII: i32 = pg_sys::pg_enc::PG_SQL_ASCII as i32;

/// Whether the database takes UTF-8 as it is: because that is its encoding, or because it has none.
pub fn takes_utf8() -> bool {
    // SAFETY: reads the backend's own state.
    matches!(unsafe { pg_sys::GetDatabaseEncoding() }, UTF8 | SQL_ASCII)
}

/// The text in the database's encoding; what is wrong with it, in PostgreSQL's words, where the encoding lacks one of its
/// characters.
pub fn to_server(text: CString) -> Result<CString, String> {
    if takes_utf8() {
        return Ok(text);
    }
    PgTryBuilder::new(|| {
        // SAFETY: the length is that of the string, which ends in NUL, as what comes back does; that is copied.
        unsafe {
            let length = text.as_bytes().len() as i32;
            let converted = pg_sys::pg_any_to_server(text.as_ptr(), length, UTF8);
            Ok(CStr::from_ptr(converted).to_owned())
        }
    })
    .catch_others(|caught| match caught {
        pg_sys::panic::CaughtError::PostgresError(report)
        | pg_sys::panic::CaughtError::ErrorReport(report) => Err(report.message().to_owned()),
        other => other.rethrow(),
    })
    .execute()
}

/// A text of the database.
///
/// # Safety
/// `text` must be null, which stands for an empty text, or end in NUL.
pub unsafe fn from_server(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller vouches for the string. What comes back is the same string or a copy, and ends in NUL.
    unsafe {
        if takes_utf8() {
            return CStr::from_ptr(text).to_string_lossy().into_owned();
        }
        let length = CStr::from_ptr(text).to_bytes().len() as i32;
        let converted = pg_sys::pg_server_to_any(text, length, UTF8);
        CStr::from_ptr(converted).to_string_lossy().into_owned()
    }
}

/// A message as it can be shown in any database: in one that does not take UTF-8, what is not ASCII is written in ASCII. The
/// framework hands messages to PostgreSQL as they are.
pub fn message(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || takes_utf8() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '…' => plain.push_str("..."),
            '–' | '—' => plain.push('-'),
            '‘' | '’' => plain.push('\''),
            '“' | '”' => plain.push('"'),
            other if other.is_ascii() => plain.push(other),
            other => plain.push_str(&format!("\\u{:04x}", u32::from(other))),
        }
    }
    Cow::Owned(plain)
}
