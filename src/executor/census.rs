//! What the API counts for a filter of one Boolean.

use pluralsight_api::{Client, Context, ErrorKind, FieldPath, count_parts};
use serde_json::Value as Json;

use super::filter::Filtered;
use super::json::values_at;
use super::refusal;
use super::session::Session;
use crate::error::{FdwError, Result};
use crate::options::TableOptions;
use crate::planner::cost::remember_total;

/// What the API counts for a filter of one Boolean, asked in one request.
pub struct Census {
    all: u64,
    pub matching: u64,
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
