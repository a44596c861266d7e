//! What `EXPLAIN` says of a scan: what is asked of the API, and with `ANALYZE` what that took.

use std::ffi::CString;

use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use pluralsight_api::{FieldPath, Selection, Shape};
use serde_json::Value as Json;

use crate::encoding::{self, to_server};
use crate::error::{OrRaise, Result};
use crate::executor::{Asked, Scan, with_scan};
use crate::list::members;
use crate::relation::Relation;
use crate::spec::{ConditionKind, PushedCondition, ScanSpec, ValueSource};
use crate::visibility;

#[pg_guard]
pub unsafe extern "C-unwind" fn explain_foreign_scan(
    node: *mut pg_sys::ForeignScanState,
    state: *mut pg_sys::ExplainState,
) {
    // SAFETY: the executor's own node and EXPLAIN's own state; the plan is one that this extension made.
    unsafe { explain(node, state) }.or_raise();
}

unsafe fn explain(
    node: *mut pg_sys::ForeignScanState,
    state: *mut pg_sys::ExplainState,
) -> Result<()> {
    // SAFETY: as the caller says.
    let (spec, conditions, verbose, analyze, sees_values, scan) = unsafe {
        let plan = (*node).ss.ps.plan.cast::<pg_sys::ForeignScan>();
        let spec = ScanSpec::from_plan(plan)?;
        let conditions = shown_conditions(&spec, plan, state);
        (
            spec,
            conditions,
            (*state).verbose,
            (*state).analyze,
            visibility::of_values((*node).ss.ps.state),
            with_scan(node),
        )
    };
    let relation = Relation::load(Oid::from(spec.table))?;
    let print = Printer { state };
    print.text("Pluralsight Query", &relation.options.query);
    if spec.count {
        print.text("Count", "from totalCount");
    } else {
        print.text(
            "Fields",
            &fields(&relation, &spec)?
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        );
    }
    if !conditions.is_empty() {
        print.text("Remote Filter", &conditions.join(", or with fewer values "));
    }
    if let Some(limit) = spec.limit {
        print.integer("First Page", limit);
    }
    if verbose {
        let operation = &relation.options.operation;
        let has_filter = !spec.conditions.is_empty();
        let document = if spec.count {
            operation.count_document(has_filter)
        } else {
            let mut paths: Vec<FieldPath> = fields(&relation, &spec)?;
            if operation.shape == Shape::Connection {
                paths.extend(relation.options.key.clone());
            }
            operation.document(&Selection::from_paths(&paths), has_filter)
        };
        print.text("Document", &document);
    }
    if let Some(scan) = scan.filter(|_| analyze) {
        if verbose && !scan.scanned.is_empty() {
            print.text("Variables", &variables(scan, sees_values));
        }
        actuals(&print, scan);
    }
    Ok(())
}

fn actuals(print: &Printer, scan: &Scan) {
    let stats = &scan.stats;
    print.integer("Requests", stats.requests());
    print.integer("Pages", stats.pages());
    print.integer("Retries", stats.retries());
    print.integer("Bytes", stats.bytes());
    print.milliseconds("Time Waiting", stats.waited().as_secs_f64() * 1_000.0);
    if scan.shared {
        print.text(
            "Shared",
            "reads what another scan of this statement fetched",
        );
    }
    let complete = match (scan.scanned.is_empty(), scan.complete) {
        (true, _) => "not executed",
        (false, true) => "yes",
        (false, false) => "no, stopped early",
    };
    print.text("Complete", complete);
}

/// What was asked for, filter by filter: the values themselves, or how many they were.
fn variables(scan: &Scan, sees_values: bool) -> String {
    let shown: Vec<String> = scan
        .scanned
        .iter()
        .map(|asked| match asked {
            Asked::Everything => "{}".to_owned(),
            Asked::Nothing => "none: the conditions contradict one another".to_owned(),
            Asked::Filtered(filtered) => filtered
                .requests()
                .iter()
                .map(|filter| format!("{{\"filter\":{}}}", show_filter(filter, sees_values)))
                .collect::<Vec<_>>()
                .join("; "),
        })
        .collect();
    shown.join("; ")
}

/// A filter (a JSON object), or for those who may not see its values the same with their number in place of each list.
pub fn show_filter(filter: &str, sees_values: bool) -> String {
    if sees_values {
        return filter.to_owned();
    }
    let Ok(Json::Object(members)) = serde_json::from_str(filter) else {
        return "{…}".to_owned();
    };
    let counted = members
        .into_iter()
        .map(|(name, value)| {
            let number = value.as_array().map_or(1, Vec::len);
            let noun = if number == 1 { "value" } else { "values" };
            (name, Json::from(format!("{number} {noun}")))
        })
        .collect::<serde_json::Map<_, _>>();
    Json::Object(counted).to_string()
}

