//! What the values of options are read as.

use std::time::Duration;

/// The address of an HTTP proxy.
pub fn parse_proxy(value: &str) -> std::result::Result<pluralsight_api::Url, String> {
    let url = pluralsight_api::Url::parse(value.trim())
        .map_err(|error| format!("must be a URL ({error})"))?;
    let plain = url.username().is_empty() && url.password().is_none();
    if matches!(url.scheme(), "http" | "https") && url.host().is_some() && plain {
        Ok(url)
    } else {
        Err(
            "must be a URL that begins with http:// or https://, without a user name or a password"
                .to_owned(),
        )
    }
}

pub fn whole_number(value: &str, least: u64, most: u64) -> std::result::Result<u64, String> {
    match value.trim().parse::<u64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("must be a whole number from {least} to {most}")),
    }
}

/// A length of time in PostgreSQL's own notation: `250ms`, `30s`, `1min`. The unit must be there.
pub fn parse_duration(value: &str) -> std::result::Result<Duration, String> {
    let value = value.trim();
    let digits = value
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let milliseconds = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    match number.parse::<u64>() {
        Ok(number) if milliseconds > 0 && number <= 86_400_000 / milliseconds => {
            Ok(Duration::from_millis(number * milliseconds))
        }
        _ => Err("must be a whole number with a unit (ms, s, min or h), such as 250ms or 30s, and at most a day".to_owned()),
    }
}

/// A number of bytes in PostgreSQL's own notation: `512kB`, `32MB`, `1GB`. The unit must be there.
pub fn parse_size(value: &str) -> std::result::Result<u64, String> {
    let value = value.trim();
    let digits = value
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let bytes: u64 = match unit.trim() {
        "kB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        _ => 0,
    };
    match number.parse::<u64>() {
        Ok(number) if bytes > 0 && (1..=(1 << 30) / bytes).contains(&number) => Ok(number * bytes),
        _ => Err(
            "must be a whole number with a unit (kB, MB or GB), such as 32MB, and at most 1GB"
                .to_owned(),
        ),
    }
}

/// What PostgreSQL takes for a Boolean option.
pub fn parse_boolean(value: &str) -> std::result::Result<bool, String> {
    match value.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}
