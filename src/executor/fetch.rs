//! One reading of the API: the pages of one filter, or of several one after the other.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pluralsight_api::io::Feed;
use pluralsight_api::{Batch, ErrorKind, Finding, Page, Stats, Turn, read_pages};
use serde_json::Value as Json;

use super::census::census;
use super::drift;
use super::filter::{Asked, Filtered};
use super::handed::Handed;
use super::json::{elements, json_of};
use super::proof::{Ask, Next, Proof};
use super::refusal;
use super::session::Session;
use super::template::{Reading, Template};
use super::trial::Trial;
use super::trust::{learn, remember_key};
use crate::announcements;
use crate::error::{FdwError, Result};
use crate::options::{OnDrift, TableOptions};
use crate::planner::cost::remember_total;
use crate::runtime;

/// A list of keys that no API refuses for its length.
const SHORT_LIST: usize = 10;

thread_local! {
    static INCOMPLETE: Cell<u64> = const { Cell::new(0) };
}

/// How many scans of this session ended with less than the API announced, and with a warning instead of an error.
pub fn incomplete_scans() -> u64 {
    INCOMPLETE.get()
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
    /// The next page is asked for while the rows of this one are read.
    reads_ahead: bool,
    /// It is asked for even before this one is decoded: nothing that this one may show would have the reading begin again.
    reads_through: bool,
    pub complete: bool,
    /// The data changed while it was read.
    drifted: bool,
}

/// A request under way.
struct Open {
    ask: Ask,
    pages: Feed<Turn>,
    /// A page was asked for and has not come.
    is_demanded: bool,
    findings: Vec<Finding>,
    trial: Option<Trial>,
    /// The filter, as JSON.
    sent: Option<String>,
    /// The last page has come.
    is_whole: bool,
}

impl Fetch {
    pub fn new(reading: &Reading<'_>, user: Oid, stats: Arc<Stats>) -> Result<Fetch> {
        let options = reading.options;
        let proof = match reading.asked {
            Asked::Filtered(filtered) => Some(Proof::of(filtered)?),
            Asked::Everything | Asked::Nothing => None,
        };
        let compared = proof.as_ref().map(|proof| &proof.field);
        let template = Template::new(reading, compared)?;
        let reads_ahead = reading.reads_to_end && reading.limit.is_none();
        let mut fetch = Fetch {
            session: Session::open(&options.server, user, stats)?,
            place: options.name.clone(),
            template,
            asked: reading.asked.clone(),
            queue: VecDeque::new(),
            now: None,
            handed: None,
            proof,
            reads_ahead,
            reads_through: reads_ahead && options.on_drift == OnDrift::Ignore,
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
                self.handed = Some(Handed::default());
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

    /// Asks for the next page, if that has not been done, and says whether it is there already.
    pub fn ask_early(&mut self) -> Result<bool> {
        if self.now.is_none() && !self.open_next()? {
            return Ok(true);
        }
        let Some(open) = &mut self.now else {
            return Ok(true);
        };
        if !open.is_demanded {
            open.pages.demand(runtime::demand());
            open.is_demanded = true;
        }
        Ok(open.pages.is_ready())
    }

    /// What becomes readable when the page that was asked for has come.
    pub fn descriptor(&self) -> Option<i32> {
        self.now.as_ref().map(|open| open.pages.descriptor())
    }

    /// Makes the descriptor unreadable until something more happens.
    pub fn clear_descriptor(&self) {
        if let Some(open) = &self.now {
            open.pages.clear();
        }
    }

    /// The next page's records; `None` when everything was read.
    pub fn next_page(&mut self, options: &TableOptions) -> Result<Option<Batch>> {
        loop {
            if self.now.is_none() && !self.open_next()? {
                self.complete = true;
                return Ok(None);
            }
            let Some(open) = self.now.as_mut() else {
                continue;
            };
            if !open.is_demanded {
                open.pages.demand(runtime::demand());
            }
            let turn = runtime::wait(&open.pages, &self.session.0.stats)?;
            open.is_demanded = false;
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
            // After data that moved, the reading may begin again.
            if !page.last && self.reads_ahead && !self.drifted && open.ask == Ask::Everything {
                open.pages.demand(runtime::demand());
                open.is_demanded = true;
            }
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
        let to_end = self.reads_through && ask == Ask::Everything;
        self.now = Some(Open {
            ask,
            pages: read_pages(&*runtime::io()?, self.session.0.clone(), query, to_end),
            is_demanded: false,
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
    fn take(&mut self, page: Page, options: &TableOptions) -> Result<Batch> {
        let Some(open) = self.now.as_mut() else {
            return Ok(page.rows);
        };
        let watched = &self.template.watched;
        if let (Some(proof), Asked::Filtered(filtered), Some(compared)) =
            (&mut self.proof, &self.asked, watched.compared)
        {
            for row in page.rows.rows() {
                let found = json_of(row.cell(compared));
                let values = elements(&found);
                match (&open.ask, &mut open.trial) {
                    (Ask::Filter(_), Some(trial)) => {
                        let is_cut = watched.cut.iter().any(|&column| {
                            elements(&json_of(row.cell(column))).contains(&&Json::Bool(true))
                        });
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
        if open.trial.is_none() && !page.rows.is_empty() {
            for (column, field) in &watched.keys {
                remember_key(options, field, &json_of(page.rows.row(0).cell(*column)));
            }
        }
        let is_last_request = open.ask == Ask::Everything;
        let ends_here = page.last
            || open.ask == Ask::Controls
            || open.trial.as_ref().is_some_and(Trial::is_ignored);
        open.is_whole = page.last;
        let mut records = page.rows;
        if let Some(handed) = &mut self.handed {
            records.retain(|key, record| handed.is_new(key, record, is_last_request));
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
