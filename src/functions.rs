//! SQL functions. What can be said in SQL is said in `sql/`.

use pgrx::prelude::*;

use crate::announcements;
use crate::error::{FdwError, OrRaise};
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

/// The token, encrypted under the server's key file, for the option `api_token_sealed` of that foreign server or of its
/// user mappings.
#[pg_extern(volatile, strict, parallel_unsafe)]
fn seal(token: &str, server: default!(&str, "'pluralsight'")) -> String {
    sealed::seal(token, server).or_raise()
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
extension_sql_file!("../sql/views.sql", name = "views");
