//! The stored copies that the current role may read: are they fresh, is a refresh scheduled, do licenses run out?

use pgrx::prelude::*;
use pluralsight_catalog::{quote_identifier, quote_literal};

use super::Finding;
use crate::copies::{Job, job};
use crate::error::{FdwError, Result};
use crate::options::Server;
use crate::sql;
use crate::trusted;
use crate::views::Place;

/// Older copies are worth a word.
const OLD_SECONDS: f64 = 86_400.0;

/// Schemas with stored copies whose freshness the current role may see.
const SETS: &str = "
SELECT schema.nspname::text
FROM pg_namespace AS schema
JOIN pg_class AS freshness ON freshness.relnamespace = schema.oid AND freshness.relname = 'data_freshness' AND freshness.relkind = 'v'
JOIN pg_class AS settings ON settings.relnamespace = schema.oid AND settings.relname = 'settings' AND settings.relkind = 'r'
WHERE has_schema_privilege(schema.oid, 'USAGE')
  AND has_table_privilege(freshness.oid, 'SELECT')
ORDER BY 1";

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
            .select(SETS, None, &[])?
            .map(|row| row.get::<String>(1).map(Option::unwrap_or_default))
            .collect::<std::result::Result<Vec<_>, _>>()
    })
    .map_err(sql::failed)
}

fn look(name: &str, server: &Server) -> Vec<Finding> {
    let failed = |error| vec![Finding::failed(format!("copies {name}"), error)];
    let place = match Place::find(name) {
        Ok(place) => place,
        Err(error) => return failed(error),
    };
    // Views of whoever made the schema are read with the rights of whoever asks.
    let settings = match readable(&place, server) {
        Ok(Readable::OfAnother) => return Vec::new(),
        Ok(Readable::Here { warn_days }) => warn_days,
        Err(error) => return failed(error),
    };
    let (freshness, is_old) = match freshness(&place) {
        Ok(found) => found,
        Err(error) => return failed(error),
    };
    let mut findings = vec![freshness, schedule(&place, is_old)];
    findings.extend(forecast(&place, settings));
    findings
}

enum Readable {
    /// They are copies of another server's tables.
    OfAnother,
    Here {
        warn_days: Option<i32>,
    },
}

/// Makes sure that the views can be read without running another role's code, and reads the settings where that is allowed.
fn readable(place: &Place, server: &Server) -> Result<Readable> {
    let mut relations = Vec::new();
    for name in ["data_freshness", "license_forecast", "settings"] {
        relations.extend(place.relation(name)?.map(|relation| relation.oid));
    }
    trusted::refuse_strangers(place, &relations)?;
    let settings = place.qualified("settings");
    if sql::value::<bool>(
        "SELECT has_table_privilege($1, 'SELECT')",
        &[settings.as_str().into()],
    )? != Some(true)
    {
        return Ok(Readable::Here { warn_days: None });
    }
    let is_elsewhere = sql::value::<bool>(
        &format!(
            "SELECT EXISTS (
                SELECT
                FROM {settings} AS settings
                JOIN pg_namespace AS source ON source.oid = settings.source_id OR source.nspname = settings.source_schema
                JOIN pg_class AS relation ON relation.relnamespace = source.oid
                JOIN pg_foreign_table AS declared ON declared.ftrelid = relation.oid
                WHERE declared.ftserver <> $1
             )"
        ),
        &[server.oid.into()],
    )?;
    if is_elsewhere == Some(true) {
        return Ok(Readable::OfAnother);
    }
    Ok(Readable::Here {
        warn_days: sql::value::<i32>(&format!("SELECT warn_days FROM {settings}"), &[])?,
    })
}

/// How old they are, and whether that is too old.
fn freshness(place: &Place) -> Result<(Finding, bool)> {
    let query = format!(
        "SELECT count(*), count(as_of), to_char(min(as_of), 'YYYY-MM-DD HH24:MI TZ'), extract(epoch FROM max(age))::double precision,
            COALESCE(bool_or(last_refresh_failed), false), min(last_outcome), min(last_error)
         FROM {}",
        place.qualified("data_freshness")
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
    let refresh = format!(
        "CALL pluralsight_fdw.refresh({});",
        quote_literal(&place.name)
    );
    let is_old = age > OLD_SECONDS;
    let finding = if has_failed {
        Finding::warning(
            check,
            format!("as of {as_of}; the latest refresh {outcome}: {error}"),
            &format!(
                "SELECT error, detail, hint FROM {}.refresh_log ORDER BY id DESC LIMIT 1;",
                quote_identifier(&place.name)
            ),
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
    let cure = format!(
        "SELECT pluralsight_fdw.schedule_refresh(copies => {});",
        quote_literal(&place.name)
    );
    match job(&place.name) {
        Err(error) => Finding::failed(check, error),
        Ok(Job::Active(schedule)) => Finding::ok(check, format!("{schedule}, by pg_cron")),
        Ok(Job::Inactive(schedule)) => Finding::warning(
            check,
            format!("{schedule}, by pg_cron, but switched off"),
            &cure,
        ),
        Ok(Job::None) if is_old => {
            Finding::warning(check, "no job of pg_cron that this role may see", &cure)
        }
        Ok(Job::None) => Finding::ok(check, "not by pg_cron, as far as this role may see"),
    }
}

fn forecast(place: &Place, warn_days: Option<i32>) -> Option<Finding> {
    let check = format!("forecast {}", place.name);
    match runs_out(place, warn_days) {
        Ok(None) => None,
        Ok(Some(products)) if products.is_empty() => {
            Some(Finding::ok(check, "no product runs out soon"))
        }
        Ok(Some(products)) => Some(Finding::warning(
            check,
            products.join("; "),
            &format!(
                "SELECT * FROM {}.report_people;",
                quote_identifier(&place.name)
            ),
        )),
        Err(error) => Some(Finding::failed(check, error)),
    }
}

/// Products that run out; none where the forecast is not there or may not be read.
fn runs_out(place: &Place, warn_days: Option<i32>) -> Result<Option<Vec<String>>> {
    if place.relation("license_forecast")?.is_none() {
        return Ok(None);
    }
    let view = place.qualified("license_forecast");
    if sql::value::<bool>(
        "SELECT has_table_privilege($1, 'SELECT')",
        &[view.as_str().into()],
    )? != Some(true)
    {
        return Ok(None);
    }
    let query = format!(
        "SELECT concat(
            COALESCE(product_name, product_id),
            CASE WHEN remaining <= 0 THEN ' has none left' ELSE ' runs out on ' || runs_out_on || ' (confidence: ' || confidence || ')' END
         )
         FROM {view}
         WHERE runs_out_on <= (now() AT TIME ZONE 'UTC')::date + COALESCE($1, 30)
         ORDER BY runs_out_on, product_id"
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
