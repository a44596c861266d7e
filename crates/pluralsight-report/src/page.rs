//! What stands where on the page, in words.

use askama::Template;

use crate::chart::Chart;
use crate::data::{CostCenter, Data, First, Forecast, Manager, Month, Person, Product, Summary};
use crate::text::{cost, count, day, list, moment, money, name, name_or, number};

/// Charts; the products with the most seats come first.
const CHARTS: usize = 6;
/// Reasons in the order in which they are shown, and whether nobody has to be asked.
const REASONS: [(&str, bool); 5] = [
    ("left the company", true),
    ("not in hr_staff", true),
    ("never signed in", false),
    ("idle 180 days or more", false),
    ("idle 90 to 179 days", false),
];

#[derive(Template)]
#[template(path = "report.html")]
pub struct Page {
    title: String,
    /// The sentence, before and with its money.
    headline: String,
    savings: String,
    facts: Vec<String>,
    warning: Option<String>,
    schema: String,
    /// What a seat is that is not known to be idle.
    held: &'static str,
    products: Vec<ProductRow>,
    reasons: Vec<ReasonRow>,
    charts: Vec<ChartRow>,
    cost_centers: Option<Table<CostCenterRow>>,
    managers: Option<Table<ManagerRow>>,
    people: Option<Table<PersonRow>>,
    notes: Vec<String>,
    written_at: String,
}

struct Table<Row> {
    rows: Vec<Row>,
    /// How many further ones the view has.
    more: Option<String>,
}

struct ProductRow {
    name: String,
    bought: String,
    held: String,
    to_reclaim: String,
    free: String,
    used_until: String,
    idle_until: String,
    bought_until: String,
}

struct ReasonRow {
    reason: String,
    is_urgent: bool,
    seats: String,
    cost: String,
    width: String,
}

struct ChartRow {
    name: String,
    forecast: String,
    chart: Chart,
}

struct CostCenterRow {
    name: String,
    seats: String,
    cost: String,
    to_reclaim: String,
    used_until: String,
    idle_until: String,
}

struct ManagerRow {
    email: String,
    people: String,
    seats: String,
    cost: String,
    names: Vec<String>,
}

struct PersonRow {
    name: String,
    email: String,
    reason: String,
    seats: String,
    cost: String,
}

impl Page {
    pub fn of(data: &Data) -> Page {
        let summary = &data.summary;
        let plan = name_or(summary.plan_name.as_deref(), "Pluralsight");
        let shows_staff = summary.staff_is_known;
        // A part of the seats is not all of them.
        let knows_seats = summary.seats.is_some();
        Page {
            title: name_or(data.title.as_deref(), &plan),
            headline: headline(summary),
            savings: if knows_seats {
                savings(data)
            } else {
                String::new()
            },
            facts: facts(data),
            warning: warning(data),
            schema: name(&data.schema),
            // Where nobody says who signed in, nobody says who uses a seat.
            held: if summary.sign_ins_are_known {
                "used"
            } else {
                "held"
            },
            products: products(data),
            reasons: if knows_seats {
                reasons(data)
            } else {
                Vec::new()
            },
            charts: charts(data),
            cost_centers: data
                .cost_centers
                .as_ref()
                .filter(|first| shows_staff && tells(first, |row| row.cost_center.is_some()))
                .map(cost_centers),
            managers: data
                .managers
                .as_ref()
                .filter(|first| shows_staff && tells(first, |row| row.manager_email.is_some()))
                .map(managers),
            people: data
                .people
                .as_ref()
                .filter(|people| people.total > 0)
                .map(people),
            notes: notes(data),
            written_at: moment(data.written_at),
        }
    }
}

impl<Row> Table<Row> {
    fn of<Source>(first: &First<Source>, show: impl Fn(&Source) -> Row) -> Table<Row> {
        let shown = i64::try_from(first.rows.len()).unwrap_or(i64::MAX);
        Table {
            rows: first.rows.iter().map(show).collect(),
            more: (first.total > shown).then(|| number(first.total - shown)),
        }
    }
}

/// Whether a table has a row with a name.
fn tells<Row>(first: &First<Row>, has_name: impl Fn(&Row) -> bool) -> bool {
    first.rows.iter().any(has_name) || first.total > first.rows.len() as i64
}

/// The sentence that says what is to be gained.
fn headline(summary: &Summary) -> String {
    let (Some(seats), Some(to_reclaim)) = (summary.seats, summary.seats_to_reclaim) else {
        return "Pluralsight does not say who holds which product".to_owned();
    };
    match (seats, to_reclaim) {
        (0, _) => "Nobody holds a seat".to_owned(),
        (_, 0) if !summary.sign_ins_are_known => format!(
            "{} held, and Pluralsight does not say who uses them",
            count(seats, "seat is", "seats are")
        ),
        (1, 0) => "The one seat is in use".to_owned(),
        (_, 0) => format!("All {} seats are in use", number(seats)),
        _ => format!(
            "{} of {} could come back",
            number(to_reclaim),
            count(seats, "seat", "seats")
        ),
    }
}

