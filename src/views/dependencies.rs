//! What a view has bound when it was made.
//!
//! The files name tables and functions without their schemas, and the view's schema is on the search path. So a function of
//! that schema could have come nearer than PostgreSQL's own, and a table could be somebody else's. Nothing has run yet: a
//! view that has bound such a thing is refused, and the statement with it.

use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;

use super::{Place, Relation, unreadable};
use crate::error::{FdwError, Result};
use crate::role;

/// Everything that the view depends on which is not PostgreSQL's own, nor an extension's, nor a relation of the same schema
/// and owner. Objects that PostgreSQL itself made have ids below 16384 or are pinned, and so are not recorded at all.
const STRANGERS: &str = "
SELECT
    pg_catalog.pg_describe_object(used.refclassid, used.refobjid, 0),
    identity.type,
    identity.identity,
    COALESCE(function.proowner, operator.oprowner, type.typowner, relation.relowner, collation_used.collowner)
FROM pg_catalog.pg_rewrite AS rule
JOIN pg_catalog.pg_depend AS used
  ON used.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
 AND used.objid OPERATOR(pg_catalog.=) rule.oid
CROSS JOIN LATERAL pg_catalog.pg_identify_object(used.refclassid, used.refobjid, 0) AS identity
LEFT JOIN pg_catalog.pg_class AS relation
  ON used.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
 AND relation.oid OPERATOR(pg_catalog.=) used.refobjid
LEFT JOIN pg_catalog.pg_proc AS function
  ON used.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
 AND function.oid OPERATOR(pg_catalog.=) used.refobjid
LEFT JOIN pg_catalog.pg_operator AS operator
  ON used.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_operator'::pg_catalog.regclass
 AND operator.oid OPERATOR(pg_catalog.=) used.refobjid
LEFT JOIN pg_catalog.pg_type AS type
  ON used.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
 AND type.oid OPERATOR(pg_catalog.=) used.refobjid
LEFT JOIN pg_catalog.pg_collation AS collation_used
  ON used.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_collation'::pg_catalog.regclass
 AND collation_used.oid OPERATOR(pg_catalog.=) used.refobjid
WHERE rule.ev_class OPERATOR(pg_catalog.=) $1
  AND NOT (relation.oid IS NOT NULL AND relation.oid OPERATOR(pg_catalog.=) $1)
  AND NOT (relation.oid IS NOT NULL AND relation.relnamespace OPERATOR(pg_catalog.=) $2 AND relation.relowner OPERATOR(pg_catalog.=) $3)
  AND identity.schema IS DISTINCT FROM 'pg_catalog'
  AND NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_depend AS member
    WHERE member.classid OPERATOR(pg_catalog.=) used.refclassid
      AND member.objid OPERATOR(pg_catalog.=) used.refobjid
      AND member.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog.\"char\"
  )
LIMIT 1";

/// Refuses a view that has bound something of somebody else's.
pub fn check(place: &Place, view: &Relation, name: &str) -> Result<()> {
    let stranger = Spi::connect(|client| {
        client
            .select(
                STRANGERS,
                Some(1),
                &[view.oid.into(), place.oid.into(), view.owner.into()],
            )?
            .next()
            .map(|row| {
                Ok((
                    row.get::<String>(1)?.unwrap_or_default(),
                    row.get::<String>(2)?.unwrap_or_default(),
                    row.get::<String>(3)?.unwrap_or_default(),
                    row.get::<pg_sys::Oid>(4)?,
                ))
            })
            .transpose()
    })
    .map_err(unreadable)?;
    let Some((description, kind, identity, owner)) = stranger else {
        return Ok(());
    };
    let mut error = FdwError::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!(
            "view {} would use {description}, which is not PostgreSQL's own",
            place.qualified(name)
        ),
    )
    .hint(
        if ["function", "operator", "type", "collation"].contains(&kind.as_str()) {
            format!(
                "ALTER {} {identity} SET SCHEMA public;",
                kind.to_uppercase()
            )
        } else {
            format!("Give it to the owner of the view, or rename it: {identity}.")
        },
    );
    if let Some(owner) = owner {
        error = error.detail(format!(
            "It belongs to role \"{}\". Whoever reads the view would run or read it.",
            role::name(owner)
        ));
    }
    Err(error)
}
