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
    let is_changed = FILES.iter().any(|file| has_changed(place, file));
    let call = if place.holds_copies() {
        renew_copies(&place.name, false, is_changed)
    } else {
        set_up_call(&place.name)
    };
    let lacks_tables = place.holds_copies()
        && BASE_TABLES
            .iter()
            .any(|table| matches!(place.relation(table), Ok(None)));
    place.as_owner(if lacks_tables {
        call.replace(
            ", fill => false",
            &format!(", tables => '{{{}}}'", BASE_TABLES.join(",")),
        )
    } else if is_changed && !place.holds_copies() {
        call.replace(");", ", replace_views => true);")
    } else {
        call
    })
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
