//! Where the token of a scan comes from.

use pgrx::pg_sys::{self, Oid};
use pluralsight_api::Token;

use crate::error::{FdwError, Result};
use crate::options::catalog::options_from_list;
use crate::options::{Options, Server};

/// The token that counts for `user`: of the user's own mapping, or else of PUBLIC's, or else of the server.
pub fn find(server: &Server, user: Oid) -> Result<Token> {
    let levels = [mapping(user, server.oid), mapping(pg_sys::InvalidOid, server.oid), Some(server.options.clone())];
    for options in levels.iter().flatten() {
        if let Some(text) = options.get("api_token").map(|text| text.trim()).filter(|text| !text.is_empty()) {
            return Token::new(text.to_owned()).map_err(|error| {
                FdwError::new(pgrx::PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE, format!("the API token cannot be used: {error}"))
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
        let tuple = pg_sys::SearchSysCache2(
            pg_sys::SysCacheIdentifier::USERMAPPINGUSERSERVER as i32,
            pg_sys::Datum::from(user),
            pg_sys::Datum::from(server),
        );
        if tuple.is_null() {
            return None;
        }
        let mut is_null = false;
        let datum = pg_sys::SysCacheGetAttr(
            pg_sys::SysCacheIdentifier::USERMAPPINGUSERSERVER as i32,
            tuple,
            pg_sys::Anum_pg_user_mapping_umoptions as i16,
            &mut is_null,
        );
        let options = if is_null { Options::new() } else { options_from_list(pg_sys::untransformRelOptions(datum)) };
        pg_sys::ReleaseSysCache(tuple);
        Some(options)
    }
}
