//! The stored copies that the current role may read: are they fresh, is a refresh scheduled, do licenses run out?

use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use pluralsight_catalog::{quote_identifier, quote_literal};

use super::finding::Finding;
use crate::attempt::{Failure, attempt};
use crate::copies::{Job, job, this_database};
use crate::error::{FdwError, Result};
use crate::options::Server;
use crate::sql;
use crate::trusted;
use crate::views::{self, Place, renew_copies, renewal_call};

/// Older copies are worth a word.
const OLD_SECONDS: f64 = 86_400.0;

/// Three rows per set of copies. A set of another server is left out where that can be told.
pub fn check(server: &Server) -> Vec<Finding> {
    let sets = match sets() {
        Ok(sets) => sets,
        Err(error) => return vec![Finding::failed("copies", error)],
    };
    let findings: Vec<Finding> = sets.iter().flat_map(|set| look(set, server)).collect();
    if findings.is_empty() {
        return vec![Finding::ok("copies", "none that this role may read")];
    }
    findings
}

fn sets() -> Result<Vec<String>> {
    Spi::connect(|client| {
        client
            .select(include_str!("../../sql/check/sets.sql"), None, &[])?
            .map(|row| row.get::<String>(1).map(Option::unwrap_or_default))
            .collect::<std::result::Result<Vec<_>, _>>()
    })
    .map_err(sql::failed)
}

fn look(name: &str, server: &Server) -> Vec<Finding> {
    let failed = |error| vec![Finding::failed(format!("copies {name}"), error)];
    let place = match Place::find(name) {
        Ok(place) if place.holds_copies() => place,
        Ok(_) => return Vec::new(),
        Err(error) => return failed(error),
    };
    // What is wrong with one set is no reason not to look at the others.
    match attempt(|| read(&place, server)) {
        Ok(Some(told)) => {
            let mut findings = vec![told.freshness, schedule(&place, told.is_old)];
            findings.extend(told.forecast);
            findings
        }
        Ok(None) => Vec::new(),
        Err(failure) if failure.is_canceled() => failure.raise(),
        Err(failure) => failed(unreadable(&place, failure)),
    }
}

/// Why a view cannot be read, and what to do about it.
fn unreadable(place: &Place, failure: Failure) -> FdwError {
    let is_misfit = failure.is_misfit();
    match failure {
        Failure::Own(error) => error,
        failure => {
            let mut error = FdwError::internal(failure.message());
            error.hint = if is_misfit {
                Some(renewal_call(place))
            } else {
                failure.hint()
            };
            error
        }
    }
}

/// What a set tells.
struct Told {
    freshness: Finding,
    is_old: bool,
    forecast: Option<Finding>,
}

/// Reads what a set tells; none if it is one of another server's tables.
fn read(place: &Place, server: &Server) -> Result<Option<Told>> {
    let mut relations = Vec::new();
    for name in ["data_freshness", "license_forecast", "settings"] {
        relations.extend(place.relation(name)?.map(|relation| relation.oid));
    }
    trusted::read(place, &relations, || {
        let Readable::Here { warn_days } = readable(place, server)? else {
            return Ok(None);
        };
        if place.relation(views::FRESHNESS)?.is_none() {
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                format!("view {} does not exist", place.qualified(views::FRESHNESS)),
            )
            .hint(place.as_owner(renew_copies(&place.name, false, false))));
        }
        let (freshness, is_old) = freshness(place)?;
        Ok(Some(Told {
            freshness,
            is_old,
            forecast: forecast(place, warn_days),
        }))
    })
}

enum Readable {
    /// They are copies of another server's tables.
    OfAnother,
    Here {
        warn_days: Option<i32>,
    },
}

/// Reads the settings where that is allowed.
fn readable(place: &Place, server: &Server) -> Result<Readable> {
    if !may_read(place, "settings")? {
        return Ok(Readable::Here { warn_days: None });
    }
    let settings = sql::rows(
        &place.query(&["settings"], include_str!("../../sql/check/settings.sql")),
        &[server.oid.into(), this_database().into()],
        |row| Ok((row.get::<bool>(1)?, row.get::<i32>(2)?)),
    )?;
    Ok(match settings.into_iter().next() {
        Some((Some(true), _)) => Readable::OfAnother,
        Some((_, warn_days)) => Readable::Here { warn_days },
        None => Readable::Here { warn_days: None },
    })
}

/// Whether there is such a relation, and the current role may read it.
fn may_read(place: &Place, name: &str) -> Result<bool> {
    Ok(place
        .relation(name)?
        .is_some_and(|relation| relation.may_read()))
}

