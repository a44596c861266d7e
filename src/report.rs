//! `report_html()`: the views of a schema as one page.
//!
//! It reads with the rights of whoever calls it, in one statement, so that all numbers are of one moment.

use pgrx::PgSqlErrorCode;
use pgrx::datum::DatumWithOid;
use pgrx::fcinfo::pg_getarg_datum;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use pluralsight_catalog::quote_literal;
use pluralsight_report::{Data, render};

use crate::encoding;
use crate::error::{FdwError, OrRaise, Result};
use crate::parameters;
use crate::role;
use crate::sql;
use crate::trusted;
use crate::views::{self, File, Place, create_copies_call, set_up_call};

/// A part of the page: its name in [`Data`], the view that it reads, and the expression that reads it, where `%s` is the view.
struct Part {
    name: &'static str,
    view: &'static str,
    expression: &'static str,
    /// The page can do without it.
    is_optional: bool,
}

/// All rows in an order.
macro_rules! rows {
    ($order:literal) => {
        concat!(
            "(SELECT COALESCE(jsonb_agg(to_jsonb(part) ORDER BY ",
            $order,
            "), '[]') FROM %s AS part)"
        )
    };
}

/// The first rows in an order, and how many there are.
macro_rules! first_rows {
    ($order:literal) => {
        concat!(
            "(SELECT jsonb_build_object('total', count(*), 'rows', COALESCE(jsonb_agg(to_jsonb(part) ORDER BY part.place) FILTER (WHERE part.place <= 15), '[]'))
             FROM (SELECT *, row_number() OVER (ORDER BY ", $order, ") AS place FROM %s) AS part)"
        )
    };
}

static PARTS: [Part; 9] = [
    Part {
        name: "summary",
        view: "report_summary",
        expression: "(SELECT to_jsonb(part) FROM %s AS part)",
        is_optional: false,
    },
    Part {
        name: "products",
        view: "report_products",
        expression: rows!(
            "part.purchased DESC NULLS LAST, part.seats DESC, part.product_id COLLATE \"C\""
        ),
        is_optional: false,
    },
    Part {
        name: "reasons",
        view: "report_reasons",
        expression: rows!("part.reclaim_reason COLLATE \"C\", part.cost DESC NULLS LAST"),
        is_optional: false,
    },
    Part {
        name: "months",
        view: "seats_by_month",
        expression: rows!("part.month"),
        is_optional: false,
    },
    Part {
        name: "forecasts",
        view: "license_forecast",
        expression: rows!("part.product_id COLLATE \"C\""),
        is_optional: false,
    },
    Part {
        name: "cost_centers",
        view: "report_cost_centers",
        expression: first_rows!(
            "cost DESC NULLS LAST, seats DESC, cost_center COLLATE \"C\", currency COLLATE \"C\""
        ),
        is_optional: true,
    },
    Part {
        name: "managers",
        view: "report_managers",
        expression: first_rows!(
            "cost DESC NULLS LAST, seats DESC, manager_email COLLATE \"C\", currency COLLATE \"C\""
        ),
        is_optional: true,
    },
    Part {
        name: "people",
        view: "report_people",
        expression: first_rows!(
            "cost DESC NULLS LAST, seats DESC, days_idle DESC NULLS LAST, user_id COLLATE \"C\", currency COLLATE \"C\""
        ),
        is_optional: true,
    },
    Part {
        name: "freshness",
        view: "data_freshness",
        expression: "(SELECT jsonb_build_object('as_of', min(part.as_of), 'last_refresh_failed', COALESCE(bool_or(part.last_refresh_failed), false)) FROM %s AS part)",
        is_optional: true,
    },
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

/// What the views of the report are made from, each read once.
const BASES: [&str; 4] = ["seat_costs", "licenses", "report_known", "seats_by_month"];

/// The views of the report that are made from these, in the order in which they need one another.
const DERIVED: [&str; 7] = [
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
    let (preface, mut views) = match shared(place)? {
        Some(bases) => (preface(place), bases),
        None => (String::new(), Vec::new()),
    };
    views.extend(parts.iter().map(|(_, view)| *view));
    trusted::refuse_strangers(place, &views)?;
    let members: String = parts
        .iter()
        .map(|(part, _)| {
            let is_shared =
                !preface.is_empty() && BASES.iter().chain(&DERIVED).any(|view| *view == part.view);
            let view = if is_shared {
                part.view.to_owned()
            } else {
                place.qualified(part.view)
            };
            format!(
                ",\n'{}', {}",
                part.name,
                part.expression.replace("%s", &view)
            )
        })
        .collect();
    let statement = format!(
        "{preface}SELECT convert_to(jsonb_build_object('title', $1, 'schema', quote_ident({}), 'written_at', statement_timestamp(){members})::text, 'UTF8')",
        quote_literal(&place.name)
    );
    // SAFETY: the datum is a text that the caller of this function passed, and it outlives the statement.
    let title = unsafe { DatumWithOid::new(Text(title), pg_sys::TEXTOID) };
    // Compiling takes longer than reading, and what is sorted fits into memory.
    let json = parameters::with(&[("jit", "off"), ("work_mem", "64MB")], || {
        Spi::connect(|client| {
            client
                .select(&statement, Some(1), &[title])?
                .first()
                .get::<Vec<u8>>(1)
        })
        .map_err(sql::failed)
    })?
    .unwrap_or_default();
    serde_json::from_slice(&json).map_err(|error| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!(
                "the views in schema \"{}\" are not as the report needs them",
                place.name
            ),
        )
        .detail(format!("{error}."))
        .hint(renewal(place))
    })
}

