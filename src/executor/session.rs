//! Requests that are made one at a time.

use std::sync::Arc;

use pgrx::pg_sys::Oid;
use pluralsight_api::{Account, Client, Context, Error as ApiError, RetryBudget, Stats};

use crate::error::{FdwError, Result};
use crate::options::Server;
use crate::{runtime, token};

/// A client's settings, a token and the counters of one reading.
pub struct Session(pub(super) Account);

impl Session {
    pub fn open(server: &Server, user: Oid, stats: Arc<Stats>) -> Result<Session> {
        let account = Account {
            token: Arc::new(token::find(server, user)?.token),
            settings: server.client_settings()?,
            budget: Arc::new(RetryBudget::default()),
            stats,
        };
        runtime::prepare(&account).map_err(|error| match server.options.get("ca_file") {
            // The client has read what the file holds, and cannot tell where that was.
            Some(path) => error.detail(format!("Option ca_file names \"{path}\".")),
            None => error,
        })?;
        Ok(Session(account))
    }

    /// Runs a request on the network's thread and waits for it as a backend may.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        request: impl AsyncFnOnce(&Client, &Context<'_>) -> std::result::Result<T, ApiError>
        + Send
        + 'static,
    ) -> Result<std::result::Result<T, ApiError>> {
        runtime::run(&self.0, request)
    }

    /// The same, for `place`.
    pub fn run<T: Send + 'static>(
        &self,
        place: &str,
        request: impl AsyncFnOnce(&Client, &Context<'_>) -> std::result::Result<T, ApiError>
        + Send
        + 'static,
    ) -> Result<T> {
        self.ask(request)?
            .map_err(|error| FdwError::from_api(&error, place))
    }
}
