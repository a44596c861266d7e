//! What the page says, and what it never does, whatever the names in it.

use pluralsight_report::{Data, render};
use serde_json::{Value, json};

/// An organization with everything.
fn whole() -> Value {
    let months: Vec<Value> = (0..13)
        .map(|number| {
            json!({
                "month": format!("{}-{:02}-01", 2025 + (10 + number) / 12, (10 + number) % 12 + 1),
                "product_id": "a", "product_name": "Skills", "seats": 1_000 + 30 * number,
                "purchased": null, "source": if number < 10 { "derived" } else { "recorded" }, "as_of": null
            })
        })
        .collect();
    json!({
        "title": null,
        "schema": "pluralsight_copy",
        "written_at": "2026-11-25T06:00:00+00:00",
        "freshness": { "as_of": "2026-11-25T05:48:00+00:00", "last_refresh_failed": false },
        "summary": {
            "plan_name": "Meridian", "purchased": 2_612, "remaining": 535, "people": 418, "seats": 2_077,
            "seats_to_reclaim": 584, "seats_without_price": 0, "sign_ins_are_known": true, "staff_is_known": true
        },
        "products": [
            { "product_id": "a", "product_name": "Skills", "purchased": 1_600, "seats": 1_440, "used": 1_040,
              "to_reclaim": 400, "remaining": 160, "price": 579, "currency": "EUR" }
        ],
        "reasons": [
            { "reclaim_reason": "idle 90 to 179 days", "seats": 519, "cost": 245_411, "currency": "EUR" },
            { "reclaim_reason": "left the company", "seats": 65, "cost": 30_705, "currency": "EUR" }
        ],
        "months": months,
        "forecasts": [
            { "product_id": "a", "purchased": 1_600, "assigned": 1_360, "remaining": 160, "assigned_per_month": 30.5,
              "confidence": "medium", "runs_out_on": "2027-07-14" }
        ],
        "cost_centers": { "total": 40, "rows": [
            { "cost_center": "R&D", "seats": 511, "cost": 246_059, "seats_to_reclaim": 120, "cost_to_reclaim": 70_512, "currency": "EUR" }
        ] },
        "managers": { "total": 1, "rows": [
            { "manager_email": "head@meridian.example", "people": 27, "seats": 30, "cost": 18_372, "currency": "EUR",
              "first_people": ["Anaïs Lefèvre", null] }
        ] },
        "people": { "total": 1, "rows": [
            { "email": "a@meridian.example", "full_name": "Anaïs Lefèvre", "reclaim_reason": "never signed in",
              "days_idle": 200, "seats": 2, "cost": 778, "currency": "EUR" }
        ] }
    })
}

fn page(data: Value) -> String {
    let data: Data = serde_json::from_value(data).expect("the data is as the views have it");
    render(&data).expect("it can be written")
}

/// The text between the tags, with references resolved as far as these tests need it.
fn text(page: &str) -> String {
    let body = page.split("<body>").nth(1).expect("there is a body");
    let mut text = String::new();
    let mut in_tag = false;
    for character in body.chars() {
        match character {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ if !in_tag => text.push(character),
            _ => {}
        }
    }
    text.replace("&#8364;", "€").replace("&#38;", "&")
}

fn headline(page: &str) -> String {
    let heading = page
        .split("<h1>")
        .nth(1)
        .and_then(|rest| rest.split("</h1>").next());
    text(&format!("<body>{}", heading.expect("there is a heading")))
}

fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut data = whole();
    change(&mut data);
    page(data)
}

#[test]
fn it_opens_with_the_sentence_and_its_freshness() {
    let page = page(whole());
    assert_eq!(
        headline(&page),
        "584 of 2,077 seats could come back: €276,116 a year."
    );
    let text = text(&page);
    for part in [
        "2,612 bought",
        "535 free",
        "418 people",
        "as of 25 Nov 2026, 05:48 UTC",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!page.contains("class=\"warning\""));
}

