//! From the values of a scan's conditions to what the API is asked.

use std::collections::{BTreeMap, BTreeSet};

use pgrx::pg_sys::{self, Datum, Oid};
use pluralsight_catalog::{FilterOption, Table};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::{absent, trust};
use crate::encoding;
use crate::error::{FdwError, Result};
use crate::options::TableOptions;
use crate::planner::cost::{KEYS_A_REQUEST, known_pages};
use crate::spec::{ConditionKind, ScanSpec, ValueSource};

/// Requests that reading a whole table is taken to cost where nothing is known of it: a large organization.
const ASSUMED_PAGES: f64 = 50.0;

/// What a scan asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// Every record.
    Everything,
    /// The conditions contradict one another: no request is needed.
    Nothing,
    /// The records that a filter brings.
    Filtered(Filtered),
}

/// A filter, and what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filtered {
    pub filter: FilterOption,
    pub kind: ConditionKind,
    /// Of a list: the keys. Otherwise one value, as JSON.
    pub values: Vec<String>,
    /// Keys are asked for in lower case as well: how the API compares is not known, and if it keeps addresses in lower
    /// case, only that form finds them.
    folds: bool,
}

impl Filtered {
    /// Whether it is asked for a list of keys.
    pub fn is_list(&self) -> bool {
        matches!(self.kind, ConditionKind::Keys | ConditionKind::Overlap)
    }

    /// The lists of keys that are sent, a request each; at most `longest` keys in one, if that is known.
    pub fn lists(&self, longest: Option<usize>) -> Vec<Vec<String>> {
        match longest {
            None => self
                .values
                .chunks(KEYS_A_REQUEST)
                .map(|keys| self.spellings(keys))
                .collect(),
            Some(longest) => self
                .spellings(&self.values)
                .chunks(longest.max(1))
                .map(<[String]>::to_vec)
                .collect(),
        }
    }

