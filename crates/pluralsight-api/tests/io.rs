//! The I/O thread: what it hands over, what it lets go, and what it leaves alone.

mod support;

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pluralsight_api::io::{Demand, Feed, Io, Taken};
use pluralsight_api::{
    Account, Error, PageQuery, PageSizes, RetryBudget, Settings, Stats, Token, Turn, ask,
    read_pages,
};
use support::*;

const SOON: Duration = Duration::from_secs(20);
const DEMAND: Demand = Demand { deadline: None };

fn account(settings: Settings) -> Account {
    Account {
        settings,
        token: Arc::new(Token::new(TOKEN).expect("a legal token")),
        stats: Arc::new(Stats::default()),
        budget: Arc::new(RetryBudget::default()),
    }
}

/// Waits until the descriptor is readable, or for a moment. Its number is all that is known of it here.
fn wait_for(descriptor: RawFd) {
    let path = format!("/proc/self/fdinfo/{descriptor}");
    let until = Instant::now() + Duration::from_secs(1);
    while Instant::now() < until {
        let counter = std::fs::read_to_string(&path).expect("/proc");
        if !counter.contains("eventfd-count:                0") {
            return;
        }
        std::thread::yield_now();
    }
}

/// Waits as the other side does: on the descriptor.
fn next<T>(feed: &Feed<T>) -> Option<T> {
    let until = Instant::now() + SOON;
    loop {
        feed.clear();
        match feed.take() {
            Taken::Item(item) => return Some(item),
            Taken::Ended => return None,
            Taken::Pending => {
                assert!(Instant::now() < until, "nothing came");
                wait_for(feed.descriptor());
            }
        }
    }
}

fn query() -> PageQuery {
    PageQuery {
        sizes: PageSizes {
            first: 10,
            then: 10,
        },
        ..users_query()
    }
}

fn ids(turn: Option<Turn>) -> Vec<String> {
    let page = turn
        .expect("a turn")
        .outcome
        .expect("a page")
        .expect("not the end");
    page.rows.rows().map(id_of).collect()
}

#[test]
fn a_page_comes_for_each_demand_and_no_sooner() {
    let server = Server::start(users(35));
    let io = Io::start().expect("a thread");
    let feed = read_pages(&io, account(settings(&server.url())), query(), false);
    assert!(matches!(feed.take(), Taken::Pending));
    feed.demand(DEMAND);
    assert_eq!(ids(next(&feed)).len(), 10);
    assert_eq!(server.count(), 1, "nothing is read that nobody asked for");
    feed.demand(DEMAND);
    feed.demand(DEMAND);
    assert_eq!(ids(next(&feed)).len(), 10);
    assert_eq!(ids(next(&feed)).len(), 10);
    feed.demand(DEMAND);
    assert_eq!(ids(next(&feed)).len(), 5);
    assert!(next(&feed).is_none(), "the last page ends the feed");
    assert_eq!(server.count(), 4);
}

