//! Stored generated columns. The API knows nothing of them, and PostgreSQL stores nothing of a foreign table, so they are
//! computed for each row. (Virtual ones, of PostgreSQL 18 and later, PostgreSQL computes itself.)

use pgrx::pg_sys::{self, Datum};

use crate::error::{FdwError, Result};

/// What computes some columns of a table from the others.
#[derive(Default)]
pub struct Generated {
    /// By position in the row, from 0.
    columns: Vec<(usize, *mut pg_sys::ExprState)>,
}

impl Generated {
    /// Prepares columns `numbers` of `relation`.
    ///
    /// # Safety
    /// `relation` must be open, and `estate` must live as long as the result is used.
    pub unsafe fn new(
        relation: pg_sys::Relation,
        numbers: &[i16],
        estate: *mut pg_sys::EState,
    ) -> Result<Generated> {
        let mut columns = Vec::with_capacity(numbers.len());
        for &number in numbers {
            // SAFETY: the caller vouches for both; the expression is a copy, planned and prepared in the estate's context.
            let state = unsafe {
                let expression = expression(relation, number)?;
                pg_sys::ExecPrepareExpr(expression.cast(), estate)
            };
            columns.push((number as usize - 1, state));
        }
        Ok(Generated { columns })
    }

    /// Computes the columns of the row in `slot`, which has all others.
    ///
    /// # Safety
    /// The slot must hold a virtual tuple of the table, and the context belong to the estate that `new` was given. The
    /// values live in the current memory context.
    pub unsafe fn compute(
        &self,
        slot: *mut pg_sys::TupleTableSlot,
        context: *mut pg_sys::ExprContext,
    ) -> Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        // SAFETY: the caller vouches for slot and context; an evaluation may raise, hence the guard.
        unsafe {
            (*context).ecxt_scantuple = slot;
            let mut computed: Vec<(usize, Datum, bool)> = Vec::with_capacity(self.columns.len());
            for &(index, state) in &self.columns {
                let evaluate = (*state)
                    .evalfunc
                    .ok_or_else(|| FdwError::internal("an expression without a program"))?;
                let mut is_null = false;
                let datum =
                    pg_sys::ffi::pg_guard_ffi_boundary(|| evaluate(state, context, &mut is_null));
                computed.push((index, datum, is_null));
            }
            for (index, datum, is_null) in computed {
                *(*slot).tts_values.add(index) = datum;
                *(*slot).tts_isnull.add(index) = is_null;
            }
        }
        Ok(())
    }
}

/// The expression that makes the column, over variables of a table with number 1.
///
/// # Safety
/// `relation` must be open.
pub unsafe fn expression(relation: pg_sys::Relation, number: i16) -> Result<*mut pg_sys::Node> {
    // SAFETY: the caller vouches for the relation; the result is a copy in the current memory context.
    let expression = unsafe { pg_sys::build_column_default(relation, i32::from(number)) };
    if expression.is_null() {
        return Err(FdwError::internal(
            "a generated column without an expression",
        ));
    }
    Ok(expression)
}
