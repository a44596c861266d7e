//! Makes views, and brings those that are there up to date.

use pgrx::pg_sys::Oid;

use super::file::{FILES, FILLED_IN, File, SALT, WITHOUT_HISTORY};
use super::outcome::Outcome;
use super::place::{Place, renew_copies, set_up_call};
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
        "seats_by_month" if place.relation("license_history")?.is_none() => &WITHOUT_HISTORY,
        _ => file,
    };
    for needed in file.reads {
        if place.relation(needed)?.is_none() {
            return Ok(Outcome::Skipped);
        }
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

/// Whether the relation is a view that is as this extension has made it.
pub fn is_ours(schema: &str, view: Oid) -> Result<bool> {
    sql_file::inside(schema, || {
        definition::is_marked(view, &definition::of(view)?)
    })
}

/// The call that makes the views of a schema as this version makes them: those that are missing, and those that their owner has
/// changed, if there are any. Whoever may not make it is told whom to ask.
pub fn renewal_call(place: &Place) -> String {
    let is_changed = has_changed(place);
    let call = if place.holds_copies() {
        renew_copies(&place.name, false, is_changed)
    } else {
        let call = set_up_call(&place.name);
        match call.strip_suffix(");") {
            Some(arguments) if is_changed => format!("{arguments}, replace_views => true);"),
            _ => call,
        }
    };
    match place.owner() {
        Ok(owner) if !role::has_rights_of(role::current(), owner) => {
            format!("Role \"{}\" can do this: {call}", role::name(owner))
        }
        _ => call,
    }
}

/// Whether a call could renew one of the views: it has changed, or is not there though what it reads is.
pub fn needs_renewal(place: &Place) -> bool {
    let is_there = |name: &str| matches!(place.relation(name), Ok(Some(_)));
    has_changed(place)
        || FILES
            .iter()
            .any(|file| !is_there(file.name) && file.reads.iter().all(|needed| is_there(needed)))
}

/// Whether one of the views is there and not as this extension has made it.
fn has_changed(place: &Place) -> bool {
    FILES.iter().any(|file| {
        matches!(place.relation(file.name), Ok(Some(view)) if !matches!(is_ours(&place.name, view.oid), Ok(true)))
    })
}
