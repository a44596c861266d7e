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
    let feed = read_pages(&io, account(settings(&server.url())), query());
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

#[test]
fn what_is_given_up_is_dropped_on_the_other_side() {
    let server = Server::scripted(vec![vec![Step::Stall]]);
    let io = Io::start().expect("a thread");
    let feed = read_pages(&io, account(settings(&server.url())), query());
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
    let feed = read_pages(&io, account(nobody), query());
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
    let feed = read_pages(&io, account, query());
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
