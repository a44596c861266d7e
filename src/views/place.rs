//! A schema with tables and views, and its relations, looked up whatever is on the search path.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pluralsight_catalog::{quote_identifier, quote_literal, tables};

use crate::error::{FdwError, Result};
use crate::namespace;
use crate::role;
use crate::sql::look_up;
use crate::sql_file;

/// The schema that the views are in.
pub struct Place {
    pub name: String,
    pub oid: Oid,
}

/// A relation of it.
pub struct Relation {
    pub oid: Oid,
    pub kind: u8,
    pub owner: Oid,
}

impl Relation {
    /// Whether the current role may read it.
    pub fn may_read(&self) -> bool {
        // SAFETY: a catalog look-up.
        unsafe {
            pg_sys::pg_class_aclcheck(
                self.oid,
                pg_sys::GetUserId(),
                pg_sys::ACL_SELECT as pg_sys::AclMode,
            ) == pg_sys::AclResult::ACLCHECK_OK
        }
    }
}

impl Place {
    pub fn find(schema: &str) -> Result<Place> {
        match namespace::find(schema) {
            Some(oid) => Ok(Place {
                name: schema.to_owned(),
                oid,
            }),
            None => Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_INVALID_SCHEMA_NAME,
                format!("schema \"{schema}\" does not exist"),
            )
            // Stored copies are called after what they copy.
            .hint(if schema.ends_with("_copy") {
                create_copies_call(schema)
            } else {
                set_up_call(schema)
            })),
        }
    }

    /// The owner of the tables, who must be able to do whatever the schema's owner can: otherwise somebody has put them
    /// there to have views made over them. The caller must be able to speak for that role.
    pub fn owner_of_tables(&self) -> Result<Oid> {
        let mut owner = role::current();
        for table in tables::ALL {
            if let Some(relation) = self.relation(table.name)? {
                owner = relation.owner;
                break;
            }
        }
        let schema_owner = self.owner()?;
        if role::has_rights_of(owner, schema_owner) && role::has_rights_of(role::current(), owner) {
            return Ok(owner);
        }
        Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("no views can be made in schema \"{}\"", self.name),
        )
        .detail(format!(
            "The schema belongs to role \"{}\", its tables to role \"{}\".",
            role::name(schema_owner),
            role::name(owner)
        )))
    }

    /// The owner of the schema.
    pub fn owner(&self) -> Result<Oid> {
        let owner = look_up(
            include_str!("../../sql/views/lookup/schema_owner.sql"),
            &[self.oid.into()],
            |row| row.get::<Oid>(1),
        )?;
        Ok(owner.into_iter().flatten().next().unwrap_or(Oid::INVALID))
    }

    /// Whether it is a set of copies.
    pub fn holds_copies(&self) -> bool {
        let settings = look_up(
            include_str!("../../sql/copies/lookup/set.sql"),
            &[self.name.as_str().into()],
            |row| row.get::<Oid>(4),
        );
        settings.is_ok_and(|found| found.into_iter().flatten().next().is_some())
    }

    /// The call, for whoever may make it; for others, whom to ask.
    pub fn as_owner(&self, call: String) -> String {
        match self.owner() {
            Ok(owner) if !role::has_rights_of(role::current(), owner) => {
                format!("Role \"{}\" can do this: {call}", role::name(owner))
            }
            _ => call,
        }
    }

    /// The relation of that name, if there is one.
    pub fn relation(&self, name: &str) -> Result<Option<Relation>> {
        let found = look_up(
            include_str!("../../sql/views/lookup/relation.sql"),
            &[self.oid.into(), name.into()],
            |row| {
                Ok(Relation {
                    oid: row.get(1)?.unwrap_or(Oid::INVALID),
                    kind: row
                        .get::<String>(2)?
                        .and_then(|kind| kind.bytes().next())
                        .unwrap_or(0),
                    owner: row.get(3)?.unwrap_or(Oid::INVALID),
                })
            },
        )?;
        Ok(found.into_iter().next())
    }

    /// The same; it must belong to the current role and be of one of the kinds, as pg_class has them.
    pub fn own(&self, name: &str, kinds: &[u8]) -> Result<Option<Relation>> {
        let Some(relation) = self.relation(name)? else {
            return Ok(None);
        };
        let qualified = self.qualified(name);
        let problem = if relation.owner != role::current() {
            format!(
                "{qualified} already exists and belongs to role {}",
                quote_identifier(&role::name(relation.owner))
            )
        } else if !kinds.contains(&relation.kind) {
            format!("{qualified} already exists and is {}", kind(relation.kind))
        } else {
            return Ok(Some(relation));
        };
        Err(
            FdwError::new(PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT, problem)
                .detail("It is not taken as found, because it would be read with another role's rights.")
                .hint(format!(
                    "ALTER {} {qualified} RENAME TO {};",
                    keyword(relation.kind),
                    quote_identifier(&format!("{name}_old"))
                )),
        )
    }

    pub fn qualified(&self, name: &str) -> String {
        format!(
            "{}.{}",
            quote_identifier(&self.name),
            quote_identifier(name)
        )
    }

    /// A query that names these relations of the schema, with the names meaning them under any search path.
    pub fn query(&self, relations: &[&str], query: &str) -> String {
        let named: Vec<String> = relations
            .iter()
            .map(|name| format!("{name} AS (SELECT * FROM {})", self.qualified(name)))
            .collect();
        format!("WITH {}\n{query}", named.join(", "))
    }

    /// Takes from every other role what default privileges have given it on new sequences.
    pub fn make_private(&self, sequences: &[&str]) -> Result<()> {
        let names: Vec<String> = sequences.iter().map(|&name| name.to_owned()).collect();
        look_up(
            include_str!("../../sql/views/lookup/secrets.sql"),
            &[self.oid.into(), names.into()],
            |row| row.get::<String>(1),
        )?
        .iter()
        .flatten()
        .try_for_each(|revocation| sql_file::run(revocation))
    }
}

