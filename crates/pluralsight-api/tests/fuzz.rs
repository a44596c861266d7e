//! Whatever comes: no panic, no endless reading, and never a short answer that looks whole.
//!
//! `PROPTEST_CASES` sets how many cases are tried. A case that failed is kept in `tests/fuzz.proptest-regressions` and
//! tried first from then on.

mod support;

use std::collections::HashSet;

use pluralsight_api::{Error, ErrorKind, PageQuery, PageSizes, Pages, Settings};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::*;
use tokio::runtime::Runtime;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// A client of which no attempt is repeated.
fn single(server: &Server) -> Caller {
    Caller::with(&Settings {
        max_attempts: 1,
        ..settings(&server.url())
    })
}

/// Any JSON, a few levels deep, with the names that matter here among its keys.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let names = prop_oneof![
        Just("data"),
        Just("errors"),
        Just("extensions"),
        Just("warnings"),
        Just("message"),
        Just("path"),
        Just("code"),
        Just("users"),
        Just("nodes"),
        Just("pageInfo"),
        Just("hasNextPage"),
        Just("endCursor"),
        Just("totalCount"),
        Just("psUserId"),
        Just("error"),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<Value>()),
        ]
    })
}

/// A page of a small world: ids and cursors repeat, totals lie, and now and then something is not what it should be.
fn any_page() -> impl Strategy<Value = Value> {
    let nodes = prop::collection::vec(
        prop_oneof![20 => (0..12u8).prop_map(|id| json!({"psUserId": format!("u{id}")})), 1 => Just(Value::Null), 1 => any_json()],
        0..5,
    );
    let total =
        prop_oneof![6 => (0..14u64).prop_map(Value::from), 1 => Just(Value::Null), 1 => any_json()];
    let has_next = prop_oneof![12 => any::<bool>().prop_map(Value::from), 1 => any_json()];
    let cursor = prop_oneof![12 => (0..6u8).prop_map(|cursor| Value::from(format!("c{cursor}"))), 1 => Just(Value::Null), 1 => any_json()];
    let whole = (nodes, total, has_next, cursor).prop_map(|(nodes, total, has_next, cursor)| {
        json!({"data": {"users": {"totalCount": total, "pageInfo": {"hasNextPage": has_next, "endCursor": cursor}, "nodes": nodes}}})
    });
    prop_oneof![20 => whole, 1 => any_json(), 1 => any_json().prop_map(|users| json!({"data": {"users": users}}))]
}

proptest! {
    #[test]
    fn any_body_is_an_answer_or_an_error(code in prop_oneof![Just(200u16), Just(400), Just(401), Just(403), Just(418), Just(500), 200u16..600], body in prop::collection::vec(any::<u8>(), 0..300)) {
        runtime().block_on(async {
            let server = Server::scripted(vec![reply(code, &[("content-type", "application/json")], &body)]);
            if let Err(error) = single(&server).send().await {
                texts(&error);
            }
        });
    }

    #[test]
    fn any_json_is_an_answer_or_an_error(code in prop_oneof![3 => Just(200u16), 1 => 200u16..600], body in any_json()) {
        runtime().block_on(async {
            let server = Server::scripted(vec![reply(code, &[], body.to_string())]);
            let caller = single(&server);
            match caller.send().await {
                Ok(reply) => assert!((200..300).contains(&code) && reply.data.is_object()),
                Err(error) => drop(texts(&error)),
            }
        });
    }

    #[test]
    fn any_bytes_in_place_of_http_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), gzip in any::<bool>()) {
        runtime().block_on(async {
            let script = if gzip { reply(200, &[("content-encoding", "gzip")], &bytes) } else { vec![Step::Send(bytes.clone()), Step::Close] };
            let server = Server::scripted(vec![script]);
            texts(&single(&server).send().await.expect_err("no answer"));
        });
    }

    #[test]
    fn any_sequence_of_pages_ends_whole_or_in_an_error(pages in prop::collection::vec(any_page(), 1..8)) {
        runtime().block_on(read_pages(&pages));
    }
}

