//! A token in Supabase Vault: `vault.decrypted_secrets`, read as the role whose token it is.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;

use crate::error::{FdwError, Result};

/// The secret with that id.
pub fn by_id(id: &str, user: Oid) -> Result<String> {
    secret(
        include_str!("../../sql/token/vault_by_id.sql"),
        id,
        "id",
        user,
    )
}

/// The secret with that name.
pub fn by_name(name: &str, user: Oid) -> Result<String> {
    secret(
        include_str!("../../sql/token/vault_by_name.sql"),
        name,
        "name",
        user,
    )
}

/// `what` says how the option names it. The value itself is in no message: it may be the token, put in the wrong place.
fn secret(query: &str, value: &str, what: &str, user: Oid) -> Result<String> {
    let found: Vec<Option<String>> = acting_as(user, || {
        find_view()?;
        // Read-only: anything else would assign a transaction id, which a standby cannot.
        Spi::connect(|client| {
            let rows = client.select(query, Some(2), &[value.into()])?;
            rows.map(|row| row.get::<String>(1))
                .collect::<std::result::Result<Vec<_>, pgrx::spi::Error>>()
        })
        .map_err(|error| FdwError::internal(format!("the vault cannot be read: {error}")))
    })?;
    let undefined =
        |message: String| FdwError::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, message);
    match &found[..] {
        [Some(secret)] => Ok(secret.clone()),
        [None] => Err(undefined(format!(
            "the secret that api_token_{what} names in Supabase Vault is null"
        ))),
        [] => Err(undefined(format!(
            "Supabase Vault has no secret with the {what} in option api_token_{what} that this role can see"
        ))
        .hint("SELECT id, name FROM vault.decrypted_secrets; shows what there is. The role whose query it is must be able to read that view.")),
        _ => Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_CARDINALITY_VIOLATION,
            "Supabase Vault has several secrets with the name in option api_token_name",
        )
        .hint("Name the secret by its id: use option api_token_id.")),
    }
}

/// Checks that `vault.decrypted_secrets` is Supabase Vault's own view, and keeps it from being replaced until the
/// transaction ends. A view that somebody else put there would run its functions as the role whose token is looked up.
fn find_view() -> Result<()> {
    let refused = |message: &str| {
        FdwError::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, message)
            .hint("CREATE EXTENSION supabase_vault; or name the token in another way, such as option api_token_file.")
    };
    // SAFETY: catalog look-ups by names that end in NUL and by ids; the lock lasts until the transaction ends.
    unsafe {
        let name = pg_sys::makeRangeVar(
            c"vault".as_ptr().cast_mut(),
            c"decrypted_secrets".as_ptr().cast_mut(),
            -1,
        );
        let view = pg_sys::RangeVarGetRelidExtended(
            name,
            pg_sys::AccessShareLock as i32,
            pg_sys::RVROption::RVR_MISSING_OK,
            None,
            std::ptr::null_mut(),
        );
        let extension = pg_sys::get_extension_oid(c"supabase_vault".as_ptr(), true);
        if extension == pg_sys::InvalidOid {
            return Err(refused(if view == pg_sys::InvalidOid {
                "the API token cannot be looked up: extension supabase_vault is not installed in this database"
            } else {
                "the API token cannot be looked up: vault.decrypted_secrets does not belong to extension supabase_vault, which is not installed in this database"
            }));
        }
        if view == pg_sys::InvalidOid
            || pg_sys::getExtensionOfObject(pg_sys::RelationRelationId, view) != extension
        {
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
                "the API token cannot be looked up: there is no view vault.decrypted_secrets that belongs to extension supabase_vault",
            )
            .hint("Name the token in another way, such as option api_token_file."));
        }
    }
    Ok(())
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
