//! Durations as a person types them.

use std::time::Duration;

/// A duration like `250ms`, `5s`, `1min`; a bare number is milliseconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: f64 = digits
        .parse()
        .map_err(|_| format!("not a duration: {text}"))?;
    let scale = match text.get(digits.len()..).unwrap_or_default() {
        "" | "ms" => 0.001,
        "us" => 0.000_001,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("unknown unit {unit}: us, ms, s, min, h")),
    };
    Duration::try_from_secs_f64(number * scale).map_err(|_| format!("not a duration: {text}"))
}
