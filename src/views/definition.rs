//! What a view is defined as, and whose definition that is.
//!
//! A view is ours if it prints as our file does when it is made now. An older version of ours prints otherwise; so the
//! view's comment ends with a hash of the definition that we made last. If neither fits, its owner has changed it.

use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use pluralsight_catalog::{quote_identifier, quote_literal};

use super::{File, Place, first, unreadable};
use crate::error::{FdwError, Result};
use crate::sql_file;

/// A view that lives for a moment, so that the definition can be compared.
const PROBE: &str = "pluralsight_fdw_probe";

/// How the mark in a comment begins. It ends with a bracket.
const MARK: &str = " [as made by pluralsight_fdw, ";

/// The view's query and options as PostgreSQL prints them. To be called with the view's schema on the search path, so that
/// the text does not change when the schema is renamed.
pub fn of(view: Oid) -> Result<String> {
    first::<String>(
        "SELECT pg_catalog.concat_ws(E'\\n', pg_catalog.pg_get_viewdef(oid), (SELECT pg_catalog.string_agg(option, ' ' ORDER BY option) FROM pg_catalog.unnest(reloptions) AS option))
         FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) $1",
        &[view.into()],
    )?
    .ok_or_else(|| FdwError::internal("a view has no definition"))
}

/// The definition that the file makes today, and whether `CREATE OR REPLACE VIEW` can turn `view` into it: that can only
/// add columns at the end.
pub fn as_made_now(place: &Place, file: &File, view: Oid) -> Result<(String, bool)> {
    sql_file::run(&file.statement_for(PROBE))?;
    let probe = place
        .relation(PROBE)?
        .ok_or_else(|| FdwError::internal("the view for comparison did not come to be"))?;
    let definition = of(probe.oid)?;
    let fits = columns(probe.oid)?.starts_with(&columns(view)?);
    sql_file::run(&format!("DROP VIEW {}", quote_identifier(PROBE)))?;
    Ok((definition, fits))
}

/// Names, types and collations of the view's columns.
fn columns(view: Oid) -> Result<Vec<String>> {
    Spi::connect(|client| {
        client
            .select(
                "SELECT pg_catalog.concat_ws(' ', attname, atttypid, atttypmod, attcollation) FROM pg_catalog.pg_attribute
                 WHERE attrelid OPERATOR(pg_catalog.=) $1 AND attnum OPERATOR(pg_catalog.>) 0 ORDER BY attnum",
                None,
                &[view.into()],
            )?
            .map(|row| row.get::<String>(1).map(Option::unwrap_or_default))
            .collect::<std::result::Result<Vec<_>, _>>()
    })
    .map_err(unreadable)
}

/// Puts the hash of the view's definition at the end of its comment.
pub fn mark(view: Oid) -> Result<()> {
    let comment = comment(view)?.unwrap_or_default();
    let text = comment.split(MARK).next().unwrap_or_default();
    let marked = format!("{text}{}", mark_of(&of(view)?)?);
    let name = first::<String>(
        "SELECT pg_catalog.format('%I', relname) FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) $1",
        &[view.into()],
    )?
    .unwrap_or_default();
    sql_file::run(&format!(
        "COMMENT ON VIEW {name} IS {}",
        quote_literal(&marked)
    ))
}

/// Whether `definition`, which the view has now, is the one that we made last.
pub fn is_marked(view: Oid, definition: &str) -> Result<bool> {
    let mark = mark_of(definition)?;
    Ok(comment(view)?.is_some_and(|comment| comment.ends_with(&mark)))
}

fn comment(view: Oid) -> Result<Option<String>> {
    first(
        "SELECT pg_catalog.obj_description($1, 'pg_class')",
        &[view.into()],
    )
}

fn mark_of(definition: &str) -> Result<String> {
    let hash = first::<String>(
        "SELECT pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to($1, 'UTF8')), 'hex'), 1, 12)",
        &[definition.into()],
    )?
    .unwrap_or_default();
    Ok(format!("{MARK}{hash}]"))
}
