//! One reading of the API: the pages of one filter, or of several one after the other.

use std::cell::Cell;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::rc::Rc;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pluralsight_api::{
    Client, Completeness, Context, Error as ApiError, FieldPath, Operation, Page, PageQuery,
    PageSizes, Pages, RetryBudget, Selection, Stats, Token,
};
use pluralsight_catalog::Shape;
use serde_json::{Map, Value as Json};

use super::drift;
use super::filter::Asked;
use crate::announcements;
use crate::error::{FdwError, Result};
use crate::options::{Server, TableOptions};
use crate::planner::remember_total;
use crate::relation::make_absent;
use crate::runtime;

thread_local! {
    static INCOMPLETE: Cell<u64> = const { Cell::new(0) };
}

/// How many scans of this session ended with less than the API announced, and with a warning instead of an error.
pub fn incomplete_scans() -> u64 {
    INCOMPLETE.get()
}

/// A client, a token and the counters of one reading.
pub struct Session {
    client: Rc<Client>,
    token: Token,
    budget: RetryBudget,
    pub stats: Rc<Stats>,
}

impl Session {
    pub fn open(server: &Server, user: Oid, stats: Rc<Stats>) -> Result<Session> {
        Ok(Session {
            token: server.token(user)?,
            client: server.client()?,
            budget: RetryBudget::default(),
            stats,
        })
    }

