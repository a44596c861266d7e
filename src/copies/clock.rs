//! History is written by the clock of this machine, so a wrong clock is noticed before anything is written by it.

use std::time::Duration;

use pgrx::PgSqlErrorCode;
use pgrx::datum::TimestampWithTimeZone;

use super::guard;
use super::log::Run;
use super::set::Set;
use crate::error::{FdwError, Result};
use crate::sql;

/// How far the clocks of this machine and of the API may differ: a wrong time zone is noticed, a slow answer is not.
const MOST_DIFFERENCE: Duration = Duration::from_secs(30 * 60);
/// How far the clock may be set back between two refreshes: what a time service corrects.
const MOST_BEHIND_SECONDS: f64 = 300.0;
/// The longest pause between two refreshes that is believed when the API does not tell the time.
const MOST_PAUSE_SECONDS: f64 = 100.0 * 86_400.0;

/// What is to be done about moments of history that have not come yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Moments {
    Fine,
    Redate,
}

/// Looks at the clock, after the API was read. `heard` is whether the API has told its time during this refresh.
pub fn check(
    set: &Set,
    run: &Run,
    clock: Option<(Duration, bool)>,
    keeps_history: bool,
) -> Result<Moments> {
    if !run.forced
        && let Some((difference, ahead)) = clock
        && difference > MOST_DIFFERENCE
    {
        return Err(guard::refusal(
            format!(
                "the clock of this machine is {} s {} that of the API",
                difference.as_secs(),
                if ahead { "ahead of" } else { "behind" }
            ),
            "History would record changes at moments that are wrong. Set the clock first."
                .to_owned(),
            set,
        ));
    }
    let recorded = if keeps_history {
        sql::value::<TimestampWithTimeZone>(include_str!("../../sql/history/latest.sql"), &[])?
    } else {
        None
    };
    let compared = sql::rows(
        include_str!("../../sql/copies/clock.sql"),
        &[run.id.into(), recorded.into()],
        |row| {
            Ok((
                row.get::<String>(1)?,
                row.get::<String>(2)?,
                row.get::<f64>(3)?,
            ))
        },
    )?
    .into_iter()
    .next()
    .ok_or_else(|| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_NO_DATA_FOUND,
            "the row of this refresh is gone from refresh_log",
        )
    })?;
    let (Some(latest), Some(now), Some(since)) = compared else {
        return Ok(Moments::Fine);
    };
    if since < -MOST_BEHIND_SECONDS {
        if run.forced {
            return Ok(Moments::Redate);
        }
        return Err(guard::refusal(
            format!("the clock says {now}, and the copies were last refreshed at {latest}"),
            "Either the clock is behind now, or it was ahead then. If it was ahead then, a forced refresh moves what history recorded by it to the present.".to_owned(),
            set,
        ));
    }
    if since > MOST_PAUSE_SECONDS && clock.is_none() && !run.forced {
        return Err(guard::refusal(
            format!("the clock says {now}, and the copies were last refreshed at {latest}"),
            "The API does not tell the time, so the clock of this machine may be ahead.".to_owned(),
            set,
        ));
    }
    Ok(Moments::Fine)
}
