//! Estimates and paths: one scan of the table, and look-ups by the keys of another relation.

use std::ffi::c_void;

use pgrx::memcxt::PgMemoryContexts;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;

use super::cost;
use super::planned::Planned;
use super::restriction::{Classifier, Pushed, Value};
use crate::compat;
use crate::error::OrRaise;
use crate::list::members;
use crate::options::catalog::Pushdown;
use crate::relation::Relation;
use crate::spec::ConditionKind;

/// Keys assumed behind an expression whose value is not known while planning.
const UNKNOWN_KEYS: f64 = 10.0;

#[pg_guard]
pub unsafe extern "C-unwind" fn get_foreign_rel_size(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    table: Oid,
) {
    let relation = Relation::load(table).or_raise();
    // SAFETY: `root` and `rel` are the planner's, for the duration of planning; the state is handed to the memory
    // context in which the planner works, which drops it when planning ends or fails.
    unsafe {
        let (pushed, exact) = classify_all(root, rel, &relation);
        (*rel).tuples = cost::table_rows(&relation.options, (*rel).tuples);
        pg_sys::set_baserel_size_estimates(root, rel);
        for condition in &pushed {
            if let Some(keys) = keys_asked(condition)
                && identifies(&relation, condition)
            {
                (*rel).rows = (*rel).rows.min(keys.max(1.0));
            }
        }
        let planned = Planned {
            relation,
            pushed,
            exact,
        };
        (*rel).fdw_private = PgMemoryContexts::CurrentMemoryContext
            .leak_and_drop_on_delete(planned)
            .cast();
    }
}

/// The restrictions that the API can evaluate, and whether that is all of them, exactly.
unsafe fn classify_all(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    relation: &Relation,
) -> (Vec<Pushed>, bool) {
    let mut pushed = Vec::new();
    let mut exact = true;
    if !relation.options.allows(Pushdown::Filter) {
        // SAFETY: reads the planner's list.
        return (pushed, unsafe { (*rel).baserestrictinfo.is_null() });
    }
    // SAFETY: the planner's own nodes.
    unsafe {
        let classifier = Classifier {
            root,
            relation,
            index: (*rel).relid,
        };
        for rinfo in members::<pg_sys::RestrictInfo>((*rel).baserestrictinfo) {
            match classifier.restriction(rinfo, rel) {
                Some(condition) => {
                    exact &= condition.exact;
                    pushed.push(condition);
                }
                None => exact = false,
            }
        }
    }
    // That the API joins several filters with AND is not confirmed.
    let filters: std::collections::BTreeSet<&str> = pushed
        .iter()
        .map(|condition| condition.filter.as_str())
        .collect();
    exact &= filters.len() <= 1;
    (pushed, exact)
}

#[pg_guard]
pub unsafe extern "C-unwind" fn get_foreign_paths(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    _table: Oid,
) {
    // SAFETY: the planner's own nodes; fdw_private is what get_foreign_rel_size left for this relation.
    unsafe {
        let planned = &*(*rel).fdw_private.cast::<Planned>();
        let options = &planned.relation.options;
        let (requests, records) = if planned.pushed.is_empty() {
            (cost::pages(options, (*rel).tuples), (*rel).tuples)
        } else {
            let keys = planned
                .pushed
                .iter()
                .filter_map(keys_asked)
                .fold(1.0, f64::max);
            (
                (keys / cost::KEYS_A_REQUEST as f64)
                    .ceil()
                    .max(cost::pages(options, (*rel).rows)),
                (*rel).rows,
            )
        };
        // A LIMIT stops the pages behind it, so a scan without anything above it starts after the first.
        let total = cost::transfer(requests, records) + local_cost(rel, records);
        let path = compat::foreign_scan_path(
            root,
            rel,
            (*rel).rows,
            cost::REQUEST,
            total,
            (*rel).lateral_relids,
        );
        if (*root).tuple_fraction > 0.0 {
            // Not all rows may be wanted: whoever plans an Append sees here that its scans are better not run at once.
            (*path).fdw_private = pg_sys::lappend_int(std::ptr::null_mut(), 1);
        }
        pg_sys::add_path(rel, path.cast());
        if options.allows(Pushdown::Join) && options.allows(Pushdown::Filter) {
            add_lookups(root, rel, planned);
        }
    }
}

/// PostgreSQL's own work on the rows that the API sends.
unsafe fn local_cost(rel: *mut pg_sys::RelOptInfo, records: f64) -> f64 {
    // SAFETY: reads the planner's estimate and the session's setting.
    unsafe { ((*rel).baserestrictcost.per_tuple + pg_sys::cpu_tuple_cost) * records }
}

/// A path for each other relation whose columns this table can be looked up by.
unsafe fn add_lookups(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    planned: &Planned,
) {
    // SAFETY: the planner's own nodes throughout.
    unsafe {
        let classifier = Classifier {
            root,
            relation: &planned.relation,
            index: (*rel).relid,
        };
        let mut candidates: Vec<*mut pg_sys::RestrictInfo> = Vec::new();
        for rinfo in members::<pg_sys::RestrictInfo>((*rel).joininfo) {
            if pg_sys::join_clause_is_movable_to(rinfo, rel) && is_lookup(&classifier, rinfo, rel) {
                candidates.push(rinfo);
            }
        }
        if (*rel).has_eclass_joins {
            for filter in &planned.relation.options.filters {
                let mut wanted = WantedColumn {
                    relation: &planned.relation,
                    field: &filter.field,
                };
                let clauses = pg_sys::generate_implied_equalities_for_column(
                    root,
                    rel,
                    Some(column_has_filter),
                    (&raw mut wanted).cast(),
                    (*rel).lateral_referencers,
                );
                for rinfo in members::<pg_sys::RestrictInfo>(clauses) {
                    if pg_sys::join_clause_is_movable_to(rinfo, rel)
                        && is_lookup(&classifier, rinfo, rel)
                    {
                        candidates.push(rinfo);
                    }
                }
            }
        }
        let mut done: Vec<*mut pg_sys::Bitmapset> = Vec::new();
        for rinfo in candidates {
            let outer = pg_sys::bms_union((*rinfo).clause_relids, (*rel).lateral_relids);
            let outer = pg_sys::bms_del_member(outer, (*rel).relid as i32);
            if pg_sys::bms_membership(outer) == pg_sys::BMS_Membership::BMS_EMPTY_SET
                || done.iter().any(|&known| pg_sys::bms_equal(known, outer))
            {
                continue;
            }
            done.push(outer);
            add_lookup(root, rel, planned, &classifier, outer);
        }
    }
}

