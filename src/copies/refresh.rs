//! `refresh()`: reads everything, looks at everything, and then writes what changed, in one transaction.

use std::cell::Cell;
use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::prelude::*;
use pluralsight_catalog::CopiedTable;

use super::log::{Report, Run};
use super::set::{Set, required};
use super::source::Source;
use super::{call, clock, columns, forecast, guard, history, lock, log, own, stage, write};
use crate::attempt::{Failure, attempt};
use crate::error::{FdwError, OrRaise, Result};
use crate::parameters;
use crate::sql;
use crate::views::{self, Place, renewal_call};
use crate::visibility;

/// How a refresh was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    pub copies: String,
    /// The guards are off.
    pub force: bool,
    /// In the place of what the set's settings say.
    pub max_shrink: Option<f64>,
    /// The procedure may end transactions.
    pub may_commit: bool,
}

/// Brings stored copies and their history up to date. A procedure in C, because it must be able to COMMIT.
#[pg_extern(sql = r#"
CREATE PROCEDURE refresh(
    copies name DEFAULT 'pluralsight_copy',
    force boolean DEFAULT false,
    max_shrink numeric DEFAULT NULL
)
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON PROCEDURE refresh(name, boolean, numeric) IS
    'Brings stored copies and their history up to date, all at one moment for whoever reads them. If it fails, they stay as they are.';
"#)]
fn refresh(fcinfo: pg_sys::FunctionCallInfo) {
    // SAFETY: PostgreSQL passes a call with the three arguments of the declaration.
    let request = unsafe {
        let (copies, force, max_shrink) = (
            call::name(fcinfo, 0),
            call::boolean(fcinfo, 1),
            call::numeric(fcinfo, 2),
        );
        read_request(copies, force, max_shrink, call::may_commit(fcinfo))
    };
    let request = request.or_raise();
    call::in_transactions(request.may_commit, || run(&request)).or_raise();
}

fn read_request(
    copies: Option<String>,
    force: Option<bool>,
    max_shrink: Option<String>,
    may_commit: bool,
) -> Result<Request> {
    Ok(Request {
        copies: required("copies", copies)?,
        force: required("force", force)?,
        max_shrink: max_shrink
            .map(|part| guard::parse_max_shrink(&part))
            .transpose()?,
        may_commit,
    })
}

/// Refreshes a set, and logs how that ended.
pub fn run(request: &Request) -> Result<()> {
    let (set, run) = parameters::with_safe_path(|| {
        lock::refuse_read_only("CALL pluralsight_fdw.refresh()")?;
        let set = Set::open(&request.copies)?;
        set.refuse_damage(own::NAMES)?;
        lock::take(&set)?;
        set.hold(own::NAMES)?;
        set.work(|| own::complete(&set))?;
        if request.may_commit {
            lock::keep(&set);
        }
        let run = log::begin(&set, request.force, &caller())?;
        Ok((set, run))
    })?;
    // From here on the log tells of this run, however it ends.
    if request.may_commit {
        call::commit();
    }
    let writes_history = Cell::new(false);
    // Readers of data_freshness see how it ended.
    let outcome = visibility::without_values(|| {
        attempt(|| parameters::with_safe_path(|| work(&set, &run, request, &writes_history)))
    });
    let failure = match outcome {
        Ok(()) => {
            if request.may_commit {
                // The transaction's own lock lasts until what was written can be seen.
                lock::take(&set)?;
                lock::give_back(&set);
            }
            return Ok(());
        }
        Err(failure) if writes_history.get() => mendable(&set, failure),
        Err(failure) => failure,
    };
    let place = if request.may_commit {
        call::uninterrupted(|| {
            parameters::with_safe_path(|| {
                set.hold(own::NAMES)?;
                log::fail(&set, &run, &failure)
            })?;
            call::commit();
            Ok(())
        })?;
        format!("This is run {} of refresh_log.", run.id)
    } else {
        "Inside a transaction block, refresh_log keeps no row of a failed refresh: the row goes with the transaction.".to_owned()
    };
    let detail = [
        failure.detail().as_deref(),
        Some("The copies stay as they are."),
        Some(&place),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" ");
    failure.with_detail(detail).raise()
}