    fn spellings(&self, keys: &[String]) -> Vec<String> {
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            all.push(key.clone());
            let lower = key.to_lowercase();
            if self.folds && lower != *key && !keys.contains(&lower) {
                all.push(lower);
            }
        }
        all
    }

    /// The value of the query's argument that asks for these keys; a filter that takes no list takes the first of them, as
    /// JSON, or else its own value.
    pub fn argument(&self, keys: &[String]) -> Result<Json> {
        let value = if self.is_list() && self.filter.numbers {
            let numbers = keys.iter().filter_map(|key| key.parse::<i64>().ok());
            numbers.map(Json::from).collect()
        } else if self.is_list() {
            Json::from(keys)
        } else {
            self.value_or(keys)?
        };
        Ok(Json::from(Map::from_iter([(
            self.filter.name.clone(),
            value,
        )])))
    }

    /// Each request's argument, as JSON.
    pub fn requests(&self) -> Vec<String> {
        let lists = if self.is_list() {
            self.lists(None)
        } else {
            vec![Vec::new()]
        };
        lists
            .iter()
            .filter_map(|keys| self.argument(keys).ok())
            .map(|argument| argument.to_string())
            .collect()
    }

    /// The one value of a filter that takes no list.
    pub fn value(&self) -> Result<Json> {
        self.value_or(&[])
    }

    /// The first of these values, or else that one.
    pub fn value_or(&self, others: &[String]) -> Result<Json> {
        let text = others
            .first()
            .or(self.values.first())
            .map_or("null", String::as_str);
        serde_json::from_str(text).map_err(|error| FdwError::internal(error.to_string()))
    }
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
    let mut keys: Vec<(&FilterOption, BTreeSet<String>)> = Vec::new();
    let mut overlaps: Vec<(&FilterOption, BTreeSet<String>)> = Vec::new();
    let mut singles: Vec<(&FilterOption, ConditionKind, Json)> = Vec::new();
    for condition in &spec.conditions {
        let values = values_of(&condition.values, computed)?;
        let Some(filter) = options
            .filters
            .iter()
            .find(|filter| filter.name == condition.filter)
        else {
            continue;
        };
        match condition.kind {
            ConditionKind::Keys => {
                let texts = texts(values);
                match keys.iter_mut().find(|(known, _)| *known == filter) {
                    Some((_, known)) => known.retain(|key| texts.contains(key)),
                    None => keys.push((filter, texts)),
                }
            }
            ConditionKind::Overlap => overlaps.push((filter, texts(values))),
            // Who has all of them has the first.
            ConditionKind::HasAll => {
                overlaps.push((filter, texts(values).into_iter().take(1).collect()));
            }
            ConditionKind::Scalar | ConditionKind::Pattern => {
                let Some(value) = values.into_iter().next().filter(|value| !value.is_null()) else {
                    return Ok(Asked::Nothing);
                };
                match singles.iter().find(|(known, ..)| *known == filter) {
                    Some((_, _, known)) if *known != value => return Ok(Asked::Nothing),
                    Some(_) => {}
                    None => singles.push((filter, condition.kind, value)),
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
    let is_trusted = |filter: &FilterOption| trust::distrusted(options, filter).is_none();
    singles.retain(|(filter, kind, value)| {
        is_trusted(filter)
            && (*kind != ConditionKind::Pattern || value.as_str().is_some_and(is_its_own_pattern))
    });
    for (kind, mut lists) in [
        (ConditionKind::Keys, keys),
        (ConditionKind::Overlap, overlaps),
    ] {
        lists.retain(|(filter, _)| is_trusted(filter));
        let fewest = lists.into_iter().min_by_key(|(_, values)| values.len());
        if let Some((filter, values)) = fewest
            && let Some(asked) = in_lists(filter, kind, values, options)
        {
            return Ok(asked);
        }
    }
    Ok(match singles.into_iter().next() {
        Some((filter, kind, value)) => Asked::Filtered(Filtered {
            filter: filter.clone(),
            kind,
            values: vec![value.to_string()],
            folds: false,
        }),
        None => Asked::Everything,
    })
}

/// The filter with its keys; `None` where reading everything is cheaper, or where a record could come twice and nothing
/// tells that it did.
fn in_lists(
    filter: &FilterOption,
    kind: ConditionKind,
    values: BTreeSet<String>,
    options: &TableOptions,
) -> Option<Asked> {
    let folds = Table::over(&options.query)
        .and_then(|table| table.filter(&filter.name))
        .is_some_and(|filter| filter.fold_case);
    // Where keys are numbers, a text that is none is that of no record.
    let may_be = |key: &String| !filter.numbers || key.parse::<i64>().is_ok();
    let filtered = Filtered {
        filter: filter.clone(),
        kind,
        values: values.into_iter().filter(may_be).collect(),
        folds,
    };
    if filtered.values.is_empty() {
        return Some(Asked::Nothing);
    }
    let requests = filtered.lists(trust::longest_list(options, filter)).len();
    if requests > 1 && (options.key.is_none() || requests as f64 >= whole_table(options)) {
        return None;
    }
    Some(Asked::Filtered(filtered))
}

/// Requests that reading the whole table takes, as far as that is known.
pub fn whole_table(options: &TableOptions) -> f64 {
    known_pages(options).unwrap_or(ASSUMED_PAGES)
}

/// A pattern's own rules are not known; these characters stand for themselves under all the usual ones.
pub fn is_its_own_pattern(text: &str) -> bool {
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
            ValueSource::Json(index) => {
                let json = expression(computed, *index)?;
                if !json.is_null {
                    let members = members(&output(json.datum, json.type_oid)?)
                        .map_err(|error| FdwError::internal(error.to_string()))?;
                    values.extend(members);
                }
            }
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

/// The texts that PostgreSQL's operator `?` finds in a jsonb: the keys of an object, the texts of a list, or the one text.
/// What lies deeper is passed over, however deep.
fn members(json: &str) -> serde_json::Result<Vec<Json>> {
    if let Ok(text) = serde_json::from_str::<String>(json) {
        return Ok(vec![Json::from(text)]);
    }
    if json.starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(json)?;
        let texts = elements
            .into_iter()
            .filter_map(|element| serde_json::from_str::<String>(element.get()).ok());
        return Ok(texts.map(Json::from).collect());
    }
    if json.starts_with('{') {
        let object: BTreeMap<String, IgnoredAny> = serde_json::from_str(json)?;
        return Ok(object.into_keys().map(Json::from).collect());
    }
    Ok(Vec::new())
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
        Ok(encoding::from_server(text))
    }
}