/// The page after `after` of so many users, written in the order in which the document asks.
fn page_in_order(request: &Request, number: usize, cut: Option<usize>) -> Vec<Step> {
    let start: usize = request
        .variable("after")
        .as_str()
        .map_or(0, |cursor| cursor.parse().expect("a cursor"));
    let end = number.min(start + 10);
    let ids: Vec<String> = (start..end)
        .map(|id| format!(r#"{{"psUserId":"u{id}"}}"#))
        .collect();
    let mut body = format!(
        r#"{{"data":{{"users":{{"totalCount":{number},"pageInfo":{{"hasNextPage":{},"endCursor":"{end}"}},"nodes":[{}]}}}}}}"#,
        end < number,
        ids.join(",")
    );
    body.truncate(cut.unwrap_or(body.len()));
    reply(200, &[], body)
}

fn wait_for_requests(server: &Server, number: usize) {
    let until = Instant::now() + SOON;
    while server.count() < number {
        assert!(Instant::now() < until, "no request came");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_read_to_its_end_is_asked_for_before_it_is_demanded() {
    let server = Server::start(|request| page_in_order(request, 35, None));
    let io = Io::start().expect("a thread");
    let feed = read_pages(&io, account(settings(&server.url())), query(), true);
    let mut came = Vec::new();
    for pages in 1..=4 {
        feed.demand(DEMAND);
        came.extend(ids(next(&feed)));
        wait_for_requests(&server, 4.min(pages + 1));
    }
    assert!(next(&feed).is_none());
    let expected: Vec<String> = (0..35).map(|id| format!("u{id}")).collect();
    assert_eq!(came, expected);
    assert_eq!(server.count(), 4, "after the last page nothing is asked");
}

#[test]
fn what_was_asked_after_a_broken_page_is_forgotten() {
    let mut asked = 0;
    let server = Server::start(move |request| {
        asked += 1;
        // The second page breaks off once, behind its cursor.
        page_in_order(request, 25, (asked == 2).then_some(120))
    });
    let io = Io::start().expect("a thread");
    let feed = read_pages(&io, account(settings(&server.url())), query(), true);
    let mut came = Vec::new();
    for _ in 0..3 {
        feed.demand(DEMAND);
        came.extend(ids(next(&feed)));
    }
    assert!(next(&feed).is_none());
    let expected: Vec<String> = (0..25).map(|id| format!("u{id}")).collect();
    assert_eq!(came, expected);
    let cursors: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.variable("after").as_str().unwrap_or("-").to_owned())
        .collect();
    assert_eq!(cursors, ["-", "10", "20", "10", "20"]);
}

#[test]
fn a_page_asked_for_before_its_turn_is_dropped_with_the_reading() {
    let server = Server::start(|request| match request.variable("after").as_str() {
        None => page_in_order(request, 35, None),
        Some(_) => vec![Step::Stall],
    });
    let io = Io::start().expect("a thread");
    let feed = read_pages(&io, account(settings(&server.url())), query(), true);
    feed.demand(DEMAND);
    assert_eq!(ids(next(&feed)).len(), 10);
    wait_for_requests(&server, 2);
    drop(feed);
    server.wait_until_closed();
}

#[test]
fn what_is_given_up_is_dropped_on_the_other_side() {
    let server = Server::scripted(vec![vec![Step::Stall]]);
    let io = Io::start().expect("a thread");
    let feed = read_pages(&io, account(settings(&server.url())), query(), false);
    feed.demand(DEMAND);
    let until = Instant::now() + SOON;
    while server.count() == 0 {
        assert!(Instant::now() < until, "no request came");
        std::thread::yield_now();
    }
    drop(feed);
    while !io.hears() {
        assert!(Instant::now() < until, "the thread holds on");
        std::thread::yield_now();
    }
}

#[test]
fn an_error_is_handed_over_and_ends_the_feed() {
    let io = Io::start().expect("a thread");
    let nobody = Settings {
        max_attempts: 1,
        ..settings("http://127.0.0.1:9")
    };
    let feed = read_pages(&io, account(nobody), query(), false);
    feed.demand(DEMAND);
    let turn = next(&feed).expect("a turn");
    assert!(
        matches!(turn.outcome, Err(Error::Connect { .. })),
        "{turn:?}"
    );
    assert!(next(&feed).is_none());
}

#[test]
fn a_job_that_panics_ends_its_feed_and_no_other() {
    let server = Server::start(users(5));
    let io = Io::start().expect("a thread");
    let account = account(settings(&server.url()));
    let broken: Feed<Result<(), Error>> = ask(&io, account.clone(), DEMAND, async |_, _| {
        panic!("on purpose")
    });
    assert!(next(&broken).is_none());
    let feed = read_pages(&io, account, query(), false);
    feed.demand(DEMAND);
    assert_eq!(ids(next(&feed)).len(), 5);
}

#[test]
fn the_thread_takes_no_signal_and_the_caller_keeps_its_own() {
    let mask = || {
        std::fs::read_to_string("/proc/thread-self/status")
            .expect("/proc")
            .lines()
            .find_map(|line| {
                line.strip_prefix("SigBlk:")
                    .map(|mask| mask.trim().to_owned())
            })
            .expect("a mask")
    };
    let before = mask();
    let io = Io::start().expect("a thread");
    assert_eq!(mask(), before);
    let feed = ask(
        &io,
        account(settings("http://127.0.0.1:9")),
        DEMAND,
        async move |_, _| Ok(mask()),
    );
    let inside = next(&feed).expect("an answer").expect("a mask");
    // All but SIGKILL and SIGSTOP, and the two that the C library keeps for itself.
    assert_eq!(inside, "fffffffe7ffbfeff");
}
