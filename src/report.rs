//! `report_html()`: the views of a schema as one page.
//!
//! It reads with the rights of whoever calls it, or with those of the views' owner where the caller has these, in one statement,
//! so that all numbers are of one moment.

use pgrx::PgSqlErrorCode;
use pgrx::datum::DatumWithOid;
use pgrx::fcinfo::pg_getarg_datum;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use pluralsight_catalog::quote_literal;
use pluralsight_report::{Data, render};

use crate::attempt::{Failure, attempt};
use crate::encoding;
use crate::error::{FdwError, OrRaise, Result};
use crate::parameters;
use crate::role;
use crate::sql;
use crate::trusted;
use crate::views::{self, File, Place, completion_call, renewal_call};

/// A part of the page: its name in [`Data`], the view that it reads, and the query that reads it.
struct Part {
    name: &'static str,
    view: &'static str,
    query: &'static str,
    /// The page can do without it.
    is_optional: bool,
    /// The page shows its first rows only.
    is_cut: bool,
}

impl Part {
    /// One value that holds the part.
    fn value(&self) -> String {
        if self.is_cut {
            let first = include_str!("../sql/report/first.sql");
            format!("(WITH ordered AS (\n{})\n{first})", self.query)
        } else {
            format!("(\n{})", self.query)
        }
    }
}

macro_rules! part {
    ($name:literal, reads $view:literal, optional $is_optional:literal) => {
        part!($name, reads $view, optional $is_optional, cut false)
    };
    ($name:literal, reads $view:literal, optional $is_optional:literal, cut $is_cut:literal) => {
        Part {
            name: $name,
            view: $view,
            query: include_str!(concat!("../sql/report/", $name, ".sql")),
            is_optional: $is_optional,
            is_cut: $is_cut,
        }
    };
}

static PARTS: [Part; 9] = [
    part!("summary", reads "report_summary", optional false),
    part!("products", reads "report_products", optional false),
    part!("reasons", reads "report_reasons", optional false),
    part!("months", reads "seats_by_month", optional false),
    part!("forecasts", reads "license_forecast", optional false),
    part!("cost_centers", reads "report_cost_centers", optional true, cut true),
    part!("managers", reads "report_managers", optional true, cut true),
    part!("people", reads "report_people", optional true, cut true),
    part!("freshness", reads "data_freshness", optional false),
];

/// The report on seats as one HTML page.
#[pg_extern(sql = r#"
CREATE FUNCTION report_html(schema name DEFAULT 'pluralsight_copy', title text DEFAULT NULL)
RETURNS text
LANGUAGE c
VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON FUNCTION report_html(name, text) IS
    'The views report_* of a schema as one HTML page, which needs no other file. Reads with the rights of its caller.';
"#)]
fn report_html(fcinfo: pg_sys::FunctionCallInfo) -> String {
    // SAFETY: PostgreSQL passes a call with a name, which is 64 bytes that hold a NUL, and a text.
    let (schema, title) = unsafe {
        (
            pg_getarg_datum(fcinfo, 0).map(|name| encoding::from_server(name.cast_mut_ptr())),
            pg_getarg_datum(fcinfo, 1),
        )
    };
    let schema = schema
        .ok_or_else(|| {
            FdwError::new(
                PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "argument \"schema\" must not be null",
            )
        })
        .or_raise();
    parameters::with_safe_path(|| {
        let data = read(&Place::find(&schema)?, title)?;
        render(&data).map_err(|error| FdwError::internal(error.to_string()))
    })
    .or_raise()
}

/// What the views of the report are made from, each read once, with the columns that they read: some others take long.
const BASES: [(&str, &str); 4] = [
    (
        "seat_costs",
        "user_id, email, full_name, product_id, product_name, days_idle, cost_center, manager_email, reclaim_reason, price, currency",
    ),
    ("licenses", "*"),
    ("report_known", "*"),
    ("seats_by_month", "*"),
];

/// The views of the report that are made from these, in the order in which they need one another.
const DERIVED: [&str; 8] = [
    "product_licenses",
    "license_forecast",
    "report_summary",
    "report_products",
    "report_reasons",
    "report_cost_centers",
    "report_people",
    "report_managers",
];

