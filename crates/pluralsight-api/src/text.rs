//! Texts from outside, made fit for a message.

use crate::token::Token;

/// The most of a reply that is looked at for a message.
const EXAMINED: usize = 4 * 1024;
/// The most of a reply that a message repeats, in characters.
const SHOWN: usize = 300;

/// The text without the token, on one line, cut to a length that a person reads.
pub(crate) fn presentable(text: &str, token: &Token) -> String {
    shortened(&token.mask(prefix(text, EXAMINED)), SHOWN)
}

/// The same for a reply's body, whatever it holds.
pub(crate) fn excerpt(body: &[u8], token: &Token) -> String {
    let examined = body.get(..EXAMINED).unwrap_or(body);
    presentable(&String::from_utf8_lossy(examined), token)
}

/// One line of at most `most` characters; what is left out is shown by an ellipsis.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        for c in word.chars() {
            if length >= most {
                line.push('…');
                return line;
            }
            line.push(c);
            length += 1;
        }
    }
    line
}

/// The longest start of `text` with at most `bytes` bytes.
pub(crate) fn prefix(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

/// `4 MB`, as options write it, where it is a whole number of those.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes > 0 && bytes.is_multiple_of(1 << 20) => format!("{} MB", bytes >> 20),
        _ if bytes > 0 && bytes.is_multiple_of(1 << 10) => format!("{} kB", bytes >> 10),
        _ => counted(bytes, "byte"),
    }
}

/// `1 attempt`, `3 attempts`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// A length of time as a person says it: `250 ms`, `1.5 s`, `2 min`, `1 h 30 min`, `365 days`.
pub(crate) fn spoken(duration: std::time::Duration) -> String {
    let milliseconds = duration.as_millis();
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..=119 if milliseconds.is_multiple_of(1_000) => format!("{seconds} s"),
        1..=119 => format!("{:.1} s", duration.as_secs_f64()),
        120..=7_199 => with_rest(seconds / 60, "min", seconds % 60, "s"),
        7_200..=172_799 => with_rest(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn with_rest(whole: u64, unit: &str, rest: u64, small: &str) -> String {
    match rest {
        0 => format!("{whole} {unit}"),
        _ => format!("{whole} {unit} {rest} {small}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn sizes_are_told_in_the_largest_unit_that_is_whole() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1_000, "1000 bytes"),
            (65_536, "64 kB"),
            (4 << 20, "4 MB"),
            ((4 << 20) + 1, "4194305 bytes"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_text_is_one_line_of_bounded_length() {
        assert_eq!(shortened("  a\n\tb\u{0}c  ", 10), "a b c");
        assert_eq!(shortened("ääääääääääää", 10), "ääääääääää…");
        assert_eq!(shortened("", 10), "");
        assert_eq!(prefix("aäb", 2), "a");
        assert_eq!(prefix("aäb", 99), "aäb");
    }

    #[test]
    fn a_token_at_the_cut_is_hidden() {
        let token = Token::new("canary-token-0123456789").expect("a legal token");
        let text = format!("{} canary-token-0123456789", "x".repeat(SHOWN - 10));
        let shown = presentable(&text, &token);
        assert!(!shown.contains("canary-token"), "{shown}");
    }

    #[test]
    fn durations_read_as_people_say_them() {
        for (milliseconds, expected) in [
            (0, "0 ms"),
            (250, "250 ms"),
            (1_000, "1 s"),
            (1_500, "1.5 s"),
            (90_000, "90 s"),
            (120_000, "2 min"),
            (135_000, "2 min 15 s"),
            (7_200_000, "2 h"),
            (9_000_000, "2 h 30 min"),
            (31_536_000_000, "365 days"),
        ] {
            assert_eq!(spoken(Duration::from_millis(milliseconds)), expected);
        }
    }
}
