//! SQL functions. What can be said in SQL is said in `sql/`.

use pgrx::pg_sys::{self, AsPgCStr};
use pgrx::prelude::*;

use crate::announcements;
use crate::error::{FdwError, OrRaise, Result};
use crate::executor::{drifted_scans, incomplete_scans};
use crate::token::sealed;

/// What SQL must be able to reach and users must not call. Created by `sql/extension/schemas.sql`; pgrx needs to know it.
#[pg_schema]
mod pluralsight_fdw_internal {}

/// What the API has said beside its data in this session. See the view `api_announcements`.
#[pg_extern(volatile, parallel_restricted, schema = "pluralsight_fdw_internal")]
fn announcements_heard() -> TableIterator<
    'static,
    (
        name!(heard_at, TimestampWithTimeZone),
        name!(table_name, String),
        name!(announcement, String),
    ),
> {
    TableIterator::new(announcements::heard())
}

/// What reading the API took in this session so far: HTTP requests, the repeated ones among them, bytes of reply bodies
/// after decompression, scans that ended with less than the API announced under `on_incomplete 'warning'`, and scans that
/// saw the data change while they read, under `on_drift 'ignore'`.
#[pg_extern(volatile, parallel_unsafe, schema = "pluralsight_fdw_internal")]
fn session_statistics() -> TableIterator<
    'static,
    (
        name!(requests, i64),
        name!(retries, i64),
        name!(bytes, i64),
        name!(incomplete_scans, i64),
        name!(drifted_scans, i64),
    ),
> {
    let totals = pluralsight_api::session_totals();
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    TableIterator::once((
        number(totals.requests),
        number(totals.retries),
        number(totals.bytes),
        number(incomplete_scans()),
        number(drifted_scans()),
    ))
}

/// The token, encrypted under the server's key file, for the option `api_token_sealed` of that role's user mapping for that
/// foreign server; role `public` stands for the mapping for PUBLIC and for the foreign server itself.
#[pg_extern(volatile, strict, parallel_unsafe)]
fn seal(
    token: &str,
    server: default!(&str, "'pluralsight'"),
    role: default!(&str, "CURRENT_USER"),
) -> String {
    place(server, role)
        .and_then(|bound| sealed::seal(token, bound))
        .or_raise()
}

/// Where a token may be used that is sealed for these. An unknown name is not repeated: it may be the token, put in the
/// wrong place.
fn place(server: &str, role: &str) -> Result<sealed::Bound> {
    let unknown = |what: &str| {
        FdwError::new(
            pgrx::PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("there is no {what} of the name that was given"),
        )
    };
    // SAFETY: catalog look-ups by names that end in NUL; with missing_ok they answer InvalidOid.
    let (server, role) = unsafe {
        (
            pg_sys::get_foreign_server_oid(server.as_pg_cstr(), true),
            match role {
                "public" => None,
                name => Some(pg_sys::get_role_oid(name.as_pg_cstr(), true)),
            },
        )
    };
    if server == pg_sys::InvalidOid {
        return Err(unknown("foreign server"));
    }
    if role == Some(pg_sys::InvalidOid) {
        return Err(unknown("role"));
    }
    Ok(sealed::Bound::here(
        server,
        role.unwrap_or(pg_sys::InvalidOid),
    ))
}

/// Makes the key file that the setting `pluralsight_fdw.key_file` names; answers its path. For superusers.
#[pg_extern(volatile, parallel_unsafe)]
fn create_key_file() -> String {
    // SAFETY: reads the backend's own state.
    if !unsafe { pgrx::pg_sys::superuser() } {
        FdwError::new(
            pgrx::PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            "only superusers may make a key file",
        )
        .raise();
    }
    sealed::create_key_file().or_raise()
}

extension_sql_file!("../sql/extension/schemas.sql", name = "schemas", bootstrap);
extension_sql_file!("../sql/extension/roles.sql", name = "roles");
extension_sql_file!(
    "../sql/extension/announcements.sql",
    name = "announcements",
    requires = [announcements_heard]
);
