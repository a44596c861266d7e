//! A foreign table as planner and executor see it: its options and its live columns.

use pgrx::pg_sys::{self, Oid};

use crate::encoding;
use crate::error::{FdwError, Result};
use crate::namespace::qualified_name;
use crate::options::TableOptions;
use crate::options::catalog::{ColumnOptions, column_options, has_field, raw_column_options};

/// The statement after which a column reads NULL and is never asked of the API. It works whatever depends on the column.
pub fn make_absent(table: Oid, column: &Column) -> String {
    pluralsight_catalog::set_column_option(
        &qualified_name(table),
        &column.name,
        &raw_column_options(table, column.number),
        "absent",
        "true",
    )
}

/// Whether the relation, which is locked, has triggers that somebody has made: as its next statement will find, and not as the
/// transaction's snapshot shows.
pub fn has_triggers(relation: Oid) -> bool {
    // SAFETY: the relation is locked, and so is there or never was; its entry in the cache is used before it is given back.
    unsafe {
        let entry = pg_sys::RelationIdGetRelation(relation);
        if entry.is_null() {
            return false;
        }
        let triggers = (*entry).trigdesc;
        let found = !triggers.is_null()
            && (0..usize::try_from((*triggers).numtriggers).unwrap_or(0))
                .any(|number| !(*(*triggers).triggers.add(number)).tgisinternal);
        pg_sys::RelationClose(entry);
        found
    }
}

/// A foreign table of this wrapper.
pub struct Relation {
    pub options: TableOptions,
}

/// A live column of it that the API is asked for.
pub struct Column {
    pub number: i16,
    pub name: String,
    pub type_oid: Oid,
    pub typmod: i32,
    pub options: ColumnOptions,
}

/// Whether a foreign table belongs to this extension's wrapper: by the extension that owns the wrapper's handler, since
/// anybody may give a wrapper of theirs any name.
pub fn is_ours(table: Oid) -> bool {
    // SAFETY: a catalog look-up by id, which raises an error unless `table` is a foreign table.
    is_our_server(unsafe { (*pg_sys::GetForeignTable(table)).serverid })
}

/// The same of a server.
pub fn is_our_server(server: Oid) -> bool {
    // SAFETY: catalog look-ups by id.
    unsafe {
        let server = pg_sys::GetForeignServer(server);
        let handler = (*pg_sys::GetForeignDataWrapper((*server).fdwid)).fdwhandler;
        let extension = pg_sys::get_extension_oid(c"pluralsight_fdw".as_ptr(), true);
        extension != Oid::INVALID
            && pg_sys::getExtensionOfObject(pg_sys::ProcedureRelationId, handler) == extension
    }
}

/// How a column is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Not at all.
    None,
    /// By this extension, for each row that it hands out.
    Stored,
    /// By PostgreSQL, where it is read.
    Virtual,
}

impl Relation {
    pub fn load(table: Oid) -> Result<Relation> {
        Ok(Relation {
            options: TableOptions::load(table)?,
        })
    }

    /// The numbers that its columns have, dropped ones included.
    pub fn numbers(&self) -> impl Iterator<Item = i16> {
        // SAFETY: a catalog look-up; the tuple is released before the number is used.
        let last = unsafe {
            let tuple = pg_sys::SearchSysCache1(
                pg_sys::SysCacheIdentifier::RELOID as i32,
                pg_sys::Datum::from(self.options.oid),
            );
            if tuple.is_null() {
                0
            } else {
                let natts =
                    (*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_class>()).relnatts;
                pg_sys::ReleaseSysCache(tuple);
                natts
            }
        };
        1..=last
    }

    /// Column `number`; `None` if it was dropped, or if PostgreSQL or this extension computes it from other columns.
    pub fn column(&self, number: i16) -> Result<Option<Column>> {
        let table = self.options.oid;
        if self.generation(number) != Generation::None {
            return Ok(None);
        }
        // SAFETY: catalog look-ups; a dropped column has no type, and a name that means nothing.
        let name = unsafe {
            if pg_sys::get_atttype(table, number) == Oid::INVALID {
                return Ok(None);
            }
            let name = pg_sys::get_attname(table, number, true);
            if name.is_null() {
                return Ok(None);
            }
            encoding::from_server(name)
        };
        let (mut type_oid, mut typmod, mut collation) = (Oid::INVALID, -1, Oid::INVALID);
        // SAFETY: the column exists, as its name was just found; the three results are on this stack.
        unsafe {
            pg_sys::get_atttypetypmodcoll(table, number, &mut type_oid, &mut typmod, &mut collation)
        };
        let options = column_options(table, &self.options.query, number, &name)?;
        Ok(Some(Column {
            number,
            name,
            type_oid,
            typmod,
            options,
        }))
    }

    /// Whether and how column `number` is generated. A stored one with the option `field` is one that the API has.
    pub fn generation(&self, number: i16) -> Generation {
        let table = self.options.oid;
        // SAFETY: catalog look-ups; get_attgenerated is asked only about a column that exists.
        unsafe {
            if pg_sys::get_atttype(table, number) == Oid::INVALID {
                return Generation::None;
            }
            match pg_sys::get_attgenerated(table, number) as u8 {
                b's' if has_field(table, number) => Generation::None,
                b's' => Generation::Stored,
                b'v' => Generation::Virtual,
                _ => Generation::None,
            }
        }
    }

    /// Whether column `number` exists and the API has it.
    pub fn is_read(&self, number: i16) -> Result<bool> {
        Ok(self
            .column(number)?
            .is_some_and(|column| !column.options.absent))
    }

    /// Column `number`, which a plan says exists.
    pub fn planned_column(&self, number: i16) -> Result<Column> {
        self.column(number)?.ok_or_else(|| {
            FdwError::internal(format!("column {number} of {} is gone", self.options.name))
        })
    }
}