    fn context(&self) -> Context<'_> {
        Context {
            token: &self.token,
            stats: &self.stats,
            deadline: runtime::statement_deadline(),
            budget: &self.budget,
        }
    }

    /// Runs a request of the client and waits for it as a backend may.
    pub fn run<T>(
        &self,
        place: &str,
        request: impl AsyncFnOnce(&Client, &Context<'_>) -> std::result::Result<T, ApiError>,
    ) -> Result<T> {
        let context = self.context();
        runtime::wait(request(&self.client, &context))?
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

/// The pages of one reading.
pub struct Fetch {
    session: Session,
    place: String,
    server: Oid,
    query: String,
    document: String,
    filters: VecDeque<Option<String>>,
    /// The filter of `pages`.
    filter: Option<String>,
    template: Template,
    pages: Option<Pages>,
    /// Keys already handed out, where several filters may bring the same record.
    keys: Option<HashSet<String>>,
    unfiltered: bool,
    pub complete: bool,
    /// The data changed while it was read.
    drifted: bool,
    /// What [`Fetch::restart`] begins with.
    all_filters: Vec<Option<String>>,
}

/// What every filter's pages have in common.
struct Template {
    operation: Operation,
    sizes: PageSizes,
    key: Option<FieldPath>,
    shape: pluralsight_api::Shape,
    check: Completeness,
    truncated: Vec<FieldPath>,
}

impl Fetch {
    pub fn new(reading: &Reading<'_>, user: Oid, stats: Rc<Stats>) -> Result<Fetch> {
        let options = reading.options;
        let filters: VecDeque<Option<String>> = match reading.asked {
            Asked::Nothing => VecDeque::new(),
            Asked::Everything => VecDeque::from([None]),
            Asked::Filters(filters) => filters.iter().cloned().map(Some).collect(),
        };
        let operation = operation(options)?;
        let mut paths: Vec<FieldPath> = reading.fields.iter().cloned().collect();
        if options.shape == Shape::Connection {
            // The key tells a record that moved between two pages from a new one.
            paths.extend(options.key.clone());
        }
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
        if paths.is_empty() {
            // A selection cannot be empty; every record of every type answers its own type's name.
            paths.push(
                FieldPath::parse("__typename")
                    .map_err(|error| FdwError::internal(error.to_string()))?,
            );
        }
        let selection = Selection::from_paths(&paths);
        let shape = api_shape(options.shape);
        let has_filter = filters.iter().any(Option::is_some);
        let mut sizes = options.page_sizes;
        if let Some(limit) = reading.limit {
            sizes.first = u32::try_from(limit)
                .unwrap_or(u32::MAX)
                .min(sizes.first.max(sizes.then))
                .max(1);
        } else if has_filter {
            // Looking up keys: one page holds them all, if the API lets it.
            sizes.first = sizes.first.max(sizes.then);
        }
        Ok(Fetch {
            session: Session::open(&options.server, user, stats)?,
            place: options.name.clone(),
            server: options.server.oid,
            query: options.query.clone(),
            document: operation.document(&selection, has_filter, shape),
            keys: (filters.len() > 1).then(HashSet::new),
            unfiltered: !has_filter,
            all_filters: filters.iter().cloned().collect(),
            filters,
            filter: None,
            template: Template {
                operation,
                sizes,
                key: (options.shape == Shape::Connection)
                    .then(|| options.key.clone())
                    .flatten(),
                shape,
                check: options.completeness,
                truncated,
            },
            pages: None,
            complete: false,
            drifted: false,
        })
    }

    /// Starts again before the first page.
    pub fn restart(&mut self) {
        self.pages = None;
        self.filters = self.all_filters.iter().cloned().collect();
        self.keys = (self.filters.len() > 1).then(HashSet::new);
        self.complete = false;
        self.drifted = false;
    }

    /// Whether the data changed while it was read.
    pub fn drifted(&self) -> bool {
        self.drifted
    }

    /// The next page's records; `None` when everything was read.
    pub fn next_page(&mut self, options: &TableOptions) -> Result<Option<Vec<Json>>> {
        loop {
            if self.pages.is_none() {
                let Some(filter) = self.filters.pop_front() else {
                    self.complete = true;
                    return Ok(None);
                };
                self.pages = Some(Pages::new(
                    self.template.query(&self.document, filter.as_deref())?,
                ));
                self.filter = filter;
            }
            let Some(pages) = self.pages.as_mut() else {
                continue;
            };
            let context = self.session.context();
            let outcome = runtime::wait(pages.next(&self.session.client, &context))?;
            announcements::tell(&self.place, pages.warnings());
            if pages.drifted() && !self.drifted {
                self.drifted = true;
                drift::met(options)?;
            }
            let page = match outcome {
                Ok(Some(page)) => page,
                Ok(None) => {
                    self.close_pages();
                    continue;
                }
                Err(error) => {
                    let refusal = explain_refusal(&error, options);
                    return Err(without_sent_values(refusal, self.filter.as_deref()));
                }
            };
            if self.unfiltered
                && let Some(total) = page.total_count
            {
                remember_total(self.server, &self.query, total);
            }
            let last = page.last;
            let records = self.without_repeats(page);
            if last {
                self.close_pages();
            }
            if !records.is_empty() || (last && self.filters.is_empty()) {
                if last && self.filters.is_empty() {
                    self.complete = true;
                }
                return Ok(Some(records));
            }
        }
    }

    /// The error of a record of this reading, which may show a value of it: the API may have put the token into that.
    pub fn masked(&self, mut error: FdwError) -> FdwError {
        error.message = self.session.token.mask(&error.message);
        error
    }

    /// Whether every record has been handed out.
    pub fn finished(&self) -> bool {
        self.complete
    }

    fn close_pages(&mut self) {
        if let Some(pages) = self.pages.take() {
            if !pages.findings().is_empty() {
                INCOMPLETE.set(INCOMPLETE.get().saturating_add(1));
            }
            for finding in pages.findings() {
                FdwError::new(PgSqlErrorCode::ERRCODE_WARNING, format!("{}: {finding}", self.place))
                    .hint("With the option on_incomplete 'error', which is the default, this answer would have been refused.")
                    .warn();
            }
        }
    }

    /// Records that an earlier filter of this reading brought already are left out.
    fn without_repeats(&mut self, page: Page) -> Vec<Json> {
        let (Some(seen), Some(key)) = (self.keys.as_mut(), self.template.key.as_ref()) else {
            return page.nodes;
        };
        let mut records = page.nodes;
        records.retain(|record| {
            match key
                .segments()
                .iter()
                .try_fold(record, |value, name| value.get(name))
            {
                None | Some(Json::Null) => true,
                Some(value) => seen.insert(value.to_string()),
            }
        });
        records
    }
}

impl Template {
    fn query(&self, document: &str, filter: Option<&str>) -> Result<PageQuery> {
        let mut variables = Map::new();
        if let Some(filter) = filter {
            variables.insert("filter".to_owned(), parse_filter(filter)?);
        }
        Ok(PageQuery {
            document: document.to_owned(),
            variables,
            sizes: self.sizes,
            key: self.key.clone(),
            shape: self.shape,
            check: self.check,
            truncated: self.truncated.clone(),
            ..PageQuery::new(self.operation)
        })
    }
}

/// The number of records that `asked` brings, without bringing them.
pub fn count(options: &TableOptions, asked: &Asked, user: Oid, stats: Rc<Stats>) -> Result<u64> {
    let filters: Vec<Option<&str>> = match asked {
        Asked::Nothing => return Ok(0),
        Asked::Everything => vec![None],
        Asked::Filters(filters) => filters.iter().map(|filter| Some(filter.as_str())).collect(),
    };
    let session = Session::open(&options.server, user, stats)?;
    let operation = operation(options)?;
    let mut total: u64 = 0;
    for filter in filters {
        let value = filter.map(parse_filter).transpose()?;
        let context = session.context();
        let counted = runtime::wait(pluralsight_api::count(
            &session.client,
            &context,
            &operation,
            value,
        ))?
        .map_err(|error| without_sent_values(explain_refusal(&error, options), filter))?;
        if filter.is_none() {
            remember_total(options.server.oid, &options.query, counted);
        }
        total = total.saturating_add(counted);
    }
    Ok(total)
}

fn parse_filter(filter: &str) -> Result<Json> {
    serde_json::from_str(filter).map_err(|error| FdwError::internal(error.to_string()))
}

fn operation(options: &TableOptions) -> Result<Operation> {
    Operation::named(&options.query).ok_or_else(|| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
            format!(
                "foreign table \"{}\": query \"{}\" is not one that this extension knows",
                options.name, options.query
            ),
        )
        .hint("Known queries are users, planInfo, planAdmins and teams.")
    })
}

