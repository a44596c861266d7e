//! An answer, page after page, whole or not at all.

use std::cell::RefCell;
use std::time::Instant;

use crate::ahead::{Ahead, Next};
use crate::batch::{Batch, Key};
use crate::client::{Call, Client, Context};
use crate::columns::Layout;
use crate::completeness::{Completeness, Finding, Gap, LONGEST_CURSOR, Totals};
use crate::error::{Error, Place};
use crate::fingerprint::Fingerprints;
use crate::json::{Malformed, Scanner};
use crate::operation::{Operation, Shape};
use crate::page_query::PageQuery;
use crate::records::{self, PageData, Unfit};
use crate::reply::{ReadData, Reply, Warning};
use crate::seen::Seen;
use crate::transport::RawReply;

/// Different warnings that one stream keeps.
const WARNINGS_KEPT: usize = 1_000;
/// Smaller sizes that one page is asked for in, where the API refuses larger ones.
const SIZES_TRIED: u32 = 4;
/// Findings that one stream keeps.
const FINDINGS_KEPT: usize = 1_000;

/// One page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// The columns of the records; those that came before are left out, so there may be none.
    pub rows: Batch,
    /// The size of the whole answer, where the API said it.
    pub total_count: Option<u64>,
    /// Nothing follows. Every check of the whole answer was made before such a page is handed out.
    pub last: bool,
}

/// The pages of one query, asked for one at a time.
pub struct Pages {
    query: PageQuery,
    layout: Layout,
    after: Option<String>,
    number: u32,
    /// Different records that came.
    got: u64,
    totals: Totals,
    /// A record came a second time.
    repeated: bool,
    seen: Seen,
    cursors: Seen,
    warnings: Vec<Warning>,
    findings: Vec<Finding>,
    cap: Option<u32>,
    state: State,
}

enum State {
    Reading,
    Ended,
    /// What came cannot be made whole by asking again.
    Failed(Gap),
}

impl Pages {
    /// Starts before the first page; nothing is sent.
    pub fn new(query: PageQuery) -> Pages {
        let state = if query.limit == Some(0) {
            State::Ended
        } else {
            State::Reading
        };
        Pages {
            layout: Layout::new(&query.columns, query.key.as_ref(), &query.truncated),
            seen: Seen::new(query.fingerprints),
            cursors: Seen::new(Fingerprints::random()),
            query,
            after: None,
            number: 0,
            got: 0,
            totals: Totals::default(),
            repeated: false,
            warnings: Vec::new(),
            findings: Vec::new(),
            cap: None,
            state,
        }
    }

    /// Asks for the next page; `None` after the last one. A future that is dropped has changed nothing: the next call
    /// asks for the same page. So does the call after an error other than [`Error::Incomplete`], which stays.
    pub async fn next(
        &mut self,
        client: &Client,
        context: &Context<'_>,
    ) -> Result<Option<Page>, Error> {
        self.next_ahead(client, context, None).await
    }

