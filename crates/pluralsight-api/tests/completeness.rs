//! An answer is whole, or it is an error that says what is missing.

mod support;

use pluralsight_api::{Completeness, Error, ErrorKind, Gap, PageQuery, Pages};
use serde_json::{Value, json};
use support::*;

async fn gap(pages: Vec<Value>) -> (Gap, usize) {
    match read(users_query(), pages).await {
        (Err(Error::Incomplete { gap, .. }), _, server) => (gap, server.count()),
        (outcome, ..) => panic!("{outcome:?}"),
    }
}

fn warned(query: PageQuery) -> PageQuery {
    PageQuery {
        check: Completeness::Warn,
        ..query
    }
}

#[tokio::test]
async fn a_total_that_changes_while_it_is_read_is_no_error() {
    for (totals, last) in [
        ([3, 4], &["c"][..]),
        ([4, 3], &["c"]),
        ([4, 3], &["c", "d"]),
    ] {
        let (outcome, ..) = read(
            users_query(),
            vec![
                page(&["a", "b"], totals[0], Some("1")),
                page(last, totals[1], None),
            ],
        )
        .await;
        assert_eq!(outcome.expect("within its bounds").len(), 2 + last.len());
    }
}

#[tokio::test]
async fn a_total_below_what_one_page_holds_is_an_error_and_no_bound() {
    // As a lower bound it would let the answer end anywhere.
    let pages = vec![
        page(&["a", "b"], 9, Some("1")),
        page(&["c", "d"], 1, Some("2")),
        page(&["e"], 9, None),
    ];
    let (found, requests) = gap(pages).await;
    assert_eq!(
        (found, requests),
        (Gap::TotalBelowPage { total: 1, got: 2 }, 2)
    );
    // A record that comes twice counts once.
    let (outcome, ..) = read(users_query(), vec![page(&["a", "a"], 1, None)]).await;
    assert_eq!(outcome.expect("whole").len(), 1);
}

#[tokio::test]
async fn fewer_or_more_rows_than_any_total_is_an_error() {
    for (total, least) in [(5, 5), (2, 2)] {
        let (gap, requests) = gap(vec![
            page(&["a", "b"], total, Some("1")),
            page(&["c"], total, None),
        ])
        .await;
        assert_eq!(
            (gap, requests),
            (
                Gap::Total {
                    least,
                    most: least,
                    got: 3
                },
                2
            )
        );
    }
    let (gap, _) = gap(vec![page(&["a"], 1_000, None)]).await;
    assert_eq!(gap.to_string(), "expected 1000 records (totalCount), got 1");
}

#[tokio::test]
async fn an_incomplete_answer_names_table_page_expected_and_got() {
    let (outcome, ..) = read(
        users_query(),
        vec![page(&["a", "b"], 9, Some("1")), page(&["c"], 9, None)],
    )
    .await;
    let error = outcome.expect_err("incomplete");
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    let text = error.to_string();
    assert!(
        text.starts_with("incomplete answer from 127.0.0.1:")
            && text.ends_with("reading users, page 2: expected 9 records (totalCount), got 3"),
        "{text}"
    );
    assert!(error.hint().unwrap().contains("on_incomplete"));
}

