//! What was measured, as tables.

use std::fmt::Write;

use crate::measure::Sample;

/// One way of one case, over all rounds.
pub struct Measured {
    pub users: u64,
    /// Milliseconds.
    pub latency: u64,
    pub case: &'static str,
    pub way: &'static str,
    pub samples: Vec<Sample>,
    /// Of the case's first way, round by round.
    pub beside: Vec<Sample>,
    pub records: Option<u64>,
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let values = sorted(values);
    values[values.len() / 2]
}

impl Measured {
    pub fn seconds(&self) -> f64 {
        median(self.samples.iter().map(|sample| sample.seconds))
    }

    /// The median, the lowest and the highest of the rounds.
    pub fn ratio(&self) -> (f64, f64, f64) {
        let ratios = sorted(
            self.samples
                .iter()
                .zip(&self.beside)
                .map(|(sample, beside)| sample.seconds / beside.seconds),
        );
        (
            ratios[ratios.len() / 2],
            ratios[0],
            ratios[ratios.len() - 1],
        )
    }

    /// Microseconds of CPU a record.
    pub fn cpu(&self) -> Option<f64> {
        let cpu = median(self.samples.iter().map(|sample| sample.cpu));
        self.records.map(|records| cpu * 1e6 / records as f64)
    }

    fn growth(&self) -> Option<f64> {
        let most = self
            .samples
            .iter()
            .filter_map(|sample| sample.growth)
            .max()?;
        Some(most as f64 / f64::from(1 << 20))
    }

    fn is_base(&self) -> bool {
        self.samples
            .iter()
            .zip(&self.beside)
            .all(|(sample, beside)| sample.seconds.to_bits() == beside.seconds.to_bits())
    }

    pub fn row(&self) -> String {
        let last = self.samples[self.samples.len() - 1];
        let (ratio, low, high) = self.ratio();
        let ratio = if self.is_base() {
            "1".to_owned()
        } else if self.samples.len() == 1 {
            format!("{ratio:.2} (1 run)")
        } else {
            format!("{ratio:.2} ({low:.2} to {high:.2})")
        };
        let optional =
            |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.1}"));
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            self.case,
            self.way,
            milliseconds(self.seconds()),
            ratio,
            last.requests,
            kilobytes(last.bytes),
            optional(self.cpu()),
            optional(self.growth()),
        )
    }
}

fn milliseconds(seconds: f64) -> String {
    if seconds < 0.1 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds < 10.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.1} s")
    }
}

fn kilobytes(bytes: u64) -> String {
    if bytes < 1_000_000 {
        format!("{:.1} kB", bytes as f64 / 1e3)
    } else {
        format!("{:.1} MB", bytes as f64 / 1e6)
    }
}

const HEAD: &str =
    "| case | way | time | ratio | requests | received | CPU a row, µs | growth, MB |
| --- | --- | --- | --- | --- | --- | --- | --- |
";

/// A table for each number of users and latency, in the order in which they were measured.
pub fn tables(all: &[Measured]) -> String {
    let mut text = String::new();
    let mut current = None;
    for measured in all {
        let place = (measured.users, measured.latency);
        if current != Some(place) {
            current = Some(place);
            let _ = write!(
                text,
                "\n### {} users, {} ms\n\n{HEAD}",
                thousands(measured.users),
                measured.latency
            );
        }
        let _ = writeln!(text, "{}", measured.row());
    }
    text
}

pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub fn find<'a>(
    all: &'a [Measured],
    users: u64,
    latency: u64,
    case: &str,
    way: &str,
) -> Option<&'a Measured> {
    all.iter().find(|measured| {
        measured.users == users
            && measured.latency == latency
            && measured.case == case
            && measured.way == way
    })
}
