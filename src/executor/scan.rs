//! The executor's callbacks.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use pgrx::memcxt::PgMemoryContexts;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::prelude::*;
use pluralsight_api::{Batch, Problem, Row, Stats};

use super::answer::Answer;
use super::arena::{Lifetime, Memory};
use super::buffer::Place;
use super::count::count;
use super::decode::{ColumnReader, readers};
use super::filter::{Asked, Computed, choose};
use super::generated::Generated;
use super::places::Places;
use super::rescans::{Demand, demand, may_rescan, runs_to_end};
use super::slot;
use super::statement::{Group, Member, Statement};
use super::steady;
use super::verify::{self, LocalCheck};
use crate::error::{FdwError, OrRaise, Result};
use crate::list::members;
use crate::relation::Relation;
use crate::spec::ScanSpec;
use crate::{compat, settings, visibility};

/// A scan under execution. Hangs on the query's memory context, which drops it when the query ends or fails.
pub struct Scan {
    pub spec: ScanSpec,
    pub relation: Relation,
    pub stats: Arc<Stats>,
    user: Oid,
    /// Whether the current user may see keys and values of this scan: see [`crate::visibility`].
    sees_values: bool,
    readers: Vec<ColumnReader>,
    generated: Rc<Generated>,
    expressions: Vec<Expression>,
    demand: Demand,
    estate: *const pg_sys::EState,
    context: *mut pg_sys::ExprContext,
    group: Option<Rc<Group>>,
    /// Keeps the statement's groups together while any of its scans lives.
    statement: Rc<Statement>,
    reading: Option<Open>,
    memory: Memory,
    counted: bool,
    /// Rows handed to the executor, over all rescans.
    pub rows: Cell<u64>,
    pub scanned: Vec<Asked>,
    pub complete: bool,
    /// Everything came from a reading that another scan of the statement had begun.
    pub shared: bool,
    pace: Pace,
}

/// How the scan meets a page that has not come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Waits,
    /// It brings no row, and waits for nothing.
    Tries,
    /// It tried, and the page had not come.
    Early,
}

struct Expression {
    state: *mut pg_sys::ExprState,
    type_oid: Oid,
}

/// The reading that the scan is in.
struct Open {
    answer: Rc<Answer>,
    places: Places,
    place: Place,
    /// The page whose records go straight to this scan, and the next of them.
    page: Batch,
    next: usize,
    page_number: u64,
}

#[pg_guard]
pub unsafe extern "C-unwind" fn begin_foreign_scan(
    node: *mut pg_sys::ForeignScanState,
    flags: std::ffi::c_int,
) {
    if flags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as i32 != 0 {
        return;
    }
    // SAFETY: the executor's own node, whose plan this extension made; the state goes to the query's memory context.
    unsafe {
        let scan = begin(node, flags).or_raise();
        let context = (*(*node).ss.ps.state).es_query_cxt;
        (*node).fdw_state = PgMemoryContexts::For(context)
            .leak_and_drop_on_delete(Some(scan))
            .cast();
    }
}

