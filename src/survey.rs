//! What the API has of the declared tables, asked with the token of the current role.

use std::sync::Arc;

use pgrx::pg_sys;
use pluralsight_api::{Client, Context, Stats};
use pluralsight_catalog::{ExistingTable, ImportedTable, Table, discover};

use crate::error::{FdwError, Result};
use crate::executor::Session;
use crate::options::Server;

/// A table as the API allows it.
pub struct Surveyed {
    pub table: ImportedTable,
    /// What a person should know about it.
    pub notices: Vec<String>,
}

/// Asks about the tables; an error if there is no token that works. `existing` is what is there of a table already: a
/// field that the user gave a column is kept if the API has it.
pub fn survey(
    server: &Server,
    wanted: &[&'static Table],
    all: bool,
    existing: impl Fn(&Table) -> Option<ExistingTable>,
) -> Result<Vec<Surveyed>> {
    // SAFETY: reads the backend's own state.
    let user = unsafe { pg_sys::GetUserId() };
    let session = Session::open(server, user, Arc::new(Stats::default()))?;
    let place = format!("server \"{}\"", server.name);
    let tables = wanted.to_vec();
    let there: Vec<(&'static str, ExistingTable)> = wanted
        .iter()
        .filter_map(|table| Some((table.name, existing(table)?)))
        .collect();
    let discovered = session.run(
        &place,
        async move |client: &Client, context: &Context<'_>| {
            let existing = |table: &Table| {
                let (_, existing) = there.iter().find(|(name, _)| *name == table.name)?;
                Some(existing.clone())
            };
            discover(client, context, &tables, all, existing).await
        },
    )?;
    // A token that reads nothing does not work.
    if !discovered.iter().any(|table| table.failure.is_none())
        && let Some(error) = discovered.iter().find_map(|table| table.failure.as_ref())
    {
        return Err(FdwError::from_api(error, &place));
    }
    Ok(discovered
        .into_iter()
        .map(|discovered| Surveyed {
            table: discovered.table,
            notices: discovered
                .notices
                .into_iter()
                .map(|notice| notice.0)
                .collect(),
        })
        .collect())
}
