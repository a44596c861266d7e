//! One reading of the API: the pages of one filter, or of several one after the other.

use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pluralsight_api::io::Feed;
use pluralsight_api::{
    Account, Client, Completeness, Context, Error as ApiError, ErrorKind, FieldPath, Finding,
    Operation, Page, PageQuery, PageSizes, RetryBudget, Selection, Shape, Stats, Turn, read_pages,
};
use pluralsight_catalog::Table;
use serde_json::Value as Json;

use super::count::census;
use super::drift;
use super::filter::{Asked, Filtered};
use super::handed::Handed;
use super::proof::{Ask, Next, Proof};
use super::refusal;
use super::trial::{Trial, values_at};
use super::trust::{learn, remember_keys};
use crate::announcements;
use crate::error::{FdwError, Result};
use crate::options::{Server, TableOptions};
use crate::planner::remember_total;
use crate::runtime;

/// Pages that one scan reads at most.
const MAX_PAGES: u64 = 100_000;
/// A list of keys that no API refuses for its length.
const SHORT_LIST: usize = 10;

thread_local! {
    static INCOMPLETE: Cell<u64> = const { Cell::new(0) };
}

/// How many scans of this session ended with less than the API announced, and with a warning instead of an error.
pub fn incomplete_scans() -> u64 {
    INCOMPLETE.get()
}

/// A client's settings, a token and the counters of one reading.
pub struct Session(Account);

impl Session {
    pub fn open(server: &Server, user: Oid, stats: Arc<Stats>) -> Result<Session> {
        let account = Account {
            token: Arc::new(server.token(user)?),
            settings: server.client_settings()?,
            budget: Arc::new(RetryBudget::default()),
            stats,
        };
        runtime::prepare(&account).map_err(|error| match server.options.get("ca_file") {
            // The client has read what the file holds, and cannot tell where that was.
            Some(path) => error.detail(format!("Option ca_file names \"{path}\".")),
            None => error,
        })?;
        Ok(Session(account))
    }

    /// Runs a request on the network's thread and waits for it as a backend may.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        request: impl AsyncFnOnce(&Client, &Context<'_>) -> std::result::Result<T, ApiError>
        + Send
        + 'static,
    ) -> Result<std::result::Result<T, ApiError>> {
        runtime::run(&self.0, request)
    }

    /// The same, for `place`.
    pub fn run<T: Send + 'static>(
        &self,
        place: &str,
        request: impl AsyncFnOnce(&Client, &Context<'_>) -> std::result::Result<T, ApiError>
        + Send
        + 'static,
    ) -> Result<T> {
        self.ask(request)?
            .map_err(|error| FdwError::from_api(&error, place))
    }
}

/// What a reading is for.
pub struct Reading<'a> {
    pub options: &'a TableOptions,
    /// Paths that the columns read.
    pub fields: &'a BTreeSet<FieldPath>,
    pub asked: &'a Asked,
    /// Size of the first page, where a LIMIT sets it.
    pub limit: Option<u64>,
}

/// The pages of one reading: of every record, or of those that a filter brings, and then of whatever proves that these are
/// all.
pub struct Fetch {
    session: Session,
    place: String,
    template: Template,
    asked: Asked,
    /// Requests still to be made.
    queue: VecDeque<Ask>,
    now: Option<Open>,
    /// Records already handed out, where several requests may bring the same one.
    handed: Option<Handed>,
    /// Of a filter.
    proof: Option<Proof>,
    pub complete: bool,
    /// The data changed while it was read.
    drifted: bool,
}

/// A request under way.
struct Open {
    ask: Ask,
    pages: Feed<Turn>,
    findings: Vec<Finding>,
    trial: Option<Trial>,
    /// The filter, as JSON.
    sent: Option<String>,
    /// The last page has come.
    is_whole: bool,
}

/// What every request's pages have in common.
struct Template {
    operation: Operation,
    selection: Selection,
    sizes: PageSizes,
    /// Size of the first page, where a LIMIT sets it.
    limit: Option<u32>,
    key: Option<FieldPath>,
    key_required: bool,
    check: Completeness,
    truncated: Vec<FieldPath>,
}