unsafe fn add_lookup(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    planned: &Planned,
    classifier: &Classifier<'_>,
    outer: *mut pg_sys::Bitmapset,
) {
    // SAFETY: the planner's own nodes.
    unsafe {
        let information = pg_sys::get_baserel_parampathinfo(root, rel, outer);
        if information.is_null() {
            return;
        }
        let mut rows = (*information).ppi_rows;
        for rinfo in members::<pg_sys::RestrictInfo>((*information).ppi_clauses) {
            if let Some(condition) = classifier.restriction(rinfo, rel)
                && let Some(keys) = keys_asked(&condition)
                && identifies(&planned.relation, &condition)
            {
                rows = rows.min(keys.max(1.0));
            }
        }
        (*information).ppi_rows = rows;
        let requests = cost::pages(&planned.relation.options, rows);
        let total = cost::transfer(requests, rows) + local_cost(rel, rows);
        let path = compat::foreign_scan_path(root, rel, rows, cost::REQUEST, total, outer);
        pg_sys::add_path(rel, path.cast());
    }
}

unsafe fn is_lookup(
    classifier: &Classifier<'_>,
    rinfo: *mut pg_sys::RestrictInfo,
    rel: *mut pg_sys::RelOptInfo,
) -> bool {
    // SAFETY: a condition of the query on that relation.
    unsafe { classifier.restriction(rinfo, rel) }
        .is_some_and(|condition| condition.kind == ConditionKind::Keys)
}

/// What [`column_has_filter`] is asked about.
struct WantedColumn<'a> {
    relation: &'a Relation,
    field: &'a str,
}

/// Called for each member of an equivalence class: is it the column that the filter compares?
#[pg_guard]
unsafe extern "C-unwind" fn column_has_filter(
    _root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    _class: *mut pg_sys::EquivalenceClass,
    member: *mut pg_sys::EquivalenceMember,
    argument: *mut c_void,
) -> bool {
    // SAFETY: the planner's own nodes, and the argument that add_lookups passed.
    unsafe {
        let wanted = &*argument.cast::<WantedColumn<'_>>();
        let mut node = (*member).em_expr;
        while (*node).type_ == pg_sys::NodeTag::T_RelabelType {
            node = (*node.cast::<pg_sys::RelabelType>()).arg;
        }
        if (*node).type_ != pg_sys::NodeTag::T_Var {
            return false;
        }
        let var = node.cast::<pg_sys::Var>();
        (*var).varno as pg_sys::Index == (*rel).relid
            && (*var).varlevelsup == 0
            && (*var).varattno > 0
            && wanted
                .relation
                .column((*var).varattno)
                .ok()
                .flatten()
                .is_some_and(|column| column.options.field.to_string() == wanted.field)
    }
}

/// How many keys the condition asks for, as far as planning can tell.
unsafe fn keys_of(value: &Value) -> f64 {
    match value {
        Value::One(_) | Value::Constant(_) => 1.0,
        Value::Json(_) => UNKNOWN_KEYS,
        // SAFETY: an expression of the query, read by its tag; array constants are detoasted before they are counted.
        Value::Array(expression) => unsafe {
            match (**expression).type_ {
                pg_sys::NodeTag::T_ArrayExpr => {
                    let elements = (*expression.cast::<pg_sys::ArrayExpr>()).elements;
                    if elements.is_null() {
                        0.0
                    } else {
                        f64::from((*elements).length)
                    }
                }
                pg_sys::NodeTag::T_Const => {
                    let constant = expression.cast::<pg_sys::Const>();
                    if (*constant).constisnull {
                        return 0.0;
                    }
                    let array = pg_sys::pg_detoast_datum((*constant).constvalue.cast_mut_ptr())
                        .cast::<pg_sys::ArrayType>();
                    let dimensions = array
                        .cast::<u8>()
                        .add(std::mem::size_of::<pg_sys::ArrayType>())
                        .cast();
                    f64::from(pg_sys::ArrayGetNItems((*array).ndim, dimensions))
                }
                _ => UNKNOWN_KEYS,
            }
        },
    }
}

fn keys_asked(condition: &Pushed) -> Option<f64> {
    if condition.kind != ConditionKind::Keys {
        return None;
    }
    // SAFETY: the values are expressions of the query being planned.
    Some(
        condition
            .values
            .iter()
            .map(|value| unsafe { keys_of(value) })
            .sum(),
    )
}

/// Whether at most one row or so has each value: the table's key, or an e-mail address.
fn identifies(relation: &Relation, condition: &Pushed) -> bool {
    let Ok(Some(column)) = relation.column(condition.column) else {
        return false;
    };
    let field = column.options.field.to_string();
    field == "email"
        || relation
            .options
            .key
            .as_ref()
            .is_some_and(|key| key.to_string() == field)
}