/// In the place of a value that only a person can know.
const BLANK: &str = "'…'";

/// The call that makes tables and views in a schema.
pub fn set_up_call(schema: &str) -> String {
    let servers = names(include_str!("../../sql/copies/lookup/server.sql"), schema);
    format!(
        "CALL pluralsight_fdw.set_up({}, {});",
        only(&servers),
        quote_literal(schema)
    )
}

/// The call that tells a set of copies anew what it copies.
pub fn reconnect_call(copies: &str) -> String {
    let sources = names(
        include_str!("../../sql/views/lookup/copied_schema.sql"),
        copies,
    );
    format!(
        "CALL pluralsight_fdw.create_copies({}, {});",
        only(&sources),
        quote_literal(copies)
    )
}

/// The only one of the names, as a literal. Where there are several, a person must choose.
fn only(names: &[String]) -> String {
    match names {
        [] => quote_literal("pluralsight"),
        [name] => quote_literal(name),
        _ => BLANK.to_owned(),
    }
}

/// The call that makes what is missing in a set of copies that is there. The set knows what it copies.
pub fn renew_copies(copies: &str, fill: bool, replace_views: bool) -> String {
    format!(
        "CALL pluralsight_fdw.create_copies(copies => {}{}{});",
        quote_literal(copies),
        if fill { "" } else { ", fill => false" },
        if replace_views {
            ", replace_views => true"
        } else {
            ""
        }
    )
}

/// The call that makes copies in a schema that has none; or copies of it, if it is where foreign tables are.
pub fn create_copies_call(copies: &str) -> String {
    let sources = names(
        include_str!("../../sql/views/lookup/copied_schema.sql"),
        copies,
    );
    match sources.first() {
        Some(source) if source == copies => format!(
            "CALL pluralsight_fdw.create_copies({});",
            quote_literal(source)
        ),
        Some(source) if source != "pluralsight" => format!(
            "CALL pluralsight_fdw.create_copies({}, {});",
            quote_literal(source),
            quote_literal(copies)
        ),
        _ => format!(
            "CALL pluralsight_fdw.create_copies(copies => {});",
            quote_literal(copies)
        ),
    }
}

/// The names that a look-up finds for the name of a schema.
fn names(query: &'static str, schema: &str) -> Vec<String> {
    look_up(query, &[schema.into()], |row| row.get::<String>(1))
        .map(|names| names.into_iter().flatten().collect())
        .unwrap_or_default()
}

fn kind(kind: u8) -> &'static str {
    match kind {
        b'r' | b'p' => "a table",
        b'v' => "a view",
        b'm' => "a materialized view",
        b'f' => "a foreign table",
        b'S' => "a sequence",
        b'i' | b'I' => "an index",
        _ => "a composite type",
    }
}

fn keyword(kind: u8) -> &'static str {
    match kind {
        b'r' | b'p' => "TABLE",
        b'v' => "VIEW",
        b'm' => "MATERIALIZED VIEW",
        b'f' => "FOREIGN TABLE",
        b'S' => "SEQUENCE",
        b'i' | b'I' => "INDEX",
        _ => "TYPE",
    }
}
