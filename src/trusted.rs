//! Relations that can be read without running another role's code.
//!
//! PostgreSQL runs the functions of a view with the rights of whoever reads it. So what a role names here, a superuser's
//! `check()` or somebody's report, is looked through first: views, the views that these read, policies, operators, types, casts.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;

use crate::error::{FdwError, Result};
use crate::sql;
use crate::views::Place;

/// How often the look is repeated while somebody changes what is looked at.
const MOST_LOOKS: usize = 5;

/// Whether reading these relations runs no function but those of superusers and of the current role: an error that names the
/// other one. The relations stay locked until the transaction ends, so that nobody gives a view another definition. To be
/// called under the safe search path.
pub fn refuse_strangers(place: &Place, relations: &[Oid]) -> Result<()> {
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
            .hint("Let a superuser own the function, or read as the role that it belongs to."));
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
