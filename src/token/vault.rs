//! A token in Supabase Vault: `vault.decrypted_secrets`, read as the current role.

use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;

use crate::error::{FdwError, Result};

/// The secret with that id.
pub fn by_id(id: &str) -> Result<String> {
    secret(
        "SELECT decrypted_secret FROM vault.decrypted_secrets WHERE id::text = lower($1)",
        id,
        "id",
    )
}

/// The secret with that name.
pub fn by_name(name: &str) -> Result<String> {
    secret(
        "SELECT decrypted_secret FROM vault.decrypted_secrets WHERE name = $1",
        name,
        "name",
    )
}

fn secret(query: &str, value: &str, what: &str) -> Result<String> {
    // SAFETY: a catalog look-up that answers null for what is not there.
    let there = unsafe {
        pgrx::pg_sys::get_namespace_oid(c"vault".as_ptr(), true) != pgrx::pg_sys::InvalidOid
    };
    if !there {
        return Err(FdwError::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, format!("the API token with {what} \"{value}\" cannot be looked up: this database has no vault"))
            .hint("CREATE EXTENSION supabase_vault; or give the token another way, such as CREATE USER MAPPING … OPTIONS (api_token '…')."));
    }
    // Read-only: anything else would assign a transaction id, which a standby cannot.
    let found: std::result::Result<Vec<Option<String>>, pgrx::spi::Error> =
        Spi::connect(|client| {
            let rows = client.select(query, Some(2), &[value.into()])?;
            rows.map(|row| row.get::<String>(1)).collect()
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
