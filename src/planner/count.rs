//! `count(*)` from the API's `totalCount`.

use std::ffi::c_void;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::cost;
use super::planned::Planned;
use super::restriction::{Pushed, collect};
use crate::compat;
use crate::error::Result;
use crate::list::{first_integer, members};
use crate::options::catalog::Pushdown;
use crate::spec::{ConditionKind, ScanSpec};

/// `count(*)` and `count("any")` in pg_proc.
const COUNT_STAR: u32 = 2803;
const COUNT_ANY: u32 = 2147;

#[pg_guard]
pub unsafe extern "C-unwind" fn get_foreign_upper_paths(
    root: *mut pg_sys::PlannerInfo,
    stage: pg_sys::UpperRelationKind::Type,
    input: *mut pg_sys::RelOptInfo,
    output: *mut pg_sys::RelOptInfo,
    _extra: *mut c_void,
) {
    if stage != pg_sys::UpperRelationKind::UPPERREL_GROUP_AGG {
        return;
    }
    // SAFETY: the planner's own nodes; a base relation that reaches this callback is ours and has our state.
    unsafe {
        if (*input).reloptkind != pg_sys::RelOptKind::RELOPT_BASEREL
            || (*input).fdw_private.is_null()
        {
            return;
        }
        let planned = &*(*input).fdw_private.cast::<Planned>();
        let options = &planned.relation.options;
        if !planned.exact || !options.operation.total_count || !options.allows(Pushdown::Count) {
            return;
        }
        // Whether the API found every key of a list is only known once the records have come.
        let counts_itself = |condition: &Pushed| condition.kind == ConditionKind::Scalar;
        if !planned.pushed.iter().all(counts_itself) {
            return;
        }
        let query = (*root).parse;
        let plain = (*query).hasAggs
            && (*query).groupClause.is_null()
            && (*query).groupingSets.is_null()
            && (*query).havingQual.is_null()
            && (*query).rowMarks.is_null()
            && !(*query).hasTargetSRFs
            && (*input).lateral_relids.is_null();
        let target = (*root).upper_targets[stage as usize];
        if !plain || counts((*target).exprs).is_none() {
            return;
        }
        // What travels with the path is the base relation, whose state the plan is made from.
        let private = pg_sys::lappend_int(std::ptr::null_mut(), (*input).relid as i32);
        let path = compat::foreign_upper_path(
            root,
            output,
            target,
            cost::REQUEST,
            cost::REQUEST + pg_sys::cpu_tuple_cost,
            private,
        );
        pg_sys::add_path(output, path.cast());
    }
}

/// The plan of a path that [`get_foreign_upper_paths`] made.
///
/// # Safety
/// Called from GetForeignPlan with its arguments, for such a path.
pub unsafe fn plan(
    root: *mut pg_sys::PlannerInfo,
    path: *mut pg_sys::ForeignPath,
    target_list: *mut pg_sys::List,
) -> Result<*mut pg_sys::ForeignScan> {
    // SAFETY: the path's private list holds the index of a base relation with our state.
    unsafe {
        let index = first_integer((*path).fdw_private);
        let base = *(*root).simple_rel_array.add(index as usize);
        let planned = &*(*base).fdw_private.cast::<Planned>();
        let (conditions, values) = collect(&planned.pushed);
        let spec = ScanSpec {
            table: planned.relation.options.oid.to_u32(),
            columns: Vec::new(),
            generated: Vec::new(),
            conditions,
            limit: None,
            count: true,
            parameterised: false,
        };
        let aggregates = counts((*(*path).path.pathtarget).exprs).unwrap_or(std::ptr::null_mut());
        let scan_target = pg_sys::add_to_flat_tlist(std::ptr::null_mut(), aggregates);
        Ok(pg_sys::make_foreignscan(
            target_list,
            std::ptr::null_mut(),
            0,
            values,
            spec.to_private()?,
            scan_target,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        ))
    }
}

/// The aggregates of the target, if they are all `count(*)` and nothing else is read; what is computed from them stays
/// with PostgreSQL.
unsafe fn counts(target: *mut pg_sys::List) -> Option<*mut pg_sys::List> {
    // SAFETY: a list of expressions of the query.
    unsafe {
        let flags = pg_sys::PVC_INCLUDE_AGGREGATES
            | pg_sys::PVC_INCLUDE_WINDOWFUNCS
            | pg_sys::PVC_INCLUDE_PLACEHOLDERS;
        let parts = pg_sys::pull_var_clause(target.cast(), flags as i32);
        let all = members::<pg_sys::Expr>(parts);
        (!all.is_empty() && all.iter().all(|&part| is_count(part))).then_some(parts)
    }
}

unsafe fn is_count(expression: *mut pg_sys::Expr) -> bool {
    // SAFETY: read by its tag.
    unsafe {
        if (*expression).type_ != pg_sys::NodeTag::T_Aggref {
            return false;
        }
        let aggregate = expression.cast::<pg_sys::Aggref>();
        let plain = (*aggregate).aggfilter.is_null()
            && (*aggregate).aggdistinct.is_null()
            && (*aggregate).aggorder.is_null()
            && (*aggregate).agglevelsup == 0
            && (*aggregate).aggsplit == pg_sys::AggSplit::AGGSPLIT_SIMPLE;
        plain
            && match (*aggregate).aggfnoid.to_u32() {
                COUNT_STAR => true,
                COUNT_ANY => counts_a_constant((*aggregate).args),
                _ => false,
            }
    }
}

/// `count(1)`.
unsafe fn counts_a_constant(arguments: *mut pg_sys::List) -> bool {
    // SAFETY: an aggregate's arguments are target entries.
    unsafe {
        let [argument] = members::<pg_sys::TargetEntry>(arguments)[..] else {
            return false;
        };
        let expression = (*argument).expr;
        (*expression).type_ == pg_sys::NodeTag::T_Const
            && !(*expression.cast::<pg_sys::Const>()).constisnull
    }
}