    /// The same. With a place for it, the page after this one is asked for while this one is read.
    pub(crate) async fn next_ahead<'a>(
        &mut self,
        client: &'a Client,
        context: &Context<'a>,
        mut ahead: Option<&mut Ahead<'a>>,
    ) -> Result<Option<Page>, Error> {
        match &self.state {
            State::Ended => return Ok(None),
            State::Failed(gap) => return Err(self.incomplete(client, gap.clone())),
            State::Reading => {}
        }
        if u64::from(self.number) >= self.query.max_pages {
            self.found(client, Gap::TooManyPages(self.query.max_pages))?;
            self.state = State::Ended;
            return Ok(None);
        }
        let started = Instant::now();
        let name = self.query.operation.name.as_str();
        let mut size = self.size(client);
        let mut refused = 0;
        let early = ahead.as_mut().and_then(|ahead| ahead.0.take());
        let mut begun = early
            .filter(|early| self.after.as_ref() == Some(&early.after) && early.size == size)
            .map(|early| early.begun);
        let early = RefCell::new(None);
        let reply = loop {
            let call = Call {
                operation: name,
                document: &self.query.document,
                operation_name: None,
                variables: self.query.operation.variables(
                    size,
                    self.after.as_deref(),
                    self.query.filter.as_ref(),
                ),
            };
            let reader = PageReader {
                operation: &self.query.operation,
                layout: &self.layout,
                fingerprints: &self.query.fingerprints,
                next: ahead.is_some().then(|| Next {
                    client,
                    context: *context,
                    query: &self.query,
                    after: self.after.as_deref(),
                    size: match refused {
                        0 => self.size_then(client),
                        _ => self.size_then(client).min(size),
                    },
                    early: &early,
                }),
            };
            let reading = client.send_and_read(&call, context, &reader, begun.take());
            match reading.await {
                Ok(reply) => break reply,
                Err(error) => match error.page_size(size) {
                    Some(most) if refused < SIZES_TRIED => {
                        size = most;
                        refused += 1;
                    }
                    _ => return Err(error.on_page(self.number + 1)),
                },
            }
        };
        if refused > 0 {
            client.learn_page_size(name, size);
        }
        // Nothing below waits, so that a dropped future cannot leave a page half counted.
        let (page, duplicates) = self.take(client, context, reply, size)?;
        if let Some(ahead) = ahead {
            ahead.0 = early.into_inner().filter(|_| !page.last);
        }
        context
            .stats
            .count_page(page.rows.len(), duplicates, started.elapsed());
        Ok(Some(page))
    }

    /// What the API has said beside its data so far, each thing once.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What the answer lacks, where [`Completeness::Warn`] is in force.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The most records of a page that was cut below what was asked, which is then the API's cap.
    pub fn page_cap(&self) -> Option<u32> {
        self.cap
    }

    /// Whether the data changed while the pages were read: the totals of two pages differ, or a record came twice.
    pub fn drifted(&self) -> bool {
        self.totals.moved() || self.repeated
    }

    /// Different records that have come so far.
    pub fn rows(&self) -> u64 {
        self.got
    }

    fn size(&self, client: &Client) -> u32 {
        let wanted = if self.number == 0 {
            self.query.sizes.first
        } else {
            self.query.sizes.then
        };
        let left = self
            .query
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_sub(self.got));
        self.allowed(client, wanted.min(u32::try_from(left).unwrap_or(u32::MAX)))
    }

    /// The size of the page after this one, where there is no limit.
    fn size_then(&self, client: &Client) -> u32 {
        self.allowed(client, self.query.sizes.then)
    }

    fn allowed(&self, client: &Client, wanted: u32) -> u32 {
        let most = client.page_size(self.query.operation.name.as_str());
        wanted.min(most).max(1)
    }

    /// Takes one reply: its records that are new, and how many are not.
    fn take(
        &mut self,
        client: &Client,
        context: &Context<'_>,
        reply: Reply<Result<PageData, Unfit>>,
        asked: u32,
    ) -> Result<(Page, usize), Error> {
        let records = reply
            .data
            .map_err(|unfit| self.unfit(client, context, unfit))?;
        for warning in reply.warnings {
            if self.warnings.len() < WARNINGS_KEPT && !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        if let Some(gap) = records.gap.clone() {
            self.found(client, gap)?;
        }
        for (path, cut) in self.query.truncated.clone().into_iter().zip(&records.cuts) {
            if let &Some((first, number)) = cut {
                self.found(
                    client,
                    Gap::CutList {
                        path,
                        first,
                        number,
                    },
                )?;
            }
        }
        let next = self.cursor(&records);
        if records.has_next && records.batch.len() < asked as usize {
            self.cap = self.cap.max(u32::try_from(records.batch.len()).ok());
        }
        if let Some(total) = records.total_count {
            self.totals.note(total);
            if matches!(next, Ok(Some(_))) && self.query.key.is_some() {
                self.seen.expect(total);
            }
        }
        if let Some(gap) = self.null_keys(records.batch.keys()) {
            self.found(client, gap)?;
        }
        let came = records.batch.len();
        let mut rows = records.batch;
        if self.query.key.is_some() {
            let seen = &mut self.seen;
            rows.retain(|key, _| key.is_none_or(|key| seen.insert(key)));
        }
        let duplicates = came - rows.len();
        self.repeated |= duplicates > 0;
        // Drift explains no such total, and as a bound it would let a short answer pass.
        if let Some(total) = records.total_count
            && total < rows.len() as u64
        {
            let got = rows.len();
            self.found(client, Gap::TotalBelowPage { total, got })?;
        }
        let operation = &self.query.operation;
        let is_blind = operation.shape == Shape::Connection
            && !operation.page_info
            && operation.first.is_some()
            && records.total_count.is_none();
        if is_blind && came >= asked as usize {
            self.found(client, Gap::FullPage(asked))?;
        }
        let left = self
            .query
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_sub(self.got));
        let enough = rows.len() as u64 >= left;
        if enough {
            rows.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        self.got += rows.len() as u64;
        let next = match next {
            Ok(next) => next,
            // Everything that there is has come; some APIs say so by nothing but a cursor that is null.
            Err(Gap::MissingCursor | Gap::EmptyPage) if self.is_all(records.total_count) => None,
            Err(gap) => {
                self.found(client, gap)?;
                None
            }
        };
        let last = enough || next.is_none();
        if last
            && !enough
            && let Some(gap) = self.totals.check(self.got)
        {
            self.found(client, gap)?;
        }
        self.number += 1;
        self.after = next;
        if last {
            self.state = State::Ended;
        }
        Ok((
            Page {
                number: self.number,
                rows,
                total_count: records.total_count,
                last,
            },
            duplicates,
        ))
    }

    /// Where to go on; `None` at the end.
    fn cursor(&mut self, records: &PageData) -> Result<Option<String>, Gap> {
        if !records.has_next {
            return Ok(None);
        }
        let Some(cursor) = records
            .end_cursor
            .as_ref()
            .filter(|cursor| !cursor.is_empty())
        else {
            return Err(Gap::MissingCursor);
        };
        if cursor.len() > LONGEST_CURSOR {
            Err(Gap::LongCursor(cursor.len()))
        } else if !self.cursors.insert_text(cursor) {
            Err(Gap::RepeatedCursor)
        } else if records.batch.is_empty() {
            Err(Gap::EmptyPage)
        } else {
            Ok(Some(cursor.clone()))
        }
    }

    /// Whether as many different records have come as the API says there are, and it has named no other number.
    fn is_all(&self, total: Option<u64>) -> bool {
        self.query.key.is_some()
            && self.got > 0
            && total.is_some_and(|total| self.totals.are_all(total) && self.got == total)
    }

    /// Notes a gap, or fails for good.
    fn found(&mut self, client: &Client, gap: Gap) -> Result<(), Error> {
        match self.query.check {
            Completeness::Error => {
                let error = self.incomplete(client, gap.clone());
                self.state = State::Failed(gap);
                Err(error)
            }
            Completeness::Warn => {
                if self.findings.len() < FINDINGS_KEPT {
                    self.findings.push(Finding {
                        operation: self.query.operation.name.to_string(),
                        page: self.number + 1,
                        gap,
                    });
                }
                Ok(())
            }
        }
    }

    fn place(&self, client: &Client) -> Box<Place> {
        let page = (self.query.operation.shape == Shape::Connection).then_some(self.number + 1);
        Box::new(Place {
            operation: self.query.operation.name.to_string(),
            host: client.host(),
            page,
        })
    }

    /// Records whose key is null where the schema says that it never is.
    fn null_keys(&self, keys: &[Key]) -> Option<Gap> {
        let path = self.query.key.as_ref()?;
        if !self.query.key_required {
            return None;
        }
        let first = keys.iter().position(|key| *key == Key::Null)?;
        Some(Gap::NullKeys {
            path: path.clone(),
            first,
            number: keys.iter().filter(|key| **key == Key::Null).count(),
        })
    }

    fn incomplete(&self, client: &Client, gap: Gap) -> Error {
        Error::Incomplete {
            at: self.place(client),
            gap,
        }
    }

    fn unfit(&self, client: &Client, context: &Context<'_>, unfit: Unfit) -> Error {
        unfit.into_error(self.place(client), context.token)
    }
}

/// Reads the data of a page.
struct PageReader<'p, 'a> {
    operation: &'p Operation,
    layout: &'p Layout,
    fingerprints: &'p Fingerprints,
    next: Option<Next<'p, 'a>>,
}

impl ReadData for PageReader<'_, '_> {
    type Data = Result<PageData, Unfit>;

    async fn came(&self, reply: &RawReply) {
        if let Some(next) = &self.next {
            next.begin(reply).await;
        }
    }

    fn failed(&self) {
        if let Some(next) = &self.next {
            next.early.replace(None);
        }
    }

    fn read(&self, scanner: &mut Scanner<'_>) -> Result<Self::Data, Malformed> {
        records::read(scanner, self.operation, self.layout, self.fingerprints)
    }
}
