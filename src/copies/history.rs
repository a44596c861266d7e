//! History: its tables and functions, and what a refresh adds.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pluralsight_catalog::{CopiedColumn, History, account_history, drop_unchanged, stage_accounts};

use super::clock::Moments;
use super::columns;
use super::log::{Report, Run};
use super::set::Set;
use super::unlogged;
use crate::error::{FdwError, Result};
use crate::sql;
use crate::views::{self, renew_copies};

/// The tables of history, each in the file that makes it.
pub const TABLES: [(&str, &str); 3] = [
    (
        "account_history",
        include_str!("../../sql/history/account_history.sql"),
    ),
    (
        "team_history",
        include_str!("../../sql/history/team_history.sql"),
    ),
    (
        "license_history",
        include_str!("../../sql/history/license_history.sql"),
    ),
];

/// The views that history is drawn from.
pub const DRAWN_FROM: [&str; 2] = ["accounts", "licenses"];

/// What reads history.
const READERS: [&str; 3] = [
    include_str!("../../sql/history/history_span.sql"),
    include_str!("../../sql/history/accounts_at.sql"),
    include_str!("../../sql/history/changes_between.sql"),
];

/// Whether the set keeps history.
pub fn is_kept(set: &Set) -> bool {
    set.relation("account_history").is_some()
}

/// Makes the tables that are not there yet. To be called with the rights of the set's owner.
pub fn create_tables(set: &Set) -> Result<()> {
    for (name, definition) in TABLES {
        if set.relation(name).is_none() {
            sql::run(definition, &[])?;
        }
    }
    Ok(())
}

/// Gives `account_history` the columns that `accounts` has got since, and makes what reads history. To be called with the
/// rights of the set's owner, after the views are made.
pub fn complete(set: &Set) -> Result<()> {
    let history = needed(set, "account_history")?;
    let (kept, _) = columns::of(history)?;
    for mut column in recorded(set)? {
        let known = kept.iter().find(|known| known.name == column.name);
        if known.is_none() {
            column.collation = None;
            sql::run(&column.add_to("account_history"), &[])?;
        }
        if known.is_none_or(|known| known.comment.is_none()) && column.comment.is_some() {
            sql::run(&column.comment_on("account_history"), &[])?;
        }
    }
    for reader in READERS {
        sql::run(reader, &[])?;
    }
    Ok(())
}

/// Refuses a history in which something would be missing from now on without a word, or that cannot be written.
fn refuse_changed(set: &Set, history: Oid, kept: &[CopiedColumn]) -> Result<()> {
    let refused = |column: &str, problem: &str| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!(
                "column \"{column}\" of \"{}\".\"account_history\" {problem}",
                set.name
            ),
        )
    };
    if let Some(column) = columns::computed(history)?.first() {
        return Err(
            refused(column, "is one that PostgreSQL fills in itself").detail(
                "History cannot be written then. Such a column can be one of a view over the table.",
            ),
        );
    }
    // The statements that write history name the others.
    for name in ["email", "full_name"] {
        match kept.iter().find(|column| column.name == name) {
            None => return Err(refused(name, "is missing").hint(set.renewal())),
            Some(column) if column.sql_type != "text" => {
                return Err(
                    refused(name, &format!("is {}, and was text", column.sql_type))
                        .detail("History would not record it any longer."),
                );
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn needed(set: &Set, name: &str) -> Result<Oid> {
    set.relation(name).ok_or_else(|| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            format!("\"{}\".\"{name}\" does not exist", set.name),
        )
        .detail("History is drawn from it.")
        .hint(set.renewal())
    })
}

/// The columns of the view `accounts` that history keeps.
fn recorded(set: &Set) -> Result<Vec<CopiedColumn>> {
    let (mut columns, _) = columns::of(needed(set, "accounts")?)?;
    columns.retain(|column| account_history(&column.name) != History::Untracked);
    Ok(columns)
}

/// Columns of `account_history` that say which version a row is, and come from no view.
const OF_VERSIONS: [&str; 4] = ["user_id", "valid_from", "valid_to", "forgotten"];

/// Warns of what history does not record: columns that the owner of `accounts` has taken from that view, or that
/// `account_history` has lost.
fn warn_of_gaps(
    set: &Set,
    kept: &[CopiedColumn],
    recorded: &[CopiedColumn],
    shared: &[String],
    report: &mut Report,
) -> Result<()> {
    let lost: Vec<&str> = kept
        .iter()
        .map(|column| column.name.as_str())
        .filter(|name| !OF_VERSIONS.contains(name) && !shared.iter().any(|shared| shared == name))
        .collect();
    let lacked: Vec<&str> = recorded
        .iter()
        .map(|column| column.name.as_str())
        .filter(|name| !kept.iter().any(|known| known.name == *name))
        .collect();
    if lost.is_empty() && lacked.is_empty() {
        return Ok(());
    }
    let is_changed = !views::is_ours(&set.name, needed(set, "accounts")?)?;
    let warning = match is_changed {
        true if !lost.is_empty() => format!(
            "account_history no longer records {}: view accounts was changed, and has no such column or has it with another type. What account_history says of that is old or null from now on",
            lost.join(", ")
        ),
        false if !lacked.is_empty() => format!(
            "account_history does not record {}: it has no such column",
            lacked.join(", ")
        ),
        _ => return Ok(()),
    };
    report.warn(warning, Some(renew_copies(&set.name, false, is_changed)));
    Ok(())
}

/// Compares the copies with what history knows, and adds what differs.
pub fn write(set: &Set, run: &Run, moments: Moments, report: &mut Report) -> Result<()> {
    unlogged::will_be_made();
    if moments == Moments::Redate {
        sql::run(include_str!("../../sql/history/redate.sql"), &[])?;
    }
    let history = needed(set, "account_history")?;
    let (kept, _) = columns::of(history)?;
    refuse_changed(set, history, &kept)?;
    let recorded = recorded(set)?;
    let mut shared: Vec<String> = recorded
        .iter()
        .filter(|column| {
            account_history(&column.name) != History::Key
                && kept
                    .iter()
                    .any(|known| known.name == column.name && known.sql_type == column.sql_type)
        })
        .map(|column| column.name.clone())
        .collect();
    warn_of_gaps(set, &kept, &recorded, &shared, report)?;
    sql::run(include_str!("../../sql/history/stage.sql"), &[])?;
    sql::run(
        include_str!("../../sql/history/stage_moment.sql"),
        &[run.id.into()],
    )?;
    sql::run(&stage_accounts(&shared), &[])?;
    sql::run("ANALYZE staged_accounts", &[])?;
    sql::run(include_str!("../../sql/history/prepare_accounts.sql"), &[])?;
    shared.retain(|column| account_history(column) == History::Versioned);
    sql::run(&drop_unchanged(&shared), &[])?;
    for writer in [
        include_str!("../../sql/history/write_accounts.sql"),
        include_str!("../../sql/history/write_teams.sql"),
        include_str!("../../sql/history/write_licenses.sql"),
        include_str!("../../sql/history/unstage.sql"),
    ] {
        sql::run(writer, &[])?;
    }
    Ok(())
}
