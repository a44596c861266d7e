//! One at a time works on a set: whoever does holds a lock on its table `settings`.
//!
//! It is a lock on a table and not an advisory one, so that nobody without rights on the table can take it.

use std::ffi::CString;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys;

use super::set::Set;
use crate::error::{FdwError, Result};
use crate::sql;

/// Conflicts with itself, and with nothing that a reader, a writer or a dump takes.
const MODE: pg_sys::LOCKMODE = pg_sys::ShareUpdateExclusiveLock as pg_sys::LOCKMODE;
/// VACUUM and ANALYZE take the same lock for a moment; these are waited for.
const TURNS: u32 = 200;
const TURN_MICROSECONDS: i64 = 50_000;

/// Takes the lock until the end of the transaction, or refuses and says who holds it.
pub fn take(set: &Set) -> Result<()> {
    for _ in 0..TURNS {
        // SAFETY: the table exists, or the lock is one on nothing; either way it goes with the transaction.
        if unsafe { pg_sys::ConditionalLockRelationOid(set.settings, MODE) } {
            // While nobody held the lock the schema may have been dropped or made anew.
            return set.refuse_change();
        }
        match Holder::find(set)? {
            Some(holder) if !holder.is_passing => return Err(holder.refusal(set)),
            _ => {}
        }
        // SAFETY: waits as PostgreSQL's own pg_sleep does, in small pieces, and lets interrupts through.
        unsafe {
            pg_sys::pg_usleep(TURN_MICROSECONDS as _);
        }
        pgrx::check_for_interrupts!();
    }
    Err(FdwError::new(
        PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE,
        format!("table \"{}\".settings is locked", set.name),
    ))
}

/// Keeps the lock beyond the end of the transaction; an abort of a transaction, or the end of the session, gives it back.
pub fn keep(set: &Set) {
    let mut id = relation_id(set);
    // SAFETY: the id is on this stack and copied; this transaction holds the lock already, so there is no wait.
    unsafe { pg_sys::LockRelationIdForSession(&mut id, MODE) };
}

/// Gives back what `keep` kept.
pub fn give_back(set: &Set) {
    let mut id = relation_id(set);
    // SAFETY: as above.
    unsafe { pg_sys::UnlockRelationIdForSession(&mut id, MODE) };
}

fn relation_id(set: &Set) -> pg_sys::LockRelId {
    pg_sys::LockRelId {
        relId: set.settings,
        // SAFETY: reads the backend's own state.
        dbId: unsafe { pg_sys::MyDatabaseId },
    }
}

struct Holder {
    pid: i32,
    role: Option<String>,
    since: Option<String>,
    is_passing: bool,
}

impl Holder {
    fn find(set: &Set) -> Result<Option<Holder>> {
        let found = sql::rows(
            include_str!("../../sql/copies/lookup/holder.sql"),
            &[set.settings.into()],
            |row| {
                Ok(Holder {
                    pid: row.get::<i32>(1)?.unwrap_or_default(),
                    role: row.get::<String>(2)?,
                    since: row.get::<String>(3)?,
                    is_passing: row.get::<bool>(4)?.unwrap_or_default(),
                })
            },
        )?;
        Ok(found.into_iter().next())
    }

    fn refusal(self, set: &Set) -> FdwError {
        // What the other one has logged is nearer to the truth than what PostgreSQL knows of its transaction.
        let logged = set.work(|| {
            sql::value::<String>(
                include_str!("../../sql/copies/log/running_since.sql"),
                &[self.pid.into()],
            )
        });
        let refreshing = matches!(logged, Ok(Some(_)));
        let since = logged.ok().flatten().or(self.since);
        FdwError::new(
            PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE,
            format!(
                "the stored copies in schema \"{}\" are being {} by role \"{}\" (process {}){}",
                set.name,
                if refreshing { "refreshed" } else { "worked on" },
                self.role.unwrap_or_else(|| "?".to_owned()),
                self.pid,
                since
                    .map(|since| format!(" since {since}"))
                    .unwrap_or_default()
            ),
        )
        .detail("Nothing was read, and nothing was changed.")
    }
}

/// Refuses on a standby and in a read-only transaction.
pub fn refuse_read_only(what: &str) -> Result<()> {
    let what = CString::new(what).map_err(|_| FdwError::internal("a NUL character"))?;
    // SAFETY: the string ends in NUL; PostgreSQL raises its own error.
    unsafe { pg_sys::PreventCommandIfReadOnly(what.as_ptr()) };
    Ok(())
}