/// Says what to do where history could not be written because a view that it is drawn from was changed, or is gone.
fn mendable(set: &Set, failure: Failure) -> Failure {
    if matches!(failure, Failure::Own(_)) {
        return failure;
    }
    let renewal = parameters::with_safe_path(|| {
        let place = Place::find(&set.name)?;
        Ok(views::are_other_than_made(&place, &history::DRAWN_FROM).then(|| renewal_call(&place)))
    });
    match renewal {
        Ok(Some(call)) => failure.with_hint(call),
        _ => failure,
    }
}

/// The name of the role that called.
fn caller() -> String {
    // SAFETY: the session's user exists, and its name is copied.
    unsafe {
        let name = pg_sys::GetUserNameFromId(pg_sys::GetUserId(), false);
        CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}

/// `writes_history` is set for as long as history is written.
fn work(set: &Set, run: &Run, request: &Request, writes_history: &Cell<bool>) -> Result<()> {
    set.refuse_strangers()?;
    let source = Source::of(set)?;
    let names = set.tables()?;
    let keeps_history = history::is_kept(set);
    let written: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .chain(own::NAMES)
        .chain(
            history::TABLES
                .iter()
                .map(|(name, _)| *name)
                .filter(|_| keeps_history),
        )
        .collect();
    set.refuse_damage(written.iter().copied())?;
    let tables = source
        .checked(set.owner, &names)?
        .iter()
        .map(|table| columns::copied(set, &source, table))
        .collect::<Result<Vec<CopiedTable>>>()?;

    let mut report = Report::default();
    let max_shrink = max_shrink(set, request)?;
    let heard_before = pluralsight_api::session_clock();
    set.work(|| {
        let erased =
            sql::value::<bool>(include_str!("../../sql/copies/erase/has_erased.sql"), &[])?
                .unwrap_or_default();
        for table in &tables {
            let most_gone = if request.force {
                None
            } else {
                Some(guard::most_gone(guard::kept(table)?, max_shrink))
            };
            let told = stage::read(set, table, most_gone, erased, &mut report)?;
            report.tables.push((table.name.clone(), told));
        }
        Ok(())
    })?;

    let heard = pluralsight_api::session_clock().filter(|heard| Some(*heard) != heard_before);
    let moments = set.work(|| {
        let moments = clock::check(set, run, heard.map(difference), keeps_history)?;
        if !request.force {
            for table in &tables {
                guard::refuse_other_plan(set, table)?;
                guard::refuse_loss(set, table, max_shrink)?;
            }
        }
        Ok(moments)
    })?;

    // Reading took its time; what is written now must still be what was checked.
    set.refuse_change()?;
    set.refuse_strangers()?;
    set.hold(written.iter().copied())?;
    set.work(|| {
        for (table, (_, told)) in tables.iter().zip(&mut report.tables) {
            write::write(table, told)?;
        }
        if keeps_history {
            writes_history.set(true);
            history::write(set, run, moments, &mut report)?;
            writes_history.set(false);
        }
        Ok(())
    })?;
    if keeps_history {
        forecast::tell(set, run, &mut report)?;
    }
    set.work(|| log::succeed(run, &report))?;
    source.remember(set)?;
    // Where a new name does not wait for whoever uses the schema, another schema may have come by the old one meanwhile.
    set.refuse_change()
}

/// How far this machine's clock is from the API's, and whether it is ahead.
fn difference(
    (theirs, ours): (std::time::SystemTime, std::time::SystemTime),
) -> (std::time::Duration, bool) {
    match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, true),
        Err(behind) => (behind.duration(), false),
    }
}

fn max_shrink(set: &Set, request: &Request) -> Result<f64> {
    if let Some(max_shrink) = request.max_shrink {
        return Ok(max_shrink);
    }
    let kept = set
        .work(|| sql::value::<f64>(include_str!("../../sql/copies/lookup/max_shrink.sql"), &[]))?;
    kept.ok_or_else(|| FdwError::internal("settings has no row"))
}
