//! A token in Supabase Vault: `vault.decrypted_secrets`, read as the role whose token it is.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;

use crate::error::{FdwError, Result};

/// The secret with that id.
pub fn by_id(id: &str, user: Oid) -> Result<String> {
    secret(
        "SELECT decrypted_secret FROM vault.decrypted_secrets WHERE id::pg_catalog.text OPERATOR(pg_catalog.=) pg_catalog.lower($1)",
        id,
        "id",
        user,
    )
}

/// The secret with that name.
pub fn by_name(name: &str, user: Oid) -> Result<String> {
    secret(
        "SELECT decrypted_secret FROM vault.decrypted_secrets WHERE name OPERATOR(pg_catalog.=) $1",
        name,
        "name",
        user,
    )
}

fn secret(query: &str, value: &str, what: &str, user: Oid) -> Result<String> {
    // SAFETY: a catalog look-up that answers null for what is not there.
    let there = unsafe {
        pgrx::pg_sys::get_namespace_oid(c"vault".as_ptr(), true) != pgrx::pg_sys::InvalidOid
    };
    if !there {
        return Err(FdwError::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, format!("the API token with {what} \"{value}\" cannot be looked up: this database has no vault"))
            .hint("CREATE EXTENSION supabase_vault; or give the token another way, such as CREATE USER MAPPING … OPTIONS (api_token '…')."));
    }
    // Read-only: anything else would assign a transaction id, which a standby cannot.
    let found: std::result::Result<Vec<Option<String>>, pgrx::spi::Error> = acting_as(user, || {
        Spi::connect(|client| {
            let rows = client.select(query, Some(2), &[value.into()])?;
            rows.map(|row| row.get::<String>(1)).collect()
        })
    });
    let found =
        found.map_err(|error| FdwError::internal(format!("the vault cannot be read: {error}")))?;
    match &found[..] {
        [Some(secret)] => Ok(secret.clone()),
        [None] => Err(FdwError::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, format!("the vault's secret with {what} \"{value}\" is null"))),
        [] => Err(FdwError::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, format!("the vault has no secret with {what} \"{value}\" that this role can see"))
            .hint("SELECT vault.create_secret('…', 'pluralsight'); makes one of that name. The role whose query it is must be able to read vault.decrypted_secrets.")),
        _ => Err(FdwError::new(PgSqlErrorCode::ERRCODE_CARDINALITY_VIOLATION, format!("the vault has several secrets with {what} \"{value}\""))
            .hint("Name it by its id: option api_token_id.")),
    }
}

/// Runs `work` as `user`: in a view it is the owner's token that counts, so it is the owner who must be able to read it.
fn acting_as<T>(user: Oid, work: impl FnOnce() -> T) -> T {
    let mut before = pg_sys::InvalidOid;
    let mut context = 0;
    // SAFETY: reads the backend's own state into two variables of this function.
    unsafe { pg_sys::GetUserIdAndSecContext(&mut before, &mut context) };
    if before == user {
        return work();
    }
    let restricted =
        (pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION) as i32;
    // SAFETY: as PostgreSQL's own triggers of foreign keys do it. Set back below; where an error leaves `work`, the end of
    // the transaction, or of the subtransaction, sets it back.
    unsafe { pg_sys::SetUserIdAndSecContext(user, context | restricted) };
    let done = work();
    // SAFETY: the values that were read above.
    unsafe { pg_sys::SetUserIdAndSecContext(before, context) };
    done
}