unsafe fn begin(node: *mut pg_sys::ForeignScanState, flags: std::ffi::c_int) -> Result<Scan> {
    // SAFETY: the executor's own node, whose plan this extension made.
    unsafe {
        let plan = (*node).ss.ps.plan.cast::<pg_sys::ForeignScan>();
        let estate = (*node).ss.ps.state;
        let spec = ScanSpec::from_plan(plan)?;
        let relation = Relation::load(Oid::from(spec.table))?;
        let readers = readers(&relation, &spec.columns)?;
        let user = compat::scan_user(node);
        let states = pg_sys::ExecInitExprList((*plan).fdw_exprs, node.cast());
        let expressions = members::<pg_sys::ExprState>(states)
            .into_iter()
            .zip(members::<pg_sys::Node>((*plan).fdw_exprs))
            .map(|(state, expression)| Expression {
                state,
                type_oid: pg_sys::exprType(expression),
            })
            .collect();
        let generated = if spec.generated.is_empty() {
            Generated::default()
        } else {
            Generated::new((*node).ss.ss_currentRelation, &spec.generated, estate)?
        };
        let statement = Statement::of(estate);
        let mut demand = demand((*estate).es_plannedstmt, plan.cast());
        // The Append above it lets it begin.
        demand.is_certain &= !(*plan).scan.plan.async_capable;
        let group = (!spec.count).then(|| {
            let rescans = flags & pg_sys::EXEC_FLAG_REWIND as i32 != 0
                || spec.parameterised
                || may_rescan((*estate).es_plannedstmt, plan.cast());
            statement.join(
                &spec,
                &relation.options,
                user,
                (*plan).fdw_exprs,
                Member {
                    readers: &readers,
                    rescans,
                    demand,
                },
            )
        });
        Ok(Scan {
            spec,
            relation,
            stats: Arc::new(Stats::default()),
            user,
            sees_values: visibility::of_values(estate),
            readers,
            generated: Rc::new(generated),
            expressions,
            demand,
            estate,
            context: (*node).ss.ps.ps_ExprContext,
            group,
            statement,
            reading: None,
            memory: Memory::default(),
            counted: false,
            rows: Cell::new(0),
            scanned: Vec::new(),
            complete: false,
            shared: false,
            pace: Pace::Waits,
        })
    }
}

