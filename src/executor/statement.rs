//! What the scans of one statement share.
//!
//! Two scans of one statement that ask for the same records see the same reading of the API and pay for it once. Scans
//! that may do so form a group; they register while the executor starts, before any of them reads, so that the first
//! one to read knows the columns of all of them and whether anyone will read a second time.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use pgrx::pg_sys::{self, Oid};
use pluralsight_api::{ColumnPlan, Completeness, FieldPath, Operation, PageSizes, Stats};
use pluralsight_catalog::FilterOption;

use super::answer::Answer;
use super::buffer::Buffer;
use super::decode::ColumnReader;
use super::fetch::Fetch;
use super::filter::Asked;
use super::rescans::{Demand, Extent};
use super::template::Reading;
use crate::error::Result;
use crate::options::{OnDrift, TableOptions};
use crate::settings;
use crate::spec::ScanSpec;

/// Records of a table that are kept because a filtered scan of the same statement may find its own among them. Reading more
/// than this takes so many requests that one of the filter's does not count.
const KEPT_FOR_OTHERS: f64 = 10_000.0;
/// Answers kept for a scan that is asked again and again with other values.
const ANSWERS_KEPT: usize = 1_024;

thread_local! {
    /// The statements under way, by the address of their executor state.
    static STATEMENTS: RefCell<HashMap<usize, Weak<Statement>>> = RefCell::new(HashMap::new());
}

/// One statement under execution.
pub struct Statement {
    context: pg_sys::MemoryContext,
    groups: RefCell<Vec<Rc<Group>>>,
    /// Readings that were begun before their turn, which has not come yet.
    begun: Cell<usize>,
}

impl Statement {
    /// The statement that `estate` executes.
    ///
    /// # Safety
    /// `estate` must be an executor state that is in use.
    pub unsafe fn of(estate: *mut pg_sys::EState) -> Rc<Statement> {
        STATEMENTS.with_borrow_mut(|statements| {
            statements.retain(|_, statement| statement.strong_count() > 0);
            if let Some(statement) = statements.get(&(estate as usize)).and_then(Weak::upgrade) {
                return statement;
            }
            let statement = Rc::new(Statement {
                // SAFETY: the caller vouches for the executor state.
                context: unsafe { (*estate).es_query_cxt },
                groups: RefCell::default(),
                begun: Cell::new(0),
            });
            statements.insert(estate as usize, Rc::downgrade(&statement));
            statement
        })
    }

    /// Puts a scan into the group of those that ask for the same; `expressions` are its `fdw_exprs`.
    pub fn join(
        &self,
        spec: &ScanSpec,
        options: &TableOptions,
        user: Oid,
        expressions: *mut pg_sys::List,
        member: Member<'_>,
    ) -> Rc<Group> {
        let mut groups = self.groups.borrow_mut();
        let same = groups.iter().find(|group| {
            group.server == options.server.oid
                && group.user == user
                && group.query == options.query
                && group.reads_alike(options)
                && group.spec.conditions == spec.conditions
                && !group.spec.count
                && !spec.count
                // SAFETY: both are expression lists of plans of this statement.
                && unsafe { pg_sys::equal(group.expressions.cast(), expressions.cast()) }
        });
        let group = match same {
            Some(group) => Rc::clone(group),
            None => {
                let group = Rc::new(Group {
                    server: options.server.oid,
                    user,
                    query: options.query.clone(),
                    manner: Manner::of(options),
                    spec: spec.clone(),
                    expressions,
                    context: self.context,
                    columns: RefCell::default(),
                    members: Cell::new(0),
                    reread: Cell::new(false),
                    kept: Cell::new(false),
                    eager: Cell::new(None),
                    begun: RefCell::default(),
                    answers: RefCell::default(),
                });
                groups.push(Rc::clone(&group));
                group
            }
        };
        group.members.set(group.members.get() + 1);
        group
            .reread
            .set(group.reread.get() || member.rescans || group.members.get() > 1);
        group
            .kept
            .set(group.reread.get() || options.on_drift == OnDrift::Retry);
        // What depends on nothing can be asked for before its turn.
        let asks_for_everything = spec.conditions.is_empty() && !options.is_absent();
        if asks_for_everything && spec.limit.is_none() && member.demand.is_certain {
            group.eager.set(Some((options.oid, member.demand.extent)));
        }
        let mut columns = group.columns.borrow_mut();
        for reader in member.readers {
            let plan = reader.plan();
            if !columns.contains(&plan) {
                columns.push(plan);
            }
        }
        drop(columns);
        keep_whole_readings(&groups, &group, options);
        group
    }