/// Reads such pages: to the end, or to an error of a kind that is right for them.
async fn read_pages(pages: &[Value]) {
    let server = Server::scripted(pages.iter().map(answer).collect());
    let caller = single(&server);
    let mut stream = Pages::new(PageQuery {
        sizes: PageSizes { first: 4, then: 4 },
        max_pages: 20,
        ..users_query()
    });
    match caller.read(&mut stream).await {
        Ok(ids) => check_whole(&pages[..server.count().min(pages.len())], &ids),
        Err(error) => {
            let kind = error.kind();
            assert!(
                matches!(
                    kind,
                    ErrorKind::Incomplete
                        | ErrorKind::Shape
                        | ErrorKind::BadReply
                        | ErrorKind::GraphQl
                        | ErrorKind::Unauthorized
                ),
                "{error}"
            );
            if let Error::Incomplete { .. } = error {
                caller
                    .next(&mut stream)
                    .await
                    .expect_err("it stays incomplete");
            }
        }
    }
    assert!(server.count() <= 20);
}

/// The files of a folder of `tests/corpus`: what was worth keeping of what broke something, here or elsewhere.
fn corpus(folder: &str) -> Vec<(String, Vec<u8>)> {
    let path = format!("{}/tests/corpus/{folder}", env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(path).unwrap()))
        .collect();
    assert!(files.len() > 10);
    files
}

#[test]
fn every_body_of_the_corpus_is_an_answer_or_an_error() {
    for (name, body) in corpus("bodies") {
        println!("{name}");
        runtime().block_on(async {
            let server = Server::scripted(vec![reply(200, &[], &body)]);
            match single(&server).send().await {
                Ok(reply) => assert!(reply.data.is_object()),
                Err(error) => drop(texts(&error)),
            }
        });
    }
}

#[test]
fn every_sequence_of_pages_of_the_corpus_ends_whole_or_in_an_error() {
    for (name, text) in corpus("pages") {
        println!("{name}");
        let pages: Vec<Value> = serde_json::from_slice(&text).unwrap();
        runtime().block_on(read_pages(&pages));
    }
}

/// What ended well must hold every record of the pages that were read once, and as many as some total said.
fn check_whole(pages: &[Value], ids: &[String]) {
    let users = |page: &Value| page["data"]["users"].clone();
    let expected: HashSet<String> = pages
        .iter()
        .flat_map(|page| users(page)["nodes"].as_array().cloned().unwrap_or_default())
        .filter_map(|node| node["psUserId"].as_str().map(str::to_owned))
        .collect();
    let keyed: Vec<&String> = ids.iter().filter(|id| !id.is_empty()).collect();
    assert_eq!(
        keyed.len(),
        keyed.iter().collect::<HashSet<_>>().len(),
        "a record came twice"
    );
    for id in expected.iter().filter(|id| !id.is_empty()) {
        assert!(ids.contains(id), "{id} is missing");
    }
    let totals: Vec<u64> = pages
        .iter()
        .filter_map(|page| users(page)["totalCount"].as_u64())
        .collect();
    if let (Some(least), Some(most)) = (totals.iter().min(), totals.iter().max()) {
        assert!(
            (*least..=*most).contains(&(ids.len() as u64)),
            "{} records of {least} to {most}",
            ids.len()
        );
    }
    // The end is said in so many words; or nothing leads on, and exactly as many records have come as every total said.
    let last = users(pages.last().expect("a page was read"));
    let leads_nowhere = last["pageInfo"]["endCursor"]
        .as_str()
        .is_none_or(str::is_empty)
        || last["nodes"].as_array().is_some_and(Vec::is_empty);
    let all_have_come = !totals.is_empty() && totals.iter().all(|total| *total == ids.len() as u64);
    assert!(last["pageInfo"]["hasNextPage"] == false || (leads_nowhere && all_have_come));
}
