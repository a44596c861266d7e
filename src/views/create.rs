//! Makes views, and brings those that are there up to date.

use super::file::{FILES, FILLED_IN, File, SALT, WITHOUT_HISTORY};
use super::outcome::Outcome;
use super::place::Place;
use super::state::is_wanted;
use super::{definition, dependencies, renewal};
use crate::attempt::{Failure, attempt};
use crate::error::{FdwError, Result};
use crate::role;
use crate::sql::look_up;
use crate::sql_file;

/// Makes and renews the views in `schema`, and the tables that users fill in. A view that its owner has changed is kept, unless
/// `replace` is set. The work is done as the owner of the tables, whoever calls, and what is there must be that role's.
pub fn create(schema: &str, replace: bool) -> Result<Vec<(&'static str, Outcome)>> {
    let place = Place::find(schema)?;
    role::run_as(place.owner_of_tables()?, || {
        sql_file::inside(schema, || create_in(&place, replace))
    })
}

fn create_in(place: &Place, replace: bool) -> Result<Vec<(&'static str, Outcome)>> {
    for (name, text) in FILLED_IN {
        if place.own(name, b"rpvmf")?.is_none() {
            sql_file::run(text)?;
        }
    }
    let mut outcomes = Vec::new();
    for file in &FILES {
        outcomes.push((file.name, create_one(place, file, replace)?));
    }
    Ok(outcomes)
}

/// What users have made of one view must not keep the others, and the tables, from being renewed.
fn create_one(place: &Place, file: &File, replace: bool) -> Result<Outcome> {
    match attempt(|| make_or_renew(place, file, replace)) {
        Ok(outcome) => Ok(outcome),
        Err(Failure::Own(error)) => Err(error),
        Err(failure) if failure.is_misfit() => Ok(Outcome::Misfit(failure.message())),
        Err(failure) => failure.raise(),
    }
}

fn make_or_renew(place: &Place, file: &File, replace: bool) -> Result<Outcome> {
    let file = match file.name {
        "seats_recorded" if place.relation("license_history")?.is_none() => &WITHOUT_HISTORY,
        _ => file,
    };
    if !is_wanted(place, file)? {
        return Ok(Outcome::Skipped);
    }
    let Some(view) = place.own(file.name, b"v")? else {
        if file.name == "accounts_anonymous" {
            // The file asks them whether they have their values.
            for half in SALT {
                place.own(half, b"S")?;
            }
        }
        let had_salt = place.relation(SALT[0])?.is_some();
        make(place, file)?;
        if file.name == "accounts_anonymous" && !had_salt {
            place.make_private(&SALT)?;
        }
        return Ok(Outcome::Made);
    };
    let current = definition::of(view.oid)?;
    let (ours, can_replace) = definition::as_made_now(place, file, view.oid)?;
    if current == ours {
        return Ok(Outcome::Unchanged);
    }
    if !definition::is_marked(view.oid, &current)? && !replace {
        return Ok(Outcome::Kept);
    }
    if can_replace {
        make(place, file)?;
    } else {
        renewal::rebuild(place, file, &view, replace, |file| {
            make_or_renew(place, file, replace)
        })?;
    }
    Ok(Outcome::Renewed)
}

/// Runs the file, looks at what it has bound, and marks the view as ours.
fn make(place: &Place, file: &File) -> Result<()> {
    sql_file::run(file.text)?;
    let view = place.own(file.name, b"v")?.ok_or_else(|| {
        FdwError::internal(format!("{} did not come to be", place.qualified(file.name)))
    })?;
    dependencies::check(place, &view, file.name)?;
    let read: Vec<String> = file.reads.iter().map(|&name| name.to_owned()).collect();
    look_up(
        include_str!("../../sql/views/lookup/comments.sql"),
        &[view.oid.into(), read.into()],
        |row| row.get::<String>(1),
    )?
    .iter()
    .flatten()
    .try_for_each(|comment| sql_file::run(comment))?;
    definition::mark(view.oid, file.name)
}
