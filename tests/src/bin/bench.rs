//! How long a reading takes through SQL, beside the bare client reading the same pages in the same run. `make bench`.

use std::time::{Duration, Instant};

use behaviour::Stage;
use pluralsight_api::{
    Client, Context, Endpoint, FieldPath, Name, Operation, PageQuery, Pages, RetryBudget,
    Selection, Settings, Shape, Stats, Token,
};
use pluralsight_sandbox::{Config, Sandbox};

const USERS: u64 = 50_000;
const ROUNDS: usize = 7;
const FIELDS: [&str; 6] = [
    "psUserId",
    "email",
    "firstName",
    "lastName",
    "isOnAccount",
    "lastLogin",
];

/// The pages of all users, with nothing done to them.
fn bare(sandbox: &Sandbox) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let settings = Settings {
            endpoint: Endpoint::parse(&sandbox.url()).expect("the sandbox's address"),
            ..Settings::default()
        };
        let client = Client::new(&settings).expect("a client");
        let token = Token::new(sandbox.token()).expect("the sandbox's token");
        let (stats, budget) = (Stats::default(), RetryBudget::default());
        let context = Context {
            token: &token,
            stats: &stats,
            deadline: None,
            budget: &budget,
        };
        let paths: Vec<FieldPath> = FIELDS
            .iter()
            .map(|field| FieldPath::parse(field).expect("a path"))
            .collect();
        let operation = Operation::new(Name::declared("users"), Shape::Connection);
        let mut pages = Pages::new(PageQuery {
            key: Some(paths[0].clone()),
            ..PageQuery::new(operation, &Selection::from_paths(&paths))
        });
        let mut records = 0;
        while let Some(page) = pages.next(&client, &context).await.expect("a page") {
            records += page.rows.len() as u64;
        }
        records
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    let mut stage = Stage::new(Config {
        users: USERS,
        log_limit: 1_000,
        ..Config::default()
    });
    let columns = "SELECT count(*), count(email), count(first_name), count(last_name), count(is_on_account), count(last_login)";
    stage.session.run("CREATE TABLE local AS SELECT user_id, email, first_name, last_name, is_on_account, last_login FROM pluralsight.users");
    let (mut client, mut sql, mut local) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        assert_eq!(bare(&stage.sandbox), USERS);
        client.push(started.elapsed());
        let started = Instant::now();
        stage
            .session
            .rows(&format!("{columns}, count(user_id) FROM pluralsight.users"));
        sql.push(started.elapsed());
        let started = Instant::now();
        stage.session.rows(&format!("{columns} FROM local"));
        local.push(started.elapsed());
    }
    let (client, sql, local) = (median(client), median(sql), median(local));
    let rate = |time: Duration| (USERS as f64 / time.as_secs_f64()).round();
    println!("{USERS} users, 6 fields, median of {ROUNDS} rounds taken in turn");
    println!(
        "  bare client, nothing done with the records  {:>7.0} ms  {:>9} users/s",
        client.as_secs_f64() * 1e3,
        rate(client)
    );
    println!(
        "  through SQL                                 {:>7.0} ms  {:>9} users/s  {:.2} of the bare client",
        sql.as_secs_f64() * 1e3,
        rate(sql),
        sql.as_secs_f64() / client.as_secs_f64()
    );
    println!(
        "  a local table                               {:>7.0} ms  {:>9} users/s",
        local.as_secs_f64() * 1e3,
        rate(local)
    );
    for query in [
        "SELECT count(*) FROM pluralsight.users",
        "SELECT * FROM pluralsight.users LIMIT 10",
        "SELECT count(user_id) FROM pluralsight.users",
        "SELECT * FROM pluralsight.accounts WHERE email = (SELECT email FROM local WHERE email IS NOT NULL LIMIT 1)",
    ] {
        println!("  {:>3} requests  {query}", stage.requests(query));
    }
}
