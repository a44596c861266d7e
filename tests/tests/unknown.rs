//! What the API does not tell is NULL in the views, and never a number that is wrong.

use behaviour::Stage;
use pluralsight_sandbox::{Config, Introspection};

fn without(fields: &[&str], introspection: Introspection) -> Stage {
    Stage::new(Config {
        users: 200,
        without: fields.iter().map(|&field| field.to_owned()).collect(),
        introspection,
        ..Config::default()
    })
}

/// Every view can be read to its end, over live tables and over copies.
fn all_views_are_read(stage: &mut Stage) {
    for view in stage.session.column(
        "SELECT relname FROM pg_class WHERE relnamespace = 'pluralsight'::regnamespace AND relkind = 'v' ORDER BY 1",
    ) {
        stage.session.rows(&format!("SELECT * FROM pluralsight.{view}"));
    }
}

#[test]
fn without_admins_nobody_is_known_to_be_one() {
    for introspection in [Introspection::default(), Introspection::Off] {
        let mut stage = without(&["Query.planAdmins", "Query.planInfo"], introspection);
        all_views_are_read(&mut stage);
        let people = stage.sandbox.organization().users().count();
        assert_eq!(
            stage.session.rows(
                "SELECT count(*), count(is_admin), count(billable), count(*) FILTER (WHERE status IN ('active', 'removed')), count(*) FILTER (WHERE product_names::text LIKE '%NULL%' OR product_names = '{}') FROM pluralsight.accounts"
            ),
            [[people, 0, people, people, people].map(|number| Some(number.to_string()))]
        );
        assert_eq!(
            stage
                .session
                .value("SELECT count(*) FROM pluralsight.admins_without_use"),
            "0"
        );
        let seats: usize = stage
            .sandbox
            .organization()
            .users()
            .map(|user| user.product_ids.map_or(0, |products| products.len()))
            .sum();
        assert_eq!(
            stage
                .session
                .rows("SELECT count(*), count(product_name) FROM pluralsight.seats"),
            [[Some(seats.to_string()), Some("0".to_owned())]]
        );
    }
}

#[test]
fn without_sign_ins_nobody_is_idle() {
    let mut stage = without(&["User.lastLogin"], Introspection::default());
    all_views_are_read(&mut stage);
    assert_eq!(
        stage.session.rows(
            "SELECT count(*) > 50, count(days_idle), count(never_signed_in) FROM pluralsight.idle_licenses"
        ),
        [["t", "0", "0"].map(|text| Some(text.to_owned()))]
    );
    assert_eq!(
        stage.session.rows(
            "SELECT count(*) > 50, count(days_idle), count(never_signed_in) FROM pluralsight.seats"
        ),
        [["t", "0", "0"].map(|text| Some(text.to_owned()))]
    );
    assert_eq!(
        stage.session.rows(
            "SELECT sum(billable) > 50, count(utilization), count(active_30_days), count(active_90_days), count(never_signed_in) FROM pluralsight.team_utilization"
        ),
        [["t", "0", "0", "0", "0"].map(|text| Some(text.to_owned()))]
    );
    assert_eq!(
        stage
            .session
            .column("SELECT DISTINCT reason FROM pluralsight.admins_without_use"),
        ["no license"]
    );
}

#[test]
fn without_products_nobody_is_known_to_be_billable() {
    let mut stage = without(&["User.productIds"], Introspection::default());
    all_views_are_read(&mut stage);
    assert_eq!(
        stage.session.rows(
            "SELECT count(*) > 200, count(billable), count(is_admin) > 200 FROM pluralsight.accounts"
        ),
        [["t", "0", "t"].map(|text| Some(text.to_owned()))]
    );
    assert_eq!(
        stage.session.rows(
            "SELECT sum(members) > 50, count(billable), count(seats), count(utilization) FROM pluralsight.team_utilization"
        ),
        [["t", "0", "0", "0"].map(|text| Some(text.to_owned()))]
    );
    assert_eq!(
        stage.session.rows(
            "SELECT max(members) > 10, count(seats), count(direct_seats) FROM pluralsight.team_tree"
        ),
        [["t", "0", "0"].map(|text| Some(text.to_owned()))]
    );
}

#[test]
fn without_membership_of_the_plan_nothing_is_counted_by_it() {
    let mut stage = without(&["User.isOnAccount"], Introspection::default());
    all_views_are_read(&mut stage);
    assert_eq!(
        stage.session.column(
            "SELECT DISTINCT status FROM pluralsight.accounts JOIN pluralsight.users USING (user_id)"
        ),
        ["unknown"]
    );
    assert_eq!(
        stage
            .session
            .value("SELECT count(plan_active_learners) FROM pluralsight.licenses"),
        "0"
    );
    assert_eq!(
        stage
            .session
            .value("SELECT count(members) FROM pluralsight.team_tree"),
        "0"
    );
    assert_eq!(
        stage
            .session
            .value("SELECT count(members) FROM pluralsight.team_utilization"),
        "0"
    );
}

#[test]
fn without_teams_nobody_is_said_to_be_on_none() {
    let mut stage = without(&["User.teams", "User.teamNames"], Introspection::default());
    all_views_are_read(&mut stage);
    for (view, rows) in [("memberships", "0"), ("team_utilization", "0")] {
        assert_eq!(
            stage
                .session
                .value(&format!("SELECT count(*) FROM pluralsight.{view}")),
            rows,
            "{view}"
        );
    }
    assert_eq!(
        stage.session.rows(
            "SELECT count(*) > 0, count(members), count(direct_members), count(seats) FROM pluralsight.team_tree"
        ),
        [["t", "0", "0", "0"].map(|text| Some(text.to_owned()))]
    );
}
