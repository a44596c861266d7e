//! A view whose columns must change, made anew with what it had: its grants, and the views of ours that stand on it.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::{FILES, File, Outcome, Place, Relation, definition, first, unreadable};
use crate::error::{FdwError, Result};
use crate::sql_file;

/// Everything that stands on a view, directly or over others: what it is, how it is called, and whether it is a view of
/// that schema and owner.
const STANDING_ON: &str = "
WITH RECURSIVE standing AS (
    SELECT $1 AS oid, 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS class
    UNION
    SELECT
        COALESCE(rule.ev_class, used.objid),
        CASE WHEN rule.ev_class IS NULL THEN used.classid ELSE 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid END
    FROM standing
    JOIN pg_catalog.pg_depend AS used
      ON used.refclassid OPERATOR(pg_catalog.=) standing.class
     AND used.refobjid OPERATOR(pg_catalog.=) standing.oid
     AND used.deptype OPERATOR(pg_catalog.<>) 'i'::pg_catalog.\"char\"
    LEFT JOIN pg_catalog.pg_rewrite AS rule
      ON used.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
     AND rule.oid OPERATOR(pg_catalog.=) used.objid
)
SELECT DISTINCT
    CASE
        WHEN view.relkind OPERATOR(pg_catalog.=) 'v'::pg_catalog.\"char\"
         AND view.relnamespace OPERATOR(pg_catalog.=) $2
         AND view.relowner OPERATOR(pg_catalog.=) $3
        THEN view.relname::pg_catalog.text
    END,
    standing.oid,
    pg_catalog.pg_describe_object(standing.class, standing.oid, 0)
FROM standing
LEFT JOIN pg_catalog.pg_class AS view
  ON standing.class OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
 AND view.oid OPERATOR(pg_catalog.=) standing.oid
WHERE standing.oid OPERATOR(pg_catalog.<>) $1";

/// The grants on a view and on its columns, as statements.
const GRANTS: &str = "
SELECT granted.column_name::pg_catalog.text, view.relname::pg_catalog.text, pg_catalog.format(
    'GRANT %s%s ON %I.%I TO %s%s',
    granted.privilege_type,
    '(' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(granted.column_name) OPERATOR(pg_catalog.||) ')',
    place.nspname,
    view.relname,
    CASE WHEN granted.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(granted.grantee)) END,
    CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' END
)
FROM pg_catalog.pg_class AS view
JOIN pg_catalog.pg_namespace AS place ON place.oid OPERATOR(pg_catalog.=) view.relnamespace
CROSS JOIN LATERAL (
    SELECT NULL::pg_catalog.name, acl.privilege_type, acl.grantee, acl.is_grantable
    FROM pg_catalog.aclexplode(view.relacl) AS acl
    UNION ALL
    SELECT attribute.attname, acl.privilege_type, acl.grantee, acl.is_grantable
    FROM pg_catalog.pg_attribute AS attribute
    CROSS JOIN LATERAL pg_catalog.aclexplode(attribute.attacl) AS acl
    WHERE attribute.attrelid OPERATOR(pg_catalog.=) view.oid
) AS granted (column_name, privilege_type, grantee, is_grantable)
WHERE view.oid OPERATOR(pg_catalog.=) $1
  AND granted.grantee OPERATOR(pg_catalog.<>) view.relowner";

/// Drops the view and the views of ours that stand on it, and makes them anew with their grants. What else stands on it
/// would be lost, so that is an error.
pub fn rebuild(place: &Place, file: &File, view: &Relation, replace: bool) -> Result<()> {
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
        .hint("Keep their definitions, drop them, call set_up again, and make them anew."));
    }
    // Last come those that nothing stands on.
    dropped.sort_by_key(|file| FILES.iter().position(|other| other.name == file.name));
    for file in dropped.iter().rev() {
        sql_file::run(&format!("DROP VIEW {}", place.qualified(file.name)))?;
    }
    for file in dropped {
        let outcome = place.create(file, replace)?;
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
fn standing_on(
    place: &Place,
    view: &Relation,
) -> Result<Vec<(Option<String>, pg_sys::Oid, String)>> {
    Spi::connect(|client| {
        client
            .select(
                STANDING_ON,
                None,
                &[view.oid.into(), place.oid.into(), view.owner.into()],
            )?
            .map(|row| {
                Ok((
                    row.get(1)?,
                    row.get(2)?.unwrap_or(pg_sys::Oid::INVALID),
                    row.get(3)?.unwrap_or_default(),
                ))
            })
            .collect::<std::result::Result<Vec<_>, _>>()
    })
    .map_err(unreadable)
}

/// A grant to be given again.
struct Grant {
    column: Option<String>,
    view: String,
    statement: String,
}

fn grants_on(view: pg_sys::Oid) -> Result<Vec<Grant>> {
    Spi::connect(|client| {
        client
            .select(GRANTS, None, &[view.into()])?
            .map(|row| {
                Ok(Grant {
                    column: row.get(1)?,
                    view: row.get(2)?.unwrap_or_default(),
                    statement: row.get(3)?.unwrap_or_default(),
                })
            })
            .collect::<std::result::Result<Vec<_>, _>>()
    })
    .map_err(unreadable)
}

fn has_column(place: &Place, view: &str, column: &str) -> Result<bool> {
    Ok(first::<bool>(
        "SELECT EXISTS (
            SELECT
            FROM pg_catalog.pg_class AS view
            JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid OPERATOR(pg_catalog.=) view.oid
            WHERE view.relnamespace OPERATOR(pg_catalog.=) $1
              AND view.relname::pg_catalog.text OPERATOR(pg_catalog.=) $2
              AND attribute.attname::pg_catalog.text OPERATOR(pg_catalog.=) $3
        )",
        &[place.oid.into(), view.into(), column.into()],
    )? == Some(true))
}