/// The same shape in the client's words.
pub fn api_shape(shape: Shape) -> pluralsight_api::Shape {
    match shape {
        Shape::Connection => pluralsight_api::Shape::Connection,
        Shape::Object => pluralsight_api::Shape::Object,
        Shape::List => pluralsight_api::Shape::List,
    }
}

/// An API error with, where a field or filter was refused, the column it belongs to and the statement that mends it.
pub fn explain_refusal(error: &ApiError, options: &TableOptions) -> FdwError {
    let mut report = FdwError::from_api(error, &options.name);
    let Some(refused) = error.refused_field() else {
        // A field in Beta, or one that this key may not see: the API's words are its own, but they name the field.
        let mut named = error.named_fields().into_iter();
        if let Some(column) =
            named.find_map(|field| super::statement::column_reading(options, field))
        {
            report.hint = Some(format!(
                "The API names field {}, which column \"{}\" reads. To have that column read NULL instead: {}",
                column.options.field,
                column.name,
                make_absent(options.oid, &column)
            ));
        }
        return report;
    };
    if options
        .filters
        .iter()
        .any(|filter| filter.name == refused.field)
    {
        report.message = format!(
            "{}: the API does not take the filter {}",
            options.name, refused.field
        );
        report.hint = Some(format!(
            "Have that condition checked in PostgreSQL: {}",
            without_filter(options, &refused.field)
        ));
        return report;
    }
    if let Some(column) = super::statement::column_reading(options, &refused.field) {
        report.message = format!(
            "{}: the API refused field {} of column \"{}\"",
            options.name, refused.field, column.name
        );
        report.detail = Some(format!("The API says: {error}"));
        report.hint = Some(format!(
            "To have the column read NULL: {}",
            make_absent(options.oid, &column)
        ));
    }
    report
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

/// The statement that takes a filter out of a table's list, in which the others stand as they are.
fn without_filter(options: &TableOptions, filter: &str) -> String {
    let table = options.qualified_name();
    let is_named = |entry: &str| {
        let name = entry.split('=').next().unwrap_or_default();
        name.trim_end_matches(['[', ']', '~']).trim() == filter
    };
    let others: Vec<&str> = options
        .options
        .get("filters")
        .map_or("", String::as_str)
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty() && !is_named(entry))
        .collect();
    if others.is_empty() {
        return format!("ALTER FOREIGN TABLE {table} OPTIONS (DROP filters);");
    }
    options.statement_setting("filters", &others.join(", "))
}
