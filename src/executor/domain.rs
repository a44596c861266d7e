//! Domains: their constraints are checked as PostgreSQL checks them.

use std::cell::Cell;
use std::ffi::c_void;

use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::prelude::PgTryBuilder;

/// A domain.
pub struct Domain {
    oid: Oid,
    /// What PostgreSQL keeps for the checks, and where.
    kept: Cell<*mut c_void>,
    context: pg_sys::MemoryContext,
}

impl Domain {
    pub fn of(type_oid: Oid) -> Option<Domain> {
        // SAFETY: a catalog look-up, and the memory context of the query, in which its columns' readers are made.
        unsafe {
            (pg_sys::get_typtype(type_oid) as u8 == pg_sys::TYPTYPE_DOMAIN).then(|| Domain {
                oid: type_oid,
                kept: Cell::new(std::ptr::null_mut()),
                context: pg_sys::CurrentMemoryContext,
            })
        }
    }

    /// What is wrong with the value, in PostgreSQL's words.
    pub fn check(&self, value: Option<Datum>) -> std::result::Result<(), String> {
        let (oid, context, before) = (self.oid, self.context, self.kept.get());
        let kept = PgTryBuilder::new(move || {
            let mut kept = before;
            // SAFETY: the value is one of the domain's base type; what is kept lives as long as this reader.
            unsafe {
                pg_sys::domain_check(
                    value.unwrap_or(Datum::from(0usize)),
                    value.is_none(),
                    oid,
                    &mut kept,
                    context,
                );
            }
            Ok(kept)
        })
        .catch_others(|caught| match caught {
            pg_sys::panic::CaughtError::PostgresError(report)
            | pg_sys::panic::CaughtError::ErrorReport(report) => Err(report.message().to_owned()),
            other => other.rethrow(),
        })
        .execute()?;
        self.kept.set(kept);
        Ok(())
    }
}