#[test]
fn its_numbers_name_their_views() {
    let text = text(&page(whole()));
    for view in [
        "report_products",
        "report_reasons",
        "seat_costs",
        "seats_by_month",
        "license_forecast",
        "report_cost_centers",
        "report_managers",
        "report_people",
    ] {
        assert!(text.contains(&format!("pluralsight_copy.{view}")), "{view}");
    }
    assert!(text.contains("39 more in pluralsight_copy.report_cost_centers"));
    assert!(text.contains("runs out on 14 Jul 2027 (confidence: medium)"));
}

#[test]
fn the_sentence_fits_what_is_known() {
    let cases: [(Value, &str); 6] = [
        (
            json!({ "seats": 0, "seats_to_reclaim": 0 }),
            "Nobody holds a seat.",
        ),
        (
            json!({ "seats": 1, "seats_to_reclaim": 0 }),
            "The one seat is in use.",
        ),
        (
            json!({ "seats": 1, "seats_to_reclaim": 1 }),
            "1 of 1 seat could come back.",
        ),
        (
            json!({ "seats": 12, "seats_to_reclaim": 0 }),
            "All 12 seats are in use.",
        ),
        (
            json!({ "seats": null, "seats_to_reclaim": null }),
            "Pluralsight does not say who holds which product.",
        ),
        (
            json!({ "seats": 2, "seats_to_reclaim": 0, "sign_ins_are_known": false }),
            "2 seats are held, and Pluralsight does not say who uses them.",
        ),
    ];
    for (summary, expected) in cases {
        let page = changed(|data| {
            for (key, value) in summary.as_object().expect("an object") {
                data["summary"][key] = value.clone();
            }
            data["reasons"] = json!([]);
        });
        assert_eq!(headline(&page), expected);
    }
}

#[test]
fn what_is_not_known_is_neither_zero_nor_a_forecast() {
    // The plan lists the product, and says neither how many were bought nor how many are left.
    let mut data = whole();
    data["products"][0]["purchased"] = Value::Null;
    data["products"][0]["remaining"] = Value::Null;
    data["forecasts"][0]["purchased"] = Value::Null;
    data["forecasts"][0]["remaining"] = Value::Null;
    data["forecasts"][0]["runs_out_on"] = Value::Null;
    let seen = text(&page(data.clone()));
    assert!(seen.contains("? bought"), "{seen}");
    assert!(seen.contains("? free"), "{seen}");
    assert!(seen.contains("how many are free is not known"), "{seen}");
    assert!(!seen.contains("not in the plan"), "{seen}");
    assert!(!seen.contains("does not run out"), "{seen}");
    // Some are left, however many were bought.
    data["products"][0]["remaining"] = json!(69);
    data["forecasts"][0]["remaining"] = json!(69);
    data["forecasts"][0]["runs_out_on"] = json!("2027-07-14");
    let seen = text(&page(data.clone()));
    assert!(!seen.contains("none is free"), "{seen}");
    assert!(seen.contains("runs out on 14 Jul 2027"), "{seen}");
    data["products"][0]["remaining"] = json!(0);
    data["forecasts"][0]["remaining"] = json!(0);
    let seen = text(&page(data.clone()));
    assert!(seen.contains("none is free"), "{seen}");
    // Only a product that the plan does not list has no forecast.
    data["forecasts"] = json!([]);
    assert!(text(&page(data)).contains("not in the plan"));
    // Nobody says who signed in.
    let mut data = whole();
    data["summary"]["sign_ins_are_known"] = json!(false);
    let page_without = page(data);
    assert!(text(&page_without).contains("1,040 held"));
    assert!(page_without.contains("class=\"f-held\"/></svg>held"));
    assert!(!page_without.contains("class=\"f-used\"/></svg>used"));
    // Nobody says who holds what.
    let mut data = whole();
    for column in ["seats", "used", "to_reclaim"] {
        data["products"][0][column] = Value::Null;
    }
    for part in ["cost_centers", "managers"] {
        data[part] = json!({ "total": 0, "rows": [] });
    }
    let seen = text(&page(data));
    assert!(seen.contains("? used"), "{seen}");
    assert!(seen.contains("? could come back"), "{seen}");
    assert!(!seen.contains("What each cost center pays"), "{seen}");
    assert!(!seen.contains("head@meridian.example"), "{seen}");
    assert!(!seen.contains("Whose seats they are"), "{seen}");
}

