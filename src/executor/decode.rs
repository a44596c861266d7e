//! From the cells of a record to values of SQL types.

use std::borrow::Cow;
use std::ffi::CString;

use pgrx::IntoDatum;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::prelude::PgTryBuilder;
use pluralsight_api::{Cell, Cells, ColumnPlan, Condition, Problem, ProblemKind, Take};
use serde_json::Value as Json;

use super::arena::Arena;
use super::domain::Domain;
use super::instant::{self, InstantType};
use crate::encoding;
use crate::error::{FdwError, Result};
use crate::namespace::qualified_name;
use crate::options::Epoch;
use crate::options::catalog::raw_column_options;
use crate::relation::{Column, Relation, make_absent};

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
    /// A text is stored as the API sends it.
    takes_utf8: bool,
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
            takes_utf8: encoding::takes_utf8(),
            domain,
            element_domain,
        })
    }

    /// Position of the column in a row, from 0.
    pub fn index(&self) -> usize {
        self.column.number as usize - 1
    }

    /// What is taken out of each record for this column.
    pub fn plan(&self) -> ColumnPlan {
        let options = &self.column.options;
        let condition = match (&options.only_where, &options.only_where_not) {
            (Some(path), _) => Some(Condition {
                path: path.clone(),
                wanted: true,
            }),
            (None, Some(path)) => Some(Condition {
                path: path.clone(),
                wanted: false,
            }),
            (None, None) => None,
        };
        let is_json = matches!(self.converter, Converter::Json);
        let take = if self.element != Oid::INVALID || options.sum {
            Take::All
        } else if is_json && condition.is_none() {
            Take::Json
        } else {
            Take::One
        };
        ColumnPlan {
            field: options.field.clone(),
            take,
            condition,
            instant: matches!(self.converter, Converter::Instant(_)) && options.epoch.is_none(),
        }
    }

    /// The column's value, or `None` for NULL. What needs memory takes it from the current context.
    pub fn read(
        &self,
        cell: Cell<'_>,
        problem: Option<&Problem>,
        arena: &mut Arena,
    ) -> Result<Option<Datum>> {
        let value = self.value(cell, problem, arena)?;
        if let Some(domain) = &self.domain {
            domain
                .check(value)
                .map_err(|problem| self.misfit(&format!("does not fit: {problem}")))?;
        }
        Ok(value)
    }

    fn value(
        &self,
        cell: Cell<'_>,
        problem: Option<&Problem>,
        arena: &mut Arena,
    ) -> Result<Option<Datum>> {
        let options = &self.column.options;
        let is_array = self.element != Oid::INVALID;
        match cell {
            Cell::Problem => Err(self.broken(problem)),
            Cell::List(cells) if options.sum => self.sum(cells, arena),
            Cell::Null if is_array && options.null_as_empty => {
                Ok(Some(arena.empty_list(self.element)))
            }
            Cell::Null => Ok(None),
            value if options.sum => self
                .integer(value)
                .and_then(|number| self.convert(Cell::Integer(number), arena))
                .map(Some),
            Cell::List(cells) => self.list(cells, arena).map(Some),
            // One text is not a list of one: nothing may be concluded from its being there.
            value if is_array => Err(self.wrong(value, "a list")),
            value => self.convert(value, arena).map(Some),
        }
    }

    /// A value that breaks the schema.
    fn broken(&self, problem: Option<&Problem>) -> FdwError {
        match problem.map(|problem| &problem.kind) {
            Some(ProblemKind::Missing { name }) => self.misfit(&format!(
                "cannot be read: {name} was asked for, and the API's answer does not have it"
            )),
            Some(ProblemKind::NotAnObject { name, kind, shown }) => {
                self.other_than(kind, shown, &format!("an object with {name}"))
            }
            Some(ProblemKind::List { shown }) => self.other_than("the list", shown, "one value"),
            Some(ProblemKind::Several(number)) => {
                self.misfit(&format!("holds {number} values where the column takes one"))
            }
            None => self.misfit("cannot be read"),
        }
    }

    fn sum(&self, found: Cells<'_>, arena: &mut Arena) -> Result<Option<Datum>> {
        let mut total: Option<i64> = None;
        for value in found.filter(|value| *value != Cell::Null) {
            let number = self.integer(value)?;
            total = Some(
                total
                    .unwrap_or(0)
                    .checked_add(number)
                    .ok_or_else(|| self.misfit("adds up to more than a bigint holds"))?,
            );
        }
        total
            .map(|total| self.convert(Cell::Integer(total), arena))
            .transpose()
    }

    fn list(&self, cells: Cells<'_>, arena: &mut Arena) -> Result<Datum> {
        let is_of_texts = matches!(self.converter, Converter::Text) && self.takes_utf8;
        if is_of_texts
            && self.element_domain.is_none()
            && let Some(list) = arena.texts(cells, self.element)
        {
            return Ok(list);
        }
        self.array(cells, arena)
    }

    fn array(&self, values: Cells<'_>, arena: &mut Arena) -> Result<Datum> {
        let (mut datums, mut nulls) = (Vec::new(), Vec::new());
        for value in values {
            let element = if value == Cell::Null {
                None
            } else {
                Some(self.convert(value, arena)?)
            };
            if let Some(domain) = &self.element_domain {
                domain
                    .check(element)
                    .map_err(|problem| self.misfit(&format!("does not fit: {problem}")))?;
            }
            nulls.push(element.is_none());
            datums.push(element.unwrap_or(Datum::from(0usize)));
        }
        if datums.is_empty() {
            return Ok(arena.empty_list(self.element));
        }
        let (mut length, mut by_value, mut align) = (0i16, false, 0 as std::ffi::c_char);
        let mut dimension = [datums.len() as i32];
        let mut lower_bound = [1i32];
        // SAFETY: datums and nulls are as long as the one dimension says, and hold values of the element type.
        unsafe {
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

    fn convert(&self, value: Cell<'_>, arena: &mut Arena) -> Result<Datum> {
        match &self.converter {
            Converter::Boolean => match value {
                Cell::Boolean(value) => Ok(Datum::from(value)),
                Cell::Text(text) if text.as_str().eq_ignore_ascii_case("true") => {
                    Ok(Datum::from(true))
                }
                Cell::Text(text) if text.as_str().eq_ignore_ascii_case("false") => {
                    Ok(Datum::from(false))
                }
                _ => Err(self.wrong(value, "a Boolean")),
            },
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
                let number = float(value).ok_or_else(|| self.wrong(value, "a number"))?;
                number
                    .into_datum()
                    .ok_or_else(|| FdwError::internal("a float8 without a datum"))
            }
            Converter::Text => match value {
                Cell::Text(text) if self.takes_utf8 => {
                    arena.text(text).ok_or_else(|| self.holds_nul())
                }
                Cell::Text(text) => self.text(text.as_str(), arena),
                Cell::Json(_) => Err(self.wrong(value, "a text")),
                other => self.text(&plain(other), arena),
            },
            Converter::Instant(of) => self.instant(value).map(|at| of.datum(at, self.typmod)),
            Converter::Json => match value {
                Cell::Text(text) => self.input(&Json::from(text.as_str()).to_string(), None),
                other => self.input(&plain(other), None),
            },
            Converter::Input {
                function,
                parameter,
            } => self.input(&plain(value), Some((*function, *parameter))),
        }
    }

    /// A whole number; one written as `3.0` is whole, too.
    fn integer(&self, value: Cell<'_>) -> Result<i64> {
        if let Cell::Integer(number) = value {
            return Ok(number);
        }
        let whole = |number: f64| {
            (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0)
                .then_some(number as i64)
        };
        float(value)
            .and_then(whole)
            .ok_or_else(|| self.wrong(value, "a whole number"))
    }

    fn text(&self, text: &str, arena: &mut Arena) -> Result<Datum> {
        if text.contains('\0') {
            return Err(self.holds_nul());
        }
        if self.takes_utf8 {
            return Ok(arena.plain(text));
        }
        let converted = CString::new(text)
            .map_err(|_| FdwError::internal("a NUL after all"))
            .map(encoding::to_server)?
            .map_err(|problem| self.misfit(&format!("does not fit: {problem}")))?;
        // SAFETY: pointer and length are of one string.
        Ok(Datum::from(unsafe {
            pg_sys::cstring_to_text_with_len(converted.as_ptr(), converted.as_bytes().len() as i32)
        }))
    }

    fn instant(&self, value: Cell<'_>) -> Result<i64> {
        instant::read(value, self.column.options.epoch).ok_or_else(|| {
            let error = self.wrong(
                value,
                "an instant that PostgreSQL can store, such as 2021-02-01T00:00:00.000Z,",
            );
            match float(value) {
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
        let text = CString::new(text).map_err(|_| self.holds_nul())?;
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

    fn wrong(&self, value: Cell<'_>, expected: &str) -> FdwError {
        self.other_than(value.kind(), &value.shown(), expected)
    }

    fn other_than(&self, kind: &str, shown: &str, expected: &str) -> FdwError {
        self.misfit(&format!(
            "holds {kind} {shown} where {expected} was expected"
        ))
        .without_data(self.problem(&format!("holds {kind} where {expected} was expected")))
    }

    fn problem(&self, problem: &str) -> String {
        format!(
            "column \"{}\": field {} {problem}",
            self.column.name, self.column.options.field
        )
    }

    fn holds_nul(&self) -> FdwError {
        self.misfit("holds a text with a NUL character, which PostgreSQL cannot store")
    }

    fn misfit(&self, problem: &str) -> FdwError {
        FdwError::bad_value(self.problem(problem)).hint(format!(
            "To have the column read NULL: {}",
            make_absent(self.table, &self.column)
        ))
    }
}

fn float(value: Cell<'_>) -> Option<f64> {
    match value {
        Cell::Integer(number) => Some(number as f64),
        Cell::Number(digits) => digits
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// A text as it is, anything else as JSON.
fn plain(value: Cell<'_>) -> Cow<'_, str> {
    match value {
        Cell::Text(text) => Cow::Borrowed(text.as_str()),
        Cell::Json(text) | Cell::Number(text) => Cow::Borrowed(text),
        Cell::Integer(number) => Cow::Owned(number.to_string()),
        Cell::Boolean(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Cell::Null | Cell::Instant(_) | Cell::List(_) | Cell::Problem => Cow::Borrowed("null"),
    }
}

/// The readers of a scan's columns.
pub fn readers(relation: &Relation, columns: &[i16]) -> Result<Vec<ColumnReader>> {
    columns
        .iter()
        .map(|&number| ColumnReader::new(relation, number))
        .collect()
}
