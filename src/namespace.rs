//! Schemas, and what is in them, by their names.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, AsPgCStr, Oid};

use crate::encoding;
use crate::error::{FdwError, Result};

/// The schemas that hold nothing of a user's.
const RESERVED: [&str; 3] = [
    "pluralsight_fdw",
    "pluralsight_fdw_internal",
    "information_schema",
];
/// The most bytes of a name.
pub const LONGEST_NAME: usize = 63;
/// Tells a name's lock from that of a schema that is there, whose number is 0.
const NAME: u16 = 1;

pub fn is_reserved(name: &str) -> bool {
    // PostgreSQL's own, those of temporary tables included.
    RESERVED.contains(&name) || name.starts_with("pg_")
}

/// The schema of that name, if there is one.
pub fn find(name: &str) -> Option<Oid> {
    // SAFETY: a catalog look-up by name; with missing_ok a schema that does not exist answers InvalidOid.
    let found = unsafe { pg_sys::get_namespace_oid(name.as_pg_cstr(), true) };
    (found != Oid::INVALID).then_some(found)
}

/// The name that a schema has, if it is still there.
fn name(schema: Oid) -> Option<String> {
    // SAFETY: the look-up answers null for a schema that is gone, and its string is copied.
    unsafe {
        let name = pg_sys::get_namespace_name(schema);
        (!name.is_null()).then(|| encoding::from_server(name))
    }
}

/// A name like that one that no schema has.
pub fn free(name: &str) -> String {
    (2..)
        .map(|number| {
            let suffix = format!("_{number}");
            let mut name = name.to_owned();
            while name.len() + suffix.len() > LONGEST_NAME {
                name.pop();
            }
            name + &suffix
        })
        .find(|name| find(name).is_none())
        .unwrap_or_default()
}

/// The schema of that name, if there is one, once nobody else makes it through this extension. Where there is none, nobody
/// begins to make it before this transaction ends.
pub fn find_or_reserve(name: &str) -> Option<Oid> {
    find(name).or_else(|| {
        take_turn(name);
        find(name)
    })
}

/// Lets one call at a time work on the schema of that name, until the end of the transaction.
pub fn lock(schema: Oid, name: &str) -> Result<()> {
    take(schema, pg_sys::ShareUpdateExclusiveLock);
    if self::name(schema).as_deref() == Some(name) {
        Ok(())
    } else {
        Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
            format!("schema \"{name}\" has just been changed"),
        ))
    }
}

/// The name that a schema has now and keeps until the end of the transaction, if it is still there. Nobody can make another
/// schema of that name meanwhile, whose objects would be taken for those of this one.
pub fn hold(schema: Oid) -> Option<String> {
    take(schema, pg_sys::AccessShareLock);
    name(schema)
}

/// A drop of the schema waits for any lock on it. So does a new name in 15.20, but not in 14.23, 16.15, 17.11 and 18.6.
fn take(schema: Oid, mode: u32) {
    // SAFETY: takes a lock, which goes with the transaction.
    unsafe {
        pg_sys::LockDatabaseObject(
            pg_sys::NamespaceRelationId,
            schema,
            0,
            mode as pg_sys::LOCKMODE,
        );
    }
}

/// Nobody can hold such a lock but through this function, and for longer than they could hold up the name itself.
fn take_turn(name: &str) {
    // FNV-1a: two names of one number wait for one another, and that is all.
    let number = name.bytes().fold(0x811c_9dc5_u32, |number, byte| {
        (number ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // SAFETY: takes a lock, which goes with the transaction, and hears of what was committed meanwhile.
    unsafe {
        pg_sys::LockDatabaseObject(
            pg_sys::NamespaceRelationId,
            Oid::from(number),
            NAME,
            pg_sys::ExclusiveLock as pg_sys::LOCKMODE,
        );
    }
}

/// The name of the table's schema.
pub fn schema_name(table: Oid) -> String {
    // SAFETY: catalog look-ups by id; the string ends in NUL, and is copied.
    unsafe { encoding::from_server(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(table))) }
}

/// A relation's name as a statement needs it.
pub fn qualified_name(table: Oid) -> String {
    // SAFETY: a catalog look-up by id; the string ends in NUL, and is copied.
    let name = unsafe { encoding::from_server(pg_sys::get_rel_name(table)) };
    pluralsight_catalog::qualified(&schema_name(table), &name)
}

/// The relation of that name in a schema.
pub fn relation(schema: Oid, name: &str) -> Option<Oid> {
    // SAFETY: a catalog look-up by name; what does not exist answers InvalidOid.
    let found = unsafe { pg_sys::get_relname_relid(name.as_pg_cstr(), schema) };
    (found != Oid::INVALID).then_some(found)
}
