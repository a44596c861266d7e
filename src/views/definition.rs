//! What a view is defined as, and whose definition that is.
//!
//! A view is ours if it prints as our file does when it is made now. An older version of ours prints otherwise; so the
//! view's comment ends with a hash of the definition that we made last. If neither fits, its owner has changed it.

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::Oid;
use pluralsight_catalog::{quote_identifier, quote_literal};

use super::file::File;
use super::place::Place;
use crate::error::{FdwError, Result};
use crate::random;
use crate::sql;
use crate::sql::look_up;
use crate::sql_file;

/// How the mark in a comment begins. It ends with a bracket.
const MARK: &str = " [as made by pluralsight_fdw, ";

/// The view's query and options as PostgreSQL prints them. To be called with the view's schema on the search path, so that
/// the text does not change when the schema is renamed.
pub fn of(view: Oid) -> Result<String> {
    // Under the path of the caller.
    sql::value::<String>(
        include_str!("../../sql/views/lookup/definition.sql"),
        &[view.into()],
    )?
    .ok_or_else(|| FdwError::internal("a view has no definition"))
}

/// The definition that the file makes today, and whether `CREATE OR REPLACE VIEW` can turn `view` into it: that can only
/// add columns at the end.
///
/// For that a view is made that lives for a moment. Nobody can foresee its name, and so be in the way.
pub fn as_made_now(place: &Place, file: &File, view: Oid) -> Result<(String, bool)> {
    let name = format!("pluralsight_fdw_probe_{:016x}", random::number()?);
    sql_file::run(&file.statement_for(&name))?;
    let probe = place
        .relation(&name)?
        .ok_or_else(|| FdwError::internal("the view for comparison did not come to be"))?;
    let definition = of(probe.oid)?;
    let fits = columns(probe.oid)?.starts_with(&columns(view)?);
    sql_file::run(&format!("DROP VIEW {}", quote_identifier(&name)))?;
    Ok((definition, fits))
}

/// Names, types and collations of the view's columns.
fn columns(view: Oid) -> Result<Vec<String>> {
    look_up(
        include_str!("../../sql/views/lookup/columns.sql"),
        &[view.into()],
        |row| row.get::<String>(1).map(Option::unwrap_or_default),
    )
}

/// Puts the hash of the view's definition at the end of its comment.
pub fn mark(view: Oid, name: &str) -> Result<()> {
    let comment = comment(view)?.unwrap_or_default();
    let text = comment.split(MARK).next().unwrap_or_default();
    let marked = format!("{text}{MARK}{}]", mark_of(&of(view)?)?);
    sql_file::run(&format!(
        "COMMENT ON VIEW {} IS {}",
        quote_identifier(name),
        quote_literal(&marked)
    ))
}

/// Whether `definition`, which the view has now, is the one that we made last. Where another major version of PostgreSQL
/// printed that, before an upgrade or a restored dump, what versions print differently does not count.
pub fn is_marked(view: Oid, definition: &str) -> Result<bool> {
    let comment = comment(view)?.unwrap_or_default();
    let Some(made) = comment
        .rsplit_once(MARK)
        .and_then(|(_, mark)| mark.strip_suffix(']'))
    else {
        return Ok(false);
    };
    let now = mark_of(definition)?;
    Ok(made == now || (version(made) != version(&now) && alike(made) == alike(&now)))
}

/// The version of PostgreSQL that a mark names.
fn version(mark: &str) -> Option<&str> {
    mark.split(' ').next()
}

/// The hash in a mark that is the same for all versions.
fn alike(mark: &str) -> Option<&str> {
    mark.rsplit(' ').next()
}

fn comment(view: Oid) -> Result<Option<String>> {
    one_text(
        include_str!("../../sql/views/lookup/comment.sql"),
        &[view.into()],
    )
}

fn mark_of(definition: &str) -> Result<String> {
    let mark = one_text(
        include_str!("../../sql/views/lookup/mark.sql"),
        &[definition.into()],
    )?;
    Ok(mark.unwrap_or_default())
}

fn one_text(query: &'static str, arguments: &[DatumWithOid<'_>]) -> Result<Option<String>> {
    let texts = look_up(query, arguments, |row| row.get::<String>(1))?;
    Ok(texts.into_iter().flatten().next())
}