/// How old they are, and whether that is too old.
fn freshness(place: &Place) -> Result<(Finding, bool)> {
    let query = place.query(
        &["data_freshness"],
        include_str!("../../sql/check/freshness.sql"),
    );
    let (tables, known, as_of, age, has_failed, outcome, error) = Spi::connect(|client| {
        let row = client.select(&query, Some(1), &[])?.first();
        Ok((
            row.get::<i64>(1)?.unwrap_or_default(),
            row.get::<i64>(2)?.unwrap_or_default(),
            row.get::<String>(3)?.unwrap_or_default(),
            row.get::<f64>(4)?.unwrap_or(f64::INFINITY),
            row.get::<bool>(5)?.unwrap_or_default(),
            row.get::<String>(6)?.unwrap_or_default(),
            row.get::<String>(7)?.unwrap_or_default(),
        ))
    })
    .map_err(sql::failed)?;
    let check = format!("copies {}", place.name);
    let refresh = place.as_owner(format!(
        "CALL pluralsight_fdw.refresh({});",
        quote_literal(&place.name)
    ));
    let is_old = age > OLD_SECONDS;
    let finding = if has_failed {
        let as_of = if as_of.is_empty() {
            "never refreshed".to_owned()
        } else {
            format!("as of {as_of}")
        };
        Finding::warning(
            check,
            format!("{as_of}; the latest refresh {outcome}: {error}"),
            &place.as_owner(format!(
                "SELECT error, detail, hint FROM {}.refresh_log ORDER BY id DESC LIMIT 1;",
                quote_identifier(&place.name)
            )),
        )
    } else if known < tables || tables == 0 {
        Finding::warning(check, "not all of them have been refreshed yet", &refresh)
    } else if is_old {
        Finding::warning(check, format!("old: as of {as_of}"), &refresh)
    } else {
        Finding::ok(check, format!("{tables} tables as of {as_of}"))
    };
    Ok((finding, is_old))
}

/// A host's own scheduler cannot be seen from here, so its absence is no fault while the copies are fresh.
fn schedule(place: &Place, is_old: bool) -> Finding {
    let check = format!("schedule {}", place.name);
    let hint = place.as_owner(format!(
        "SELECT pluralsight_fdw.schedule_refresh(copies => {});",
        quote_literal(&place.name)
    ));
    match job(&place.name) {
        Err(error) => Finding::failed(check, error),
        Ok(Job::Active(schedule)) => Finding::ok(check, format!("{schedule}, by pg_cron")),
        Ok(Job::Inactive(schedule)) => Finding::warning(
            check,
            format!("{schedule}, by pg_cron, but switched off"),
            &hint,
        ),
        Ok(Job::None) if is_old => {
            Finding::warning(check, "no job of pg_cron that this role may see", &hint)
        }
        Ok(Job::None) => Finding::ok(check, "not by pg_cron, as far as this role may see"),
    }
}

fn forecast(place: &Place, warn_days: Option<i32>) -> Option<Finding> {
    let check = format!("forecast {}", place.name);
    // A forecast that cannot be read hides no other row.
    match attempt(|| runs_out(place, warn_days)) {
        Ok(None) => None,
        Ok(Some(products)) if products.is_empty() => {
            Some(Finding::ok(check, "no product runs out soon"))
        }
        Ok(Some(products)) => {
            let people = format!(
                "SELECT * FROM {}.report_people;",
                quote_identifier(&place.name)
            );
            let hint = match may_read(place, "report_people") {
                Ok(true) => people,
                _ => place.as_owner(people),
            };
            Some(Finding::warning(check, products.join("; "), &hint))
        }
        Err(failure) if failure.is_canceled() => failure.raise(),
        Err(failure) => {
            let mut error = unreadable(place, failure);
            error.message = format!("view license_forecast cannot be read: {}", error.message);
            Some(Finding::failed(check, error))
        }
    }
}

/// Products that run out; none where the forecast is not there or may not be read.
fn runs_out(place: &Place, warn_days: Option<i32>) -> Result<Option<Vec<String>>> {
    if !may_read(place, "license_forecast")? {
        return Ok(None);
    }
    let query = place.query(
        &["license_forecast"],
        include_str!("../../sql/check/forecast.sql"),
    );
    Spi::connect(|client| {
        client
            .select(&query, None, &[warn_days.into()])?
            .map(|row| row.get::<String>(1).map(Option::unwrap_or_default))
            .collect::<std::result::Result<Vec<_>, _>>()
    })
    .map(Some)
    .map_err(|error: pgrx::spi::SpiError| {
        FdwError::internal(format!("the forecast cannot be read: {error}"))
    })
}
