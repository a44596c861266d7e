//! What a view has bound when it was made.
//!
//! The files name tables and functions without their schemas, and the view's schema is on the search path. So a function of
//! that schema could have come nearer than PostgreSQL's own, and a table could be somebody else's. Nothing has run yet: a
//! view that has bound such a thing is refused, and the statement with it.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

use super::place::{Place, Relation};
use crate::error::{FdwError, Result};
use crate::role;
use crate::sql::look_up;

/// Refuses a view that has bound something of somebody else's.
pub fn check(place: &Place, view: &Relation, name: &str) -> Result<()> {
    let found = look_up(
        include_str!("../../sql/views/lookup/strangers.sql"),
        &[view.oid.into(), place.oid.into(), view.owner.into()],
        |row| {
            Ok((
                row.get::<String>(1)?.unwrap_or_default(),
                row.get::<String>(2)?.unwrap_or_default(),
                row.get::<String>(3)?.unwrap_or_default(),
                row.get::<Oid>(4)?,
            ))
        },
    )?;
    let Some((description, kind, identity, owner)) = found.into_iter().next() else {
        return Ok(());
    };
    let mut error = FdwError::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!(
            "view {} would use {description}, which is not PostgreSQL's own",
            place.qualified(name)
        ),
    )
    .hint(
        if ["function", "operator", "type", "collation"].contains(&kind.as_str()) {
            format!(
                "ALTER {} {identity} SET SCHEMA public;",
                kind.to_uppercase()
            )
        } else {
            format!("Give it to the owner of the view, or rename it: {identity}.")
        },
    );
    if let Some(owner) = owner {
        error = error.detail(format!(
            "It belongs to role \"{}\". Whoever reads the view would run or read it.",
            role::name(owner)
        ));
    }
    Err(error)
}