#[test]
fn a_column_of_another_name_is_an_error_and_not_unknown() {
    let whole = whole();
    for part in [
        "summary",
        "products",
        "months",
        "forecasts",
        "cost_centers",
        "managers",
        "people",
        "freshness",
    ] {
        let path = match &whole[part] {
            Value::Array(_) => format!("/{part}/0"),
            value if value.get("rows").is_some() => format!("/{part}/rows/0"),
            _ => format!("/{part}"),
        };
        let row = whole
            .pointer(&path)
            .and_then(Value::as_object)
            .expect("a row");
        // What the page does not show is not asked for.
        for column in row.keys().filter(|column| {
            !["as_of", "assigned"].contains(&column.as_str()) || part == "freshness"
        }) {
            if part == "months" && column == "purchased" {
                continue;
            }
            let mut renamed = whole.clone();
            renamed
                .pointer_mut(&path)
                .and_then(Value::as_object_mut)
                .expect("a row")
                .remove(column);
            let refused =
                serde_json::from_value::<Data>(renamed).expect_err(&format!("{part}.{column}"));
            assert!(refused.to_string().contains(column.as_str()), "{refused}");
        }
    }
}

#[test]
fn a_table_of_nobody_in_particular_says_nothing() {
    let page = text(&changed(|data| {
        data["cost_centers"]["total"] = json!(1);
        data["cost_centers"]["rows"][0]["cost_center"] = Value::Null;
        data["managers"]["rows"][0]["manager_email"] = Value::Null;
    }));
    assert!(!page.contains("no cost center"), "{page}");
    assert!(!page.contains("no manager"), "{page}");
}

#[test]
fn more_assigned_than_bought_is_said_as_that() {
    let page = text(&changed(|data| {
        data["summary"]["remaining"] = json!(-1_025);
        data["products"][0]["remaining"] = json!(-5);
    }));
    assert!(page.contains("1,025 more than bought"), "{page}");
    assert!(
        page.contains("400 could come back, 5 more than bought"),
        "{page}"
    );
}

#[test]
fn currencies_are_not_added_up() {
    let page = changed(|data| {
        data["reasons"][1]["currency"] = json!("USD");
        data["reasons"]
            .as_array_mut()
            .expect("a list")
            .push(json!({ "reclaim_reason": "left the company", "seats": 3, "cost": null, "currency": null }));
    });
    assert!(
        headline(&page).ends_with(": €245,411 and $30,705 a year."),
        "{}",
        headline(&page)
    );
    // One row per reason all the same.
    assert_eq!(text(&page).matches("left the company").count(), 1);
}

#[test]
fn without_prices_it_speaks_of_seats() {
    let page = changed(|data| {
        data["summary"]["seats_without_price"] = json!(2_077);
        for reason in data["reasons"].as_array_mut().expect("a list") {
            reason["cost"] = Value::Null;
            reason["currency"] = Value::Null;
        }
        for part in ["cost_centers", "managers", "people"] {
            let row = &mut data[part]["rows"][0];
            row["cost"] = Value::Null;
            row["currency"] = Value::Null;
            row["cost_to_reclaim"] = Value::Null;
        }
        data["products"][0]["price"] = Value::Null;
    });
    assert_eq!(headline(&page), "584 of 2,077 seats could come back.");
    assert!(!text(&page).contains('€'));
    assert!(text(&page).contains("Put them into pluralsight_copy.prices"));
    // A price that is not a number is none.
    let odd = changed(|data| data["products"][0]["price"] = json!("NaN"));
    assert!(text(&odd).contains("1,600 bought"));
}

#[test]
fn old_numbers_are_marked() {
    let failed = changed(|data| data["freshness"]["last_refresh_failed"] = json!(true));
    assert!(
        text(&failed)
            .contains("The latest refresh failed. These numbers are less than an hour old.")
    );
    let old = changed(|data| data["freshness"]["as_of"] = json!("2026-11-20T05:48:00+01:00"));
    assert!(text(&old).contains("These numbers are 5 days old."));
    assert!(text(&old).contains("as of 20 Nov 2026, 05:48 UTC+01:00"));
    let never = changed(|data| data["freshness"]["as_of"] = Value::Null);
    assert!(text(&never).contains("never been refreshed"));
}

