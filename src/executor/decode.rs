//! From the API's JSON to values of SQL types.

use std::ffi::CString;

use chrono::{DateTime, NaiveDate};
use pgrx::IntoDatum;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::prelude::PgTryBuilder;
use serde_json::Value as Json;

use crate::error::{FdwError, Result};
use crate::relation::{Column, Relation, make_absent};

/// Microseconds between the epochs of Unix and PostgreSQL.
const EPOCH_DIFFERENCE: i64 = 946_684_800 * 1_000_000;

/// Reads one column out of records.
pub struct ColumnReader {
    table: Oid,
    column: Column,
    element: Oid,
    converter: Converter,
}

/// How one value becomes a datum.
enum Converter {
    Boolean,
    Int2,
    Int4,
    Int8,
    Float8,
    Text,
    Timestamptz,
    Json,
    /// By the type's own input function.
    Input {
        function: Oid,
        parameter: Oid,
    },
}

/// A Boolean beside the value that says whether it counts.
#[derive(Clone, Copy)]
struct Condition<'a> {
    path: &'a [String],
    wanted: bool,
}

impl ColumnReader {
    pub fn new(relation: &Relation, number: i16) -> Result<ColumnReader> {
        let column = relation.planned_column(number)?;
        // SAFETY: a catalog look-up; InvalidOid for a type that is no array.
        let element = unsafe { pg_sys::get_element_type(column.type_oid) };
        let scalar = if element == Oid::INVALID {
            column.type_oid
        } else {
            element
        };
        let plain = column.typmod < 0;
        let converter = match scalar {
            pg_sys::BOOLOID => Converter::Boolean,
            pg_sys::INT2OID => Converter::Int2,
            pg_sys::INT4OID => Converter::Int4,
            pg_sys::INT8OID => Converter::Int8,
            pg_sys::FLOAT8OID => Converter::Float8,
            pg_sys::TEXTOID => Converter::Text,
            pg_sys::VARCHAROID if plain => Converter::Text,
            pg_sys::TIMESTAMPTZOID if plain => Converter::Timestamptz,
            pg_sys::JSONBOID | pg_sys::JSONOID => Converter::Json,
            _ => {
                let (mut function, mut parameter) = (Oid::INVALID, Oid::INVALID);
                // SAFETY: a catalog look-up by type; raises PostgreSQL's own error for a pseudo-type.
                unsafe { pg_sys::getTypeInputInfo(scalar, &mut function, &mut parameter) };
                Converter::Input {
                    function,
                    parameter,
                }
            }
        };
        Ok(ColumnReader {
            table: relation.options.oid,
            column,
            element,
            converter,
        })
    }

    /// Position of the column in a row, from 0.
    pub fn index(&self) -> usize {
        self.column.number as usize - 1
    }

    /// The column's value in `record`, or `None` for NULL. What needs memory takes it from the current context.
    pub fn read(&self, record: &Json) -> Result<Option<Datum>> {
        let options = &self.column.options;
        let condition = match (&options.only_where, &options.only_where_not) {
            (Some(path), _) => Some(Condition {
                path: path.segments(),
                wanted: true,
            }),
            (None, Some(path)) => Some(Condition {
                path: path.segments(),
                wanted: false,
            }),
            (None, None) => None,
        };
        if matches!(self.converter, Converter::Json)
            && self.element == Oid::INVALID
            && condition.is_none()
        {
            return self.read_json(record);
        }
        let mut found = Vec::new();
        let listed = self.collect(record, options.field.segments(), condition, &mut found)?;
        if options.sum {
            return self.sum(&found);
        }
        if self.element != Oid::INVALID {
            return match (&found[..], listed) {
                ([] | [Json::Null], false) if options.null_as_empty => self.array(&[]).map(Some),
                ([] | [Json::Null], false) => Ok(None),
                (values, _) => self.array(values).map(Some),
            };
        }
        match &found[..] {
            [] | [Json::Null] => Ok(None),
            [value] => self.convert(value).map(Some),
            several => Err(self.misfit(&format!(
                "holds {} values where the column takes one",
                several.len()
            ))),
        }
    }