/// The paths that the scan's columns read.
fn fields(relation: &Relation, spec: &ScanSpec) -> Result<Vec<FieldPath>> {
    let mut fields = Vec::new();
    for &number in &spec.columns {
        let options = relation.planned_column(number)?.options;
        for path in [
            Some(options.field),
            options.only_where,
            options.only_where_not,
        ]
        .into_iter()
        .flatten()
        {
            if !fields.contains(&path) {
                fields.push(path);
            }
        }
    }
    Ok(fields)
}

/// The pushed conditions, with their values as SQL.
unsafe fn shown_conditions(
    spec: &ScanSpec,
    plan: *mut pg_sys::ForeignScan,
    state: *mut pg_sys::ExplainState,
) -> Vec<String> {
    // SAFETY: EXPLAIN has set up the context for this statement; without ancestors a value from an outer plan node is
    // shown by its number.
    let (context, expressions) = unsafe {
        (
            pg_sys::set_deparse_context_plan(
                (*state).deparse_cxt,
                plan.cast(),
                std::ptr::null_mut(),
            ),
            members::<pg_sys::Node>((*plan).fdw_exprs),
        )
    };
    let value = |index: usize| {
        // SAFETY: the index comes from this plan; the deparsed text is copied.
        unsafe {
            let Some(&expression) = expressions.get(index) else {
                return String::new();
            };
            let text = pg_sys::deparse_expression(expression, context, false, false);
            encoding::from_server(text)
        }
    };
    offered(&spec.conditions)
        .into_iter()
        .map(|condition| shown_condition(condition, &value))
        .collect()
}

/// The conditions that the executor chooses among: lists of keys before all else, and one filter in the end.
fn offered(conditions: &[PushedCondition]) -> Vec<&PushedCondition> {
    let of = |kinds: &[ConditionKind]| {
        conditions
            .iter()
            .filter(|condition| kinds.contains(&condition.kind))
            .collect::<Vec<_>>()
    };
    let keys = of(&[ConditionKind::Keys]);
    if !keys.is_empty() {
        return keys;
    }
    let overlaps = of(&[ConditionKind::Overlap, ConditionKind::HasAll]);
    if !overlaps.is_empty() {
        return overlaps;
    }
    of(&[ConditionKind::Scalar, ConditionKind::Pattern])
        .into_iter()
        .take(1)
        .collect()
}

fn shown_condition(condition: &PushedCondition, value: &dyn Fn(usize) -> String) -> String {
    let values: Vec<String> = condition
        .values
        .iter()
        .map(|source| match source {
            ValueSource::One(index) => value(*index),
            ValueSource::Array(index) => format!("any of {}", value(*index)),
            ValueSource::Json(index) => format!("any key of {}", value(*index)),
            ValueSource::Constant(constant) => constant.to_string(),
        })
        .collect();
    let verb = match condition.kind {
        ConditionKind::Keys | ConditionKind::Overlap | ConditionKind::HasAll => "in",
        ConditionKind::Scalar => "=",
        ConditionKind::Pattern => "contains",
    };
    format!("{} {verb} {}", condition.filter, values.join(", "))
}

/// Writes properties in the format that EXPLAIN was asked for.
struct Printer {
    state: *mut pg_sys::ExplainState,
}

impl Printer {
    fn text(&self, label: &str, value: &str) {
        let in_server = |text: &str| {
            CString::new(text)
                .ok()
                .and_then(|text| to_server(text).ok())
        };
        let (Ok(label), Some(value)) = (
            CString::new(label),
            in_server(value).or_else(|| in_server(&encoding::message(value))),
        ) else {
            return;
        };
        // SAFETY: both strings end in NUL and outlive the call; the state is EXPLAIN's own.
        unsafe { pg_sys::ExplainPropertyText(label.as_ptr(), value.as_ptr(), self.state) };
    }

    fn integer(&self, label: &str, value: u64) {
        let Ok(label) = CString::new(label) else {
            return;
        };
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        // SAFETY: as above.
        unsafe {
            pg_sys::ExplainPropertyInteger(label.as_ptr(), std::ptr::null(), value, self.state)
        };
    }

    fn milliseconds(&self, label: &str, value: f64) {
        let Ok(label) = CString::new(label) else {
            return;
        };
        // SAFETY: as above.
        unsafe {
            pg_sys::ExplainPropertyFloat(label.as_ptr(), c"ms".as_ptr(), value, 1, self.state)
        };
    }
}