    /// A whole reading of the table that `group` filters, if one was made in this statement and its records are still
    /// there. Conditions are checked again on every row, so it is as good as the filter's own answer.
    pub fn whole_reading(&self, group: &Group) -> Option<Rc<Answer>> {
        let groups = self.groups.borrow();
        let mut others = groups.iter().filter(|other| {
            other.reads_everything() && other.is_of_same_table(group) && group.has_columns_of(other)
        });
        others.find_map(|other| {
            let answers = other.answers.borrow();
            let answer = answers.by_filter.get(&Asked::Everything)?;
            let fetch = answer.fetch.try_borrow().ok()?;
            // What was missed while the data changed, a filter may still bring.
            let is_whole = fetch.finished() && !fetch.drifted();
            (is_whole && answer.buffer.is_some()).then(|| Rc::clone(answer))
        })
    }
}

/// Has the records of a small table kept where it is read whole and filtered in one statement.
fn keep_whole_readings(groups: &[Rc<Group>], newest: &Group, options: &TableOptions) {
    let is_small = options.rows.is_some_and(|rows| rows <= KEPT_FOR_OTHERS);
    let same = || groups.iter().filter(|group| group.is_of_same_table(newest));
    if is_small && same().any(|group| !group.reads_everything()) {
        for whole in same().filter(|group| group.reads_everything()) {
            whole.kept.set(true);
        }
    }
}

impl Statement {
    /// Begins the readings of other groups that will surely be needed, as many as may be under way at once. `group` is the one
    /// that is being read.
    pub fn begin_others(&self, group: &Rc<Group>, runs_to_end: bool) {
        group.eager.take();
        let groups = self.groups.borrow().clone();
        let most = settings::parallel_readings();
        for other in groups {
            if self.begun.get() + 1 >= most {
                return;
            }
            if !Rc::ptr_eq(&other, group) && other.begin(runs_to_end) {
                self.begun.set(self.begun.get() + 1);
            }
        }
    }

    /// A reading that was begun before its turn has been taken by its scan.
    pub fn took_begun(&self) {
        self.begun.set(self.begun.get().saturating_sub(1));
    }
}

/// What a scan brings into its group.
pub struct Member<'a> {
    pub readers: &'a [ColumnReader],
    /// The executor may ask for the same rows again.
    pub rescans: bool,
    pub demand: Demand,
}

/// The options of a foreign table that can change which records a reading brings, or whether it ends with an error. Two
/// tables over one query may differ in them.
#[derive(PartialEq)]
struct Manner {
    operation: Operation,
    key: Option<FieldPath>,
    filters: Vec<FilterOption>,
    truncated: Vec<FieldPath>,
    page_sizes: PageSizes,
    completeness: Completeness,
    on_drift: OnDrift,
}

impl Manner {
    fn of(options: &TableOptions) -> Manner {
        Manner {
            operation: options.operation.clone(),
            key: options.key.clone(),
            filters: options.filters.clone(),
            truncated: options.truncated.clone(),
            page_sizes: options.page_sizes,
            completeness: options.completeness,
            on_drift: options.on_drift,
        }
    }
}

/// Scans of one statement that ask for the same records.
pub struct Group {
    server: Oid,
    user: Oid,
    query: String,
    manner: Manner,
    spec: ScanSpec,
    expressions: *mut pg_sys::List,
    context: pg_sys::MemoryContext,
    columns: RefCell<Vec<ColumnPlan>>,
    members: Cell<usize>,
    /// What is read will or may be read again, by others or by the same scan.
    reread: Cell<bool>,
    /// Records are kept: for those who read them again, or until they are known to stand.
    kept: Cell<bool>,
    /// A table of a scan that will surely be read, and how far.
    eager: Cell<Option<(Oid, Extent)>>,
    /// A reading whose first page was asked for before its turn.
    begun: RefCell<Option<Rc<Answer>>>,
    answers: RefCell<Answers>,
}

#[derive(Default)]
struct Answers {
    by_filter: HashMap<Asked, Rc<Answer>>,
    order: VecDeque<Asked>,
}

impl Group {
    /// Whether its scans have no condition that the API is asked to judge, and bring every record or an error.
    fn reads_everything(&self) -> bool {
        self.spec.conditions.is_empty()
            && !self.spec.count
            && self.manner.completeness == Completeness::default()
    }

