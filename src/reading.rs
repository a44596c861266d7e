//! `grant_reading` and `revoke_reading`: who may read views and copies.
//!
//! A view is read with its owner's rights and its owner's token, so its readers need neither the foreign tables nor a
//! token. Grants name each relation: the secret of `accounts_anonymous`, the set's settings and whatever else a user keeps
//! in the schema are not among them.

use std::ffi::CStr;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use pluralsight_catalog::{quote_identifier, tables};

use crate::error::{FdwError, OrRaise, Result};
use crate::parameters;
use crate::role;
use crate::sql;
use crate::sql_file;
use crate::views::{self, Place};

/// What a schema has beside copies and the views of `sql/views/`. It names people, or what they cost.
const BESIDE_VIEWS: [&str; 6] = [
    "prices",
    "hr_staff",
    "account_history",
    "team_history",
    "history_span",
    "license_history",
];

/// Functions of a set of copies. They read with the rights of whoever calls them.
const FUNCTIONS: [&str; 2] = ["accounts_at", "changes_between"];

#[pg_extern(sql = r#"
CREATE PROCEDURE grant_reading(schema name, role name, anonymous boolean DEFAULT false)
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON PROCEDURE grant_reading(name, name, boolean) IS
    'Lets a role read the views of a schema, and the copies and history if it holds stored copies. With anonymous, only what names nobody.';
"#)]
fn grant_reading(schema: Option<&CStr>, role: Option<&CStr>, anonymous: Option<bool>) {
    grant(schema, role, anonymous).or_raise();
}

#[pg_extern(sql = r#"
CREATE PROCEDURE revoke_reading(schema name, role name)
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON PROCEDURE revoke_reading(name, name) IS
    'Takes back what grant_reading gave, and every other right to read the schema.';
"#)]
fn revoke_reading(schema: Option<&CStr>, role: Option<&CStr>) {
    revoke(schema, role).or_raise();
}

fn grant(schema: Option<&CStr>, role: Option<&CStr>, anonymous: Option<bool>) -> Result<()> {
    let request = Request::checked(schema, role)?;
    let anonymous = anonymous.ok_or_else(|| is_null("anonymous"))?;
    let names: Vec<&str> = views::FILES
        .iter()
        .filter(|file| file.name != views::FRESHNESS || request.place.holds_copies())
        .map(|file| (file.name, file.anonymous))
        .chain(tables::ALL.iter().map(|table| (table.name, false)))
        .chain(BESIDE_VIEWS.map(|name| (name, false)))
        .filter(|(_, names_nobody)| *names_nobody || !anonymous)
        .map(|(name, _)| name)
        .collect();
    parameters::with_safe_path(|| {
        let mut readable = Vec::new();
        for name in names {
            // Foreign tables are for those who ask with a token of their own, and somebody else's relation is not ours to give.
            if let Some(relation) = request.place.relation(name)?
                && request.may_give(relation.owner)
                && relation.kind != b'f'
            {
                readable.push(request.place.qualified(name));
            }
        }
        if readable.is_empty() {
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
                format!(
                    "schema \"{}\" holds no views or copies of pluralsight_fdw",
                    request.place.name
                ),
            )
            .hint(views::set_up_call(&request.place.name)));
        }
        sql_file::run(&format!(
            "GRANT USAGE ON SCHEMA {} TO {role}; GRANT SELECT ON TABLE {} TO {role}",
            quote_identifier(&request.place.name),
            readable.join(", "),
            role = request.role
        ))?;
        if !anonymous {
            for function in request.functions()? {
                sql_file::run(&format!(
                    "GRANT EXECUTE ON FUNCTION {function} TO {}",
                    request.role
                ))?;
            }
        }
        Ok(())
    })
}

fn revoke(schema: Option<&CStr>, role: Option<&CStr>) -> Result<()> {
    let request = Request::checked(schema, role)?;
    parameters::with_safe_path(|| {
        for (kind, relation) in request.relations()? {
            sql_file::run(&format!(
                // With what the role itself has given to others.
                "REVOKE {} {relation} FROM {} CASCADE",
                if kind == "S" {
                    "ALL ON SEQUENCE"
                } else {
                    "SELECT ON TABLE"
                },
                request.role
            ))?;
        }
        sql_file::run(&format!(
            "REVOKE USAGE ON SCHEMA {} FROM {} CASCADE",
            quote_identifier(&request.place.name),
            request.role
        ))?;
        for function in request.functions()? {
            sql_file::run(&format!(
                "REVOKE EXECUTE ON FUNCTION {function} FROM {} CASCADE",
                request.role
            ))?;
        }
        request.tell_what_is_left()
    })
}

