//! The table `users` as one writes it on supabase-wrappers: its own callbacks, a page at a time as `serde_json` values, a
//! `Cell` per column. It reads the document that the extension sends, so that both get the same bytes. `make bench` alone
//! builds it.

use std::collections::HashMap;
use std::io::Read;
use std::str::FromStr;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::{Value as Json, json};
use supabase_wrappers::prelude::*;
use tokio::runtime::Runtime;

pgrx::pg_module_magic!();

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Runtime(#[from] CreateRuntimeError),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Gzip(#[from] std::io::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Other(String),
}

impl From<Failure> for ErrorReport {
    fn from(failure: Failure) -> ErrorReport {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_FDW_ERROR,
            failure.to_string(),
            "bench-framework",
        )
    }
}

#[wrappers_fdw(
    version = "0.1.0",
    author = "The pluralsight_fdw authors",
    website = "https://github.com/supabase/wrappers",
    error_type = "Failure"
)]
pub struct FrameworkFdw {
    url: String,
    token: String,
    runtime: Runtime,
    client: reqwest::Client,
    document: String,
    columns: Vec<Column>,
    page: std::vec::IntoIter<Json>,
    after: Option<String>,
    is_last: bool,
}

fn option(options: &HashMap<String, String>, name: &str) -> Result<String, Failure> {
    options
        .get(name)
        .cloned()
        .ok_or_else(|| Failure::Other(format!("option {name} is missing")))
}

impl FrameworkFdw {
    fn fetch(&mut self) -> Result<(), Failure> {
        let first = if self.after.is_none() { 100 } else { 1000 };
        let body = json!({
            "query": self.document,
            "variables": {"first": first, "after": self.after},
        });
        let request = self
            .client
            .post(&self.url)
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .header("accept-encoding", "gzip")
            .body(body.to_string());
        let (is_gzip, bytes) = self.runtime.block_on(async {
            let reply = request.send().await?.error_for_status()?;
            let is_gzip = reply.headers().contains_key("content-encoding");
            Ok::<_, reqwest::Error>((is_gzip, reply.bytes().await?))
        })?;
        let mut text = Vec::new();
        if is_gzip {
            flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut text)?;
        } else {
            text = bytes.to_vec();
        }
        let mut reply: Json = serde_json::from_slice(&text)?;
        let users = &mut reply["data"]["users"];
        let Json::Array(nodes) = users["nodes"].take() else {
            return Err(Failure::Other("the reply has no nodes".to_owned()));
        };
        self.page = nodes.into_iter();
        self.is_last = users["pageInfo"]["hasNextPage"] != Json::Bool(true);
        self.after = users["pageInfo"]["endCursor"].as_str().map(str::to_owned);
        Ok(())
    }
}

impl ForeignDataWrapper<Failure> for FrameworkFdw {
    fn new(server: ForeignServer) -> Result<FrameworkFdw, Failure> {
        Ok(FrameworkFdw {
            url: option(&server.options, "api_url")?,
            token: option(&server.options, "api_token")?,
            runtime: create_async_runtime()?,
            client: reqwest::Client::new(),
            document: String::new(),
            columns: Vec::new(),
            page: Vec::new().into_iter(),
            after: None,
            is_last: false,
        })
    }

    fn begin_scan(
        &mut self,
        _: &[Qual],
        columns: &[Column],
        _: &[Sort],
        _: &Option<Limit>,
        options: &HashMap<String, String>,
    ) -> Result<(), Failure> {
        self.document = option(options, "document")?;
        self.columns = columns.to_vec();
        self.after = None;
        self.is_last = false;
        self.fetch()
    }

    fn iter_scan(&mut self, row: &mut Row) -> Result<Option<()>, Failure> {
        loop {
            if let Some(node) = self.page.next() {
                for column in &self.columns {
                    row.push(&column.name, cell(&node, &column.name));
                }
                return Ok(Some(()));
            }
            if self.is_last {
                return Ok(None);
            }
            self.fetch()?;
        }
    }

    fn end_scan(&mut self) -> Result<(), Failure> {
        self.columns.clear();
        Ok(())
    }
}

fn cell(node: &Json, column: &str) -> Option<Cell> {
    match column {
        "user_id" => text(&node["psUserId"]),
        "email" => text(&node["email"]),
        "additional_emails" => texts(&node["additionalEmails"]),
        "first_name" => text(&node["firstName"]),
        "last_name" => text(&node["lastName"]),
        "is_on_account" => boolean(&node["isOnAccount"]),
        "removed_on" => instant(&node["removedOn"]),
        "last_login" => instant(&node["lastLogin"]),
        "started_on" => instant(&node["startedOn"]),
        "created_on" => instant(&node["createdOn"]),
        "note" => text(&node["note"]),
        "team_names" => teams(node, true, "name"),
        "team_ids" => teams(node, true, "id"),
        "inherited_team_names" => teams(node, false, "name"),
        "inherited_team_ids" => teams(node, false, "id"),
        "product_ids" => texts(&node["productIds"]),
        "sso_enabled" => boolean(&node["ssoEnabled"]),
        "sso_identifier" => text(&node["currentSsoIdentifier"]),
        "mfa_enabled" => boolean(&node["mfaEnabled"]),
        "plan_id" => text(&node["planId"]),
        _ => None,
    }
}

fn text(value: &Json) -> Option<Cell> {
    value.as_str().map(|text| Cell::String(text.to_owned()))
}

fn boolean(value: &Json) -> Option<Cell> {
    value.as_bool().map(Cell::Bool)
}

fn instant(value: &Json) -> Option<Cell> {
    TimestampWithTimeZone::from_str(value.as_str()?)
        .ok()
        .map(Cell::Timestamptz)
}

fn texts(value: &Json) -> Option<Cell> {
    let values = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
    Some(Cell::StringArray(texts.collect()))
}

fn teams(node: &Json, is_direct: bool, field: &str) -> Option<Cell> {
    let edges = node["teams"]["edges"].as_array();
    let texts = edges
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .filter(|edge| edge["isDirect"].as_bool() == Some(is_direct))
        .map(|edge| edge["node"][field].as_str().map(str::to_owned));
    Some(Cell::StringArray(texts.collect()))
}
