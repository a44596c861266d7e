//! What a scan costs, in the planner's units.

use std::cell::RefCell;

use pgrx::pg_sys::Oid;

use crate::options::TableOptions;

/// One request, however small. PostgreSQL's unit is about the reading of one page of 8 kB, so a round trip is worth
/// thousands of them; a smaller figure gives the same plans, and keeps even a scan of a million users below
/// `jit_above_cost`: compiling expressions gains nothing where the network is waited for, and takes 10 MB.
pub const REQUEST: f64 = 25.0;
/// Decoding one record, beside PostgreSQL's own costs for a row.
const RECORD: f64 = 0.02;
/// Rows of a table of which nothing is known, by its query. What matters is which one is the largest: the others are
/// read first and kept, and it streams past them, so that a `LIMIT` stops it early.
const UNKNOWN_ROWS: &[(&str, f64)] = &[("planInfo", 1.0), ("planAdmins", 100.0), ("teams", 100.0)];
const UNKNOWN_USERS: f64 = 10_000.0;
/// Keys that one request asks for at most; see `docs/performance.md`.
pub const KEYS_A_REQUEST: usize = 250;

thread_local! {
    /// The last `totalCount` of an unfiltered scan, by server and query.
    static TOTALS: RefCell<Vec<(Oid, String, u64)>> = const { RefCell::new(Vec::new()) };
}

/// Remembers how many records the API said there are, for the plans of this session.
pub fn remember_total(server: Oid, query: &str, total: u64) {
    TOTALS.with_borrow_mut(|totals| {
        totals.retain(|(known, name, _)| *known != server || name != query);
        if totals.len() >= 64 {
            totals.remove(0);
        }
        totals.push((server, query.to_owned(), total));
    });
}

/// The last number that [`remember_total`] was told.
pub fn last_total(server: Oid, query: &str) -> Option<u64> {
    TOTALS.with_borrow(|totals| {
        totals
            .iter()
            .find(|(known, name, _)| *known == server && name == query)
            .map(|(_, _, total)| *total)
    })
}

/// How many rows the table holds: as the API last said, as the user says, as `ANALYZE` found, or a guess.
pub fn table_rows(options: &TableOptions, analyzed: f64) -> f64 {
    if let Some(total) = last_total(options.server.oid, &options.query) {
        return total as f64;
    }
    match options.rows {
        Some(rows) => rows,
        None if analyzed > 0.0 => analyzed,
        None => UNKNOWN_ROWS
            .iter()
            .find(|(query, _)| *query == options.query)
            .map_or(UNKNOWN_USERS, |(_, rows)| *rows),
    }
}

/// Requests that reading `records` takes, page by page.
pub fn pages(options: &TableOptions, records: f64) -> f64 {
    let (first, then) = (
        f64::from(options.page_sizes.first),
        f64::from(options.page_sizes.then),
    );
    1.0 + ((records - first).max(0.0) / then).ceil()
}

/// The cost of `requests` that bring `records`.
pub fn transfer(requests: f64, records: f64) -> f64 {
    requests * REQUEST + records * RECORD
}

/// Requests that reading the whole table takes, if this session or the table's option `rows` says how many rows it has.
pub fn known_pages(options: &TableOptions) -> Option<f64> {
    let last = last_total(options.server.oid, &options.query).map(|total| total as f64);
    last.or(options.rows).map(|rows| pages(options, rows))
}