/// Where the API takes no filter, a table is mostly read whole: in one request, unless it is known to fill more pages.
fn page_sizes(options: &TableOptions) -> PageSizes {
    let mut sizes = options.page_sizes;
    let fits = |rows: f64| rows <= f64::from(sizes.then);
    if options.filters.is_empty() && options.rows.is_none_or(fits) {
        sizes.first = sizes.then;
    }
    sizes
}

impl Fetch {
    pub fn new(reading: &Reading<'_>, user: Oid, stats: Arc<Stats>) -> Result<Fetch> {
        let options = reading.options;
        let operation = options.operation.clone();
        let key = (operation.shape == Shape::Connection)
            .then(|| options.key.clone())
            .flatten();
        let mut paths: Vec<FieldPath> = reading.fields.iter().cloned().collect();
        // The key tells a record that moved between two pages from a new one.
        paths.extend(key.clone());
        // A truncated list only matters where the list itself is read.
        let truncated: Vec<FieldPath> = options
            .truncated
            .iter()
            .filter(|path| {
                reading.fields.iter().any(|field| {
                    field.segments().len() > 1
                        && field.segments().first() == path.segments().first()
                })
            })
            .cloned()
            .collect();
        paths.extend(truncated.iter().cloned());
        let proof = match reading.asked {
            Asked::Filtered(filtered) => Some(Proof::of(filtered)?),
            Asked::Everything | Asked::Nothing => None,
        };
        paths.extend(proof.as_ref().map(|proof| proof.field.clone()));
        if paths.is_empty() {
            // A selection cannot be empty; every record of every type answers its own type's name.
            paths.push(
                FieldPath::parse("__typename")
                    .map_err(|error| FdwError::internal(error.to_string()))?,
            );
        }
        let mut fetch = Fetch {
            session: Session::open(&options.server, user, stats)?,
            place: options.name.clone(),
            template: Template {
                operation,
                selection: Selection::from_paths(&paths),
                sizes: page_sizes(options),
                limit: reading
                    .limit
                    .map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
                key,
                key_required: Table::over(&options.query).is_some_and(|table| table.key_required),
                check: options.completeness,
                truncated,
            },
            asked: reading.asked.clone(),
            queue: VecDeque::new(),
            now: None,
            handed: None,
            proof,
            complete: false,
            drifted: false,
        };
        fetch.begin(options)?;
        Ok(fetch)
    }

    fn begin(&mut self, options: &TableOptions) -> Result<()> {
        self.queue = match &self.asked {
            Asked::Nothing => VecDeque::new(),
            Asked::Everything => VecDeque::from([Ask::Everything]),
            Asked::Filtered(filtered) => {
                self.handed = Some(Handed::new(self.template.key.clone()));
                self.proof = Some(Proof::of(filtered)?);
                Proof::first_requests(filtered, options).into()
            }
        };
        Ok(())
    }

    /// Starts again before the first page.
    pub fn restart(&mut self, options: &TableOptions) -> Result<()> {
        self.now = None;
        self.complete = false;
        self.drifted = false;
        self.begin(options)
    }

    /// Whether the data changed while it was read.
    pub fn drifted(&self) -> bool {
        self.drifted
    }

    /// The next page's records; `None` when everything was read.
    pub fn next_page(&mut self, options: &TableOptions) -> Result<Option<Vec<Json>>> {
        loop {
            if self.now.is_none() && !self.open_next()? {
                self.complete = true;
                return Ok(None);
            }
            let Some(open) = self.now.as_mut() else {
                continue;
            };
            open.pages.demand(runtime::demand());
            let turn = runtime::wait(&open.pages, &self.session.0.stats)?;
            announcements::tell(&self.place, &turn.warnings);
            open.findings.extend(turn.findings);
            if turn.drifted && !self.drifted {
                self.drifted = true;
                drift::met(options)?;
            }
            let page = match turn.outcome {
                Ok(Some(page)) => page,
                Ok(None) => {
                    self.close(options)?;
                    continue;
                }
                Err(error) => {
                    let is_vague =
                        error.kind() == ErrorKind::GraphQl && error.refusals().is_empty();
                    if is_vague && self.ask_in_shorter_lists(options) {
                        continue;
                    }
                    self.forget_shorter_lists(options);
                    let sent = self.now.as_ref().and_then(|open| open.sent.as_deref());
                    return Err(without_sent_values(refusal::explain(&error, options), sent));
                }
            };
            let records = self.take(page, options)?;
            let at_end = self.now.is_none() && self.queue.is_empty();
            if !records.is_empty() || at_end {
                self.complete |= at_end;
                return Ok(Some(records));
            }
        }
    }

