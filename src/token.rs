//! Where the token of a scan comes from.
//!
//! The mapping of the scan's user counts before that of PUBLIC, and either before the server. A level that names no
//! token is passed over; one that names a token which cannot be had is an error, so that nobody acts under another
//! identity than the one that was meant.

pub mod sealed;
mod vault;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pluralsight_api::Token;
use pluralsight_catalog::{quote_identifier, quote_literal};

use crate::error::{FdwError, Result};
use crate::host_file;
use crate::options::catalog::options_from_list;
use crate::options::{Options, Server, TOKEN_SOURCES};
use crate::role;

/// A token, and where it was found.
pub struct Found {
    pub token: Token,
    /// For people: the level and the option, never the token.
    pub origin: String,
}

/// One of the places where a token may be named.
struct Level {
    name: &'static str,
    options: Option<Options>,
    /// The role that a token sealed for this level is bound to; `InvalidOid` where it counts for everybody.
    role: Oid,
}

/// The token that counts for `user`.
pub fn find(server: &Server, user: Oid) -> Result<Found> {
    let levels = [
        Level {
            name: "user mapping",
            options: mapping(user, server.oid),
            role: user,
        },
        Level {
            name: "user mapping for PUBLIC",
            options: mapping(pg_sys::InvalidOid, server.oid),
            role: pg_sys::InvalidOid,
        },
        Level {
            name: "server",
            options: Some(server.options.clone()),
            role: pg_sys::InvalidOid,
        },
    ];
    for level in &levels {
        let Some((source, value)) = level.options.as_ref().and_then(named) else {
            continue;
        };
        let text = match source {
            "api_token_file" => host_file::read_text(value, &host_file::TOKEN)?,
            "api_token_sealed" => sealed::open(
                value,
                sealed::Bound::here(server.oid, level.role),
                &seal_again(server, level),
            )?,
            "api_token_id" => vault::by_id(value, user)?,
            "api_token_name" => vault::by_name(value, user)?,
            _ => value.to_owned(),
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(missing(server, user).detail(format!(
                "The {} names one with {source}, but what is there is blank.",
                level.name
            )));
        }
        let token = Token::new(text).map_err(|error| {
            FdwError::new(
                PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
                format!(
                    "the API token that the {} names with {source} cannot be used: {error}",
                    level.name
                ),
            )
        })?;
        return Ok(Found {
            token,
            origin: format!("{}, {source}", level.name),
        });
    }
    Err(missing(server, user))
}

/// The option that names the token, and its value, if there is one that is not blank.
fn named(options: &Options) -> Option<(&'static str, &str)> {
    TOKEN_SOURCES.into_iter().find_map(|source| {
        let value = options.get(source)?.trim();
        (!value.is_empty()).then_some((source, value))
    })
}

/// A token is nowhere to be found. The words are part of the product: scripts look for them.
fn missing(server: &Server, user: Oid) -> FdwError {
    let place = format!(
        "FOR {} SERVER {}",
        grantee(user),
        quote_identifier(&server.name)
    );
    let statement = match mapping(user, server.oid) {
        None => format!("CREATE USER MAPPING {place} OPTIONS (api_token '…')"),
        Some(options) => {
            // What is there is blank, or it would have been found.
            let change = match TOKEN_SOURCES
                .into_iter()
                .find(|source| options.contains_key(*source))
            {
                None => "ADD api_token '…'".to_owned(),
                Some("api_token") => "SET api_token '…'".to_owned(),
                Some(other) => format!("DROP {other}, ADD api_token '…'"),
            };
            format!("ALTER USER MAPPING {place} OPTIONS ({change})")
        }
    };
    let whose = if user == role::current() {
        "the current role"
    } else {
        "the owner of the view"
    };
    FdwError::new(
        PgSqlErrorCode::ERRCODE_FDW_OPTION_NAME_NOT_FOUND,
        "API token is missing",
    )
    .hint(format!(
        "Give {whose} a token for this server: {statement};"
    ))
}

/// How to replace a sealed token that cannot be used.
fn seal_again(server: &Server, level: &Level) -> String {
    let name = quote_identifier(&server.name);
    let everybody = level.role == pg_sys::InvalidOid;
    let role = if everybody {
        "public".to_owned()
    } else {
        role::name(level.role)
    };
    let change = "OPTIONS (SET api_token_sealed '…')";
    let alter = match level.name {
        "server" => format!("ALTER SERVER {name} {change}"),
        _ if everybody => format!("ALTER USER MAPPING FOR PUBLIC SERVER {name} {change}"),
        _ => format!(
            "ALTER USER MAPPING FOR {} SERVER {name} {change}",
            grantee(level.role)
        ),
    };
    format!(
        "Seal the token again: SELECT pluralsight_fdw.seal('…', {}, {}); and store the result: {alter};",
        quote_literal(&server.name),
        quote_literal(&role)
    )
}

/// The role as a statement about its user mapping names it.
fn grantee(user: Oid) -> String {
    if user == role::current() {
        "CURRENT_USER".to_owned()
    } else {
        quote_identifier(&role::name(user))
    }
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
