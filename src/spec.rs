//! What a plan says about a scan: everything the executor needs, as text that PostgreSQL can copy and cache.

use std::ffi::CStr;

use pgrx::pg_sys::{self, AsPgCStr};
use pluralsight_catalog::FilterKind;
use serde::{Deserialize, Serialize};

use crate::error::{FdwError, Result};
use crate::list::members;

/// A scan as planned. Travels in `fdw_private` as one JSON string; the expressions travel in `fdw_exprs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanSpec {
    /// The foreign table.
    pub table: u32,
    /// Numbers of the columns that the query needs, in order.
    pub columns: Vec<i16>,
    /// Numbers of the stored generated columns that it needs; what they are computed from is among `columns`.
    pub generated: Vec<i16>,
    pub conditions: Vec<PushedCondition>,
    /// First page's size, where a LIMIT may set it.
    pub limit: Option<u64>,
    /// Only the number of records is wanted.
    pub count: bool,
    /// The scan is asked again and again with other values of a join.
    pub parameterised: bool,
}

/// A condition that the API evaluates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PushedCondition {
    /// Name of the filter's input field.
    pub filter: String,
    pub kind: ConditionKind,
    /// Where its values are in `fdw_exprs`.
    pub values: Vec<ValueSource>,
}

/// How the values of a condition become the value of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ConditionKind {
    /// A list of keys; conditions on the same filter are intersected.
    Keys,
    /// A list of which a record's own list must hold one: cannot be intersected, so only one such condition counts.
    Overlap,
    /// A list that a record's own list must hold as a whole: asking for one of its values brings every such record.
    HasAll,
    /// One value; two different ones contradict each other.
    Scalar,
    /// One text that the record contains; two different ones contradict each other.
    Pattern,
}

impl ConditionKind {
    pub fn of(filter: FilterKind, on_list: bool) -> ConditionKind {
        match (filter, on_list) {
            (_, true) => ConditionKind::Overlap,
            (FilterKind::List, false) => ConditionKind::Keys,
            (FilterKind::Scalar, false) => ConditionKind::Scalar,
            (FilterKind::Pattern, false) => ConditionKind::Pattern,
        }
    }
}

/// One expression of `fdw_exprs`, or a Boolean that needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ValueSource {
    /// The expression's value is one value.
    One(usize),
    /// The expression's value is an array of values.
    Array(usize),
    /// The expression's value is JSON: the values are the keys of an object, the texts of a list, or the one text.
    Json(usize),
    /// A condition such as `is_on_account`.
    Constant(bool),
}

impl ScanSpec {
    /// As `fdw_private` holds it.
    ///
    /// # Safety
    /// Allocates in the current memory context, so there must be one: call it on the backend's thread.
    pub unsafe fn to_private(&self) -> Result<*mut pg_sys::List> {
        let json =
            serde_json::to_string(self).map_err(|error| FdwError::internal(error.to_string()))?;
        // SAFETY: makeString keeps the pointer, which lives in the current memory context as the plan does.
        unsafe {
            Ok(pg_sys::lappend(
                std::ptr::null_mut(),
                pg_sys::makeString(json.as_pg_cstr()).cast(),
            ))
        }
    }

    /// Reads what [`ScanSpec::to_private`] wrote.
    ///
    /// # Safety
    /// `plan` must be a plan node that this extension made.
    pub unsafe fn from_plan(plan: *const pg_sys::ForeignScan) -> Result<ScanSpec> {
        // SAFETY: the caller vouches for the plan, whose private list holds one String node.
        let json = unsafe {
            let node = members::<pg_sys::Node>((*plan).fdw_private)
                .first()
                .copied()
                .ok_or_else(|| FdwError::internal("the plan is empty"))?;
            CStr::from_ptr(crate::compat::string_value(node))
        };
        serde_json::from_slice(json.to_bytes())
            .map_err(|error| FdwError::internal(format!("the plan cannot be read: {error}")))
    }
}
