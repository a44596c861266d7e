//! From the chosen path to the plan: what is asked of the API, and what the executor needs to know for it.

use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;

use super::count;
use super::planned::Planned;
use super::restriction::{Classifier, collect};
use crate::error::{OrRaise, Result};
use crate::executor::generation_expression;
use crate::list::members;
use crate::options::catalog::Pushdown;
use crate::relation::Generation;
use crate::spec::ScanSpec;

#[pg_guard]
pub unsafe extern "C-unwind" fn get_foreign_plan(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    table: Oid,
    path: *mut pg_sys::ForeignPath,
    target_list: *mut pg_sys::List,
    clauses: *mut pg_sys::List,
    outer_plan: *mut pg_sys::Plan,
) -> *mut pg_sys::ForeignScan {
    // SAFETY: the planner's own nodes; an upper relation is one of our count paths, a base relation has our state.
    unsafe {
        if (*rel).reloptkind == pg_sys::RelOptKind::RELOPT_UPPER_REL {
            return count::plan(root, path, target_list).or_raise();
        }
        scan_plan(root, rel, table, path, target_list, clauses, outer_plan).or_raise()
    }
}

unsafe fn scan_plan(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    table: Oid,
    path: *mut pg_sys::ForeignPath,
    target_list: *mut pg_sys::List,
    clauses: *mut pg_sys::List,
    outer_plan: *mut pg_sys::Plan,
) -> Result<*mut pg_sys::ForeignScan> {
    // SAFETY: the planner's own nodes throughout; lists are built in the planner's memory context, where plans live.
    unsafe {
        let planned = &*(*rel).fdw_private.cast::<Planned>();
        let parameterised = !(*path).path.param_info.is_null();
        let mut pushed = Vec::new();
        if planned.relation.options.allows(Pushdown::Filter) {
            let classifier = Classifier {
                root,
                relation: &planned.relation,
                index: (*rel).relid,
            };
            for rinfo in members::<pg_sys::RestrictInfo>(clauses) {
                pushed.extend(classifier.restriction(rinfo, rel));
            }
        }
        let (conditions, expressions) = collect(&pushed);
        // Everything is checked again here: a pushed condition may bring more than it should.
        let local = pg_sys::extract_actual_clauses(clauses, false);
        let (columns, generated) = needed_columns(rel, local, planned)?;
        let spec = ScanSpec {
            table: table.to_u32(),
            columns,
            generated,
            conditions,
            limit: limit(root, planned, parameterised),
            count: false,
            parameterised,
        };
        Ok(pg_sys::make_foreignscan(
            target_list,
            local,
            (*rel).relid,
            expressions,
            spec.to_private()?,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            outer_plan,
        ))
    }
}

/// The columns that the query reads, for its output, for what stands above it, and for what is checked here: those that
/// the API is asked for, and those that are computed from them.
unsafe fn needed_columns(
    rel: *mut pg_sys::RelOptInfo,
    local: *mut pg_sys::List,
    planned: &Planned,
) -> Result<(Vec<i16>, Vec<i16>)> {
    // SAFETY: the planner's own nodes.
    let (mut used, width) = unsafe {
        let mut used: *mut pg_sys::Bitmapset = std::ptr::null_mut();
        pg_sys::pull_varattnos((*(*rel).reltarget).exprs.cast(), (*rel).relid, &mut used);
        pg_sys::pull_varattnos(local.cast(), (*rel).relid, &mut used);
        (used, (*rel).max_attr)
    };
    let is_used = |number: i16, used: *mut pg_sys::Bitmapset| {
        // SAFETY: a set of the planner's memory context.
        unsafe {
            let member = |number: i16| {
                pg_sys::bms_is_member(
                    i32::from(number) - pg_sys::FirstLowInvalidHeapAttributeNumber,
                    used,
                )
            };
            // The whole row is column 0.
            member(number) || member(0)
        }
    };
    let relation = &planned.relation;
    let generated: Vec<i16> = (1..=width)
        .filter(|&number| {
            is_used(number, used) && relation.generation(number) == Generation::Stored
        })
        .collect();
    if !generated.is_empty() {
        // SAFETY: the planner holds a lock on the table; the variables of such an expression have number 1.
        unsafe {
            let table = pg_sys::table_open(relation.options.oid, pg_sys::NoLock as i32);
            for &number in &generated {
                pg_sys::pull_varattnos(generation_expression(table, number)?, 1, &mut used);
            }
            pg_sys::table_close(table, pg_sys::NoLock as i32);
        }
    }
    let mut columns = Vec::new();
    for number in 1..=width {
        if is_used(number, used) && relation.is_read(number)? {
            columns.push(number);
        }
    }
    Ok((columns, generated))
}

/// The number of rows after which the query is sure to stop asking, if nothing local can discard one before that.
unsafe fn limit(
    root: *mut pg_sys::PlannerInfo,
    planned: &Planned,
    parameterised: bool,
) -> Option<u64> {
    if !planned.exact || parameterised || !planned.relation.options.allows(Pushdown::Limit) {
        return None;
    }
    // SAFETY: the planner's own nodes. `limit_tuples` is set only where no grouping, DISTINCT, window or set-returning
    // function stands between the scan and the LIMIT; it includes the OFFSET.
    unsafe {
        let query = (*root).parse;
        let alone =
            pg_sys::bms_membership((*root).all_baserels) == pg_sys::BMS_Membership::BMS_SINGLETON;
        let rows = (*root).limit_tuples;
        (alone && (*query).sortClause.is_null() && (*query).rowMarks.is_null() && rows >= 1.0)
            .then_some(rows as u64)
    }
}