/// What the seats that could come back cost, a sum per currency.
fn savings(data: &Data) -> String {
    let mut sums: Vec<(&str, f64)> = Vec::new();
    for reason in &data.reasons {
        let (Some(currency), Some(cost)) = (reason.currency.as_deref(), reason.cost) else {
            continue;
        };
        match sums.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, sum)) => *sum += cost,
            None => sums.push((currency, cost)),
        }
    }
    sums.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(other.0)));
    let sums: Vec<String> = sums
        .into_iter()
        .map(|(currency, sum)| money(sum, Some(currency)))
        .collect();
    if sums.is_empty() {
        String::new()
    } else {
        format!("{} a year", list(&sums))
    }
}

/// Seats left to assign. More can be assigned than was bought.
fn free(remaining: i64) -> String {
    if remaining < 0 {
        format!("{} more than bought", number(remaining.saturating_neg()))
    } else {
        format!("{} free", number(remaining))
    }
}

fn facts(data: &Data) -> Vec<String> {
    let summary = &data.summary;
    let mut facts = Vec::new();
    if let Some(purchased) = summary.purchased {
        facts.push(format!("{} bought", number(purchased)));
    }
    if let Some(remaining) = summary.remaining {
        facts.push(free(remaining));
    }
    if let Some(people) = summary.people {
        facts.push(count(people, "person", "people"));
    }
    match &data.freshness {
        None => facts.push(format!(
            "as Pluralsight said on {}",
            moment(data.written_at)
        )),
        Some(freshness) => {
            if let Some(as_of) = freshness.as_of {
                facts.push(format!("as of {}", moment(as_of)));
            }
        }
    }
    facts
}

/// Why the page should not be trusted as it stands.
fn warning(data: &Data) -> Option<String> {
    let freshness = data.freshness.as_ref()?;
    let Some(as_of) = freshness.as_of else {
        return Some("The copies have never been refreshed.".to_owned());
    };
    let hours = (data.written_at - as_of).num_hours();
    let age = match hours {
        ..1 => "less than an hour".to_owned(),
        1..48 => count(hours, "hour", "hours"),
        _ => count(hours / 24, "day", "days"),
    };
    if freshness.last_refresh_failed {
        Some(format!(
            "The latest refresh failed. These numbers are {age} old."
        ))
    } else if hours >= 24 {
        Some(format!("These numbers are {age} old."))
    } else {
        None
    }
}

fn product_name(product_name: Option<&str>, product_id: Option<&str>) -> String {
    name_or(product_name.or(product_id), "unnamed product")
}

/// A place on a bar that is 1,000 long.
fn place(value: f64, whole: f64) -> String {
    let share = if whole > 0.0 { value / whole } else { 0.0 };
    format!("{:.1}", (share * 1_000.0).clamp(0.0, 1_000.0))
}

fn products(data: &Data) -> Vec<ProductRow> {
    let longest = data
        .products
        .iter()
        .map(|product| product.seats.max(product.purchased).unwrap_or(0))
        .max()
        .unwrap_or(0) as f64;
    let known = |value: Option<i64>| value.map_or_else(|| "?".to_owned(), number);
    data.products
        .iter()
        .map(|product| {
            let bought = if product.purchased.is_some() || forecast(data, product).is_some() {
                format!("{} bought", known(product.purchased))
            } else {
                "not in the plan".to_owned()
            };
            let price = product
                .price
                .map(|price| format!(" at {}", money(price, product.currency.as_deref())));
            ProductRow {
                name: product_name(
                    product.product_name.as_deref(),
                    product.product_id.as_deref(),
                ),
                bought: format!("{bought}{}", price.unwrap_or_default()),
                held: known(product.used),
                to_reclaim: known(product.to_reclaim),
                free: product.remaining.map_or_else(|| "? free".to_owned(), free),
                used_until: place(product.used.unwrap_or(0) as f64, longest),
                idle_until: place(product.seats.unwrap_or(0) as f64, longest),
                bought_until: place(product.purchased.unwrap_or(0) as f64, longest),
            }
        })
        .collect()
}

fn reasons(data: &Data) -> Vec<ReasonRow> {
    let mut merged: Vec<(&str, i64, Vec<String>)> = Vec::new();
    for reason in &data.reasons {
        let cost = cost(reason.cost, reason.currency.as_deref());
        let costs = if cost.is_empty() {
            Vec::new()
        } else {
            vec![cost]
        };
        match merged
            .iter_mut()
            .find(|(known, ..)| *known == reason.reclaim_reason)
        {
            Some((_, seats, known)) => {
                *seats += reason.seats;
                known.extend(costs);
            }
            None => merged.push((&reason.reclaim_reason, reason.seats, costs)),
        }
    }
    let rank = |reason: &str| REASONS.iter().position(|(known, _)| *known == reason);
    merged.sort_by_key(|(reason, ..)| rank(reason).unwrap_or(REASONS.len()));
    let most = merged.iter().map(|(_, seats, _)| *seats).max().unwrap_or(0) as f64;
    merged
        .into_iter()
        .map(|(reason, seats, costs)| ReasonRow {
            is_urgent: REASONS.contains(&(reason, true)),
            reason: name(reason),
            seats: number(seats),
            cost: list(&costs),
            width: place(seats as f64, most),
        })
        .collect()
}

