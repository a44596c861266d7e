//! What a refresh tells of licenses that run out.

use serde_json::json;

use super::log::{self, Report, Run};
use super::set::Set;
use crate::attempt::attempt;
use crate::error::Result;
use crate::sql;
use crate::views::{self, Place};

/// A product whose licenses run out.
struct RunsOut {
    product_id: String,
    remaining: Option<i64>,
    on: Option<String>,
    confidence: Option<String>,
    is_news: bool,
}

/// Notes which products run out within `settings.warn_days`, and notifies the channel `pluralsight` of those that did not
/// when the last refresh looked. A forecast that cannot be read is no reason to refuse the data.
pub fn tell(set: &Set, run: &Run, report: &mut Report) -> Result<()> {
    if set.relation("license_forecast").is_none() {
        return Ok(());
    }
    match attempt(|| set.work(|| look(run))) {
        Ok(running_out) => {
            for product in running_out.iter().filter(|product| product.is_news) {
                log::notify(&json!({
                    "copies": set.name,
                    "run": run.id,
                    "product_id": product.product_id,
                    "remaining": product.remaining,
                    "runs_out_on": product.on,
                    "confidence": product.confidence,
                }))?;
            }
        }
        Err(failure) if failure.is_canceled() => failure.raise(),
        Err(failure) => report.warn(
            format!(
                "view license_forecast cannot be read: {}",
                failure.message()
            ),
            Place::find(&set.name)
                .ok()
                .map(|place| set.work(|| Ok(views::renewal_call(&place))))
                .and_then(Result::ok),
        ),
    }
    Ok(())
}

fn look(run: &Run) -> Result<Vec<RunsOut>> {
    let running_out = sql::rows(
        include_str!("../../sql/copies/runs_out.sql"),
        &[run.id.into()],
        |row| {
            Ok(RunsOut {
                product_id: row.get(1)?.unwrap_or_default(),
                remaining: row.get(2)?,
                on: row.get(3)?,
                confidence: row.get(4)?,
                is_news: row.get(5)?.unwrap_or_default(),
            })
        },
    )?;
    let products: Vec<String> = running_out
        .iter()
        .map(|product| product.product_id.clone())
        .collect();
    sql::run(
        include_str!("../../sql/copies/log/runs_out.sql"),
        &[run.id.into(), products.into()],
    )?;
    Ok(running_out)
}
