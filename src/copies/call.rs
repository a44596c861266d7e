//! Procedures in C: their arguments, and the transactions that they may end.

use std::ffi::CStr;

use pgrx::fcinfo::{pg_getarg, pg_getarg_datum};
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::{FdwError, Result};
use crate::parameters;
use crate::sql;

/// A `name`.
///
/// # Safety
/// `fcinfo` must be a call whose argument `number` is a `name`.
pub unsafe fn name(fcinfo: pg_sys::FunctionCallInfo, number: usize) -> Option<String> {
    // SAFETY: a name is 64 bytes that hold a NUL, as a C string does.
    unsafe {
        let datum = pg_getarg_datum(fcinfo, number)?;
        let name = CStr::from_ptr(datum.cast_mut_ptr());
        Some(name.to_string_lossy().into_owned())
    }
}

/// A `boolean`.
///
/// # Safety
/// `fcinfo` must be a call whose argument `number` is a `boolean`.
pub unsafe fn boolean(fcinfo: pg_sys::FunctionCallInfo, number: usize) -> Option<bool> {
    // SAFETY: the caller vouches for the type.
    unsafe { pg_getarg::<bool>(fcinfo, number) }
}

/// A `text`.
///
/// # Safety
/// `fcinfo` must be a call whose argument `number` is a `text`.
pub unsafe fn text(fcinfo: pg_sys::FunctionCallInfo, number: usize) -> Option<String> {
    // SAFETY: the caller vouches for the type.
    unsafe { pg_getarg::<String>(fcinfo, number) }
}

/// A `numeric`, as text.
///
/// # Safety
/// `fcinfo` must be a call whose argument `number` is a `numeric`.
pub unsafe fn numeric(fcinfo: pg_sys::FunctionCallInfo, number: usize) -> Option<String> {
    // SAFETY: the caller vouches for the type.
    unsafe { pg_getarg::<AnyNumeric>(fcinfo, number) }.map(|value| value.to_string())
}

/// A `timestamptz`.
///
/// # Safety
/// `fcinfo` must be a call whose argument `number` is a `timestamptz`.
pub unsafe fn timestamptz(
    fcinfo: pg_sys::FunctionCallInfo,
    number: usize,
) -> Option<TimestampWithTimeZone> {
    // SAFETY: the caller vouches for the type.
    unsafe { pg_getarg::<TimestampWithTimeZone>(fcinfo, number) }
}

/// A `name[]`; an element that is NULL is none.
///
/// # Safety
/// `fcinfo` must be a call whose argument `number` is a `name[]`.
pub unsafe fn names(
    fcinfo: pg_sys::FunctionCallInfo,
    number: usize,
) -> Result<Option<Vec<Option<String>>>> {
    // SAFETY: the caller vouches for the type, and the datum outlives the statement.
    let Some(datum) = (unsafe { pg_getarg_datum(fcinfo, number) }) else {
        return Ok(None);
    };
    // SAFETY: as above.
    let argument =
        unsafe { pgrx::datum::DatumWithOid::new(NameArray(datum), pg_sys::NAMEARRAYOID) };
    parameters::with_safe_path(|| {
        sql::rows(
            include_str!("../../sql/copies/lookup/names.sql"),
            &[argument],
            |row| row.get::<String>(1),
        )
    })
    .map(Some)
}

/// An array of names, handed on as it came.
struct NameArray(pg_sys::Datum);

impl pgrx::datum::IntoDatum for NameArray {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(self.0)
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::NAMEARRAYOID
    }
}

/// Whether the procedure may end transactions: not inside a transaction block, a function, or a block with EXCEPTION.
///
/// # Safety
/// `fcinfo` must be a call.
pub unsafe fn may_commit(fcinfo: pg_sys::FunctionCallInfo) -> bool {
    // SAFETY: the context is a CallContext where the call comes from CALL, and the tag is looked at before the node is.
    unsafe {
        let context = (*fcinfo).context;
        !context.is_null()
            && (*context).type_ == pg_sys::NodeTag::T_CallContext
            && !(*context.cast::<pg_sys::CallContext>()).atomic
    }
}

/// Runs `work`, in which [`commit`] may be called if `may_commit`.
pub fn in_transactions<T>(may_commit: bool, work: impl FnOnce() -> Result<T>) -> Result<T> {
    if !may_commit {
        return work();
    }
    // SAFETY: connects for as long as this function runs; after an ERROR PostgreSQL disconnects itself.
    if unsafe { pg_sys::SPI_connect_ext(pg_sys::SPI_OPT_NONATOMIC as i32) }
        != pg_sys::SPI_OK_CONNECT as i32
    {
        return Err(FdwError::internal("SPI does not connect"));
    }
    let result = work();
    // SAFETY: ends what was begun above.
    unsafe { pg_sys::SPI_finish() };
    result
}

/// Ends the transaction, and begins the next one.
pub fn commit() {
    // SAFETY: called inside of `in_transactions`, with the session's own user and settings in force.
    unsafe { pg_sys::SPI_commit() };
}

/// Work that is done before the next cancel or termination is heard. To be used for what cannot wait: somebody may press Ctrl-C
/// twice, and PostgreSQL 15 signals every cancel twice.
pub fn uninterrupted(work: impl FnOnce() -> Result<()>) -> Result<()> {
    // SAFETY: the backend's own counter. Whatever raises an error meanwhile resets it to zero.
    unsafe {
        pg_sys::InterruptHoldoffCount += 1;
    }
    let outcome = work();
    // SAFETY: as above.
    unsafe {
        pg_sys::InterruptHoldoffCount = pg_sys::InterruptHoldoffCount.saturating_sub(1);
    }
    outcome
}
