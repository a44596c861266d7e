//! `count(*)` without reading, as far as the API's own counts can be relied on.

use std::sync::Arc;

use pgrx::pg_sys::Oid;
use pluralsight_api::{Client, Context, ErrorKind, FieldPath, Stats};

use super::census::census;
use super::fetch::Fetch;
use super::filter::Asked;
use super::json::{as_json, elements, json_of, same};
use super::refusal;
use super::session::Session;
use super::template::Reading;
use super::trust::learn;
use crate::error::{FdwError, Result};
use crate::options::TableOptions;
use crate::planner::cost::remember_total;

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