#[test]
fn what_could_not_be_read_is_left_out() {
    let page = changed(|data| {
        for part in ["cost_centers", "managers", "people", "freshness"] {
            data[part] = Value::Null;
        }
        data["months"] = json!([]);
        data["products"] = json!([]);
    });
    for heading in [
        "Whom to ask",
        "cost center pays",
        "Seats by month",
        "What was bought",
    ] {
        assert!(!text(&page).contains(heading), "{heading}");
    }
    assert!(text(&page).contains("Names are left out"));
    let without_staff = changed(|data| data["summary"]["staff_is_known"] = json!(false));
    assert!(text(&without_staff).contains("Whom to ask"));
    assert!(!text(&without_staff).contains("head@meridian.example"));
}

#[test]
fn unknown_months_are_gaps_and_not_zero() {
    let page = changed(|data| {
        for number in 0..5 {
            data["months"][number]["seats"] = Value::Null;
            data["months"][number]["source"] = json!("unknown");
        }
    });
    assert!(page.contains("aria-label=\"1,150 seats in Apr 26, 1,360 in Nov 26; 1,600 bought; 1,452 expected in Feb 27\""), "{page}");
    let none = changed(|data| {
        for month in data["months"].as_array_mut().expect("a list") {
            month["seats"] = Value::Null;
        }
    });
    assert!(!text(&none).contains("Seats by month"));
}

#[test]
fn hostile_names_stay_text() {
    let hostile = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onload='alert(1)",
        "</style><svg onload=alert(1)>",
        "]]>--><!--",
        "&lt;b&gt;&#60;script&#62;",
        "{{ 7 * 7 }}{% for %}",
        "\u{202e}gnitixe\u{2066}",
        "a\u{0}b\u{7}\u{1b}[31m",
        "javascript:alert(1)",
    ];
    let plain = page(whole());
    let tags = |page: &str| page.matches('<').count();
    for name in hostile
        .iter()
        .map(|name| (*name).to_owned())
        .chain(["x".repeat(100_000)])
    {
        let page = changed(|data| {
            data["title"] = json!(name);
            data["schema"] = json!(name);
            data["summary"]["plan_name"] = json!(name);
            data["products"][0]["product_name"] = json!(name);
            data["products"][0]["currency"] = json!("EUR");
            data["reasons"][0]["reclaim_reason"] = json!(name);
            data["cost_centers"]["rows"][0]["cost_center"] = json!(name);
            data["managers"]["rows"][0]["manager_email"] = json!(name);
            data["managers"]["rows"][0]["first_people"] = json!([name, null]);
            data["people"]["rows"][0]["full_name"] = json!(name);
            data["people"]["rows"][0]["email"] = json!(name);
            data["people"]["rows"][0]["reclaim_reason"] = json!(name);
        });
        assert_eq!(tags(&page), tags(&plain), "{name}");
        assert!(page.is_ascii());
        assert!(
            page.bytes().all(|byte| byte == b'\n' || byte >= b' '),
            "{name}"
        );
        assert!(page.len() < plain.len() + 10_000, "{name}");
    }
}

#[test]
fn it_needs_nothing_else() {
    let page = page(whole());
    assert!(page.contains("default-src 'none'"));
    for outside in [
        "<script", "<link", "<img", "<iframe", "http://", "https://", "url(", "@import",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn numbers_at_the_edge_do_no_harm() {
    for number in [i64::MAX, 0, -5] {
        changed(|data| {
            data["summary"]["seats"] = json!(number);
            data["products"][0]["seats"] = json!(number);
            data["products"][0]["purchased"] = json!(number);
            data["months"][12]["seats"] = json!(number);
            data["forecasts"][0]["assigned_per_month"] = json!(-1e12);
            data["forecasts"][0]["purchased"] = json!(0);
            data["reasons"][0]["cost"] = json!(1e300);
        });
    }
}