#[tokio::test]
async fn an_answer_that_cannot_be_followed_is_an_error() {
    let long = "x".repeat(5_000);
    let with = |page_info: Value| json!({"data": {"users": {"totalCount": 9, "pageInfo": page_info, "nodes": [{"psUserId": "z"}]}}});
    for (pages, expected) in [
        (
            vec![page(&["a"], 9, Some("1")), page(&["b"], 9, Some("1"))],
            Gap::RepeatedCursor,
        ),
        (
            vec![
                page(&["a"], 9, Some("1")),
                page(&["b"], 9, Some("2")),
                page(&["c"], 9, Some("1")),
            ],
            Gap::RepeatedCursor,
        ),
        (vec![with(json!({"hasNextPage": true}))], Gap::MissingCursor),
        (
            vec![with(json!({"hasNextPage": true, "endCursor": null}))],
            Gap::MissingCursor,
        ),
        (
            vec![with(json!({"hasNextPage": true, "endCursor": ""}))],
            Gap::MissingCursor,
        ),
        (
            vec![with(json!({"hasNextPage": true, "endCursor": long}))],
            Gap::LongCursor(5_000),
        ),
        (
            vec![page(&["a"], 9, Some("1")), page(&[], 9, Some("2"))],
            Gap::EmptyPage,
        ),
        (vec![json!({"data": {"users": null}})], Gap::NullConnection),
        (
            vec![json!({"data": {"users": {"pageInfo": {"hasNextPage": false}, "nodes": null}}})],
            Gap::NullNodes,
        ),
        (
            vec![
                json!({"data": {"users": {"pageInfo": {"hasNextPage": false}, "nodes": [{}, null]}}}),
            ],
            Gap::NullRecords {
                first: 1,
                number: 1,
            },
        ),
    ] {
        let requests = pages.len();
        assert_eq!(gap(pages).await, (expected, requests));
    }
}