    fn has_columns_of(&self, other: &Group) -> bool {
        let (columns, others) = (self.columns.borrow(), other.columns.borrow());
        columns.iter().all(|column| others.contains(column))
    }

    fn is_of_same_table(&self, other: &Group) -> bool {
        self.server == other.server
            && self.user == other.user
            && self.query == other.query
            && self.manner == other.manner
    }

    /// Whether a scan with these options may share the group's readings. The server is the same, and so are its options.
    fn reads_alike(&self, options: &TableOptions) -> bool {
        self.manner == Manner::of(options)
    }

    /// The group's reading for `asked`: one that is there, or a new one. The counters of a new one go to `stats`.
    pub fn answer(
        &self,
        asked: &Asked,
        options: &TableOptions,
        limit: Option<u64>,
        reads_to_end: bool,
        stats: &Arc<Stats>,
    ) -> Result<Rc<Answer>> {
        let answers = self.answers.borrow();
        if self.kept.get()
            && let Some(answer) = answers.by_filter.get(asked)
        {
            return Ok(Rc::clone(answer));
        }
        if *asked == Asked::Everything
            && let Some(answer) = self.begun.borrow_mut().take()
        {
            return Ok(answer);
        }
        drop(answers);
        self.new_answer(asked, options, limit, reads_to_end, stats)
    }

    fn new_answer(
        &self,
        asked: &Asked,
        options: &TableOptions,
        limit: Option<u64>,
        reads_to_end: bool,
        stats: &Arc<Stats>,
    ) -> Result<Rc<Answer>> {
        let columns = self.columns.borrow().clone();
        let reading = Reading {
            options,
            columns: &columns,
            asked,
            limit: self.limit(limit),
            reads_to_end,
        };
        let answer = Rc::new(Answer {
            fetch: RefCell::new(Fetch::new(&reading, self.user, Arc::clone(stats))?),
            columns: columns.clone(),
            buffer: self
                .kept
                .get()
                .then(|| RefCell::new(Buffer::new(self.context))),
            is_steady: Cell::new(options.on_drift != OnDrift::Retry),
            begun: Cell::new(None),
        });
        if self.kept.get() {
            self.answers.borrow_mut().keep(asked, &answer);
        }
        Ok(answer)
    }

    /// Asks for the first page before its turn, if it will surely be read; false if there was nothing to do.
    fn begin(&self, runs_to_end: bool) -> bool {
        let Some((table, extent)) = self.eager.take() else {
            return false;
        };
        if !extent.is_whole(runs_to_end) || !self.answers.borrow().by_filter.is_empty() {
            return false;
        }
        let stats = Arc::new(Stats::default());
        let begun = TableOptions::load(table).and_then(|options| {
            let answer = self.new_answer(&Asked::Everything, &options, None, true, &stats)?;
            answer.fetch.borrow_mut().ask_early()?;
            Ok(answer)
        });
        // Whatever is wrong is said by the scan itself, in its turn.
        let Ok(answer) = begun else {
            return false;
        };
        answer.begun.set(Some(stats));
        if !self.kept.get() {
            self.begun.replace(Some(answer));
        }
        true
    }

    /// A scan's LIMIT, if nobody reads further than that scan.
    pub fn limit(&self, limit: Option<u64>) -> Option<u64> {
        limit.filter(|_| !self.reread.get())
    }

    /// A scan of the group has ended; after the last one nothing is kept.
    pub fn leave(&self) {
        self.members.set(self.members.get().saturating_sub(1));
        if self.members.get() == 0 {
            self.begun.take();
            let answers = std::mem::take(&mut *self.answers.borrow_mut());
            for answer in answers.by_filter.values() {
                if let Some(buffer) = &answer.buffer {
                    buffer.borrow_mut().end();
                }
            }
        }
    }
}

impl Answers {
    fn keep(&mut self, asked: &Asked, answer: &Rc<Answer>) {
        if self.order.len() >= ANSWERS_KEPT {
            let unread = self.order.iter().position(|old| {
                self.by_filter
                    .get(old)
                    .is_some_and(|answer| Rc::strong_count(answer) == 1)
            });
            if let Some(position) = unread
                && let Some(old) = self.order.remove(position)
                && let Some(answer) = self.by_filter.remove(&old)
                && let Some(buffer) = &answer.buffer
            {
                buffer.borrow_mut().end();
            }
        }
        self.order.push_back(asked.clone());
        self.by_filter.insert(asked.clone(), Rc::clone(answer));
    }
}
