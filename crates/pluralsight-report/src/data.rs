//! What the page is made of, as the views have it. Null means unknown, and is not zero.

use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Deserializer};

/// Everything that the page shows. A part that is `None` could not be read, and is left out.
#[derive(Clone, Debug, Deserialize)]
pub struct Data {
    pub title: Option<String>,
    /// The schema of the views, as it is written in SQL.
    pub schema: String,
    pub written_at: DateTime<FixedOffset>,
    pub freshness: Option<Freshness>,
    pub summary: Summary,
    pub products: Vec<Product>,
    pub reasons: Vec<Reason>,
    pub months: Vec<Month>,
    pub forecasts: Vec<Forecast>,
    pub cost_centers: Option<First<CostCenter>>,
    pub managers: Option<First<Manager>>,
    pub people: Option<First<Person>>,
}

/// The first rows of a view.
#[derive(Clone, Debug, Deserialize)]
pub struct First<Row> {
    /// How many the view has.
    pub total: i64,
    pub rows: Vec<Row>,
}

/// How old stored copies are. Live tables have none.
#[derive(Clone, Debug, Deserialize)]
pub struct Freshness {
    #[serde(deserialize_with = "nullable")]
    pub as_of: Option<DateTime<FixedOffset>>,
    pub last_refresh_failed: bool,
}

/// The view `report_summary`.
#[derive(Clone, Debug, Deserialize)]
pub struct Summary {
    #[serde(deserialize_with = "nullable")]
    pub plan_name: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub purchased: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    pub remaining: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    pub people: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    pub seats: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    pub seats_to_reclaim: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    pub seats_without_price: Option<i64>,
    pub sign_ins_are_known: bool,
    pub staff_is_known: bool,
}

/// A row of the view `report_products`.
#[derive(Clone, Debug, Deserialize)]
pub struct Product {
    #[serde(deserialize_with = "nullable")]
    pub product_id: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub product_name: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub purchased: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    pub seats: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    pub used: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    pub to_reclaim: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    pub remaining: Option<i64>,
    #[serde(deserialize_with = "amount")]
    pub price: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    pub currency: Option<String>,
}

/// A row of the view `report_reasons`.
#[derive(Clone, Debug, Deserialize)]
pub struct Reason {
    pub reclaim_reason: String,
    pub seats: i64,
    #[serde(deserialize_with = "amount")]
    pub cost: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    pub currency: Option<String>,
}

/// A row of the view `seats_by_month`.
#[derive(Clone, Debug, Deserialize)]
pub struct Month {
    pub month: NaiveDate,
    pub product_id: String,
    #[serde(deserialize_with = "nullable")]
    pub product_name: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub seats: Option<i64>,
    pub source: String,
}

/// A row of the view `license_forecast`.
#[derive(Clone, Debug, Deserialize)]
pub struct Forecast {
    pub product_id: String,
    #[serde(deserialize_with = "nullable")]
    pub purchased: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    pub remaining: Option<i64>,
    #[serde(deserialize_with = "amount")]
    pub assigned_per_month: Option<f64>,
    pub confidence: String,
    #[serde(deserialize_with = "nullable")]
    pub runs_out_on: Option<NaiveDate>,
}

/// A row of the view `report_cost_centers`.
#[derive(Clone, Debug, Deserialize)]
pub struct CostCenter {
    #[serde(deserialize_with = "nullable")]
    pub cost_center: Option<String>,
    pub seats: i64,
    #[serde(deserialize_with = "amount")]
    pub cost: Option<f64>,
    pub seats_to_reclaim: i64,
    #[serde(deserialize_with = "amount")]
    pub cost_to_reclaim: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    pub currency: Option<String>,
}

/// A row of the view `report_managers`.
#[derive(Clone, Debug, Deserialize)]
pub struct Manager {
    #[serde(deserialize_with = "nullable")]
    pub manager_email: Option<String>,
    pub people: i64,
    pub seats: i64,
    #[serde(deserialize_with = "amount")]
    pub cost: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    pub currency: Option<String>,
    pub first_people: Vec<Option<String>>,
}

/// A row of the view `report_people`.
#[derive(Clone, Debug, Deserialize)]
pub struct Person {
    #[serde(deserialize_with = "nullable")]
    pub email: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub full_name: Option<String>,
    pub reclaim_reason: String,
    #[serde(deserialize_with = "nullable")]
    pub days_idle: Option<i64>,
    pub seats: i64,
    #[serde(deserialize_with = "amount")]
    pub cost: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    pub currency: Option<String>,
}

/// A value that may be null. Its name must be there: a column that the view has under another name is not unknown, it is an error.
fn nullable<'de, D: Deserializer<'de>, Value: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    Option::deserialize(deserializer)
}

/// An amount; one that is not a number (`NaN` is a price to PostgreSQL) is none.
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Amount {
        Number(f64),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Option::<Amount>::deserialize(deserializer)? {
        Some(Amount::Number(number)) => Some(number),
        Some(Amount::Other(_)) | None => None,
    })
}