/// The views that the others are made from, if these are as we made them and may be read. Each is then read once, and the
/// queries of the others run over what was read.
fn shared(place: &Place) -> Result<Option<Vec<Oid>>> {
    let mut bases = Vec::new();
    for name in BASES {
        match place.relation(name)? {
            Some(view) if may_read(view.oid) => bases.push(view.oid),
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

/// The bases and what is made from them, as named subqueries.
fn preface(place: &Place) -> String {
    let bases = BASES.map(|name| {
        format!(
            "{name} AS MATERIALIZED (SELECT * FROM {})",
            place.qualified(name)
        )
    });
    let derived = DERIVED.iter().filter_map(|name| {
        let query = File::of(name)?.query();
        Some(format!("{name} AS (\n{query}\n)"))
    });
    let all: Vec<String> = bases.into_iter().chain(derived).collect();
    format!("WITH {}\n", all.join(",\n"))
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
    for part in &PARTS {
        let view = place.relation(part.view)?;
        match view {
            Some(view) if may_read(view.oid) => readable.push((part, view.oid)),
            _ if part.is_optional => {}
            Some(_) => {
                return Err(FdwError::new(
                    PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                    format!("permission denied for view {}", place.qualified(part.view)),
                )
                .hint(format!(
                    "CALL pluralsight_fdw.grant_reading({}, {}, anonymous => true);",
                    quote_literal(&place.name),
                    quote_literal(&role::name(role::current()))
                )));
            }
            None => {
                return Err(FdwError::new(
                    PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                    format!("view {} does not exist", place.qualified(part.view)),
                )
                .hint(renewal(place)));
            }
        }
    }
    Ok(readable)
}

fn may_read(relation: Oid) -> bool {
    // SAFETY: a catalog look-up.
    unsafe {
        pg_sys::pg_class_aclcheck(
            relation,
            pg_sys::GetUserId(),
            pg_sys::ACL_SELECT as pg_sys::AclMode,
        ) == pg_sys::AclResult::ACLCHECK_OK
    }
}

/// The call that makes the views.
fn renewal(place: &Place) -> String {
    match place.relation("data_freshness") {
        Ok(Some(_)) => create_copies_call(&place.name),
        _ => set_up_call(&place.name),
    }
}
