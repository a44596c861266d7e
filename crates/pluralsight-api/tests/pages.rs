//! An answer in pages: whole, or an error; and what is asked for.

mod support;

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use pluralsight_api::{
    Cell, ColumnPlan, ErrorKind, Page, PageQuery, PageSizes, Pages, Shape, count,
};
use serde_json::{Value, json};
use support::*;

fn sizes(server: &Server) -> Vec<u64> {
    server
        .requests()
        .iter()
        .map(|request| request.variable("first").as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn the_first_page_is_small_and_the_others_are_large() {
    for (number, expected) in [
        (0, 1),
        (1, 1),
        (100, 1),
        (101, 2),
        (1_100, 2),
        (1_101, 3),
        (2_345, 4),
    ] {
        let server = Server::start(users(number));
        let caller = Caller::new(&server);
        let ids = caller
            .read(&mut Pages::new(users_query()))
            .await
            .expect("complete");
        assert_eq!(
            ids,
            (0..number).map(|id| format!("u{id}")).collect::<Vec<_>>()
        );
        assert_eq!(sizes(&server), [100, 1_000, 1_000, 1_000][..expected]);
        assert_eq!(
            (
                caller.stats.pages(),
                caller.stats.rows(),
                caller.stats.requests()
            ),
            (expected as u64, number as u64, expected as u64)
        );
        assert!(caller.stats.slowest_page() > Duration::ZERO && caller.stats.bytes() > 0);
    }
}

#[tokio::test]
async fn no_cursor_is_sent_for_the_first_page() {
    let server = Server::start(users(150));
    let filter = json!({"emails": ["a@example.com\"}) { id }"]});
    let query = PageQuery {
        filter: Some(filter.clone()),
        ..users_query()
    };
    Caller::new(&server)
        .read(&mut Pages::new(query))
        .await
        .expect("complete");
    let variables: Vec<Value> = server
        .requests()
        .iter()
        .map(|request| request.body["variables"].clone())
        .collect();
    assert_eq!(
        variables,
        [
            json!({"first": 100, "filter": filter}),
            json!({"first": 1_000, "after": "100", "filter": filter})
        ]
    );
}

#[tokio::test]
async fn a_page_size_that_is_set_is_used_for_every_page() {
    let server = Server::start(users(25));
    let query = PageQuery {
        sizes: PageSizes {
            first: 10,
            then: 10,
        },
        ..users_query()
    };
    Caller::new(&server)
        .read(&mut Pages::new(query))
        .await
        .expect("complete");
    assert_eq!(sizes(&server), [10, 10, 10]);
}

#[tokio::test]
async fn a_limit_is_never_exceeded_and_ends_the_reading() {
    for (limit, expected) in [
        (0, vec![]),
        (1, vec![1]),
        (5, vec![5]),
        (100, vec![100]),
        (150, vec![100, 50]),
        (5_000, vec![100, 1_000, 1_000, 1_000]),
    ] {
        let server = Server::start(users(2_345));
        let query = PageQuery {
            limit: Some(limit),
            ..users_query()
        };
        let ids = Caller::new(&server)
            .read(&mut Pages::new(query))
            .await
            .expect("as many as wanted");
        assert_eq!(
            (ids.len() as u64, sizes(&server)),
            (limit.min(2_345), expected)
        );
    }
    // A server that brings more than it was asked for.
    let query = PageQuery {
        limit: Some(2),
        ..users_query()
    };
    let (outcome, ..) = read(query, vec![page(&["a", "b", "c"], 9, Some("1"))]).await;
    assert_eq!(outcome.expect("as many as wanted"), ["a", "b"]);
}

#[tokio::test]
async fn the_last_page_says_that_it_is_the_last() {
    let server = Server::start(users(150));
    let caller = Caller::new(&server);
    let mut pages = Pages::new(users_query());
    let numbers = [caller.next(&mut pages).await, caller.next(&mut pages).await].map(|page| {
        page.unwrap().map(
            |Page {
                 number,
                 last,
                 total_count,
                 rows,
             }| (number, last, total_count, rows.len()),
        )
    });
    assert_eq!(
        numbers,
        [
            Some((1, false, Some(150), 100)),
            Some((2, true, Some(150), 50))
        ]
    );
    assert_eq!(caller.next(&mut pages).await.unwrap(), None);
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_dropped_future_loses_no_page_and_no_row() {
    let mut serve = users(2_345);
    let server = Server::start(move |request| {
        if request.number.is_multiple_of(2) {
            serve(request)
        } else {
            vec![Step::Stall]
        }
    });
    let caller = Caller::new(&server);
    let mut pages = Pages::new(users_query());
    let mut ids = Vec::new();
    let mut requests = 0;
    loop {
        {
            let mut next = pin!(caller.next(&mut pages));
            requests += 1;
            std::future::poll_fn(|context| {
                assert!(next.as_mut().poll(context).is_pending());
                if server.count() == requests {
                    return std::task::Poll::Ready(());
                }
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            })
            .await;
        }
        requests += 1;
        match caller.next(&mut pages).await.expect("a page") {
            Some(page) => {
                ids.extend(page.rows.rows().map(id_of));
                if page.last {
                    break;
                }
            }
            None => break,
        }
    }
    assert_eq!(
        (ids.len(), server.count(), caller.stats.retries()),
        (2_345, 8, 0)
    );
}

#[tokio::test]
async fn a_page_that_failed_can_be_asked_for_again() {
    let mut serve = users(150);
    let server = Server::start(move |request| {
        if (2..=4).contains(&request.number) {
            status(503)
        } else {
            serve(request)
        }
    });
    let caller = Caller::new(&server);
    let mut pages = Pages::new(users_query());
    assert_eq!(
        caller.next(&mut pages).await.unwrap().unwrap().rows.len(),
        100
    );
    let error = caller.next(&mut pages).await.expect_err("three times 503");
    assert!(
        error
            .to_string()
            .contains("reading users, page 2 (3 attempts)"),
        "{error}"
    );
    assert_eq!(
        caller.next(&mut pages).await.unwrap().unwrap().rows.len(),
        50
    );
    assert_eq!(caller.next(&mut pages).await.unwrap(), None);
}

#[tokio::test]
async fn trouble_on_the_second_of_three_pages_costs_a_request_and_no_row() {
    for trouble in [
        reply(429, &[("retry-after", "1")], ""),
        status(503),
        vec![Step::Reset],
        vec![begun(50, b"{\"data\":"), Step::Reset],
    ] {
        let mut serve = users(1_500);
        let server = Server::start(move |request| {
            if request.number == 2 {
                trouble.clone()
            } else {
                serve(request)
            }
        });
        let caller = Caller::new(&server);
        let ids = caller
            .read(&mut Pages::new(users_query()))
            .await
            .expect("complete");
        assert_eq!(
            (ids.len(), server.count(), caller.stats.retries()),
            (1_500, 4, 1)
        );
    }
}

#[tokio::test]
async fn a_row_that_comes_again_is_returned_once() {
    let (outcome, ..) = read(
        users_query(),
        vec![
            page(&["a", "b", "b"], 4, Some("1")),
            page(&["b", "c", "a"], 4, Some("2")),
            page(&["d"], 4, None),
        ],
    )
    .await;
    assert_eq!(outcome.expect("complete"), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn rows_without_a_key_are_all_returned() {
    let keyless = json!({"data": {"users": {"totalCount": 3, "pageInfo": {"hasNextPage": false}, "nodes": [{"psUserId": null}, {}, {"psUserId": null}]}}});
    let (outcome, ..) = read(users_query(), vec![keyless]).await;
    assert_eq!(outcome.expect("complete").len(), 3);
    let (outcome, ..) = read(
        PageQuery {
            key: None,
            ..users_query()
        },
        vec![page(&["a", "a"], 2, None)],
    )
    .await;
    assert_eq!(outcome.expect("complete"), ["a", "a"]);
}

#[tokio::test]
async fn a_page_cut_below_what_was_asked_is_noticed_and_read_on() {
    let mut serve = users(1_300);
    let server = Server::start(move |request| {
        let mut cut = request.clone();
        cut.body["variables"]["first"] =
            request.variable("first").as_u64().unwrap().min(500).into();
        serve(&cut)
    });
    let caller = Caller::new(&server);
    let mut pages = Pages::new(users_query());
    assert_eq!(
        caller.read(&mut pages).await.expect("complete").len(),
        1_300
    );
    assert_eq!((pages.page_cap(), server.count()), (Some(500), 4));
}

#[tokio::test]
async fn what_the_api_announces_is_kept_once_each() {
    let with = |page: Value, warnings: Value| {
        let mut page = page;
        page["extensions"] = json!({ "warnings": warnings });
        page
    };
    let old = json!({"message": "team is deprecated", "code": "DEPRECATED"});
    let pages = vec![
        with(page(&["a"], 2, Some("1")), json!(["key expired", old])),
        with(page(&["b"], 2, None), json!(["key expired", "page cut"])),
    ];
    let (outcome, pages, _) = read(users_query(), pages).await;
    outcome.expect("complete");
    assert_eq!(
        pages
            .warnings()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["key expired", "team is deprecated", "page cut"]
    );
}

#[tokio::test]
async fn an_object_or_a_list_is_one_request() {
    let plan = |shape| PageQuery::new(operation("planInfo", shape), &selection(&["name"]));
    for (shape, answered, rows) in [
        (Shape::Object, json!({"name": "x"}), 1),
        (Shape::Object, json!([{"name": "x"}, {"name": "y"}]), 1),
        (Shape::List, json!([{"name": "x"}, {"name": "y"}]), 2),
        (Shape::List, json!({"name": "x"}), 1),
        (Shape::List, json!([]), 0),
    ] {
        let server = Server::scripted(vec![answer(&json!({"data": {"planInfo": answered}}))]);
        let caller = Caller::new(&server);
        let page = caller
            .next(&mut Pages::new(plan(shape)))
            .await
            .expect("answered")
            .expect("one page");
        assert_eq!(
            (page.rows.len(), page.last, page.number, page.total_count),
            (rows, true, 1, None)
        );
        assert_eq!(server.requests()[0].body["variables"], json!({}));
    }
    for nothing in [json!({"planInfo": null}), json!({})] {
        let server = Server::scripted(vec![answer(&json!({ "data": nothing }))]);
        let error = Caller::new(&server)
            .next(&mut Pages::new(plan(Shape::Object)))
            .await
            .expect_err("no plan");
        assert_eq!(error.kind(), ErrorKind::Shape);
        assert!(
            error.to_string().ends_with(if nothing == json!({}) {
                "data.planInfo is missing, not an object"
            } else {
                "data.planInfo is null, not an object"
            }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_plan_that_comes_in_pages_is_read() {
    let server = Server::scripted(vec![answer(
        &json!({"data": {"planInfo": {"totalCount": 1, "pageInfo": {"hasNextPage": false}, "nodes": [{"name": "x"}]}}}),
    )]);
    let query = PageQuery {
        columns: vec![ColumnPlan::one("name".parse().expect("a path"))],
        ..PageQuery::new(
            operation("planInfo", Shape::Connection),
            &selection(&["name"]),
        )
    };
    let page = Caller::new(&server)
        .next(&mut Pages::new(query))
        .await
        .expect("answered")
        .expect("one page");
    assert_eq!(page.rows.len(), 1);
    assert_eq!(page.rows.row(0).cell(0), Cell::Text("x".into()));
}

#[tokio::test]
async fn a_count_is_one_request_for_the_total_alone() {
    let users = users_operation();
    let server = Server::scripted(vec![answer(
        &json!({"data": {"users": {"totalCount": 2_345}}}),
    )]);
    let caller = Caller::new(&server);
    let filter = json!({"isOnAccount": true});
    assert_eq!(
        count(&caller.client, &caller.context(), &users, Some(&filter))
            .await
            .expect("a number"),
        Some(2_345)
    );
    assert_eq!(
        server.requests()[0].body,
        json!({"query": users.count_document(true), "variables": {"filter": filter}})
    );
    assert_eq!((server.count(), caller.stats.pages()), (1, 0));
    for total in [json!(-3), json!(2.5), json!("seven")] {
        let server = Server::scripted(vec![answer(
            &json!({"data": {"users": {"totalCount": total}}}),
        )]);
        let caller = Caller::new(&server);
        let error = count(&caller.client, &caller.context(), &users, None)
            .await
            .expect_err("no number");
        assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
    }
    let server = Server::scripted(vec![answer(
        &json!({"data": {"users": {"totalCount": null}}}),
    )]);
    let caller = Caller::new(&server);
    assert_eq!(
        count(&caller.client, &caller.context(), &users, None)
            .await
            .expect("an answer"),
        None
    );
    let admins = operation("planAdmins", Shape::Connection);
    assert_eq!(
        count(&caller.client, &caller.context(), &admins, Some(&json!({})))
            .await
            .expect_err("takes no filter")
            .kind(),
        ErrorKind::Settings
    );
}

#[tokio::test]
async fn a_page_size_that_the_api_refuses_is_learned() {
    let mut serve = users(250);
    let server = Server::start(move |request| {
        let first = request.variable("first").as_u64().unwrap_or(0);
        if first > 60 {
            let message = format!("first must not exceed 60, but is {first}");
            return answer(&json!({"errors": [{"message": message}]}));
        }
        serve(request)
    });
    let caller = Caller::new(&server);
    let ids = caller
        .read(&mut Pages::new(users_query()))
        .await
        .expect("complete");
    assert_eq!(ids.len(), 250);
    // Asked for 100 once; from then on the client knows.
    assert_eq!(sizes(&server), [100, 60, 60, 60, 60, 60]);
    let again = caller.read(&mut Pages::new(users_query())).await;
    assert_eq!(again.expect("complete").len(), 250);
    assert_eq!(server.count(), 11);
}

#[tokio::test]
async fn a_refusal_of_every_size_is_an_error_that_names_the_option() {
    let server = Server::scripted(vec![answer(
        &json!({"errors": [{"message": "the maximum for first is exceeded, try 10"}]}),
    )]);
    let caller = Caller::new(&server);
    let error = caller
        .read(&mut Pages::new(users_query()))
        .await
        .expect_err("refused");
    assert!(server.count() <= 5, "{} requests", server.count());
    assert!(error.hint().unwrap().contains("page_size"), "{error}");
}
