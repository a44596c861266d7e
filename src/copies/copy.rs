//! One copy: the table, what it is indexed by, and its comments.

use pluralsight_catalog::{CopiedColumn, CopiedTable, quote_identifier, quote_literal};

use super::columns;
use super::set::Set;
use super::source::{Source, SourceTable};
use crate::error::Result;
use crate::sql;

/// Makes one copy, or gives it the columns that are new.
pub fn make(set: &Set, source: &Source, table: &SourceTable, is_known: bool) -> Result<()> {
    let wanted = columns::wanted(source, table)?;
    let there = set.relation(&table.name);
    if there.is_some() && !is_known {
        set.refuse_taken([table.name.as_str()])?;
    }
    if there.is_some() {
        set.refuse_damage([table.name.as_str()])?;
    }
    set.work(|| {
        let known = match there {
            None => {
                sql::run(&wanted.create(), &[])?;
                index(&wanted)?;
                Vec::new()
            }
            Some(copy) => {
                let (known, _) = columns::of(copy)?;
                for column in &wanted.columns {
                    if !known.iter().any(|known| known.name == column.name) {
                        sql::run(&column.add_to(&wanted.name), &[])?;
                    }
                }
                known
            }
        };
        comment(source, table, &wanted, &known)
    })
}

/// What people look for and join by.
fn index(table: &CopiedTable) -> Result<()> {
    for (column, indexed) in [("email", "lower(email)"), ("last_login", "last_login")] {
        let fits = table
            .columns
            .iter()
            .any(|known| known.name == column && (column != "email" || known.sql_type == "text"));
        if fits {
            sql::run(
                &format!("CREATE INDEX ON {} ({indexed})", table.quoted()),
                &[],
            )?;
        }
    }
    Ok(())
}

/// Comments as the foreign table has them, where the copy has none of its own.
fn comment(
    source: &Source,
    table: &SourceTable,
    wanted: &CopiedTable,
    known: &[CopiedColumn],
) -> Result<()> {
    let of_source = sql::value::<String>(
        include_str!("../../sql/views/lookup/comment.sql"),
        &[table.oid.into()],
    )?;
    if known.is_empty() {
        let text = format!(
            "Stored copy of {}.{}. {}",
            quote_identifier(&source.name),
            wanted.quoted(),
            of_source.unwrap_or_default()
        );
        sql::run(
            &format!(
                "COMMENT ON TABLE {} IS {}",
                wanted.quoted(),
                quote_literal(text.trim_end())
            ),
            &[],
        )?;
    }
    for column in &wanted.columns {
        let is_commented = known
            .iter()
            .any(|known| known.name == column.name && known.comment.is_some());
        if column.comment.is_some() && !is_commented {
            sql::run(&column.comment_on(&wanted.name), &[])?;
        }
    }
    Ok(())
}
