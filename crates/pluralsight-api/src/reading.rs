//! Pages and answers that are read on the I/O thread.

use std::sync::Arc;

use crate::ahead::Ahead;
use crate::client::{Client, Context};
use crate::completeness::Finding;
use crate::error::Error;
use crate::io::{Demand, Feed, Io};
use crate::page::{Page, Pages};
use crate::page_query::PageQuery;
use crate::reply::Warning;
use crate::retry::RetryBudget;
use crate::settings::Settings;
use crate::stats::Stats;
use crate::token::Token;

/// On whose behalf something is read, and what it costs.
#[derive(Clone)]
pub struct Account {
    pub settings: Settings,
    pub token: Arc<Token>,
    pub stats: Arc<Stats>,
    pub budget: Arc<RetryBudget>,
}

/// What one demand for a page led to.
#[derive(Debug)]
pub struct Turn {
    /// `None` after the last page.
    pub outcome: Result<Option<Page>, Error>,
    /// What the API has said beside its data since the last turn.
    pub warnings: Vec<Warning>,
    /// What the answer lacks, where that is no error, as far as the last turn did not say it.
    pub findings: Vec<Finding>,
    /// The data changed while it was read: see [`Pages::drifted`].
    pub drifted: bool,
}

/// Begins to read pages: one for each demand, the next one also while an earlier one still waits to be taken. The feed
/// ends after the last page or the first error. `to_end`: every page will be demanded, unless one fails; so the next one
/// is asked for before this one is decoded.
pub fn read_pages(io: &Io, account: Account, query: PageQuery, to_end: bool) -> Feed<Turn> {
    let settings = account.settings.clone();
    account.stats.watch_by(io.wake());
    io.begin(settings, async move |client, mut line| {
        let client = match client {
            Ok(client) => client,
            Err(error) => {
                // Nobody can hear of it before asking for a page.
                line.demand().await;
                line.send(Turn::failed(error));
                return;
            }
        };
        let mut pages = Pages::new(query);
        let mut ahead = Ahead::default();
        let (mut told, mut found) = (0, 0);
        loop {
            let demand = tokio::select! {
                biased;
                demand = line.demand() => demand,
                never = ahead.progress() => match never {},
            };
            let Some(demand) = demand else {
                return;
            };
            let slot = to_end.then_some(&mut ahead);
            let context = account.context(demand);
            let outcome = pages.next_ahead(&client, &context, slot).await;
            let is_last = !matches!(&outcome, Ok(Some(page)) if !page.last);
            let warnings = pages.warnings().get(told..).unwrap_or_default().to_vec();
            told += warnings.len();
            let findings = pages.findings().get(found..).unwrap_or_default().to_vec();
            found += findings.len();
            line.send(Turn {
                outcome,
                warnings,
                findings,
                drifted: pages.drifted(),
            });
            if is_last {
                return;
            }
        }
    })
}

/// Begins one request. Its answer comes for the one demand that is made here.
pub fn ask<T, R>(io: &Io, account: Account, demand: Demand, request: R) -> Feed<Result<T, Error>>
where
    T: Send + 'static,
    R: AsyncFnOnce(&Client, &Context<'_>) -> Result<T, Error> + Send + 'static,
{
    let settings = account.settings.clone();
    account.stats.watch_by(io.wake());
    let feed = io.begin(settings, async move |client, mut line| {
        if let Some(demand) = line.demand().await {
            let answer = match client {
                Ok(client) => request(&client, &account.context(demand)).await,
                Err(error) => Err(error),
            };
            line.send(answer);
        }
    });
    feed.demand(demand);
    feed
}

impl Turn {
    fn failed(error: Error) -> Turn {
        Turn {
            outcome: Err(error),
            warnings: Vec::new(),
            findings: Vec::new(),
            drifted: false,
        }
    }
}

impl Account {
    fn context(&self, demand: Demand) -> Context<'_> {
        Context {
            token: &self.token,
            stats: &self.stats,
            deadline: demand.deadline,
            budget: &self.budget,
        }
    }
}