/// A call whose arguments and caller are in order.
struct Request {
    place: Place,
    /// Who owns the schema, and so what is in it.
    owner: Oid,
    /// The role's name.
    reader: String,
    /// The same, quoted.
    role: String,
}

impl Request {
    fn checked(schema: Option<&CStr>, role: Option<&CStr>) -> Result<Request> {
        let schema = text(schema, "schema")?;
        let reader = text(role, "role")?;
        parameters::with_safe_path(|| {
            let place = Place::find(&schema)?;
            let owner = place.owner()?;
            if !role::has_rights_of(role::current(), owner) {
                return Err(FdwError::new(
                    PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                    format!("only the owner of schema \"{schema}\" can say who may read it"),
                )
                .detail(format!("It belongs to role \"{}\".", role::name(owner))));
            }
            let known = sql::value::<String>(
                include_str!("../sql/rights/role.sql"),
                &[reader.as_str().into()],
            )?;
            let Some(known) = known else {
                let error = FdwError::new(
                    PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
                    format!("role \"{reader}\" does not exist"),
                );
                return Err(if is_reserved_role(&reader) {
                    error.detail("A role must be named. Who reads may be a group role that others are members of.")
                } else {
                    error.hint(format!("CREATE ROLE {};", quote_identifier(&reader)))
                });
            };
            Ok(Request {
                place,
                owner,
                role: quote_identifier(&known),
                reader: known,
            })
        })
    }

    /// Whether the relation is one that its owner would give through this call: the owner of the schema, or somebody who
    /// can do whatever that role can, and for whom the caller may speak.
    fn may_give(&self, owner: Oid) -> bool {
        role::has_rights_of(owner, self.owner) && role::has_rights_of(role::current(), owner)
    }

    /// Kind and name of each relation that can be read.
    fn relations(&self) -> Result<Vec<(String, String)>> {
        let relations = sql::rows(
            include_str!("../sql/rights/relations.sql"),
            &[self.place.oid.into()],
            |row| {
                Ok((
                    row.get::<String>(1)?.unwrap_or_default(),
                    row.get::<String>(2)?.unwrap_or_default(),
                    row.get::<Oid>(3)?.unwrap_or(Oid::INVALID),
                ))
            },
        )?;
        Ok(relations
            .into_iter()
            .filter(|&(_, _, owner)| self.may_give(owner))
            .map(|(kind, name, _)| (kind, self.place.qualified(&name)))
            .collect())
    }

    /// Warns of what the role can read all the same: a right that PUBLIC has, or a role that it is a member of, or that somebody
    /// else has given, is not the owner's to take from it.
    fn tell_what_is_left(&self) -> Result<()> {
        let left = sql::rows(
            include_str!("../sql/rights/left.sql"),
            &[self.place.oid.into(), self.reader.as_str().into()],
            |row| row.get::<String>(1),
        )?;
        let left: Vec<String> = left.into_iter().flatten().collect();
        if let Some(one) = left.first() {
            FdwError::new(
                PgSqlErrorCode::ERRCODE_WARNING_PRIVILEGE_NOT_REVOKED,
                format!(
                    "role {} can still read {} of schema \"{}\": {one}{}",
                    self.role,
                    match left.len() {
                        1 => "1 table or view".to_owned(),
                        number => format!("{number} tables and views"),
                    },
                    self.place.name,
                    if left.len() > 1 { ", …" } else { "" }
                ),
            )
            .detail("It has the right through PUBLIC, through a role that it is a member of, or from another role than the owner.")
            .warn();
        }
        Ok(())
    }

    /// The set's own functions, as GRANT takes them.
    fn functions(&self) -> Result<Vec<String>> {
        let functions = sql::rows(
            include_str!("../sql/rights/functions.sql"),
            &[
                self.place.oid.into(),
                FUNCTIONS.map(str::to_owned).to_vec().into(),
            ],
            |row| {
                Ok((
                    row.get::<String>(1)?.unwrap_or_default(),
                    row.get::<Oid>(2)?.unwrap_or(Oid::INVALID),
                ))
            },
        )?;
        Ok(functions
            .into_iter()
            .filter(|&(_, owner)| self.may_give(owner))
            .map(|(function, _)| format!("{}.{function}", quote_identifier(&self.place.name)))
            .collect())
    }
}

/// Whether PostgreSQL makes no role of that name.
fn is_reserved_role(name: &str) -> bool {
    ["public", "none", ""].contains(&name) || name.starts_with("pg_")
}

fn text(argument: Option<&CStr>, name: &str) -> Result<String> {
    Ok(argument
        .ok_or_else(|| is_null(name))?
        .to_string_lossy()
        .into_owned())
}

fn is_null(name: &str) -> FdwError {
    FdwError::new(
        PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        format!("argument \"{name}\" must not be null"),
    )
}
