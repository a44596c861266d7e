//! What is said of views that were made, and of those that were not.

use pgrx::PgSqlErrorCode;
use pluralsight_catalog::{Table, quote_identifier};

use super::file::{FILLED_IN, File};
use super::outcome::Outcome;
use super::place::Place;
use crate::error::{FdwError, Result};
use crate::sql::look_up;

/// Tells the client which views are new or renewed.
pub fn announce(schema: &str, outcomes: &[(&'static str, Outcome)]) {
    for (outcome, verb) in [(Outcome::Made, "made"), (Outcome::Renewed, "renewed")] {
        let names: Vec<&str> = outcomes
            .iter()
            .filter(|(_, became)| *became == outcome)
            .map(|(name, _)| *name)
            .collect();
        if !names.is_empty() {
            FdwError::new(
                PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
                format!(
                    "views in schema {} {verb}: {}",
                    quote_identifier(schema),
                    names.join(", ")
                ),
            )
            .notice();
        }
    }
}

/// Tells the client of views that are not as this version makes them. `renewal` is the call that takes users' changes back.
pub fn report(schema: &str, outcomes: &[(&'static str, Outcome)], renewal: &str) -> Result<()> {
    let place = Place::find(schema)?;
    let notice =
        |message: String| FdwError::new(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION, message);
    let kept: Vec<&str> = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Kept))
        .map(|(name, _)| *name)
        .collect();
    let message = match kept[..] {
        [] => None,
        [name] => Some(format!(
            "view {} was changed by its owner and stays as it is",
            place.qualified(name)
        )),
        _ => Some(format!(
            "views in schema {} were changed by their owner and stay as they are: {}",
            quote_identifier(schema),
            kept.join(", ")
        )),
    };
    if let Some(message) = message {
        notice(message).hint(renewal).notice();
    }
    for (name, outcome) in outcomes {
        let Outcome::Misfit(problem) = outcome else {
            continue;
        };
        let hint = match (changed_table(name, outcomes), changed_column(&place, name)?) {
            (_, Some(rename)) => format!("{rename} {renewal}"),
            (Some(table), None) => format!(
                "ALTER TABLE {} RENAME TO {}; {renewal}",
                place.qualified(table),
                quote_identifier(&format!("{table}_old"))
            ),
            (None, None) => renewal.to_owned(),
        };
        notice(format!("view {} cannot be made now: {problem}", place.qualified(name)))
            .detail("Something that it reads has been changed by its owner. If the view is there, it stays as it is.")
            .hint(hint)
            .notice();
    }
    Ok(())
}

/// The statement that makes way for a column as it is declared, where one of a foreign table that the view reads, itself or through
/// other views, has got another type. Views may stand on it, so that its type cannot be changed back.
pub fn changed_column(place: &Place, view: &str) -> Result<Option<String>> {
    let mut reads = File::of(view).map_or(&[][..], |file| file.reads).to_vec();
    while let Some(name) = reads.pop() {
        let Some(table) = Table::named(name) else {
            reads.extend(File::of(name).into_iter().flat_map(|file| file.reads));
            continue;
        };
        let Some(relation) = place.relation(table.name)? else {
            continue;
        };
        if relation.kind != b'f' {
            continue;
        }
        let (names, types): (Vec<String>, Vec<String>) = table
            .columns
            .iter()
            .map(|column| (column.name.to_owned(), column.sql_type.sql().to_owned()))
            .unzip();
        let changed = look_up(
            include_str!("../../sql/views/lookup/changed_column.sql"),
            &[relation.oid.into(), names.into(), types.into()],
            |row| row.get::<String>(1),
        )?;
        if let Some(column) = changed.into_iter().flatten().next() {
            return Ok(Some(format!(
                "ALTER FOREIGN TABLE {} RENAME COLUMN {} TO {};",
                place.qualified(table.name),
                quote_identifier(&column),
                quote_identifier(&format!("{column}_old"))
            )));
        }
    }
    Ok(None)
}

/// The table that users fill in and that must be what keeps the view from being made: all views that it reads are ours.
fn changed_table(view: &str, outcomes: &[(&'static str, Outcome)]) -> Option<&'static str> {
    let reads = File::of(view)?.reads;
    let is_changed = |name: &str| {
        outcomes.iter().any(|(known, outcome)| {
            *known == name && matches!(outcome, Outcome::Kept | Outcome::Misfit(_))
        })
    };
    if reads.iter().any(|name| is_changed(name)) {
        return None;
    }
    FILLED_IN
        .iter()
        .map(|(name, _)| *name)
        .find(|name| reads.contains(name))
}
