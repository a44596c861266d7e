//! A set of copies, found by the name of its schema and checked before it is used.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pluralsight_catalog::quote_identifier;

use crate::error::{FdwError, Result};
use crate::namespace;
use crate::parameters;
use crate::relation;
use crate::role;
use crate::sql;
use crate::views::{create_copies_call, renew_copies};

/// A schema with copies in it. Everything of it belongs to one role, and is done as that role.
#[derive(Clone, Debug)]
pub struct Set {
    pub name: String,
    pub schema: Oid,
    pub owner: Oid,
    /// The table that makes the schema a set, and on which whoever works on it holds a lock.
    pub settings: Oid,
}

/// A schema of that name.
pub struct Place {
    pub schema: Oid,
    pub owner: Oid,
    pub owner_name: String,
    pub settings: Option<Oid>,
}

impl Place {
    pub fn find(name: &str) -> Result<Option<Place>> {
        let found = sql::look_up(
            include_str!("../../sql/copies/lookup/set.sql"),
            &[name.into()],
            |row| {
                Ok((
                    row.get::<Oid>(1)?,
                    row.get::<Oid>(2)?,
                    row.get::<String>(3)?,
                    row.get::<Oid>(4)?,
                ))
            },
        )?;
        Ok(found.into_iter().next().and_then(|found| {
            Some(Place {
                schema: found.0?,
                owner: found.1?,
                owner_name: found.2.unwrap_or_default(),
                settings: found.3,
            })
        }))
    }
}

impl Set {
    /// The set in that schema, if it is one.
    pub fn find(name: &str) -> Result<Option<Set>> {
        Ok(Place::find(name)?.and_then(|place| {
            Some(Set {
                name: name.to_owned(),
                schema: place.schema,
                owner: place.owner,
                settings: place.settings?,
            })
        }))
    }

    /// The set in that schema, which the current role may work on.
    pub fn open(name: &str) -> Result<Set> {
        let set = Set::find(name)?.ok_or_else(|| {
            FdwError::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
                format!("schema \"{name}\" holds no stored copies"),
            )
            .hint(create_copies_call(name))
        })?;
        if !role::has_rights_of(role::current(), set.owner) {
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("permission denied for the stored copies in schema \"{name}\""),
            )
            .detail("Only their owner, members of that role and superusers may do this."));
        }
        set.refuse_strangers()?;
        Ok(set)
    }

    /// Refuses to go on with a schema that is another one by now, or another role's.
    pub fn refuse_change(&self) -> Result<()> {
        match Set::find(&self.name)? {
            Some(now) if now.settings == self.settings && now.owner == self.owner => Ok(()),
            _ => Err(self.has_changed()),
        }
    }

    /// Refuses to go on where the schema has another name by now, and so its tables are not found, or those of another schema.
    /// It looks nothing up by the search path.
    pub fn refuse_new_name(&self) -> Result<()> {
        if namespace::hold(self.schema).as_deref() == Some(self.name.as_str()) {
            Ok(())
        } else {
            Err(self.has_changed())
        }
    }

    fn has_changed(&self) -> FdwError {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
            format!(
                "the stored copies in schema \"{}\" have just been changed",
                self.name
            ),
        )
    }

    /// Refuses a schema in which another role's objects could be found in the place of ours.
    pub fn refuse_strangers(&self) -> Result<()> {
        refuse_strangers(self.schema)
    }

    /// Runs `work` as the set's owner, with names looked up in the set's schema.
    pub fn work<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let name = namespace::hold(self.schema).ok_or_else(|| self.has_changed())?;
        role::run_as(self.owner, || parameters::inside(&name, work))
    }

    /// Refuses tables that are not what they were made as.
    pub fn refuse_damage<'a>(&self, tables: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let names: Vec<String> = tables.into_iter().map(str::to_owned).collect();
        let found = sql::look_up(
            include_str!("../../sql/copies/lookup/damage.sql"),
            &[self.schema.into(), names.into()],
            |row| {
                Ok((
                    row.get::<String>(1)?.unwrap_or_default(),
                    row.get::<String>(2)?.unwrap_or_default(),
                    row.get::<String>(3)?,
                ))
            },
        )?;
        let Some((table, problem, hint)) = found.into_iter().next() else {
            return Ok(());
        };
        Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("table {table} {problem}"),
        )
        .detail("A refresh writes only tables that run no code and belong to the owner of their schema.")
        .hint(hint.unwrap_or_else(|| self.renewal())))
    }

    /// The same, of tables that are written next: until the end of the transaction nobody gives them a trigger, which a role
    /// may do that owns nothing of the set.
    pub fn hold<'a>(&self, tables: impl IntoIterator<Item = &'a str> + Clone) -> Result<()> {
        let mut held = Vec::new();
        for name in tables.clone() {
            if let Some(table) = self.relation(name) {
                // SAFETY: a heavy lock, which the end of the transaction gives back.
                unsafe {
                    pg_sys::LockRelationOid(table, pg_sys::RowExclusiveLock as pg_sys::LOCKMODE);
                }
                held.push(table);
            }
        }
        self.refuse_damage(tables)?;
        // The look above sees what its transaction sees, which can be what was there long ago.
        if held.into_iter().any(relation::has_triggers) {
            return Err(self.has_changed());
        }
        Ok(())
    }

    /// The statement that makes what is missing.
    pub fn renewal(&self) -> String {
        renew_copies(&self.name, true, false)
    }

    /// Refuses to take what is there for ours.
    pub fn refuse_taken<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
        for name in names {
            if self.relation(name).is_some() {
                let (schema, quoted) = (quote_identifier(&self.name), quote_identifier(name));
                return Err(FdwError::new(
                    PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE,
                    format!("{schema}.{quoted} already exists and is no stored copy"),
                )
                .hint(format!(
                    "ALTER TABLE {schema}.{quoted} RENAME TO {};",
                    quote_identifier(&format!("{name}_old"))
                )));
            }
        }
        Ok(())
    }

    /// A relation of that name in the set's schema.
    pub fn relation(&self, name: &str) -> Option<Oid> {
        namespace::relation(self.schema, name)
    }

    /// The tables that are copied, in the order in which they are refreshed.
    pub fn tables(&self) -> Result<Vec<String>> {
        self.work(|| {
            sql::rows(
                include_str!("../../sql/copies/lookup/copied_tables.sql"),
                &[],
                |row| row.get::<String>(1),
            )
        })
        .map(|tables| tables.into_iter().flatten().collect())
    }
}

/// Refuses a schema in which objects of others are, or could be put.
pub fn refuse_strangers(schema: Oid) -> Result<()> {
    let found = sql::look_up(
        include_str!("../../sql/copies/lookup/strangers.sql"),
        &[schema.into()],
        |row| Ok((row.get::<String>(1)?, row.get::<String>(2)?)),
    )?;
    match found.into_iter().next() {
        None => Ok(()),
        Some((problem, hint)) => {
            let mut error = FdwError::new(
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                problem.unwrap_or_default(),
            )
            .detail("Stored copies are only kept in a schema in which nobody but its owner and superusers has objects or may make them.");
            error.hint = hint;
            Err(error)
        }
    }
}

/// What an argument that must not be null is called when it is.
pub fn required<T>(name: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!("argument \"{name}\" must not be null"),
        )
    })
}
