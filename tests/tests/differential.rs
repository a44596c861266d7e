//! Whatever the query, the foreign tables answer as local copies of the same data do.
//!
//! Queries are generated from a seed; on a difference the query is printed. `DIFFERENTIAL_SEED` and
//! `DIFFERENTIAL_QUERIES` choose others.

mod generator;

use behaviour::Stage;
use generator::{Generator, answer, over, samples, stage, stage_of};
use pluralsight_sandbox::{Config, variant};

const SEED: u64 = 20_261_123;
const QUERIES: u64 = 500;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn compare(stage: &mut Stage, query: &str, rows: &mut usize) {
    if let Err(difference) = difference(stage, query, rows) {
        panic!("{difference}");
    }
}

fn difference(stage: &mut Stage, query: &str, rows: &mut usize) -> Result<(), String> {
    let expected = answer(&mut stage.session, &over(query, "copy"));
    let found = answer(&mut stage.session, &over(query, "pluralsight"));
    *rows += expected.as_ref().map_or(0, Vec::len);
    if found != expected {
        let plan = stage
            .session
            .try_rows(&format!("EXPLAIN VERBOSE {}", over(query, "pluralsight")));
        return Err(format!(
            "a different answer for\n{}\nexpected {expected:?}\nfound {found:?}\n{plan:?}",
            over(query, "pluralsight")
        ));
    }
    Ok(())
}

/// Every so often another way of joining, so that rescans and look-ups are taken as well. Every fifth query may be compiled: that
/// takes longer than to run it.
fn joins(index: u64) -> &'static str {
    match index % 5 {
        1 => "SET enable_hashjoin = off; SET enable_mergejoin = off",
        2 => {
            "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off"
        }
        3 => "SET enable_nestloop = off",
        4 => {
            "RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material; RESET enable_memoize; RESET enable_nestloop; RESET jit"
        }
        _ => "SET jit = off",
    }
}

#[test]
fn generated_queries_answer_as_local_tables_do() {
    let mut stage = stage();
    let (seed, queries) = (
        number("DIFFERENTIAL_SEED", SEED),
        number("DIFFERENTIAL_QUERIES", QUERIES),
    );
    let samples = samples(&mut stage.session);
    let mut generator = Generator::new(seed, samples);
    let mut rows = 0;
    for index in 0..queries {
        stage.session.run(joins(index));
        let query = generator.query();
        compare(&mut stage, &query, &mut rows);
    }
    assert_eq!(
        stage.session.notices(),
        Vec::<String>::new(),
        "an ordinary query says nothing"
    );
    println!("{queries} queries from seed {seed}, {rows} rows compared");
    assert!(rows > queries as usize, "the queries find something");
}

/// APIs that compare, join, cut and spell in their own ways.
const ODD: &[&str] = &[
    "email-any-case",
    "email-prefix",
    "email-part",
    "filters-or",
    "filters-ignored",
    "teams-all",
    "teams-direct",
    "name-exact",
    "cut-lists",
    "capital-ids",
    "empty-list-everybody",
];

/// Where a filter that means something else would be believed.
const TELLING: &[&str] = &[
    "SELECT count(*) FROM {users} u WHERE user_id = (SELECT min(user_id) FROM {hr})",
    "SELECT count(*) FROM {users} u WHERE user_id = '{id}'",
    "SELECT count(*) FROM {users} u WHERE user_id IN ('{id}', 'nobody')",
    "SELECT count(*) FROM {users} u WHERE is_on_account",
    "SELECT count(*) FROM {users} u WHERE NOT is_on_account",
    "SELECT count(*) FROM {users} u WHERE is_on_account AND user_id = '{id}'",
    "SELECT count(*) FROM {users} u WHERE email = left('{email}', 4)",
    "SELECT count(*), count(note) FROM {users} u WHERE email = upper('{email}')",
    "SELECT count(*) FROM {users} u WHERE email = '{email}' AND is_on_account",
    "SELECT * FROM {users} u WHERE email = '{email}' AND user_id = '{id}'",
    "SELECT user_id FROM {users} u WHERE user_id = ANY (ARRAY(SELECT user_id FROM copy.users ORDER BY 1 LIMIT 210))",
    "SELECT count(*) FROM {users} u WHERE user_id = ANY (ARRAY(SELECT user_id FROM copy.users ORDER BY 1 LIMIT 210))",
    "SELECT user_id FROM {users} u WHERE email = ANY (ARRAY(SELECT email FROM copy.users ORDER BY 1 LIMIT 210))",
    "SELECT h.email, u.note FROM copy.users h JOIN {users} u USING (user_id)",
    "SELECT user_id FROM {users} u WHERE team_ids && ARRAY(SELECT team_id FROM copy.teams ORDER BY 1 LIMIT 3)",
    "SELECT count(*) FROM {users} u WHERE team_ids && ARRAY(SELECT team_id FROM copy.teams ORDER BY 1 LIMIT 3)",
    "SELECT user_id FROM {users} u WHERE team_ids @> ARRAY(SELECT unnest(team_ids) FROM copy.users WHERE user_id = '{id}')",
    "SELECT count(*) FROM {users} u WHERE user_id = ANY ('{}')",
    "SELECT count(*) FROM {teams} t WHERE name = 'Sales'",
    "SELECT count(*) FROM {teams} t WHERE team_id IN (SELECT team_id FROM copy.teams WHERE name LIKE 'S%')",
    "SELECT status, is_admin, billable, count(*) FROM {accounts} a GROUP BY 1, 2, 3",
    "SELECT count(*) FROM {accounts} a WHERE is_admin",
];

