//! A view whose columns must change, made anew with what it had: its grants, and the views of ours that stand on it.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

use super::definition;
use super::file::{FILES, File};
use super::outcome::Outcome;
use super::place::{Place, Relation};
use super::state::renewal_call;
use crate::error::{FdwError, Result};
use crate::sql::look_up;
use crate::sql_file;

/// Drops the view and the views of ours that stand on it, and makes them anew with their grants. What else stands on it
/// would be lost, so that is an error.
pub fn rebuild(
    place: &Place,
    file: &File,
    view: &Relation,
    replace: bool,
    make: impl Fn(&File) -> Result<Outcome>,
) -> Result<()> {
    let mut dropped: Vec<&File> = vec![file];
    let mut grants = grants_on(view.oid)?;
    let mut others = Vec::new();
    for (name, oid, description) in standing_on(place, view)? {
        let ours = FILES.iter().find(|file| Some(file.name) == name.as_deref());
        match ours {
            Some(ours) if replace || definition::is_marked(oid, &definition::of(oid)?)? => {
                grants.extend(grants_on(oid)?);
                dropped.push(ours);
            }
            _ => others.push(description),
        }
    }
    if !others.is_empty() {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!(
                "view {} cannot be renewed, because other objects depend on it",
                place.qualified(file.name)
            ),
        )
        .detail(format!(
            "A column of it changes or goes, so it must be dropped and made anew. On it depend: {}.",
            others.join(", ")
        ))
        .hint(format!(
            "Keep their definitions, drop them, make them anew after this: {}",
            renewal_call(place)
        )));
    }
    // Last come those that nothing stands on.
    dropped.sort_by_key(|file| FILES.iter().position(|other| other.name == file.name));
    for file in dropped.iter().rev() {
        sql_file::run(&format!("DROP VIEW {}", place.qualified(file.name)))?;
    }
    for file in dropped {
        let outcome = make(file)?;
        debug_assert_ne!(outcome, Outcome::Kept);
    }
    for grant in grants {
        let still_there = match &grant.column {
            Some(column) => has_column(place, &grant.view, column)?,
            None => true,
        };
        if still_there {
            sql_file::run(&grant.statement)?;
        }
    }
    Ok(())
}

/// What stands on the view: the name of a view of the same schema and owner, the id, and a description.
fn standing_on(place: &Place, view: &Relation) -> Result<Vec<(Option<String>, Oid, String)>> {
    look_up(
        include_str!("../../sql/views/lookup/standing_on.sql"),
        &[view.oid.into(), place.oid.into(), view.owner.into()],
        |row| {
            Ok((
                row.get(1)?,
                row.get(2)?.unwrap_or(Oid::INVALID),
                row.get(3)?.unwrap_or_default(),
            ))
        },
    )
}

/// A grant to be given again.
struct Grant {
    column: Option<String>,
    view: String,
    statement: String,
}

fn grants_on(view: Oid) -> Result<Vec<Grant>> {
    look_up(
        include_str!("../../sql/views/lookup/grants.sql"),
        &[view.into()],
        |row| {
            Ok(Grant {
                column: row.get(1)?,
                view: row.get(2)?.unwrap_or_default(),
                statement: row.get(3)?.unwrap_or_default(),
            })
        },
    )
}

fn has_column(place: &Place, view: &str, column: &str) -> Result<bool> {
    let Some(view) = place.relation(view)? else {
        return Ok(false);
    };
    let found = look_up(
        include_str!("../../sql/views/lookup/has_column.sql"),
        &[view.oid.into(), column.into()],
        |_| Ok(()),
    )?;
    Ok(!found.is_empty())
}
