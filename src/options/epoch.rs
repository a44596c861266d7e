//! The option `epoch` of a column.

/// Unit of a number of the column option `epoch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epoch {
    Seconds,
    Milliseconds,
}

impl Epoch {
    pub fn parse(text: &str) -> Option<Epoch> {
        match text {
            "s" => Some(Epoch::Seconds),
            "ms" => Some(Epoch::Milliseconds),
            _ => None,
        }
    }

    /// The unit in which a number is an instant of our time, as far as it can be guessed.
    pub fn likely(number: f64) -> &'static str {
        if number.abs() >= 1e11 { "ms" } else { "s" }
    }
}