#[tokio::test]
async fn an_incomplete_answer_stays_incomplete_when_asked_again() {
    let server = Server::scripted(vec![
        answer(&page(&["a"], 5, None)),
        answer(&page(&["a"], 1, None)),
    ]);
    let caller = Caller::new(&server);
    let mut pages = Pages::new(users_query());
    for _ in 0..3 {
        assert_eq!(
            caller
                .next(&mut pages)
                .await
                .expect_err("incomplete")
                .kind(),
            ErrorKind::Incomplete
        );
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn where_a_warning_is_enough_what_came_is_returned_with_a_finding() {
    let all = vec![page(&["a"], 2, Some("1")), page(&["b"], 9, Some("1"))];
    let (outcome, pages, _) = read(warned(users_query()), all).await;
    assert_eq!(outcome.expect("what came"), ["a", "b"]);
    let findings: Vec<String> = pages.findings().iter().map(ToString::to_string).collect();
    assert_eq!(
        findings,
        [
            "reading users, page 2: its cursor (pageInfo.endCursor) is that of an earlier page: a new one was expected"
        ]
    );

    let nulls = json!({"data": {"users": {"totalCount": 2, "pageInfo": {"hasNextPage": true, "endCursor": "1"}, "nodes": [{"psUserId": "a"}, null]}}});
    let (outcome, pages, _) = read(warned(users_query()), vec![nulls, page(&["b"], 2, None)]).await;
    assert_eq!(outcome.expect("what came"), ["a", "b"]);
    assert_eq!(pages.findings().len(), 1);

    for pages in [
        vec![json!({"data": {"users": null}})],
        vec![page(&[], 5, None)],
        vec![page(&[], 0, Some("1"))],
    ] {
        let (outcome, pages, _) = read(warned(users_query()), pages).await;
        assert_eq!(outcome.expect("what came"), Vec::<String>::new());
        assert_eq!(pages.findings().len(), 1, "{:?}", pages.findings());
    }
}

#[tokio::test]
async fn a_list_may_end_with_a_null_cursor_once_all_that_there_is_has_come() {
    let ended = |ids: &[&str], total: u64, cursor: Value| {
        let nodes: Vec<Value> = ids.iter().map(|id| json!({"psUserId": id})).collect();
        json!({"data": {"users": {"totalCount": total, "pageInfo": {"hasNextPage": true, "endCursor": cursor}, "nodes": nodes}}})
    };
    for pages in [
        vec![
            ended(&["a", "b"], 3, json!("1")),
            ended(&["c"], 3, json!(null)),
        ],
        vec![
            ended(&["a", "b"], 3, json!("1")),
            ended(&["c"], 3, json!("2")),
            ended(&[], 3, json!(null)),
        ],
        vec![
            ended(&["a", "b"], 3, json!("1")),
            ended(&["c"], 3, json!("2")),
            page(&[], 3, None),
        ],
    ] {
        let (outcome, pages, _) = read(users_query(), pages).await;
        assert_eq!(outcome.expect("complete"), ["a", "b", "c"]);
        assert!(pages.findings().is_empty());
    }
    // One short, or one that came twice.
    for second in [ended(&["c"], 4, json!(null)), ended(&["b"], 3, json!(null))] {
        let (outcome, ..) = read(
            users_query(),
            vec![ended(&["a", "b"], 3, json!("1")), second],
        )
        .await;
        assert_eq!(
            outcome.expect_err("incomplete").kind(),
            ErrorKind::Incomplete
        );
    }
}

#[tokio::test]
async fn a_missing_total_is_tolerated_and_a_senseless_one_is_not() {
    let (outcome, ..) = read(
        users_query(),
        vec![
            page(&["a"], Value::Null, Some("1")),
            page(&["b"], Value::Null, None),
        ],
    )
    .await;
    assert_eq!(outcome.expect("complete"), ["a", "b"]);
    for total in [json!(-1), json!(1.5), json!("two"), json!({})] {
        let (outcome, ..) = read(users_query(), vec![page(&["a"], total.clone(), None)]).await;
        let Err(Error::Shape { path, .. }) = outcome else {
            panic!("{total}: {outcome:?}")
        };
        assert_eq!(path, "data.users.totalCount");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_the_schema_names_page_and_path() {
    let broken = json!({"data": {"users": {"totalCount": 2, "pageInfo": {"hasNextPage": false}, "nodes": [{}, "Bob"]}}});
    let (outcome, ..) = read(users_query(), vec![page(&["a"], 2, Some("1")), broken]).await;
    let error = outcome.expect_err("a text is no record");
    assert_eq!(error.kind(), ErrorKind::Shape);
    let text = error.to_string();
    assert!(
        text.ends_with(
            "reading users, page 2: data.users.nodes[1] is the text \"Bob\", not an object"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn a_list_that_was_cut_inside_a_record_is_an_error() {
    let user =
        |id: &str, cut: Value| json!({"psUserId": id, "teams": {"pageInfo": {"hasNextPage": cut}}});
    let pages = |cut: Value| json!({"data": {"users": {"totalCount": 2, "pageInfo": {"hasNextPage": false}, "nodes": [user("a", json!(false)), user("b", cut)]}}});
    let path: pluralsight_api::FieldPath = "teams.pageInfo.hasNextPage".parse().unwrap();
    let query = || PageQuery {
        truncated: vec![path.clone()],
        ..users_query()
    };
    for whole in [json!(false), json!(null)] {
        assert_eq!(
            read(query(), vec![pages(whole)])
                .await
                .0
                .expect("complete")
                .len(),
            2
        );
    }
    let (outcome, ..) = read(query(), vec![pages(json!(true))]).await;
    let Err(
        error @ Error::Incomplete {
            gap: Gap::CutList { .. },
            ..
        },
    ) = outcome
    else {
        panic!("{outcome:?}")
    };
    assert!(
        error
            .to_string()
            .contains("teams.pageInfo.hasNextPage is true in 1 record, the first of them nodes[1]"),
        "{error}"
    );
    let (outcome, read_pages, _) = read(warned(query()), vec![pages(json!(true))]).await;
    assert_eq!(
        (
            outcome.expect("what came").len(),
            read_pages.findings().len()
        ),
        (2, 1)
    );
}

#[tokio::test]
async fn the_number_of_pages_is_bounded() {
    let server = Server::start(|request| {
        answer(&page(
            &[&format!("u{}", request.number)],
            Value::Null,
            Some(&request.number.to_string()),
        ))
    });
    let caller = Caller::new(&server);
    let error = caller
        .read(&mut Pages::new(PageQuery {
            max_pages: 7,
            ..users_query()
        }))
        .await
        .expect_err("endless");
    assert!(
        matches!(
            error,
            Error::Incomplete {
                gap: Gap::TooManyPages(7),
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(server.count(), 7);
    let mut pages = Pages::new(warned(PageQuery {
        max_pages: 2,
        ..users_query()
    }));
    assert_eq!(
        (
            caller.read(&mut pages).await.expect("what came").len(),
            pages.findings().len()
        ),
        (2, 1)
    );
}