/// The scan that hangs on `node`, if it has begun and not ended.
///
/// # Safety
/// `node` must be a scan that this extension planned.
pub unsafe fn with_scan<'a>(node: *mut pg_sys::ForeignScanState) -> Option<&'a mut Scan> {
    // SAFETY: begin_foreign_scan left an Option<Scan> here, or nothing.
    unsafe {
        (*node)
            .fdw_state
            .cast::<Option<Scan>>()
            .as_mut()
            .and_then(Option::as_mut)
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn iterate_foreign_scan(
    node: *mut pg_sys::ForeignScanState,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the executor's own node and slot; the values written into it live in the per-tuple memory context in which
    // the executor calls this function, until the next row is asked for.
    unsafe {
        let slot = (*node).ss.ss_ScanTupleSlot;
        slot::clear(slot);
        let Some(scan) = with_scan(node) else {
            return slot;
        };
        let columns = (*(*slot).tts_tupleDescriptor).natts as usize;
        let values = std::slice::from_raw_parts_mut((*slot).tts_values, columns);
        let nulls = std::slice::from_raw_parts_mut((*slot).tts_isnull, columns);
        let check = LocalCheck {
            slot,
            conditions: (*node).ss.ps.qual,
            context: (*node).ss.ps.ps_ExprContext,
            generated: Rc::clone(&scan.generated),
        };
        let found = if scan.spec.count {
            scan.count(values, nulls)
        } else {
            scan.next(values, nulls, &check)
        }
        .map_err(|error| error.shown_to(scan.sees_values))
        .or_raise();
        if found {
            slot::store(slot);
            check.generated.compute(slot, check.context).or_raise();
        }
        slot
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn rescan_foreign_scan(node: *mut pg_sys::ForeignScanState) {
    // SAFETY: the executor's own node.
    unsafe {
        let parameters_changed = !(*node).ss.ps.chgParam.is_null();
        if let Some(scan) = with_scan(node) {
            scan.rescan(parameters_changed);
        }
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn end_foreign_scan(node: *mut pg_sys::ForeignScanState) {
    // SAFETY: the executor's own node; the slot of the state stays, emptied, with the query's memory context.
    unsafe {
        if let Some(scan) = (*node)
            .fdw_state
            .cast::<Option<Scan>>()
            .as_mut()
            .and_then(Option::take)
        {
            scan.end();
        }
    }
}

impl Scan {
    fn next(
        &mut self,
        values: &mut [Datum],
        nulls: &mut [bool],
        check: &LocalCheck,
    ) -> Result<bool> {
        if self.reading.is_none() {
            let asked = self.asked()?;
            if settings::VERIFY_PUSHDOWN.get() {
                verify::rows(&self.relation, &self.spec.columns, &asked, self.user, check)?;
            }
            self.open(asked)?;
        }
        let Some(open) = self.reading.as_mut() else {
            return Ok(false);
        };
        let (readers, relation, memory) = (&self.readers, &self.relation, &mut self.memory);
        let ends = (&mut self.complete, &mut self.pace);
        let found = open.next(relation, ends, |places, row, problems| {
            places.fill(readers, row, problems, memory, values, nulls)
        })?;
        match found {
            None => return Ok(false),
            Some(Ok(())) => {}
            Some(Err(error)) => {
                let mut error = open.answer.fetch.borrow().masked(error);
                let (name, page) = (&relation.options.name, open.page_number);
                let on_page = match page {
                    0 => String::new(),
                    page => format!(" (page {page})"),
                };
                for message in [Some(&mut error.message), error.without_data.as_mut()]
                    .into_iter()
                    .flatten()
                {
                    *message = format!("{name}: {message}{on_page}");
                }
                return Err(error);
            }
        }
        self.rows.set(self.rows.get() + 1);
        Ok(true)
    }

    fn count(&mut self, values: &mut [Datum], nulls: &mut [bool]) -> Result<bool> {
        if self.counted {
            return Ok(false);
        }
        let asked = self.asked()?;
        let total = count(&self.relation.options, &asked, self.user, &self.stats)?;
        if settings::VERIFY_PUSHDOWN.get() {
            verify::count(&self.relation.options, &asked, self.user, total)?;
        }
        self.scanned.push(asked);
        self.counted = true;
        self.complete = true;
        let total = i64::try_from(total)
            .map_err(|_| FdwError::bad_value("totalCount is more than a bigint holds"))?;
        nulls.fill(false);
        values.fill(Datum::from(total));
        self.rows.set(self.rows.get() + 1);
        Ok(true)
    }

    /// Computes the values of the conditions and chooses what to ask.
    fn asked(&self) -> Result<Asked> {
        let mut computed = Vec::with_capacity(self.expressions.len());
        for expression in &self.expressions {
            let mut is_null = false;
            // SAFETY: the state was made by ExecInitExprList for this node and its expression context; the evaluation
            // may raise, hence the guard. The values live in the per-tuple memory, long enough to be read here.
            let datum = unsafe {
                let evaluate = (*expression.state)
                    .evalfunc
                    .ok_or_else(|| FdwError::internal("an expression without a program"))?;
                pg_sys::ffi::pg_guard_ffi_boundary(|| {
                    evaluate(expression.state, self.context, &mut is_null)
                })
            };
            computed.push(Computed {
                datum,
                is_null,
                type_oid: expression.type_oid,
            });
        }
        choose(&self.spec, &self.relation.options, &computed)
    }

    fn open(&mut self, asked: Asked) -> Result<()> {
        let Some(group) = &self.group else {
            return Ok(());
        };
        self.complete = false;
        if asked == Asked::Nothing {
            self.complete = true;
            self.scanned.push(asked);
            return Ok(());
        }
        let before = self.stats.requests();
        // SAFETY: the executor state of this scan, which is being asked for rows.
        let runs_to_end = unsafe { runs_to_end(self.estate) };
        let reads_to_end = self.demand.extent.is_whole(runs_to_end);
        let options = &self.relation.options;
        let whole = match asked {
            Asked::Filtered(_) => self.statement.whole_reading(group),
            Asked::Everything | Asked::Nothing => None,
        };
        let answer = match whole {
            Some(answer) => answer,
            None => group.answer(&asked, options, self.spec.limit, reads_to_end, &self.stats)?,
        };
        if let Some(stats) = answer.begun.take() {
            self.stats = stats;
            self.statement.took_begun();
        }
        if !settings::VERIFY_PUSHDOWN.get() {
            self.statement.begin_others(group, runs_to_end);
        }
        steady::settle(&answer, options, group.limit(self.spec.limit))?;
        let mine = Rc::strong_count(&answer) <= 2;
        self.shared = !mine && before == 0;
        if self.scanned.len() < 64 {
            self.scanned.push(asked);
        }
        self.reading = Some(Open {
            places: Places::new(&self.readers, &answer.columns)?,
            answer,
            place: Place::default(),
            page: Batch::default(),
            next: 0,
            page_number: 0,
        });
        Ok(())
    }

    /// Whether pages of it are under way.
    pub fn is_reading(&self) -> bool {
        self.reading.is_some() && !self.complete
    }

    pub fn is_of_same_server(&self, other: &Scan) -> bool {
        self.relation.options.server.oid == other.relation.options.server.oid
    }

    /// Whether every row of it will be asked for.
    pub fn is_read_to_end(&self) -> bool {
        // SAFETY: the executor state of this scan, which is being asked for rows.
        let runs_to_end = unsafe { runs_to_end(self.estate) };
        self.demand.extent.is_whole(runs_to_end)
    }

    /// How many scans of one Append may read at once, this one among them.
    pub fn most_at_once(&self) -> usize {
        if self.is_read_to_end() {
            settings::parallel_readings()
        } else {
            1
        }
    }

    /// From now on it waits for pages, or not; whether the last try was too early.
    pub fn set_waits(&mut self, waits: bool) -> bool {
        let pace = if waits { Pace::Waits } else { Pace::Tries };
        std::mem::replace(&mut self.pace, pace) == Pace::Early
    }

    pub fn descriptor(&self) -> Option<i32> {
        self.reading.as_ref()?.answer.fetch.borrow().descriptor()
    }

    pub fn clear_descriptor(&self) {
        if let Some(open) = &self.reading {
            open.answer.fetch.borrow().clear_descriptor();
        }
    }

    fn rescan(&mut self, parameters_changed: bool) {
        self.counted = false;
        let Some(mut open) = self.reading.take() else {
            return;
        };
        let Some(buffer) = &open.answer.buffer else {
            return;
        };
        if parameters_changed {
            buffer.borrow_mut().release(open.place);
            return;
        }
        open.place.rewind(&buffer.borrow());
        self.reading = Some(open);
    }

    fn end(mut self) {
        self.reading = None;
        if let Some(group) = self.group.take() {
            group.leave();
        }
    }
}

impl Open {
    /// Hands the next record to `take`; `None` after the last one, and where it would have to be waited for and the pace
    /// does not allow that.
    fn next<T>(
        &mut self,
        relation: &Relation,
        (complete, pace): (&mut bool, &mut Pace),
        mut take: impl FnMut(&Places, (Row<'_>, Lifetime), &[Option<Problem>]) -> T,
    ) -> Result<Option<T>> {
        loop {
            match &self.answer.buffer {
                None => {
                    if self.next < self.page.len() {
                        let row = (self.page.row(self.next), Lifetime::OfRow);
                        self.next += 1;
                        return Ok(Some(take(&self.places, row, self.page.problems())));
                    }
                }
                Some(buffer) => {
                    let mut buffer = buffer.borrow_mut();
                    if let Some((row, problems)) = buffer.next(&mut self.place)? {
                        // Others read from the buffer, too, and pages are added to it.
                        let row = (row, Lifetime::Shorter);
                        return Ok(Some(take(&self.places, row, problems)));
                    }
                }
            }
            let mut fetch = self.answer.fetch.borrow_mut();
            let page = if fetch.finished() {
                None
            } else if *pace != Pace::Waits && !fetch.ask_early()? {
                *pace = Pace::Early;
                return Ok(None);
            } else {
                fetch.next_page(&relation.options)?
            };
            let Some(records) = page else {
                *complete = true;
                return Ok(None);
            };
            self.page_number += 1;
            if self.answer.buffer.is_some() {
                self.answer.keep(&records);
            } else {
                self.page = records;
                self.next = 0;
            }
        }
    }
}