#[test]
fn generated_queries_over_odd_apis_answer_as_local_tables_do() {
    let queries = number("DIFFERENTIAL_QUERIES", 40);
    let mut wrong = Vec::new();
    for (number, name) in ODD.iter().enumerate() {
        let base = Config {
            users: 320,
            ..Config::default()
        };
        let variant = variant(name).expect(name);
        let mut stage = stage_of(variant.apply(base).expect("its faults"));
        let samples = samples(&mut stage.session);
        let mut generator = Generator::new(SEED + number as u64, samples);
        let (mut rows, mut differences) = (0, Vec::new());
        let id = stage.session.value(
            "SELECT user_id FROM copy.users WHERE cardinality(team_ids) > 1 ORDER BY 1 LIMIT 1",
        );
        let email = stage.session.value(
            "SELECT email FROM copy.users WHERE email ~ '^[A-Za-z.@0-9]+$' ORDER BY 1 LIMIT 1",
        );
        let telling = TELLING
            .iter()
            .map(|query| query.replace("{id}", &id).replace("{email}", &email));
        let generated = (0..queries).map(|_| generator.query());
        for (index, query) in telling.chain(generated).enumerate() {
            stage.session.run(joins(index as u64));
            if let Err(difference) = difference(&mut stage, &query, &mut rows) {
                differences.push(difference);
            }
        }
        println!(
            "{name}: {queries} queries, {rows} rows compared, {} differ",
            differences.len()
        );
        assert!(rows > 100, "{name}: the queries find something");
        wrong.extend(differences.first().map(|first| {
            let first: String = first.chars().take(1_500).collect();
            format!("{name}: {} of {queries}, {first}", differences.len())
        }));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn prepared_statements_answer_as_local_tables_do() {
    let mut stage = stage();
    let emails = stage
        .session
        .column("SELECT quote_nullable(email) FROM copy.users ORDER BY user_id LIMIT 10");
    let statements = [
        (
            "text",
            "SELECT user_id, note FROM {users} u WHERE email = $1",
        ),
        (
            "text",
            "SELECT count(*) FROM {users} u WHERE email = $1 OR first_name = $1",
        ),
        (
            "text",
            "SELECT u.user_id FROM {hr} h JOIN {users} u ON u.email = h.email WHERE h.email = $1 OR $1 IS NULL",
        ),
        (
            "text",
            "SELECT user_id FROM {users} u WHERE email = ANY (ARRAY[$1, lower($1)])",
        ),
        (
            "text",
            "SELECT user_id FROM {users} u WHERE email = ANY (string_to_array($1, ','))",
        ),
        ("varchar", "SELECT user_id FROM {users} u WHERE email = $1"),
    ];
    for (number, (parameter, statement)) in statements.iter().enumerate() {
        for schema in ["copy", "pluralsight"] {
            stage.session.run(&format!(
                "PREPARE {schema}_{number} ({parameter}) AS {}",
                over(statement, schema)
            ));
        }
        for email in emails.iter().chain([&"NULL".to_owned()]) {
            let expected = answer(
                &mut stage.session,
                &format!("EXECUTE copy_{number} ({email})"),
            );
            let found = answer(
                &mut stage.session,
                &format!("EXECUTE pluralsight_{number} ({email})"),
            );
            assert_eq!(found, expected, "{statement} with {email}");
        }
    }
}

#[test]
fn loops_and_cursors_answer_as_local_tables_do() {
    let mut stage = stage();
    for schema in ["copy", "pluralsight"] {
        stage.session.run(&format!(
            "CREATE FUNCTION {schema}.walk() RETURNS SETOF text LANGUAGE plpgsql AS $$
             DECLARE leaver record; found record;
             BEGIN
                 FOR leaver IN SELECT * FROM hr WHERE cost < 15 ORDER BY email, cost LOOP
                     FOR found IN SELECT u.email, a.user_id IS NOT NULL AS is_admin FROM {schema}.users u LEFT JOIN {schema}.admins a USING (user_id) WHERE u.email = leaver.email LOOP
                         RETURN NEXT found.email || found.is_admin;
                     END LOOP;
                     RETURN NEXT (SELECT count(*)::text FROM {schema}.users u WHERE u.user_id = leaver.user_id);
                 END LOOP;
             END $$;
             CREATE VIEW {schema}.active AS SELECT * FROM {schema}.accounts WHERE is_active;
             CREATE VIEW {schema}.active_admins AS SELECT * FROM {schema}.active WHERE is_admin"
        ));
    }
    for query in [
        "SELECT {x}.walk()",
        "SELECT * FROM {x}.active_admins",
        "SELECT a.email, h.cost FROM {x}.active a JOIN hr h USING (email)",
    ] {
        let expected = answer(&mut stage.session, &query.replace("{x}", "copy"));
        assert_eq!(
            answer(&mut stage.session, &query.replace("{x}", "pluralsight")),
            expected,
            "{query}"
        );
        assert!(
            expected.is_ok_and(|rows| !rows.is_empty()),
            "{query} finds something"
        );
    }
    let mut fetched = Vec::new();
    for schema in ["copy", "pluralsight"] {
        let session = &mut stage.session;
        session.run(&format!("BEGIN; DECLARE c SCROLL CURSOR FOR SELECT user_id, email FROM {schema}.users ORDER BY user_id"));
        let mut rows = Vec::new();
        for fetch in [
            "FETCH 10",
            "FETCH BACKWARD 3",
            "FETCH ABSOLUTE 700",
            "FETCH RELATIVE -500",
            "FETCH FORWARD ALL",
            "FETCH BACKWARD ALL",
            "FETCH FIRST",
            "FETCH LAST",
        ] {
            rows.push(session.rows(&format!("{fetch} FROM c")));
        }
        session.run("COMMIT");
        fetched.push(rows);
    }
    assert_eq!(fetched[0], fetched[1]);
}
