//! Where the token of a scan comes from.
//!
//! The mapping of the scan's user counts before that of PUBLIC, and either before the server. A level that names no
//! token is passed over; one that names a token which cannot be had is an error, so that nobody acts under another
//! identity than the one that was meant.

mod file;
pub mod sealed;
mod vault;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pluralsight_api::Token;

use crate::error::{FdwError, Result};
use crate::options::catalog::options_from_list;
use crate::options::{Options, Server};

/// The options that name a token; a level may have one of them.
pub const SOURCES: [&str; 5] = [
    "api_token",
    "api_token_file",
    "api_token_id",
    "api_token_name",
    "api_token_sealed",
];

/// A token, and where it was found.
pub struct Found {
    pub token: Token,
    /// For people: the level and the option, never the token.
    pub origin: String,
}

/// The token that counts for `user`.
pub fn find(server: &Server, user: Oid) -> Result<Found> {
    let levels = [
        ("user mapping", mapping(user, server.oid)),
        (
            "user mapping for PUBLIC",
            mapping(pg_sys::InvalidOid, server.oid),
        ),
        ("server", Some(server.options.clone())),
    ];
    for (level, options) in &levels {
        let Some(options) = options else { continue };
        for source in SOURCES {
            let Some(value) = options
                .get(source)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
            else {
                continue;
            };
            let text = match source {
                "api_token_file" => file::read(value)?,
                "api_token_sealed" => sealed::open(value, &server.name)?,
                "api_token_id" => vault::by_id(value, user)?,
                "api_token_name" => vault::by_name(value, user)?,
                _ => value.to_owned(),
            };
            // A file ends in a line break, more often than not.
            let text = text.trim();
            if text.is_empty() {
                return Err(FdwError::missing_token(&server.name).detail(format!(
                    "The {level} names one with {source}, but what is there is blank."
                )));
            }
            let token = Token::new(text).map_err(|error| {
                FdwError::new(
                    PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
                    format!(
                        "the API token that the {level} names with {source} cannot be used: {error}"
                    ),
                )
            })?;
            return Ok(Found {
                token,
                origin: format!("{level}, {source}"),
            });
        }
    }
    Err(FdwError::missing_token(&server.name))
}

/// The options of the mapping of exactly this user (`InvalidOid` stands for PUBLIC), if there is one.
fn mapping(user: Oid, server: Oid) -> Option<Options> {
    // GetUserMapping would raise an error where there is none, and falls back to PUBLIC by itself.
    // SAFETY: a syscache look-up by two ids; the tuple is released before the function returns, after the options
    // were copied.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::USERMAPPINGUSERSERVER as i32;
        let tuple = pg_sys::SearchSysCache2(
            cache,
            pg_sys::Datum::from(user),
            pg_sys::Datum::from(server),
        );
        if tuple.is_null() {
            return None;
        }
        let mut is_null = false;
        let datum = pg_sys::SysCacheGetAttr(
            cache,
            tuple,
            pg_sys::Anum_pg_user_mapping_umoptions as i16,
            &mut is_null,
        );
        let options = if is_null {
            Options::new()
        } else {
            options_from_list(pg_sys::untransformRelOptions(datum))
        };
        pg_sys::ReleaseSysCache(tuple);
        Some(options)
    }
}
