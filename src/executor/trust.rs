//! What the API's filters have shown of themselves in this session.
//!
//! Nothing that a filter does is published. PostgreSQL checks every row again, so a filter that brings too much costs time
//! and no more. One that brings too little would make an answer short, so what did not come has to be proved: see
//! [`super::proof`]. A filter that fails is not used again in the session.

use std::cell::RefCell;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pluralsight_catalog::{FilterKind, FilterOption};
use serde_json::Value as Json;

use super::json::text_of;
use crate::error::FdwError;
use crate::options::{Options, TableOptions};

/// Filters that a session remembers.
const MOST: usize = 256;

thread_local! {
    static KNOWN: RefCell<Vec<(Identity, Standing)>> = const { RefCell::new(Vec::new()) };
}

/// Which filter: the same options of a server stand for the same API.
#[derive(Clone, PartialEq)]
struct Identity {
    server: Oid,
    options: Options,
    query: String,
    filter: FilterOption,
}

impl Identity {
    fn of(options: &TableOptions, filter: &FilterOption) -> Identity {
        Identity {
            server: options.server.oid,
            options: options.server.options.clone(),
            query: options.query.clone(),
            filter: filter.clone(),
        }
    }

    fn is(&self, options: &TableOptions, filter: &FilterOption) -> bool {
        self.server == options.server.oid
            && self.query == options.query
            && self.filter == *filter
            && self.options == options.server.options
    }
}

/// What a filter has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Why it is not used again.
    pub distrusted: Option<String>,
    /// It has brought a record that it was asked for.
    pub finds: bool,
    /// A record that meets one value of a list and no other has come: the values are alternatives.
    pub any_of: bool,
    /// How many values of a list the API is known to look at: as many as lead to the last one that was found.
    pub reads: usize,
    /// A key that exists: the filter has found it, or a reading without a filter has brought it.
    pub known: Option<String>,
    /// The longest list that the API reads to its end, where a longer one was seen to be cut.
    pub longest: Option<usize>,
    /// The records that it brings for each value are all that have the value.
    pub brings_all: bool,
}

impl Standing {
    /// Whether a value at this place (from 0) of a list of `length` that no record came for is known to have been looked for.
    pub fn proves(&self, place: usize, length: usize) -> bool {
        self.finds && (length == 1 || (self.any_of && place < self.reads))
    }

    /// The list with a key at its end that is known to exist, unless nothing can be learned from that.
    pub fn with_control(&self, mut list: Vec<String>) -> Vec<String> {
        let is_proved = match list.len() {
            0 | 1 => self.finds,
            length => self.any_of && length <= self.reads,
        };
        let fits = self.longest.is_none_or(|longest| list.len() < longest);
        if let Some(known) = self.known.clone()
            && !is_proved
            && fits
        {
            list.retain(|key| *key != known);
            list.push(known);
        }
        list
    }
}

/// What the filter has shown so far.
pub fn standing(options: &TableOptions, filter: &FilterOption) -> Standing {
    KNOWN.with_borrow(|known| {
        known
            .iter()
            .find(|(identity, _)| identity.is(options, filter))
            .map_or_else(Standing::default, |(_, standing)| standing.clone())
    })
}

/// Notes what the filter has shown now.
pub fn learn(options: &TableOptions, filter: &FilterOption, change: impl FnOnce(&mut Standing)) {
    KNOWN.with_borrow_mut(|known| {
        let position = known
            .iter()
            .position(|(identity, _)| identity.is(options, filter));
        let (identity, mut standing) = match position {
            Some(position) => known.remove(position),
            None => (Identity::of(options, filter), Standing::default()),
        };
        change(&mut standing);
        if known.len() >= MOST {
            known.remove(0);
        }
        known.push((identity, standing));
    });
}

/// The fields of the table's filters that take a list of keys, where no key of theirs is known.
pub fn fields_without_key(options: &TableOptions) -> impl Iterator<Item = &str> {
    options
        .filters
        .iter()
        .filter(|filter| {
            // The entries of a list may differ in kind, so that not every one of them is a key for the filter.
            filter.kind == FilterKind::List && standing(options, filter).known.is_none()
        })
        .map(|filter| filter.field.as_str())
}

/// Remembers a key of a record that came without a filter, for the filters of the table that take a list of such keys.
pub fn remember_key(options: &TableOptions, field: &str, key: &Json) {
    if key.is_null() {
        return;
    }
    for filter in &options.filters {
        if filter.kind == FilterKind::List
            && filter.field == field
            && standing(options, filter).known.is_none()
        {
            learn(options, filter, |standing| {
                standing.known = Some(text_of(key))
            });
        }
    }
}

/// Why the filter is not used in this session; `None` if it may be.
pub fn distrusted(options: &TableOptions, filter: &FilterOption) -> Option<String> {
    standing(options, filter).distrusted
}

/// The longest list of keys to ask for in one request, where a longer one was seen to be cut.
pub fn longest_list(options: &TableOptions, filter: &FilterOption) -> Option<usize> {
    standing(options, filter).longest
}

/// Does not use the filter again in this session, and says so.
pub fn distrust(options: &TableOptions, filter: &FilterOption, why: &str) {
    if distrusted(options, filter).is_some() {
        return;
    }
    learn(options, filter, |standing| {
        standing.distrusted = Some(why.to_owned());
    });
    FdwError::new(
        PgSqlErrorCode::ERRCODE_WARNING,
        format!(
            "{}: the API's filter {} cannot be relied on: {why}",
            options.name, filter.name
        ),
    )
    .detail("The table is read as a whole instead, for the rest of this session.")
    .hint(format!(
        "To leave the filter out for good: {}",
        without(options, filter)
    ))
    .warn();
}

/// The statement that takes the filter out of the table's list, in which the others stand as they are.
pub(super) fn without(options: &TableOptions, filter: &FilterOption) -> String {
    let others: Vec<String> = options
        .option("filters")
        .unwrap_or("")
        .split(',')
        .map(str::trim)
        .filter(|entry| {
            let name = entry.split('=').next().unwrap_or_default();
            !entry.is_empty() && name.trim_end_matches(['[', ']', '~']).trim() != filter.name
        })
        .map(str::to_owned)
        .collect();
    options.statement_setting("filters", &others.join(", "))
}

/// A filter that failed in this session.
pub struct Failure {
    pub query: String,
    pub filter: String,
    pub why: String,
}

/// The filters of the server that are not used in this session.
pub fn distrusted_filters(server: Oid) -> Vec<Failure> {
    KNOWN.with_borrow(|known| {
        known
            .iter()
            .filter(|(identity, _)| identity.server == server)
            .filter_map(|(identity, standing)| {
                Some(Failure {
                    query: identity.query.clone(),
                    filter: identity.filter.name.clone(),
                    why: standing.distrusted.clone()?,
                })
            })
            .collect()
    })
}
