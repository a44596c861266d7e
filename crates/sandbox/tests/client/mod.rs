//! A plain client, sharing nothing with the server.

#![allow(dead_code, reason = "each test file uses a part")]

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
            .redirect(reqwest::redirect::Policy::none())
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

    pub fn post(&self, document: &str, variables: Value) -> RequestBuilder {
        let body = json!({ "query": document, "variables": variables });
        self.http
            .post(self.sandbox.url())
            .bearer_auth(self.sandbox.token())
            .json(&body)
    }

    pub async fn send(&self, document: &str) -> reqwest::Result<Response> {
        self.post(document, Value::Null).send().await
    }

    /// The whole answer.
    pub async fn ask_with(&self, document: &str, variables: Value) -> Value {
        let response = self
            .post(document, variables)
            .send()
            .await
            .expect("an answer");
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
    pub async fn error(&self, document: &str) -> String {
        self.error_with(document, Value::Null).await
    }

    pub async fn error_with(&self, document: &str, variables: Value) -> String {
        let answer = self.ask_with(document, variables).await;
        answer["errors"][0]["message"]
            .as_str()
            .unwrap_or_else(|| panic!("no error: {answer}"))
            .to_owned()
    }

    /// Every page of a list: the connections, in order.
    pub async fn pages(
        &self,
        list: &str,
        selection: &str,
        first: u32,
        filter: Value,
    ) -> Vec<Value> {
        let (declared, given) = match &filter {
            Value::Null => ("", ""),
            _ if list == "teams" => (", $filter: TeamsFilter", ", filter: $filter"),
            _ => (", $filter: UserFilter", ", filter: $filter"),
        };
        let document = format!(
            "query($first: Int, $after: String{declared}) {{ {list}(first: $first, after: $after{given}) {{
                totalCount nodes {{ {selection} }} pageInfo {{ endCursor hasNextPage }} }} }}"
        );
        let mut pages: Vec<Value> = Vec::new();
        loop {
            let after = pages
                .last()
                .map_or(Value::Null, |page| page["pageInfo"]["endCursor"].clone());
            let variables = json!({ "first": first, "after": after, "filter": filter });
            let mut data = self.data_with(&document, variables).await;
            pages.push(data[list].take());
            if pages
                .last()
                .is_some_and(|page| page["pageInfo"]["hasNextPage"] != true)
            {
                return pages;
            }
            assert!(pages.len() < 1000, "no end of pages");
        }
    }

    pub async fn nodes(
        &self,
        list: &str,
        selection: &str,
        first: u32,
        filter: Value,
    ) -> Vec<Value> {
        let pages = self.pages(list, selection, first, filter).await;
        pages
            .iter()
            .flat_map(|page| page["nodes"].as_array().expect("nodes").clone())
            .collect()
    }

    /// The `psUserId` of every user that a filter lets through.
    pub async fn ids(&self, filter: Value) -> Vec<String> {
        let nodes = self.nodes("users", "psUserId", 100, filter).await;
        nodes
            .iter()
            .map(|node| node["psUserId"].as_str().expect("an id").to_owned())
            .collect()
    }
}
