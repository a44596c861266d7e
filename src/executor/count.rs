//! `count(*)` without reading, as far as the API's own counts can be relied on.

use std::sync::Arc;

use pgrx::pg_sys::Oid;
use pluralsight_api::{Client, Context, ErrorKind, FieldPath, Stats, count_parts};
use serde_json::Value as Json;

use super::fetch::{Fetch, Reading};
use super::filter::{Asked, Filtered};
use super::refusal;
use super::session::Session;
use super::trial::{as_json, elements, json_of, same, values_at};
use super::trust::learn;
use crate::error::{FdwError, Result};
use crate::options::TableOptions;
use crate::planner::remember_total;

/// What the API counts for a filter of one Boolean, asked in one request.
pub struct Census {
    all: u64,
    matching: u64,
    others: u64,
}

impl Census {
    /// Whether the filter divides the records into those that it brings, `met` of them, and the others. One that is ignored
    /// does not, and neither does one that loses records.
    pub fn proves(&self, met: u64) -> bool {
        self.matching == met && self.matching.checked_add(self.others) == Some(self.all)
    }
}

/// Asks for the counts; `None` where the API does not tell them, or where the records that it shows with them are not
/// those asked for.
pub fn census(
    session: &Session,
    options: &TableOptions,
    filtered: &Filtered,
) -> Result<Option<Census>> {
    let value = filtered.value()?;
    let Some(wanted) = value.as_bool() else {
        return Ok(None);
    };
    let field = FieldPath::parse(&filtered.filter.field)
        .map_err(|error| FdwError::internal(error.to_string()))?;
    let operation = &options.operation;
    if !operation.total_count {
        return Ok(None);
    }
    let name = &filtered.filter.name;
    let filter = |value: bool| serde_json::json!({ name: value });
    let (matching, others) = (filter(wanted), filter(!wanted));
    let (asked, of) = (operation.clone(), field.clone());
    let outcome = session.ask(async move |client: &Client, context: &Context<'_>| {
        count_parts(client, context, &asked, &of, matching, others).await
    })?;
    let [all, matching, others] = match outcome {
        Ok(parts) => parts,
        // Whatever is amiss with this question is no reason to fail: the records themselves will tell.
        Err(error) if matches!(error.kind(), ErrorKind::GraphQl | ErrorKind::Shape) => {
            return Ok(None);
        }
        Err(error) => return Err(refusal::explain(&error, options)),
    };
    let is_right = |sample: &[Json], wanted: bool| {
        sample
            .iter()
            .all(|record| values_at(record, &field) == [&Json::Bool(wanted)])
    };
    let counts = match (all.total, matching.total, others.total) {
        (Some(all), Some(matching), Some(others)) => Census {
            all,
            matching,
            others,
        },
        _ => return Ok(None),
    };
    remember_total(options.server.oid, &options.query, counts.all);
    let shown = is_right(&matching.sample, wanted) && is_right(&others.sample, !wanted);
    let is_seen = matching.sample.is_empty() == (counts.matching == 0);
    Ok((shown && is_seen).then_some(counts))
}

/// The number of records that `asked` stands for: as the API says, where that is proved, and otherwise by reading them.
pub fn count(options: &TableOptions, asked: &Asked, user: Oid, stats: &Arc<Stats>) -> Result<u64> {
    if *asked == Asked::Nothing {
        return Ok(0);
    }
    let session = Session::open(&options.server, user, Arc::clone(stats))?;
    match asked {
        Asked::Nothing => {}
        Asked::Everything => {
            let operation = options.operation.clone();
            let total = session.ask(async move |client: &Client, context: &Context<'_>| {
                pluralsight_api::count(client, context, &operation, None).await
            })?;
            match total {
                Ok(Some(total)) => {
                    remember_total(options.server.oid, &options.query, total);
                    return Ok(total);
                }
                // There is no total: count the records.
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::Shape => {}
                Err(error) => return Err(refusal::explain(&error, options)),
            }
        }
        Asked::Filtered(filtered) => {
            if let Some(counts) = census(&session, options, filtered)?
                && counts.proves(counts.matching)
            {
                learn(options, &filtered.filter, |standing| {
                    standing.brings_all = true;
                });
                return Ok(counts.matching);
            }
        }
    }
    read(options, asked, user, stats)
}

fn read(options: &TableOptions, asked: &Asked, user: Oid, stats: &Arc<Stats>) -> Result<u64> {
    let mut columns = Vec::new();
    let mut wanted = None;
    if let Asked::Filtered(filtered) = asked {
        let field = FieldPath::parse(&filtered.filter.field)
            .map_err(|error| FdwError::internal(error.to_string()))?;
        columns.push(as_json(&field));
        wanted = Some(filtered.value()?);
    }
    let reading = Reading {
        options,
        columns: &columns,
        asked,
        limit: None,
        reads_to_end: true,
    };
    let mut fetch = Fetch::new(&reading, user, Arc::clone(stats))?;
    let mut number: u64 = 0;
    while !fetch.finished() {
        let page = fetch.next_page(options)?.unwrap_or_default();
        let Some(wanted) = &wanted else {
            number += page.len() as u64;
            continue;
        };
        for row in page.rows() {
            let found = json_of(row.cell(0));
            number += u64::from(elements(&found).into_iter().any(|one| same(one, wanted)));
        }
    }
    Ok(number)
}
