//! From the API's JSON to values of SQL types.

use std::cell::Cell;
use std::ffi::{CString, c_void};

use pgrx::IntoDatum;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::prelude::PgTryBuilder;
use serde_json::Value as Json;

use super::instant::{self, Epoch, InstantType};
use crate::encoding;
use crate::error::{FdwError, Result};
use crate::options::catalog::raw_column_options;
use crate::relation::{Column, Relation, make_absent, qualified_name};

/// Reads one column out of records.
pub struct ColumnReader {
    table: Oid,
    column: Column,
    /// Of an array: the type of its elements without their domain.
    element: Oid,
    /// What one value is read as, without its domain, and its modifier.
    scalar: Oid,
    typmod: i32,
    converter: Converter,
    /// Whose constraints each value, or each element, must meet.
    domain: Option<Domain>,
    element_domain: Option<Domain>,
}

/// How one value becomes a datum.
enum Converter {
    Boolean,
    Int2,
    Int4,
    Int8,
    Float8,
    Text,
    Instant(InstantType),
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
        let mut typmod = column.typmod;
        let domain = Domain::of(column.type_oid);
        // SAFETY: catalog look-ups; InvalidOid for the element of a type that is no array.
        let (scalar, element, element_domain) = unsafe {
            let base = pg_sys::getBaseTypeAndTypmod(column.type_oid, &mut typmod);
            match pg_sys::get_element_type(base) {
                Oid::INVALID => (base, Oid::INVALID, None),
                element => {
                    let scalar = pg_sys::getBaseTypeAndTypmod(element, &mut typmod);
                    (scalar, element, Domain::of(element))
                }
            }
        };
        let plain = typmod < 0;
        let converter = match scalar {
            pg_sys::BOOLOID => Converter::Boolean,
            pg_sys::INT2OID => Converter::Int2,
            pg_sys::INT4OID => Converter::Int4,
            pg_sys::INT8OID => Converter::Int8,
            pg_sys::FLOAT8OID => Converter::Float8,
            pg_sys::TEXTOID => Converter::Text,
            pg_sys::VARCHAROID if plain => Converter::Text,
            pg_sys::TIMESTAMPTZOID => Converter::Instant(InstantType::Timestamptz),
            pg_sys::TIMESTAMPOID => Converter::Instant(InstantType::Timestamp),
            pg_sys::DATEOID => Converter::Instant(InstantType::Date),
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
            scalar,
            typmod,
            converter,
            domain,
            element_domain,
        })
    }

    /// Position of the column in a row, from 0.
    pub fn index(&self) -> usize {
        self.column.number as usize - 1
    }

    /// The column's value in `record`, or `None` for NULL. What needs memory takes it from the current context.
    pub fn read(&self, record: &Json) -> Result<Option<Datum>> {
        let value = self.value(record)?;
        if let Some(domain) = &self.domain {
            domain
                .check(value)
                .map_err(|problem| self.misfit(&format!("does not fit: {problem}")))?;
        }
        Ok(value)
    }

    fn value(&self, record: &Json) -> Result<Option<Datum>> {
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
                // One text is not a list of one: nothing may be concluded from its being there.
                ([value], false) => Err(self.wrong(value, "a list")),
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
            let number = self.integer(value)?;
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
            let element = if value.is_null() {
                None
            } else {
                Some(self.convert(value)?)
            };
            if let Some(domain) = &self.element_domain {
                domain
                    .check(element)
                    .map_err(|problem| self.misfit(&format!("does not fit: {problem}")))?;
            }
            nulls.push(element.is_none());
            datums.push(element.unwrap_or(Datum::from(0usize)));
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
            Converter::Instant(of) => self.instant(value).map(|at| of.datum(at, self.typmod)),
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
        // SAFETY: pointer and length are of one string.
        let datum = |bytes: &[u8]| unsafe {
            Datum::from(pg_sys::cstring_to_text_with_len(
                bytes.as_ptr().cast(),
                bytes.len() as i32,
            ))
        };
        if encoding::takes_utf8() {
            return Ok(datum(text.as_bytes()));
        }
        let converted = CString::new(text)
            .map_err(|_| FdwError::internal("a NUL after all"))
            .map(encoding::to_server)?
            .map_err(|problem| self.misfit(&format!("does not fit: {problem}")))?;
        Ok(datum(converted.as_bytes()))
    }

    fn instant(&self, value: &Json) -> Result<i64> {
        instant::read(value, self.column.options.epoch).ok_or_else(|| {
            let error = self.wrong(
                value,
                "an instant that PostgreSQL can store, such as 2021-02-01T00:00:00.000Z,",
            );
            match value.as_f64() {
                Some(number) if self.column.options.epoch.is_none() => error.hint(format!(
                    "If it is the time since 1970: {}",
                    pluralsight_catalog::set_column_option(
                        &qualified_name(self.table),
                        &self.column.name,
                        &raw_column_options(self.table, self.column.number),
                        "epoch",
                        Epoch::likely(number)
                    )
                )),
                _ => error,
            }
        })
    }

    /// By the type's own input function, with the column's type modifier.
    fn input(&self, text: &str, function: Option<(Oid, Oid)>) -> Result<Datum> {
        let text = CString::new(text).map_err(|_| {
            self.misfit("holds a text with a NUL character, which PostgreSQL cannot store")
        })?;
        let text = encoding::to_server(text)
            .map_err(|problem| self.misfit(&format!("does not fit: {problem}")))?;
        let (scalar, typmod) = (self.scalar, self.typmod);
        let outcome = PgTryBuilder::new(|| {
            // SAFETY: the function is the type's own; the string ends in NUL and outlives the call.
            unsafe {
                let (function, parameter) = function.unwrap_or_else(|| {
                    let (mut function, mut parameter) = (Oid::INVALID, Oid::INVALID);
                    pg_sys::getTypeInputInfo(scalar, &mut function, &mut parameter);
                    (function, parameter)
                });
                Ok(pg_sys::OidInputFunctionCall(
                    function,
                    text.as_ptr().cast_mut(),
                    parameter,
                    typmod,
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

/// A domain, whose constraints are checked as PostgreSQL checks them.
struct Domain {
    oid: Oid,
    /// What PostgreSQL keeps for the checks, and where.
    kept: Cell<*mut c_void>,
    context: pg_sys::MemoryContext,
}

impl Domain {
    fn of(type_oid: Oid) -> Option<Domain> {
        // SAFETY: a catalog look-up, and the memory context of the query, in which its columns' readers are made.
        unsafe {
            (pg_sys::get_typtype(type_oid) as u8 == pg_sys::TYPTYPE_DOMAIN).then(|| Domain {
                oid: type_oid,
                kept: Cell::new(std::ptr::null_mut()),
                context: pg_sys::CurrentMemoryContext,
            })
        }
    }

    /// What is wrong with the value, in PostgreSQL's words.
    fn check(&self, value: Option<Datum>) -> std::result::Result<(), String> {
        let (oid, context, before) = (self.oid, self.context, self.kept.get());
        let kept = PgTryBuilder::new(move || {
            let mut kept = before;
            // SAFETY: the value is one of the domain's base type; what is kept lives as long as this reader.
            unsafe {
                pg_sys::domain_check(
                    value.unwrap_or(Datum::from(0usize)),
                    value.is_none(),
                    oid,
                    &mut kept,
                    context,
                );
            }
            Ok(kept)
        })
        .catch_others(|caught| match caught {
            pg_sys::panic::CaughtError::PostgresError(report)
            | pg_sys::panic::CaughtError::ErrorReport(report) => Err(report.message().to_owned()),
            other => other.rethrow(),
        })
        .execute()?;
        self.kept.set(kept);
        Ok(())
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
