//! A plain client, sharing nothing with the server.

use std::time::Duration;

use pluralsight_sandbox::{Config, Sandbox};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

/// A sandbox and a client of it.
pub struct Fixture {
    pub sandbox: Sandbox,
    pub http: reqwest::Client,
}

impl Fixture {
    pub fn new(config: Config) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()
            .expect("a client");
        Self {
            sandbox: Sandbox::start(config).expect("a sandbox"),
            http,
        }
    }

    pub fn users(users: u64) -> Self {
        Self::new(Config {
            users,
            ..Config::default()
        })
    }

    /// From now on the server is configured so.
    pub fn update(&self, change: impl FnOnce(&mut Config)) {
        self.sandbox.update(change).expect("a change");
    }

    pub fn post(&self, document: &str, variables: Value) -> RequestBuilder {
        let body = json!({ "query": document, "variables": variables });
        self.http
            .post(self.sandbox.url())
            .bearer_auth(self.sandbox.token())
            .json(&body)
    }

    pub async fn send(&self, document: &str) -> Response {
        let request = self.post(document, Value::Null);
        request.send().await.expect("an answer")
    }

    /// The whole answer.
    pub async fn ask_with(&self, document: &str, variables: Value) -> Value {
        let request = self.post(document, variables);
        let response = request.send().await.expect("an answer");
        response.json().await.expect("JSON")
    }

    pub async fn ask(&self, document: &str) -> Value {
        self.ask_with(document, Value::Null).await
    }

    /// `data` of an answer without errors.
    pub async fn data_with(&self, document: &str, variables: Value) -> Value {
        let mut answer = self.ask_with(document, variables).await;
        assert_eq!(answer.get("errors"), None, "{document}");
        answer["data"].take()
    }

    pub async fn data(&self, document: &str) -> Value {
        self.data_with(document, Value::Null).await
    }

    /// The message of the first error.
    pub async fn error_with(&self, document: &str, variables: Value) -> String {
        let answer = self.ask_with(document, variables).await;
        let message = answer["errors"][0]["message"].as_str();
        message
            .unwrap_or_else(|| panic!("no error: {answer}"))
            .to_owned()
    }

    pub async fn error(&self, document: &str) -> String {
        self.error_with(document, Value::Null).await
    }

    /// The `psUserId` of every user that a filter lets through, page by page.
    pub async fn ids(&self, filter: Value) -> Vec<String> {
        let document = "query($after: String, $filter: UserFilter) { users(first: 100, after: $after, filter: $filter) {
            totalCount nodes { psUserId } pageInfo { endCursor hasNextPage } } }";
        let mut ids = Vec::new();
        let mut after = Value::Null;
        loop {
            let variables = json!({ "after": after, "filter": filter });
            let mut page = self.data_with(document, variables).await["users"].take();
            let nodes = page["nodes"].as_array().expect("nodes");
            let keys = nodes.iter().map(|node| node["psUserId"].as_str());
            ids.extend(keys.map(|key| key.expect("an id").to_owned()));
            if page["pageInfo"]["hasNextPage"] != true {
                return ids;
            }
            after = page["pageInfo"]["endCursor"].take();
        }
    }
}
