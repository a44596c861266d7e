//! Numbers, money, dates and names as the page writes them.

use chrono::{DateTime, FixedOffset, Months, NaiveDate, Offset};

/// Characters of a name that are shown.
const LONGEST_NAME: usize = 80;

/// With commas between thousands.
pub fn number(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    if value < 0 {
        text.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun.
pub fn count(value: i64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// In whole units of the currency.
pub fn money(amount: f64, currency: Option<&str>) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a sum of prices is far below the limit, and the cast saturates"
    )]
    let units = number(amount.round() as i64);
    match currency {
        Some("EUR") => format!("€{units}"),
        Some("USD") => format!("${units}"),
        Some("GBP") => format!("£{units}"),
        Some(other) => format!("{other} {units}"),
        None => units,
    }
}

/// The same, or nothing.
pub fn cost(amount: Option<f64>, currency: Option<&str>) -> String {
    amount.map_or_else(String::new, |amount| money(amount, currency))
}

/// "a", "a and b", "a, b and c".
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

pub fn moment(moment: DateTime<FixedOffset>) -> String {
    let zone = match moment.offset().fix().local_minus_utc() {
        0 => "UTC".to_owned(),
        _ => moment.format("UTC%:z").to_string(),
    };
    format!("{} {zone}", moment.format("%-d %b %Y, %H:%M"))
}

pub fn day(day: NaiveDate) -> String {
    day.format("%-d %b %Y").to_string()
}

pub fn month(month: NaiveDate, later: u32) -> String {
    month
        .checked_add_months(Months::new(later))
        .unwrap_or(month)
        .format("%b %y")
        .to_string()
}

/// A name as it is shown: in one line, without characters that would turn the text around it, and of bearable length.
pub fn name(name: &str) -> String {
    let mut shown: String = name
        .chars()
        .map(|character| {
            if character.is_whitespace() {
                ' '
            } else {
                character
            }
        })
        .filter(|character| !character.is_control() && !turns_text(*character))
        .take(LONGEST_NAME + 1)
        .collect();
    if shown.chars().count() > LONGEST_NAME {
        shown = shown.chars().take(LONGEST_NAME - 1).collect();
        shown.push('…');
    }
    shown.trim().to_owned()
}

/// The name, or what stands for a missing one.
pub fn name_or(found: Option<&str>, missing: &str) -> String {
    found
        .map(name)
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| missing.to_owned())
}

/// Marks of direction beyond those that letters have by themselves.
fn turns_text(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same page in ASCII. Everything outside of it is text or the value of an attribute, where a reference may stand.
pub fn ascii(page: &str) -> String {
    let mut plain = String::with_capacity(page.len());
    for character in page.chars() {
        if character.is_ascii() {
            plain.push(character);
        } else {
            plain.push_str(&format!("&#{};", u32::from(character)));
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (-12_345_678, "-12,345,678"),
            (i64::MIN, "-9,223,372,036,854,775,808"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn money_has_its_currency() {
        assert_eq!(money(276_116.4, Some("EUR")), "€276,116");
        assert_eq!(money(0.5, Some("USD")), "$1");
        assert_eq!(money(1e300, Some("CHF")), "CHF 9,223,372,036,854,775,807");
        assert_eq!(cost(None, Some("EUR")), "");
    }

    #[test]
    fn names_are_one_line_and_stay_in_their_direction() {
        assert_eq!(name("a\r\nb\u{202e}c\u{0}"), "a  bc");
        assert_eq!(name(&"ü".repeat(10_000)).chars().count(), LONGEST_NAME);
        assert_eq!(name_or(Some("\u{202e}"), "nobody"), "nobody");
    }

    #[test]
    fn a_page_is_ascii() {
        assert_eq!(ascii("é€😀x"), "&#233;&#8364;&#128512;x");
    }
}
