//! `ANALYZE` of a foreign table.
//!
//! The API hands out records in its own order and only from the start, so a random sample would mean reading
//! everything. The first records are taken instead, as many as the statistics target asks for; the number of rows comes
//! from `totalCount`.

use std::ffi::c_int;
use std::sync::Arc;

use pgrx::memcxt::PgMemoryContexts;
use pgrx::pg_sys;
use pgrx::prelude::*;
use pluralsight_api::{Batch, ColumnPlan, Stats};

use crate::error::{OrRaise, Result};
use crate::executor::{
    Asked, ColumnReader, Fetch, Generated, Lifetime, Memory, Places, Reading, readers,
};
use crate::planner::cost::last_total;
use crate::relation::{Generation, Relation};

/// Records that PostgreSQL may think of as one page: only a ratio for its own estimates.
const ROWS_A_PAGE: f64 = 100.0;

#[pg_guard]
pub unsafe extern "C-unwind" fn analyze_foreign_table(
    relation: pg_sys::Relation,
    function: *mut pg_sys::AcquireSampleRowsFunc,
    pages: *mut pg_sys::BlockNumber,
) -> bool {
    // SAFETY: ANALYZE passes its open relation and two places for results.
    unsafe {
        let rows = f64::from((*(*relation).rd_rel).reltuples).max(0.0);
        *function = Some(sample);
        *pages = (rows / ROWS_A_PAGE) as pg_sys::BlockNumber + 1;
    }
    true
}

#[pg_guard]
unsafe extern "C-unwind" fn sample(
    relation: pg_sys::Relation,
    _level: c_int,
    rows: *mut pg_sys::HeapTuple,
    target: c_int,
    total: *mut f64,
    dead: *mut f64,
) -> c_int {
    // SAFETY: ANALYZE passes its open relation, room for `target` tuples and two places for results.
    unsafe {
        let (count, all) = take(relation, rows, usize::try_from(target).unwrap_or(0)).or_raise();
        *total = all;
        *dead = 0.0;
        count as c_int
    }
}

/// Empties the slot.
unsafe fn clear(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: a slot of ANALYZE's own, which holds a virtual tuple or nothing.
    unsafe {
        if let Some(clear) = (*(*slot).tts_ops).clear {
            clear(slot);
        }
    }
}

unsafe fn take(
    relation: pg_sys::Relation,
    rows: *mut pg_sys::HeapTuple,
    target: usize,
) -> Result<(usize, f64)> {
    // SAFETY: an open relation.
    let (oid, owner, descriptor) = unsafe {
        (
            (*relation).rd_id,
            (*(*relation).rd_rel).relowner,
            (*relation).rd_att,
        )
    };
    let table = Relation::load(oid)?;
    // SAFETY: reads the open relation's descriptor.
    let width = unsafe { (*descriptor).natts };
    let mut live = Vec::new();
    for number in 1..=width as i16 {
        if table.is_read(number)? {
            live.push(number);
        }
    }
    let readers = readers(&table, &live)?;
    let columns: Vec<ColumnPlan> = readers.iter().map(ColumnReader::plan).collect();
    let places = Places::new(&readers, &columns)?;
    let reading = Reading {
        options: &table.options,
        columns: &columns,
        asked: &Asked::Everything,
        limit: None,
        reads_to_end: false,
    };
    let mut fetch = Fetch::new(&reading, owner, Arc::new(Stats::default()))?;
    let (mut page, mut next, mut memory) = (Batch::default(), 0, Memory::default());
    let mut scratch = PgMemoryContexts::new("pluralsight_fdw sample");
    let stored: Vec<i16> = (1..=width as i16)
        .filter(|&number| table.generation(number) == Generation::Stored)
        .collect();
    // SAFETY: an open relation; the executor state is freed below, or with ANALYZE's memory where an error leaves.
    let (estate, slot, generated) = unsafe {
        let estate = pg_sys::CreateExecutorState();
        (
            estate,
            pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsVirtual),
            Generated::new(relation, &stored, estate)?,
        )
    };
    let mut count = 0;
    while count < target {
        if next >= page.len() {
            if fetch.finished() {
                break;
            }
            match fetch.next_page(&table.options)? {
                Some(records) => (page, next) = (records, 0),
                None => break,
            }
            continue;
        }
        let row = page.row(next);
        next += 1;
        // SAFETY: values live in the scratch context until the tuple, made in ANALYZE's own context, has copied them.
        unsafe {
            clear(slot);
            let values = std::slice::from_raw_parts_mut((*slot).tts_values, width as usize);
            let nulls = std::slice::from_raw_parts_mut((*slot).tts_isnull, width as usize);
            scratch
                .switch_to(|_| {
                    places.fill(
                        &readers,
                        (row, Lifetime::OfRow),
                        page.problems(),
                        &mut memory,
                        values,
                        nulls,
                    )
                })
                .map_err(|error| fetch.masked(error))?;
            pg_sys::ExecStoreVirtualTuple(slot);
            let context = match (*estate).es_per_tuple_exprcontext {
                context if context.is_null() => pg_sys::MakePerTupleExprContext(estate),
                context => context,
            };
            scratch.switch_to(|_| generated.compute(slot, context))?;
            *rows.add(count) =
                pg_sys::heap_form_tuple(descriptor, (*slot).tts_values, (*slot).tts_isnull);
            clear(slot);
            scratch.reset();
        }
        count += 1;
    }
    // SAFETY: both were made above, and nothing of them is used any more.
    unsafe {
        pg_sys::ExecDropSingleTupleTableSlot(slot);
        pg_sys::FreeExecutorState(estate);
    }
    let read_everything = fetch.finished() && next >= page.len();
    let known = last_total(table.options.server.oid, &table.options.query)
        .map_or(0.0, |total| total as f64);
    Ok((
        count,
        if read_everything {
            count as f64
        } else {
            known.max(count as f64)
        },
    ))
}
