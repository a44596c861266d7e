//! From the values of a scan's conditions to what the API is asked.

use std::collections::BTreeSet;
use std::ffi::CStr;

use pgrx::pg_sys::{self, Datum, Oid};
use pluralsight_catalog::Table;
use serde_json::{Map, Value as Json};

use super::absent;
use crate::error::{FdwError, Result};
use crate::options::TableOptions;
use crate::planner::{KEYS_A_REQUEST, known_pages};
use crate::spec::{ConditionKind, ScanSpec, ValueSource};

/// Requests that reading a whole table is taken to cost where nothing is known of it: a large organisation.
const ASSUMED_PAGES: f64 = 50.0;

/// What a scan asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// Every record.
    Everything,
    /// The conditions contradict one another: no request is needed.
    Nothing,
    /// One request or more, each with a filter of its own (JSON objects), that together bring every record wanted.
    Filters(Vec<String>),
}

/// A computed value of `fdw_exprs`.
pub struct Computed {
    pub datum: Datum,
    pub is_null: bool,
    pub type_oid: Oid,
}

/// Chooses the one filter that brings the fewest records. A second one would only help if the API joined filters with
/// AND, which is not confirmed; PostgreSQL checks all conditions anyway.
pub fn choose(spec: &ScanSpec, options: &TableOptions, computed: &[Computed]) -> Result<Asked> {
    if options.is_absent() {
        absent::warn(options);
        return Ok(Asked::Nothing);
    }
    let mut keys: Vec<(String, BTreeSet<String>)> = Vec::new();
    let mut overlaps: Vec<(String, BTreeSet<String>)> = Vec::new();
    let mut singles: Vec<(String, ConditionKind, Json)> = Vec::new();
    for condition in &spec.conditions {
        let values = values_of(&condition.values, computed)?;
        match condition.kind {
            ConditionKind::Keys => {
                let texts = texts(values);
                match keys
                    .iter_mut()
                    .find(|(filter, _)| *filter == condition.filter)
                {
                    Some((_, known)) => known.retain(|key| texts.contains(key)),
                    None => keys.push((condition.filter.clone(), texts)),
                }
            }
            ConditionKind::Overlap => overlaps.push((condition.filter.clone(), texts(values))),
            ConditionKind::Scalar | ConditionKind::Pattern => {
                let Some(value) = values.into_iter().next().filter(|value| !value.is_null()) else {
                    return Ok(Asked::Nothing);
                };
                match singles
                    .iter()
                    .find(|(filter, ..)| *filter == condition.filter)
                {
                    Some((_, _, known)) if *known != value => return Ok(Asked::Nothing),
                    Some(_) => {}
                    None => singles.push((condition.filter.clone(), condition.kind, value)),
                }
            }
        }
    }
    if keys
        .iter()
        .chain(&overlaps)
        .any(|(_, values)| values.is_empty())
    {
        return Ok(Asked::Nothing);
    }
    singles.retain(|(_, kind, value)| {
        *kind != ConditionKind::Pattern || value.as_str().is_some_and(is_its_own_pattern)
    });
    let fewest = keys.into_iter().min_by_key(|(_, values)| values.len());
    if let Some((filter, values)) = fewest
        && let Some(asked) = in_lists(&filter, values, options, spec.count)
    {
        return Ok(asked);
    }
    if let Some((filter, values)) = overlaps.into_iter().min_by_key(|(_, values)| values.len())
        && let Some(asked) = in_lists(&filter, values, options, spec.count)
    {
        return Ok(asked);
    }
    Ok(match singles.into_iter().next() {
        Some((filter, _, value)) => Asked::Filters(vec![object(filter, value)]),
        None => Asked::Everything,
    })
}

/// The values in as many filters as requests are needed; `None` where reading everything is cheaper, or where a record
/// could come twice and nothing tells that it did.
fn in_lists(
    filter: &str,
    values: BTreeSet<String>,
    options: &TableOptions,
    exact: bool,
) -> Option<Asked> {
    let fold = Table::over(&options.query)
        .and_then(|table| table.filter(filter))
        .is_some_and(|filter| filter.fold_case);
    let values: Vec<String> = values.into_iter().collect();
    let chunks = values.len().div_ceil(KEYS_A_REQUEST);
    let whole = known_pages(options).unwrap_or(ASSUMED_PAGES);
    if chunks > 1 && !exact && (options.key.is_none() || chunks as f64 >= whole) {
        return None;
    }
    let filters = values
        .chunks(KEYS_A_REQUEST)
        .map(|chunk| {
            let mut asked: Vec<Json> = Vec::with_capacity(chunk.len());
            for value in chunk {
                asked.push(Json::from(value.as_str()));
                // How the API compares is not known: if it keeps addresses in lower case, only that form finds them.
                let lower = value.to_lowercase();
                if fold && lower != *value && !chunk.contains(&lower) {
                    asked.push(Json::from(lower));
                }
            }
            object(filter.to_owned(), Json::from(asked))
        })
        .collect();
    Some(Asked::Filters(filters))
}