    /// Begins the next request; false if there is none.
    fn open_next(&mut self) -> Result<bool> {
        let Some(ask) = self.queue.pop_front() else {
            return Ok(false);
        };
        if let Some(handed) = &mut self.handed {
            handed.begin();
        }
        let filter = match (&self.asked, &ask) {
            (Asked::Filtered(filtered), Ask::Filter(keys)) => Some(filtered.argument(keys)?),
            _ => None,
        };
        let trial = match (&ask, &self.asked) {
            (Ask::Filter(keys), Asked::Filtered(filtered)) => Some(trial(filtered, keys)?),
            _ => None,
        };
        let sent = filter.as_ref().map(ToString::to_string);
        let query = self.template.query(filter);
        self.now = Some(Open {
            ask,
            pages: read_pages(&*runtime::io()?, self.session.0.clone(), query),
            findings: Vec::new(),
            trial,
            sent,
            is_whole: false,
        });
        Ok(true)
    }

    /// After the API refused a long list of keys: asks for half as many at a time. False for a short list, which is not
    /// what the API refused.
    fn ask_in_shorter_lists(&mut self, options: &TableOptions) -> bool {
        let (Some(open), Asked::Filtered(filtered)) = (&self.now, &self.asked) else {
            return false;
        };
        let Ask::Filter(keys) = &open.ask else {
            return false;
        };
        if keys.len() <= SHORT_LIST {
            return false;
        }
        let longest = keys.len() / 2;
        learn(options, &filtered.filter, |standing| {
            standing.longest = Some(longest);
        });
        for list in keys.chunks(longest).rev() {
            self.queue.push_front(Ask::Filter(list.to_vec()));
        }
        self.now = None;
        true
    }

    /// An error that a short list met as well says nothing of the length of lists.
    fn forget_shorter_lists(&self, options: &TableOptions) {
        if let (Some(open), Asked::Filtered(filtered)) = (&self.now, &self.asked)
            && matches!(&open.ask, Ask::Filter(keys) if keys.len() <= SHORT_LIST)
        {
            learn(options, &filtered.filter, |standing| {
                standing.longest = None
            });
        }
    }

    /// Looks at a page, decides what else has to be asked, and takes the records that are new.
    fn take(&mut self, page: Page, options: &TableOptions) -> Result<Vec<Json>> {
        let Some(open) = self.now.as_mut() else {
            return Ok(page.nodes);
        };
        if let (Some(proof), Asked::Filtered(filtered)) = (&mut self.proof, &self.asked) {
            for record in &page.nodes {
                let values = values_at(record, &proof.field);
                match (&open.ask, &mut open.trial) {
                    (Ask::Filter(_), Some(trial)) => {
                        let is_cut = self
                            .template
                            .truncated
                            .iter()
                            .any(|path| values_at(record, path).contains(&&Json::Bool(true)));
                        trial.see(&values, is_cut);
                    }
                    (Ask::Controls, _) => proof.see_control(filtered, &values),
                    _ => proof.tally(&values),
                }
            }
        }
        if open.trial.is_none()
            && let Some(total) = page.total_count
        {
            remember_total(options.server.oid, &options.query, total);
        }
        if open.trial.is_none()
            && let Some(record) = page.nodes.first()
        {
            remember_keys(options, record);
        }
        let is_last_request = open.ask == Ask::Everything;
        let ends_here = page.last
            || open.ask == Ask::Controls
            || open.trial.as_ref().is_some_and(Trial::is_ignored);
        open.is_whole = page.last;
        let mut records = page.nodes;
        if let Some(handed) = &mut self.handed {
            records.retain(|record| handed.is_new(record, is_last_request));
        }
        if ends_here {
            self.close(options)?;
        }
        Ok(records)
    }

