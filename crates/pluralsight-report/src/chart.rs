//! Seats by month as a line: where it stands and how it is drawn. Units are those of the SVG's view box.

use askama::Template;

use crate::data::{Forecast, Month};
use crate::text;

const HEIGHT: f64 = 150.0;
/// Where the line is; the rest is for labels.
const LEFT: f64 = 8.0;
const RIGHT: f64 = 300.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 124.0;
/// Months of the forecast.
const AHEAD: u32 = 3;
/// Two labels are at least this far apart.
const LABEL: f64 = 14.0;

/// The chart of one product.
#[derive(Template)]
#[template(path = "chart.svg", escape = "html")]
pub struct Chart {
    /// What it shows, in words.
    summary: String,
    /// Parts of the line, each without a gap.
    derived: Vec<String>,
    recorded: Vec<String>,
    points: Vec<(String, String)>,
    forecast: Option<String>,
    now: Option<Label>,
    bought: Option<Label>,
    expected: Option<Label>,
    months: Vec<Label>,
}

/// A text at a place.
struct Label {
    x: String,
    y: String,
    /// Where the text itself is, if labels would overlap.
    text_y: String,
    text: String,
}

impl Chart {
    /// None where no month is known.
    pub fn of(months: &[&Month], forecast: Option<&Forecast>) -> Option<Chart> {
        let known: Vec<(usize, i64)> = months
            .iter()
            .enumerate()
            .filter_map(|(place, month)| Some((place, month.seats?)))
            .collect();
        let &(last_place, last) = known.last()?;
        let purchased = forecast.and_then(|forecast| forecast.purchased);
        let expected = forecast
            .filter(|forecast| forecast.confidence != "none")
            .and_then(|forecast| forecast.assigned_per_month)
            .map(|per_month| (last as f64 + per_month * f64::from(AHEAD)).max(0.0));
        let highest = known
            .iter()
            .map(|(_, seats)| *seats as f64)
            .chain(purchased.map(|purchased| purchased as f64))
            .chain(expected)
            .fold(1.0, f64::max);
        let steps = (months.len() - 1 + AHEAD as usize).max(1) as f64;
        let x = |place: usize| LEFT + (RIGHT - LEFT) * place as f64 / steps;
        let y = |seats: f64| BOTTOM - (BOTTOM - TOP) * seats / highest;
        let at = |place: usize, seats: f64| format!("{:.1},{:.1}", x(place), y(seats));

        let runs = |source: &str| {
            // A part of the line belongs to the month in which it ends.
            let mut runs: Vec<Vec<(usize, i64)>> = Vec::new();
            for pair in known.windows(2) {
                if pair[1].0 != pair[0].0 + 1 || months[pair[1].0].source != source {
                    continue;
                }
                match runs.last_mut() {
                    Some(run) if run.last() == Some(&pair[0]) => run.push(pair[1]),
                    _ => runs.push(pair.to_vec()),
                }
            }
            runs.into_iter()
                .map(|run| {
                    run.into_iter()
                        .map(|(place, seats)| at(place, seats as f64))
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .collect::<Vec<_>>()
        };
        // Where neither neighbor is known there is no line.
        let lonely = known
            .iter()
            .filter(|(place, _)| !known.iter().any(|(other, _)| other.abs_diff(*place) == 1))
            .map(|&(place, seats)| (coordinate(x(place)), coordinate(y(seats as f64))));

        let mut bought = purchased.map(|purchased| {
            Label::at(
                RIGHT,
                y(purchased as f64),
                format!("{} bought", text::number(purchased)),
            )
        });
        let mut ahead = expected.map(|expected| {
            #[allow(clippy::cast_possible_truncation, reason = "the cast saturates")]
            let seats = text::number(expected.round() as i64);
            Label::at(RIGHT, y(expected), format!("{seats} expected"))
        });
        if let (Some(bought), Some(ahead)) = (&mut bought, &mut ahead) {
            bought.keep_off(ahead);
        }
        Some(Chart {
            summary: summary(months, &known, purchased, expected),
            derived: runs("derived"),
            recorded: runs("recorded"),
            points: lonely.collect(),
            forecast: expected
                .filter(|_| last_place + 1 == months.len())
                .map(|expected| {
                    format!(
                        "{} {:.1},{:.1}",
                        at(last_place, last as f64),
                        RIGHT,
                        y(expected)
                    )
                }),
            now: Some(Label::above(
                x(last_place),
                y(last as f64),
                purchased.map(|purchased| y(purchased as f64)),
                text::number(last),
            )),
            bought,
            expected: ahead,
            months: month_labels(months, x),
        })
    }
}

impl Label {
    fn at(x: f64, y: f64, text: String) -> Label {
        Label {
            x: coordinate(x),
            y: coordinate(y),
            text_y: coordinate(y),
            text,
        }
    }

    /// The text stands above its place, or below it where it would stand on the line of what was bought.
    fn above(x: f64, y: f64, bought: Option<f64>, text: String) -> Label {
        let is_crossed = bought.is_some_and(|bought| (y - 22.0..y - 2.0).contains(&bought));
        let below = (y + 18.0).min(BOTTOM - 4.0);
        Label {
            text_y: coordinate(if is_crossed { below } else { y - 9.0 }),
            ..Label::at(x, y, text)
        }
    }

    /// Moves both texts apart if they would overlap.
    fn keep_off(&mut self, other: &mut Label) {
        let place = |label: &Label| label.y.parse::<f64>().unwrap_or_default();
        let (mine, others) = (place(self), place(other));
        let gap = (mine - others).abs();
        if gap >= LABEL {
            return;
        }
        let shift = (LABEL - gap) / 2.0;
        let (upper, lower) = if mine <= others {
            (self, other)
        } else {
            (other, self)
        };
        // The lowest label must stay above those of the months.
        let lowest = (place(lower) + shift).min(BOTTOM);
        lower.text_y = coordinate(lowest);
        upper.text_y = coordinate((place(upper) - shift).min(lowest - LABEL));
    }
}

fn coordinate(value: f64) -> String {
    format!("{value:.1}")
}

/// The first month, the last one, and every third between them.
fn month_labels(months: &[&Month], x: impl Fn(usize) -> f64) -> Vec<Label> {
    let last = months.len() - 1;
    (0..months.len())
        .filter(|place| (last - place).is_multiple_of(4))
        .map(|place| Label::at(x(place), HEIGHT - 8.0, text::month(months[place].month, 0)))
        .collect()
}

/// The chart for those who do not see it.
fn summary(
    months: &[&Month],
    known: &[(usize, i64)],
    purchased: Option<i64>,
    expected: Option<f64>,
) -> String {
    let (Some(&(first_place, first)), Some(&(last_place, last))) = (known.first(), known.last())
    else {
        return String::new();
    };
    let mut words = format!(
        "{} seats in {}, {} in {}",
        text::number(first),
        text::month(months[first_place].month, 0),
        text::number(last),
        text::month(months[last_place].month, 0),
    );
    if let Some(purchased) = purchased {
        words.push_str(&format!("; {} bought", text::number(purchased)));
    }
    if let Some(expected) = expected {
        #[allow(clippy::cast_possible_truncation, reason = "the cast saturates")]
        let seats = text::number(expected.round() as i64);
        words.push_str(&format!(
            "; {seats} expected in {}",
            text::month(months[months.len() - 1].month, AHEAD)
        ));
    }
    words
}
