//! How the views of a schema stand to those that this version makes, and the call that renews them.

use pgrx::pg_sys::Oid;

use super::definition;
use super::file::{BASE_TABLES, FILES, FRESHNESS, File};
use super::place::{Place, renew_copies, set_up_call};
use crate::error::Result;
use crate::sql_file;

/// Whether the schema is one that has the view: what it reads is there.
pub fn is_wanted(place: &Place, file: &File) -> Result<bool> {
    if file.name == FRESHNESS && !place.holds_copies() {
        return Ok(false);
    }
    for needed in file.reads {
        if place.relation(needed)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
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
    call(place, FILES.iter().any(|file| has_changed(place, file)))
}

/// The call that makes the views that are missing, and takes back no change.
pub fn completion_call(place: &Place) -> String {
    call(place, false)
}

fn call(place: &Place, replace: bool) -> String {
    let lacks_tables = BASE_TABLES
        .iter()
        .any(|table| matches!(place.relation(table), Ok(None)));
    let call = match (place.holds_copies(), replace) {
        (true, _) => renew_copies(&place.name, false, replace),
        (false, false) => set_up_call(&place.name),
        (false, true) => with_argument(&set_up_call(&place.name), "replace_views => true"),
    };
    place.as_owner(if lacks_tables && place.holds_copies() {
        // New tables are to be filled.
        with_argument(
            &renew_copies(&place.name, true, replace),
            &format!("tables => '{{{}}}'", BASE_TABLES.join(",")),
        )
    } else {
        call
    })
}

/// The call with one argument more.
fn with_argument(call: &str, argument: &str) -> String {
    let arguments = call.strip_suffix(");").unwrap_or(call);
    format!("{arguments}, {argument});")
}

/// Whether one of these views is missing, or is not as this extension has made it.
pub fn are_other_than_made(place: &Place, names: &[&str]) -> bool {
    FILES
        .iter()
        .filter(|file| names.contains(&file.name))
        .any(|file| matches!(place.relation(file.name), Ok(None)) || has_changed(place, file))
}

/// Whether the view is there and not as this extension has made it.
fn has_changed(place: &Place, file: &File) -> bool {
    match place.relation(file.name) {
        Ok(Some(view)) => {
            matches!(is_wanted(place, file), Ok(true))
                && !matches!(is_ours(&place.name, view.oid), Ok(true))
        }
        _ => false,
    }
}