/// The forecast for a product. Each product that the plan lists has one.
fn forecast<'a>(data: &'a Data, product: &Product) -> Option<&'a Forecast> {
    data.forecasts
        .iter()
        .find(|forecast| Some(&forecast.product_id) == product.product_id.as_ref())
}

/// What the forecast says, in words.
fn outlook(forecast: &Forecast) -> String {
    let confidence = forecast.confidence.as_str();
    match (forecast.remaining, forecast.runs_out_on) {
        (None, _) => "how many are free is not known".to_owned(),
        (Some(..=0), Some(_)) => "none is free".to_owned(),
        (Some(..=0), None) => "none was bought".to_owned(),
        (_, Some(on)) => format!("runs out on {} (confidence: {confidence})", day(on)),
        (_, None) if confidence == "none" => "too little is known for a forecast".to_owned(),
        (_, None) => format!("does not run out (confidence: {confidence})"),
    }
}

/// The months of each product, in the order of the products.
fn charts(data: &Data) -> Vec<ChartRow> {
    data.products
        .iter()
        .filter_map(|product| {
            let id = product.product_id.as_deref()?;
            let months: Vec<&Month> = data
                .months
                .iter()
                .filter(|month| month.product_id == id)
                .collect();
            let forecast = forecast(data, product);
            let words = forecast.map(outlook).unwrap_or_default();
            Some(ChartRow {
                name: product_name(product.product_name.as_deref(), Some(id)),
                forecast: name(&words),
                chart: Chart::of(&months, forecast)?,
            })
        })
        .take(CHARTS)
        .collect()
}

fn cost_centers(first: &First<CostCenter>) -> Table<CostCenterRow> {
    let with_money = first.rows.iter().any(|row| row.cost.is_some());
    let size = |row: &CostCenter| {
        if with_money {
            (row.cost.unwrap_or(0.0), row.cost_to_reclaim.unwrap_or(0.0))
        } else {
            (row.seats as f64, row.seats_to_reclaim as f64)
        }
    };
    // Amounts of two currencies cannot be compared by their bars.
    let largest = |currency: Option<&str>| {
        let of_currency = first
            .rows
            .iter()
            .filter(|row| row.currency.as_deref() == currency);
        of_currency.map(|row| size(row).0).fold(0.0, f64::max)
    };
    Table::of(first, |row| {
        let (whole, idle) = size(row);
        let currency = row.currency.as_deref();
        CostCenterRow {
            name: name_or(row.cost_center.as_deref(), "no cost center"),
            seats: number(row.seats),
            cost: cost(row.cost, currency),
            to_reclaim: row
                .cost_to_reclaim
                .map_or_else(|| number(row.seats_to_reclaim), |sum| money(sum, currency)),
            used_until: place(whole - idle, largest(currency)),
            idle_until: place(whole, largest(currency)),
        }
    })
}

fn managers(first: &First<Manager>) -> Table<ManagerRow> {
    Table::of(first, |row| ManagerRow {
        email: name_or(row.manager_email.as_deref(), "no manager"),
        people: number(row.people),
        seats: number(row.seats),
        cost: cost(row.cost, row.currency.as_deref()),
        names: row
            .first_people
            .iter()
            .map(|person| name_or(person.as_deref(), "somebody without a name"))
            .collect(),
    })
}

fn people(first: &First<Person>) -> Table<PersonRow> {
    Table::of(first, |row| PersonRow {
        name: name_or(row.full_name.as_deref(), "no name"),
        email: name_or(row.email.as_deref(), "no address"),
        reason: match row.days_idle {
            Some(days) => format!(
                "{}, {}",
                name(&row.reclaim_reason),
                count(days, "day", "days")
            ),
            None => name(&row.reclaim_reason),
        },
        seats: number(row.seats),
        cost: cost(row.cost, row.currency.as_deref()),
    })
}

/// What is not on the page, and how to get it there.
fn notes(data: &Data) -> Vec<String> {
    let summary = &data.summary;
    let schema = name(&data.schema);
    let mut notes = Vec::new();
    match summary.seats_without_price {
        Some(without) if without > 0 && summary.seats == Some(without) => notes.push(format!(
            "Prices are not known. Put them into {schema}.prices, and this page speaks of money."
        )),
        Some(without) if without > 0 => notes.push(format!(
            "{} no price in {schema}.prices, and no part in any sum of money.",
            count(without, "seat has", "seats have")
        )),
        _ => {}
    }
    if !summary.staff_is_known {
        notes.push(format!(
            "Put your people into {schema}.hr_staff, and this page tells leavers, cost centers and managers."
        ));
    }
    if data.people.is_none() {
        notes.push(
            "Names are left out, because the role that wrote this page may not read them."
                .to_owned(),
        );
    }
    notes
}
