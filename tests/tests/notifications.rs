//! What a refresh tells on the channel `pluralsight`.

use std::time::Duration;

use behaviour::{Stage, cluster, copies};
use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, NoTls};
use serde_json::Value;

struct Listener(Client);

impl Listener {
    fn on(stage: &Stage) -> Listener {
        let mut client = cluster::shared()
            .dbname(stage.database())
            .connect(NoTls)
            .expect("the cluster accepts connections");
        client
            .batch_execute("LISTEN pluralsight")
            .expect("it listens");
        Listener(client)
    }

    /// What was told since the last call. A statement brings along what has come.
    fn heard(&mut self) -> Vec<Value> {
        self.0.batch_execute("SELECT 1").expect("it answers");
        let mut notifications = self.0.notifications();
        let mut heard = Vec::new();
        let mut waiting = notifications.timeout_iter(Duration::from_millis(200));
        while let Some(notification) = waiting.next().expect("the connection stands") {
            heard.push(serde_json::from_str(notification.payload()).expect("JSON"));
        }
        heard
    }
}

#[test]
fn licenses_that_run_out_are_told_once() {
    let mut stage = Stage::new(copies::config(300));
    stage
        .session
        .run("CALL pluralsight_fdw.create_copies(fill => false)");
    let mut listener = Listener::on(&stage);
    stage.session.run(copies::REFRESH);
    let heard = listener.heard();
    let of = |heard: &[Value], product: &str| {
        heard
            .iter()
            .filter(|told| told["product_id"] == product)
            .count()
    };
    // The sandbox's plan has a product of which none is left, and one that nobody holds.
    assert_eq!(of(&heard, "cloud-plus"), 1, "{heard:?}");
    assert_eq!(of(&heard, "flow"), 0, "{heard:?}");
    let told = heard
        .iter()
        .find(|told| told["product_id"] == "cloud-plus")
        .expect("it is told");
    assert_eq!(told["copies"], "pluralsight_copy");
    assert_eq!(told["remaining"], 0);
    assert_eq!(
        told["run"].to_string(),
        copies::logged(&mut stage.session, "id")[0]
    );
    assert!(copies::logged(&mut stage.session, "runs_out")[0].contains("cloud-plus"));
    // It is no news any more.
    stage.session.run(copies::REFRESH);
    assert_eq!(listener.heard(), Vec::<Value>::new());
    // Nor after a refresh that could not read the forecast.
    stage
        .session
        .run("UPDATE pluralsight_copy.refresh_log SET runs_out = NULL WHERE id = (SELECT max(id) FROM pluralsight_copy.refresh_log)");
    stage.session.run(copies::REFRESH);
    assert_eq!(listener.heard(), Vec::<Value>::new());
    // More days make more products.
    stage
        .session
        .run("UPDATE pluralsight_copy.settings SET warn_days = 36500");
    stage.session.run(copies::REFRESH);
    let heard = listener.heard();
    assert_eq!(of(&heard, "cloud-plus"), 0, "{heard:?}");
    assert_ne!(heard, Vec::<Value>::new());
    // What was well for a while is news again.
    stage
        .session
        .run("UPDATE pluralsight_copy.refresh_log SET runs_out = '{}'");
    stage.session.run(copies::REFRESH);
    assert_eq!(of(&listener.heard(), "cloud-plus"), 1);
}

#[test]
fn a_refresh_that_failed_is_told() {
    let mut stage = copies::stage(50);
    let mut listener = Listener::on(&stage);
    stage.sandbox.faults().script("*=401").expect("a fault");
    stage.session.error(copies::REFRESH);
    let heard = listener.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0]["copies"], "pluralsight_copy");
    assert_eq!(heard[0]["sqlstate"], "28000");
}

#[test]
fn a_forecast_that_cannot_be_read_is_no_reason_to_refuse_the_data() {
    let mut stage = copies::stage(50);
    stage.session.run(
        "CREATE OR REPLACE FUNCTION pluralsight_copy.broken() RETURNS date LANGUAGE sql AS 'SELECT (1 / 0)::text::date';
         DROP VIEW pluralsight_copy.license_forecast;
         CREATE VIEW pluralsight_copy.license_forecast AS
         SELECT product_id, remaining, 'none'::text AS confidence, pluralsight_copy.broken() AS runs_out_on FROM pluralsight_copy.licenses",
    );
    stage.session.run(copies::REFRESH);
    assert_eq!(
        copies::logged(&mut stage.session, "outcome, warnings"),
        [
            "ok",
            "{\"view license_forecast cannot be read: division by zero\"}"
        ]
    );
    // check() loses no other row by it.
    assert_eq!(
        stage.session.column(
            "SELECT concat_ws(' ', split_part(checked, ' ', 1), status) FROM pluralsight_fdw.check() WHERE checked ~ ' pluralsight_copy$' ORDER BY 1"
        ),
        ["copies ok", "forecast failed", "schedule ok"]
    );
}
