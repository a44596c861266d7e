//! Instants in the form in which the API writes them.

/// Microseconds since 1970 of `2021-02-01T00:00:00.000Z`, with up to six digits after the point. Anything else, also
/// what may well be an instant, is for the reader of the text to judge.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (head, tail) = text.as_bytes().split_first_chunk::<19>()?;
    // Eight characters at a time: the date but for its day, then the day, the hour and the minute.
    let (first, rest) = head.split_first_chunk()?;
    let (second, [colon, tens, ones]) = rest.split_first_chunk()? else {
        return None;
    };
    let date = pairs(*first, *b"0000-00-")?;
    let time = pairs(*second, *b"00T00:00")?;
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if *colon != b':' || tens > 5 || ones > 9 {
        return None;
    }
    let year = i64::from(date[0]) * 100 + i64::from(date[2]);
    let (month, day) = (i64::from(date[5]), i64::from(time[0]));
    let (hour, minute) = (i64::from(time[3]), i64::from(time[6]));
    let second = i64::from(tens * 10 + ones);
    let is_date = year > 0 && (1..=12).contains(&month) && day > 0 && day <= days_in(year, month);
    if !is_date || hour > 23 || minute > 59 {
        return None;
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1_000_000 + microseconds(tail)?)
}

/// The numbers that each digit makes with the one behind it, in its place, if the text has the form: digits where that has
/// zeros, and else the same.
#[inline]
fn pairs(text: [u8; 8], form: [u8; 8]) -> Option<[u8; 8]> {
    let of = u64::from_le_bytes;
    let digits = of(text) ^ of(form);
    // Nine is the largest byte that this does not lift over the highest bit.
    let too_large = (digits.wrapping_add(of([0x76; 8])) | digits) & of([0x80; 8]);
    let others = of(form.map(|byte| if byte == b'0' { 0 } else { 0xff }));
    if too_large != 0 || digits & others != 0 {
        return None;
    }
    Some((digits * 10 + (digits >> 8)).to_le_bytes())
}

/// What stands behind the seconds.
#[inline]
fn microseconds(tail: &[u8]) -> Option<i64> {
    let digits = match tail {
        b"Z" => return Some(0),
        [b'.', digits @ .., b'Z'] if (1..=6).contains(&digits.len()) => digits,
        _ => return None,
    };
    let mut fraction = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        fraction = fraction * 10 + i64::from(digit);
    }
    const SCALES: [i64; 7] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    SCALES.get(digits.len()).map(|scale| fraction * scale)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March here, so that the leap day is the last of its year.
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_form_is_parsed() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00.000001Z", 1),
            ("1970-01-01T00:00:00.5Z", 500_000),
            ("1969-12-31T23:59:59.999Z", -1_000),
            ("2000-02-29T12:30:45.123Z", 951_827_445_123_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = days(1, 1, 1);
        for year in 1..=2400 {
            for month in 1..=12 {
                for day in 1..=days_in(year, month) {
                    assert_eq!(days(year, month, day), expected);
                    expected += 1;
                }
            }
        }
    }

    #[test]
    fn whatever_else_is_left_to_others() {
        for text in [
            "",
            "2021-02-01",
            "2021-02-01T00:00:00",
            "2021-02-01 00:00:00Z",
            "2021-02-29T00:00:00Z",
            "2021-13-01T00:00:00Z",
            "2021-00-01T00:00:00Z",
            "2021-02-00T00:00:00Z",
            "2021-02-01T24:00:00Z",
            "2021-02-01T00:60:00Z",
            "2021-02-01T00:00:60Z",
            "0000-01-01T00:00:00Z",
            "-999-01-01T00:00:00Z",
            "+2021-02-01T00:00:00Z",
            "2021-02-01T00:00:00.Z",
            "2021-02-01T00:00:00.1234567Z",
            "2021-02-01T00:00:00.12x4Z",
            "2021-02-01T00:00:00+00:00",
            "2021-02-01T00:00:00z",
            "\u{e4}021-02-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