    /// Ends the request under way, and puts into the queue what it leaves to be proved.
    fn close(&mut self, options: &TableOptions) -> Result<()> {
        let Some(open) = self.now.take() else {
            return Ok(());
        };
        if !open.findings.is_empty() {
            INCOMPLETE.set(INCOMPLETE.get().saturating_add(1));
        }
        for finding in &open.findings {
            FdwError::new(PgSqlErrorCode::ERRCODE_WARNING, format!("{}: {finding}", self.place))
                .hint("With the option on_incomplete 'error', which is the default, this answer would have been refused.")
                .warn();
        }
        let (Some(proof), Asked::Filtered(filtered)) = (&mut self.proof, &self.asked) else {
            return Ok(());
        };
        let answered = (&open.ask, open.is_whole);
        let next = proof.next(filtered, answered, open.trial.as_ref(), options, || {
            census(&self.session, options, filtered)
        })?;
        match next {
            Next::Nothing => {}
            Next::Asks(asks) => {
                for ask in asks.into_iter().rev() {
                    self.queue.push_front(ask);
                }
            }
            Next::Everything => self.queue = VecDeque::from([Ask::Everything]),
            Next::End => self.queue.clear(),
        }
        Ok(())
    }

    /// The error of a record of this reading, which may show a value of it: the API may have put the token into that.
    pub fn masked(&self, mut error: FdwError) -> FdwError {
        error.message = self.session.0.token.mask(&error.message);
        error
    }

    /// Whether every record has been handed out.
    pub fn finished(&self) -> bool {
        self.complete
    }
}

fn trial(filtered: &Filtered, keys: &[String]) -> Result<Trial> {
    Ok(if filtered.is_list() {
        Trial::of_list(filtered.kind, keys.to_vec())
    } else {
        Trial::of_value(filtered.kind, filtered.value_or(keys)?)
    })
}

impl Template {
    fn query(&self, filter: Option<Json>) -> PageQuery {
        let mut sizes = self.sizes;
        if let Some(limit) = self.limit {
            sizes.first = limit.min(sizes.first.max(sizes.then)).max(1);
        } else if filter.is_some() {
            // Looking up keys: one page holds them all, if the API lets it.
            sizes.first = sizes.first.max(sizes.then);
        }
        PageQuery {
            document: self.operation.document(&self.selection, filter.is_some()),
            operation: self.operation.clone(),
            filter,
            sizes,
            limit: None,
            key: self.key.clone(),
            key_required: self.key_required,
            check: self.check,
            truncated: self.truncated.clone(),
            max_pages: MAX_PAGES,
        }
    }
}

/// The API may repeat in its error what it was asked for. Those who may not see the values of a scan see `…` there.
fn without_sent_values(mut error: FdwError, filter: Option<&str>) -> FdwError {
    let Some(Ok(Json::Object(members))) = filter.map(serde_json::from_str) else {
        return error;
    };
    let mut sent: Vec<String> = members
        .into_iter()
        .flat_map(|(_, value)| match value {
            Json::Array(values) => values,
            one => vec![one],
        })
        .filter_map(|value| match value {
            Json::Bool(_) | Json::Null => None,
            Json::String(text) => Some(text),
            other => Some(other.to_string()),
        })
        .filter(|text| !text.is_empty())
        .collect();
    // Longest first, so that no part of one is left of another.
    sent.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let shown = error.without_data.as_ref().unwrap_or(&error.message);
    error.without_data = Some(
        sent.iter()
            .fold(shown.clone(), |message, text| message.replace(text, "…")),
    );
    // It repeats what the API says.
    error.data_in_detail = true;
    error
}