    /// Gathers what the path leads to, through lists; says whether it met one.
    fn collect<'a>(
        &self,
        value: &'a Json,
        path: &[String],
        condition: Option<Condition<'_>>,
        found: &mut Vec<&'a Json>,
    ) -> Result<bool> {
        match value {
            Json::Array(_)
                if path.is_empty() && self.element == Oid::INVALID && !self.column.options.sum =>
            {
                return Err(self.wrong(value, "one value"));
            }
            Json::Array(items) => {
                for item in items {
                    self.collect(item, path, condition, found)?;
                }
                return Ok(true);
            }
            Json::Null if !path.is_empty() => return Ok(false),
            _ => {}
        }
        let mut condition = condition;
        if let Some(beside) = condition
            && (path.is_empty() || beside.path.first() != path.first())
        {
            if !holds(value, beside) {
                return Ok(false);
            }
            condition = None;
        }
        let Some((name, rest)) = path.split_first() else {
            found.push(value);
            return Ok(false);
        };
        let Json::Object(members) = value else {
            let expected = format!("an object with {name}");
            return Err(self.wrong(value, &expected));
        };
        let Some(member) = members.get(name) else {
            return Err(self.misfit(&format!(
                "cannot be read: {name} was asked for, and the API's answer does not have it"
            )));
        };
        let condition = condition.map(|beside| Condition {
            path: beside.path.get(1..).unwrap_or_default(),
            ..beside
        });
        self.collect(member, rest, condition, found)
    }

    /// A `json` or `jsonb` column takes what stands at its path as it is.
    fn read_json(&self, record: &Json) -> Result<Option<Datum>> {
        fn gather(value: &Json, path: &[String]) -> Json {
            match (value, path.split_first()) {
                (_, None) => value.clone(),
                (Json::Array(items), _) => Json::from(
                    items
                        .iter()
                        .map(|item| gather(item, path))
                        .collect::<Vec<_>>(),
                ),
                (_, Some((name, rest))) => value
                    .get(name)
                    .map_or(Json::Null, |member| gather(member, rest)),
            }
        }
        match gather(record, self.column.options.field.segments()) {
            Json::Null => Ok(None),
            value => self.convert(&value).map(Some),
        }
    }

    fn sum(&self, found: &[&Json]) -> Result<Option<Datum>> {
        let mut total: Option<i64> = None;
        for value in found.iter().filter(|value| !value.is_null()) {
            let number = value
                .as_i64()
                .ok_or_else(|| self.wrong(value, "a whole number"))?;
            total = Some(
                total
                    .unwrap_or(0)
                    .checked_add(number)
                    .ok_or_else(|| self.misfit("adds up to more than a bigint holds"))?,
            );
        }
        total
            .map(|total| self.convert(&Json::from(total)))
            .transpose()
    }

    fn array(&self, values: &[&Json]) -> Result<Datum> {
        let mut datums = Vec::with_capacity(values.len());
        let mut nulls = Vec::with_capacity(values.len());
        for value in values {
            nulls.push(value.is_null());
            datums.push(if value.is_null() {
                Datum::from(0usize)
            } else {
                self.convert(value)?
            });
        }
        let (mut length, mut by_value, mut align) = (0i16, false, 0 as std::ffi::c_char);
        let mut dimension = [datums.len() as i32];
        let mut lower_bound = [1i32];
        // SAFETY: datums and nulls are as long as the one dimension says, and hold values of the element type.
        unsafe {
            if datums.is_empty() {
                return Ok(Datum::from(pg_sys::construct_empty_array(self.element)));
            }
            pg_sys::get_typlenbyvalalign(self.element, &mut length, &mut by_value, &mut align);
            Ok(Datum::from(pg_sys::construct_md_array(
                datums.as_mut_ptr(),
                nulls.as_mut_ptr(),
                1,
                dimension.as_mut_ptr(),
                lower_bound.as_mut_ptr(),
                self.element,
                i32::from(length),
                by_value,
                align,
            )))
        }
    }

    fn convert(&self, value: &Json) -> Result<Datum> {
        match &self.converter {
            Converter::Boolean => value
                .as_bool()
                .map(Datum::from)
                .ok_or_else(|| self.wrong(value, "a Boolean")),
            Converter::Int2 => self.integer(value).and_then(|number| {
                i16::try_from(number)
                    .map(Datum::from)
                    .map_err(|_| self.wrong(value, "a smallint"))
            }),
            Converter::Int4 => self.integer(value).and_then(|number| {
                i32::try_from(number)
                    .map(Datum::from)
                    .map_err(|_| self.wrong(value, "an integer"))
            }),
            Converter::Int8 => self.integer(value).map(Datum::from),
            Converter::Float8 => {
                let number = value
                    .as_f64()
                    .ok_or_else(|| self.wrong(value, "a number"))?;
                number
                    .into_datum()
                    .ok_or_else(|| FdwError::internal("a float8 without a datum"))
            }
            Converter::Text => match value {
                Json::String(text) => self.text(text),
                Json::Object(_) | Json::Array(_) => Err(self.wrong(value, "a text")),
                other => self.text(&other.to_string()),
            },
            Converter::Timestamptz => self.timestamp(value),
            Converter::Json => self.input(&value.to_string(), None),
            Converter::Input {
                function,
                parameter,
            } => {
                let text = match value {
                    Json::String(text) => text.clone(),
                    other => other.to_string(),
                };
                self.input(&text, Some((*function, *parameter)))
            }
        }
    }

    /// A whole number; one written as `3.0` is whole, too.
    fn integer(&self, value: &Json) -> Result<i64> {
        let whole = |number: f64| {
            (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0)
                .then_some(number as i64)
        };
        value
            .as_i64()
            .or_else(|| value.as_f64().and_then(whole))
            .ok_or_else(|| self.wrong(value, "a whole number"))
    }

    fn text(&self, text: &str) -> Result<Datum> {
        if text.contains('\0') {
            return Err(
                self.misfit("holds a text with a NUL character, which PostgreSQL cannot store")
            );
        }
        // SAFETY: pointer and length are of one string; the conversion hands back the same pointer in a UTF-8
        // database and a NUL-terminated copy in any other.
        unsafe {
            if pg_sys::GetDatabaseEncoding() == pg_sys::pg_enc::PG_UTF8 as i32 {
                return Ok(Datum::from(pg_sys::cstring_to_text_with_len(
                    text.as_ptr().cast(),
                    text.len() as i32,
                )));
            }
            let source = CString::new(text).map_err(|_| FdwError::internal("a NUL after all"))?;
            let converted = pg_sys::pg_any_to_server(
                source.as_ptr(),
                text.len() as i32,
                pg_sys::pg_enc::PG_UTF8 as i32,
            );
            Ok(Datum::from(pg_sys::cstring_to_text(converted)))
        }
    }

    /// ISO 8601 with a zone, as the API writes instants; a bare date counts from midnight UTC.
    fn timestamp(&self, value: &Json) -> Result<Datum> {
        let instant = value
            .as_str()
            .and_then(|text| {
                DateTime::parse_from_rfc3339(text)
                    .map(|instant| instant.to_utc())
                    .ok()
                    .or_else(|| {
                        let midnight = text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?;
                        Some(midnight.and_utc())
                    })
            })
            .ok_or_else(|| self.wrong(value, "an instant such as 2021-02-01T00:00:00.000Z"))?;
        let microseconds = instant
            .timestamp_micros()
            .checked_sub(EPOCH_DIFFERENCE)
            .ok_or_else(|| self.wrong(value, "an instant"))?;
        Ok(Datum::from(microseconds))
    }

    /// By the type's own input function, with the column's type modifier.
    fn input(&self, text: &str, function: Option<(Oid, Oid)>) -> Result<Datum> {
        let text = CString::new(text).map_err(|_| {
            self.misfit("holds a text with a NUL character, which PostgreSQL cannot store")
        })?;
        let scalar = if self.element == Oid::INVALID {
            self.column.type_oid
        } else {
            self.element
        };
        let typmod = self.column.typmod;
        let outcome = PgTryBuilder::new(|| {
            // SAFETY: the function is the type's own; the string ends in NUL and outlives the call.
            unsafe {
                let length = text.as_bytes().len() as i32;
                let server =
                    pg_sys::pg_any_to_server(text.as_ptr(), length, pg_sys::pg_enc::PG_UTF8 as i32);
                let (function, parameter) = function.unwrap_or_else(|| {
                    let (mut function, mut parameter) = (Oid::INVALID, Oid::INVALID);
                    pg_sys::getTypeInputInfo(scalar, &mut function, &mut parameter);
                    (function, parameter)
                });
                Ok(pg_sys::OidInputFunctionCall(
                    function, server, parameter, typmod,
                ))
            }
        })
        .catch_others(|caught| match caught {
            pg_sys::panic::CaughtError::PostgresError(report)
            | pg_sys::panic::CaughtError::ErrorReport(report) => Err(report.message().to_owned()),
            other => other.rethrow(),
        })
        .execute();
        outcome.map_err(|problem: String| {
            self.misfit(&format!("does not fit: {problem}"))
                .without_data(self.problem("does not fit the column's type"))
        })
    }

    fn wrong(&self, value: &Json, expected: &str) -> FdwError {
        self.misfit(&format!(
            "holds {} {} where {expected} was expected",
            kind(value),
            shown(value)
        ))
        .without_data(self.problem(&format!(
            "holds {} where {expected} was expected",
            kind(value)
        )))
    }

    fn problem(&self, problem: &str) -> String {
        format!(
            "column \"{}\": field {} {problem}",
            self.column.name, self.column.options.field
        )
    }

    fn misfit(&self, problem: &str) -> FdwError {
        FdwError::bad_value(self.problem(problem)).hint(format!(
            "To have the column read NULL: {}",
            make_absent(self.table, &self.column)
        ))
    }
}

/// Puts a record's values where a slot has them.
pub fn fill(
    readers: &[ColumnReader],
    record: &Json,
    values: &mut [Datum],
    nulls: &mut [bool],
) -> Result<()> {
    nulls.fill(true);
    for reader in readers {
        if let (Some(value), Some(slot), Some(null)) = (
            reader.read(record)?,
            values.get_mut(reader.index()),
            nulls.get_mut(reader.index()),
        ) {
            *slot = value;
            *null = false;
        }
    }
    Ok(())
}

/// Whether the Boolean at the condition's path is as wanted; one that is absent or null counts as true, so that a
/// value is never lost for want of a mark.
fn holds(value: &Json, condition: Condition<'_>) -> bool {
    let mark = condition
        .path
        .iter()
        .try_fold(value, |value, name| value.get(name));
    let is_false = mark.and_then(Json::as_bool) == Some(false);
    is_false != condition.wanted
}

/// The value, or its start.
fn shown(value: &Json) -> String {
    let mut shown = value.to_string();
    if let Some((end, _)) = shown.char_indices().nth(60) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "the Boolean",
        Json::Number(_) => "the number",
        Json::String(_) => "the text",
        Json::Array(_) => "the list",
        Json::Object(_) => "the object",
    }
}