fn read(place: &Place, title: Option<pg_sys::Datum>) -> Result<Data> {
    let parts = readable(place)?;
    let bases = shared(place)?;
    let statement = statement(place, &parts, bases.is_some());
    let mut views = bases.unwrap_or_default();
    views.extend(parts.iter().map(|(_, view)| *view));
    // SAFETY: the datum is a text that the caller of this function passed, and it outlives the statement.
    let title = unsafe { DatumWithOid::new(Text(title), pg_sys::TEXTOID) };
    let schema = place.name.as_str().into();
    let read = || {
        trusted::read(place, &views, || {
            // What is sorted fits into memory.
            parameters::with(&[("work_mem", "64MB")], || {
                Spi::connect(|client| {
                    client
                        .select(&statement, Some(1), &[title, schema])?
                        .first()
                        .get::<Vec<u8>>(1)
                })
                .map_err(sql::failed)
            })
        })
    };
    let unfit = |problem: String| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!(
                "the views in schema \"{}\" are not as the report needs them",
                place.name
            ),
        )
        .detail(format!("{problem}."))
        .hint(renewal_call(place))
    };
    let json = match attempt(read) {
        Ok(json) => json.unwrap_or_default(),
        Err(Failure::Own(error)) => return Err(error),
        Err(failure) if failure.is_misfit() => return Err(unfit(failure.message())),
        Err(failure) => failure.raise(),
    };
    serde_json::from_slice(&json).map_err(|error| unfit(error.to_string()))
}

/// The views that the others are made from, if these are as we made them and may be read. Each is then read once, and the
/// queries of the others run over what was read.
fn shared(place: &Place) -> Result<Option<Vec<Oid>>> {
    let mut bases = Vec::new();
    for (name, _) in BASES {
        match place.relation(name)? {
            Some(view) if view.may_read() => bases.push(view.oid),
            _ => return Ok(None),
        }
    }
    for name in DERIVED {
        match place.relation(name)? {
            Some(view) if view.kind == b'v' && views::is_ours(&place.name, view.oid)? => {}
            _ => return Ok(None),
        }
    }
    Ok(Some(bases))
}

/// The statement that reads all parts, as one JSON object. `is_shared`: what views are made from is read once.
fn statement(place: &Place, parts: &[(&Part, Oid)], is_shared: bool) -> String {
    let of_schema =
        |name: &str, columns: &str| format!("SELECT {columns} FROM {}", place.qualified(name));
    let of = |query: &str| format!("(\n{query}\n)");
    let kept = |query: &str| format!("MATERIALIZED {}", of(query));
    let mut named: Vec<(&str, String)> = Vec::new();
    if is_shared {
        named.extend(BASES.map(|(name, columns)| (name, kept(&of_schema(name, columns)))));
        named.extend(DERIVED.iter().filter_map(|name| {
            let query = File::of(name)?.query();
            Some((*name, of(query)))
        }));
    }
    for (part, _) in parts {
        if !named.iter().any(|(name, _)| *name == part.view) {
            named.push((part.view, of(&of_schema(part.view, "*"))));
        }
    }
    let named: Vec<String> = named
        .iter()
        .map(|(name, query)| format!("{name} AS {query}"))
        .collect();
    let parts: Vec<String> = parts
        .iter()
        .map(|(part, _)| format!("('{}', {})", part.name, part.value()))
        .collect();
    format!(
        "WITH {},\nparts (name, content) AS (VALUES {})\n{}",
        named.join(",\n"),
        parts.join(",\n"),
        include_str!("../sql/report/page.sql")
    )
}

/// A text, handed on as it came.
struct Text(Option<pg_sys::Datum>);

impl IntoDatum for Text {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        self.0
    }

    fn type_oid() -> Oid {
        pg_sys::TEXTOID
    }
}

/// The parts whose views are there and may be read.
fn readable(place: &Place) -> Result<Vec<(&'static Part, Oid)>> {
    let mut readable = Vec::new();
    let holds_copies = place.holds_copies();
    for part in &PARTS {
        // Live tables are as fresh as the page.
        if part.view == views::FRESHNESS && !holds_copies {
            continue;
        }
        let view = place.relation(part.view)?;
        match view {
            Some(view) if view.may_read() => readable.push((part, view.oid)),
            _ if part.is_optional => {}
            Some(_) => {
                return Err(FdwError::new(
                    PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                    format!("permission denied for view {}", place.qualified(part.view)),
                )
                .hint(place.as_owner(format!(
                    "CALL pluralsight_fdw.grant_reading({}, {}, anonymous => true);",
                    quote_literal(&place.name),
                    quote_literal(&role::name(role::current()))
                ))));
            }
            None => {
                return Err(FdwError::new(
                    PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                    format!("view {} does not exist", place.qualified(part.view)),
                )
                .hint(completion_call(place)));
            }
        }
    }
    Ok(readable)
}
