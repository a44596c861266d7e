//! What the views ask of the API. Requests are counted; a filter that has not been tried in a session takes one more to prove itself.

use behaviour::Stage;
use pluralsight_sandbox::Config;

#[test]
fn a_look_at_an_organization_of_50_000_takes_few_requests() {
    let stage = Stage::new(Config {
        users: 50_000,
        ..Config::default()
    });
    let one = format!(
        "SELECT * FROM pluralsight.accounts WHERE user_id = '{}'",
        stage.sandbox.organization().user(77).ps_user_id
    );
    for (query, most) in [
        ("SELECT * FROM pluralsight.accounts LIMIT 5", 3),
        (
            "SELECT email, is_admin FROM pluralsight.accounts LIMIT 5",
            2,
        ),
        (
            "SELECT email, status FROM pluralsight.accounts WHERE is_admin",
            8,
        ),
        ("SELECT * FROM pluralsight.admins_without_use", 10),
        (&one, 5),
        ("SELECT * FROM pluralsight.idle_licenses LIMIT 5", 3),
        (
            "SELECT email, product_name, days_idle FROM pluralsight.seats LIMIT 5",
            2,
        ),
        ("SELECT * FROM pluralsight.licenses", 2),
    ] {
        // Nothing learned by an earlier query helps.
        let mut session = stage.another_session();
        stage.sandbox.reset();
        session.rows(query);
        let asked: Vec<String> = stage
            .sandbox
            .requests()
            .iter()
            .map(|request| {
                format!(
                    "{} {}",
                    request.document.chars().take(60).collect::<String>(),
                    request.variables
                )
            })
            .collect();
        assert!(asked.len() <= most, "{query}: {}", asked.len());
    }
    // Everything there is takes one reading of the people, whatever a view makes of it.
    for view in [
        "accounts",
        "idle_licenses",
        "seats",
        "memberships",
        "team_tree",
        "team_utilization",
        "duplicate_people",
        "account_keys",
        "license_forecast",
        "seats_by_month",
        "report_summary",
        "report_people",
    ] {
        let mut session = stage.another_session();
        stage.sandbox.reset();
        session.rows(&format!(
            "SELECT count(*) FROM (SELECT * FROM pluralsight.{view} OFFSET 0) AS all_of_it"
        ));
        assert!(
            stage.sandbox.count("users") <= 55,
            "{view}: {}",
            stage.sandbox.count("users")
        );
    }
}