fn object(filter: String, value: Json) -> String {
    Json::from(Map::from_iter([(filter, value)])).to_string()
}

/// A pattern's own rules are not known; these characters stand for themselves under all the usual ones.
fn is_its_own_pattern(text: &str) -> bool {
    !text.trim().is_empty()
        && text.trim() == text
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.'))
}

fn texts(values: Vec<Json>) -> BTreeSet<String> {
    values
        .into_iter()
        .filter_map(|value| match value {
            Json::Null => None,
            Json::String(text) => Some(text),
            other => Some(other.to_string()),
        })
        .collect()
}

fn values_of(sources: &[ValueSource], computed: &[Computed]) -> Result<Vec<Json>> {
    let mut values = Vec::new();
    for source in sources {
        match source {
            ValueSource::Constant(constant) => values.push(Json::from(*constant)),
            ValueSource::One(index) => values.push(json_of(expression(computed, *index)?)?),
            ValueSource::Array(index) => {
                let array = expression(computed, *index)?;
                if !array.is_null {
                    // SAFETY: the planner only takes expressions of array types for this source.
                    values.extend(unsafe { elements(array)? });
                }
            }
        }
    }
    Ok(values)
}

fn expression(computed: &[Computed], index: usize) -> Result<&Computed> {
    computed
        .get(index)
        .ok_or_else(|| FdwError::internal("the plan names an expression that it does not have"))
}

fn json_of(value: &Computed) -> Result<Json> {
    if value.is_null {
        return Ok(Json::Null);
    }
    Ok(match value.type_oid {
        pg_sys::BOOLOID => Json::from(value.datum.value() != 0),
        type_oid => {
            let text = output(value.datum, type_oid)?;
            match type_oid {
                pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => text
                    .parse::<i64>()
                    .map(Json::from)
                    .unwrap_or(Json::from(text)),
                _ => Json::from(text),
            }
        }
    })
}

/// # Safety
/// The value must be a non-null array.
unsafe fn elements(array: &Computed) -> Result<Vec<Json>> {
    // SAFETY: the caller vouches for the array; the results of deconstruct_array live in the current memory context.
    let (element_type, datums, nulls) = unsafe {
        let pointer =
            pg_sys::pg_detoast_datum(array.datum.cast_mut_ptr()).cast::<pg_sys::ArrayType>();
        let element_type = (*pointer).elemtype;
        let (mut length, mut by_value, mut align) = (0i16, false, 0 as std::ffi::c_char);
        pg_sys::get_typlenbyvalalign(element_type, &mut length, &mut by_value, &mut align);
        let (mut datums, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
        pg_sys::deconstruct_array(
            pointer,
            element_type,
            i32::from(length),
            by_value,
            align,
            &mut datums,
            &mut nulls,
            &mut count,
        );
        let count = usize::try_from(count).unwrap_or(0);
        if count == 0 {
            return Ok(Vec::new());
        }
        (
            element_type,
            std::slice::from_raw_parts(datums, count),
            std::slice::from_raw_parts(nulls, count),
        )
    };
    datums
        .iter()
        .zip(nulls)
        .map(|(&datum, &is_null)| {
            json_of(&Computed {
                datum,
                is_null,
                type_oid: element_type,
            })
        })
        .collect()
}

/// The value's text as UTF-8.
fn output(datum: Datum, type_oid: Oid) -> Result<String> {
    // SAFETY: the datum is of that type; the output function answers a NUL-terminated string in the server's
    // encoding, which is converted before it is copied.
    unsafe {
        let (mut function, mut variable) = (Oid::INVALID, false);
        pg_sys::getTypeOutputInfo(type_oid, &mut function, &mut variable);
        let text = pg_sys::OidOutputFunctionCall(function, datum);
        let length = CStr::from_ptr(text).to_bytes().len();
        let text = pg_sys::pg_server_to_any(text, length as i32, pg_sys::pg_enc::PG_UTF8 as i32);
        Ok(CStr::from_ptr(text)
            .to_str()
            .map_err(|_| FdwError::internal("a value is not UTF-8"))?
            .to_owned())
    }
}
