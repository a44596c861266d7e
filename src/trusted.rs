//! Relations that can be read without running another role's code.
//!
//! PostgreSQL runs the functions of a view with the rights of whoever reads it. So what a role names here, a superuser's
//! `check()` or somebody's report, is read with the rights of its owner where the reader has those; and it is looked through
//! first: views, the views that these read, policies, operators, types, casts.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;

use crate::error::{FdwError, Result};
use crate::role;
use crate::sql;
use crate::views::Place;

/// How often the look is repeated while somebody changes what is looked at.
const MOST_LOOKS: usize = 5;

/// Runs `work`, which reads these relations, if they run no code of another role's. And since there are ways to run code that
/// no look can find, whoever can do all that their owner can, a superuser above all, reads as that owner: with no more rights
/// than the code has anyway. To be called under the safe search path.
pub fn read<T>(place: &Place, relations: &[Oid], work: impl FnOnce() -> Result<T>) -> Result<T> {
    refuse_strangers(place, relations)?;
    match owner(place, relations)? {
        Some(owner) if role::has_rights_of(role::current(), owner) => role::run_as(owner, work),
        _ => work(),
    }
}

/// The one role that owns these relations, those of superusers aside. Where there are several, no superuser reads them.
fn owner(place: &Place, relations: &[Oid]) -> Result<Option<Oid>> {
    let owners = sql::rows(
        include_str!("../sql/report/owners.sql"),
        &[relations.to_vec().into()],
        |row| row.get::<Oid>(1),
    )?;
    let owners: Vec<Oid> = owners.into_iter().flatten().collect();
    match owners[..] {
        [] => Ok(None),
        [owner] => Ok(Some(owner)),
        // SAFETY: a catalog look-up.
        [one, another, ..] if unsafe { pg_sys::superuser() } => Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!(
                "schema \"{}\" is not read: its views belong to role \"{}\" and to role \"{}\"",
                place.name,
                role::name(one),
                role::name(another)
            ),
        )
        .detail("A superuser reads them as the role that owns them, so that no code of another role has a superuser's rights.")),
        _ => Ok(None),
    }
}

/// Whether reading these relations runs no function but those of superusers and of the current role: an error that names the
/// other one. The relations stay locked until the transaction ends, so that nobody gives a view another definition. To be
/// called under the safe search path.
fn refuse_strangers(place: &Place, relations: &[Oid]) -> Result<()> {
    let mut locked = Vec::new();
    for _ in 0..MOST_LOOKS {
        let (mut reached, problem) = look(relations)?;
        if let Some(problem) = problem {
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!(
                    "schema \"{}\" is not read: it would run {problem}",
                    place.name
                ),
            )
            .detail("The function would have the rights of the role that reads the views.")
            .hint("Read as that role, or let a superuser own what runs the function."));
        }
        reached.sort_unstable_by_key(|oid| oid.to_u32());
        reached.dedup();
        if reached == locked {
            return Ok(());
        }
        for &relation in &reached {
            // SAFETY: a heavy lock of the weakest kind, which the end of the transaction gives back.
            unsafe {
                pg_sys::LockRelationOid(relation, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
            }
        }
        locked = reached;
    }
    Err(FdwError::new(
        PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
        format!("the views in schema \"{}\" are being changed", place.name),
    )
    .hint("Try again when that is done."))
}

/// What reading takes, and one thing that must not be part of it.
fn look(relations: &[Oid]) -> Result<(Vec<Oid>, Option<String>)> {
    Spi::connect(|client| {
        let mut reached = Vec::new();
        let mut problem = None;
        for row in client.select(
            include_str!("../sql/report/reached.sql"),
            None,
            &[relations.to_vec().into()],
        )? {
            match row.get::<Oid>(1)? {
                Some(relation) => reached.push(relation),
                None => problem = row.get::<String>(2)?,
            }
        }
        Ok((reached, problem))
    })
    .map_err(sql::failed)
}
