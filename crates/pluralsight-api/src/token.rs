//! The API key: something that can be sent and can hide itself in a text, and nothing else.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// What stands in a text where the token stood.
const MASK: &str = "***";
/// A part of the token that is at least this long is hidden as well.
const TELLING: usize = 12;
/// Longer than any header that a server would take.
const LONGEST: usize = 8 * 1024;

/// An API key of Pluralsight's portal ("Manage Keys"). It cannot be printed, compared or written anywhere; its memory
/// is wiped when it is dropped.
pub struct Token {
    secret: SecretString,
    /// What its parts look like, once a text had to be masked.
    parts: OnceLock<Parts>,
}

/// Why a text cannot be a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    #[error("it is blank")]
    Blank,
    #[error("it holds a space, a line break or another character that no API key has")]
    Character,
    #[error("it is longer than 8 kB")]
    TooLong,
}

impl Token {
    /// Takes the text as it will stand after `Bearer `; only printable ASCII without spaces can be sent.
    pub fn new(text: impl Into<String>) -> Result<Token, TokenError> {
        let secret = SecretString::from(text.into());
        let text = secret.expose_secret();
        if text.trim().is_empty() {
            Err(TokenError::Blank)
        } else if text.len() > LONGEST {
            Err(TokenError::TooLong)
        } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err(TokenError::Character)
        } else {
            Ok(Token {
                secret,
                parts: OnceLock::new(),
            })
        }
    }

    /// The header's value, marked so that no one below prints it or puts it into a compression table.
    pub(crate) fn header(&self) -> Option<reqwest::header::HeaderValue> {
        let mut value = reqwest::header::HeaderValue::from_str(&format!(
            "Bearer {}",
            self.secret.expose_secret()
        ))
        .ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The text with every occurrence of the token replaced by `***`: as it is, as JSON, a URL, HTML or base64 would
    /// write it, and every part of it of twelve characters or more. The time that it takes grows with the length of the
    /// text, however long the token is.
    pub fn mask(&self, text: &str) -> String {
        let parts = self.parts.get_or_init(|| Parts::of(&self.forms()));
        let mut masked = String::with_capacity(text.len());
        let mut shown = 0;
        for (start, end) in parts.found_in(text.as_bytes()) {
            masked.push_str(text.get(shown..start).unwrap_or(""));
            masked.push_str(MASK);
            shown = end;
        }
        masked.push_str(text.get(shown..).unwrap_or(""));
        masked
    }

    /// How the token may be written.
    fn forms(&self) -> Vec<String> {
        let token = self.secret.expose_secret();
        let mut forms = vec![
            token.to_owned(),
            written(token, |c| matches!(c, '"' | '\\').then(|| format!("\\{c}"))),
            written(token, |c| {
                matches!(c, '"' | '\\' | '/').then(|| format!("\\{c}"))
            }),
            written(token, |c| {
                (!is_unreserved(c)).then(|| format!("%{:02X}", u32::from(c)))
            }),
            written(token, |c| {
                (!is_unreserved(c)).then(|| format!("%{:02x}", u32::from(c)))
            }),
            written(token, |c| {
                is_html_special(c).then(|| format!("&#{};", u32::from(c)))
            }),
            written(token, |c| {
                is_html_special(c).then(|| format!("&#x{:x};", u32::from(c)))
            }),
            written(token, |c| named_entity(c).map(str::to_owned)),
            written(token, |c| {
                is_html_special(c).then(|| format!("\\u{:04x}", u32::from(c)))
            }),
        ];
        // Base64 groups three bytes, so the same token looks different at each of three offsets.
        for offset in 0..3 {
            let bytes = [vec![b' '; offset], token.as_bytes().to_vec()].concat();
            for encoded in [
                STANDARD_NO_PAD.encode(&bytes),
                URL_SAFE_NO_PAD.encode(&bytes),
            ] {
                let first = (offset * 8).div_ceil(6);
                let last = bytes.len() * 8 / 6;
                forms.extend(
                    encoded
                        .get(first..last)
                        .filter(|text| text.len() >= TELLING)
                        .map(str::to_owned),
                );
            }
        }
        forms
    }
}

fn written(token: &str, rewrite: impl Fn(char) -> Option<String>) -> String {
    token
        .chars()
        .map(|c| rewrite(c).unwrap_or_else(|| c.to_string()))
        .collect()
}

fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~')
}

fn is_html_special(c: char) -> bool {
    matches!(c, '&' | '<' | '>' | '"' | '\'')
}

fn named_entity(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&apos;"),
        _ => None,
    }
}

/// The parts of a token that would tell what it is, in every form: as keyed hashes, so that no copy of it is kept.
struct Parts {
    keys: RandomState,
    /// By length: twelve, or less where the whole token is shorter.
    hashes: BTreeMap<usize, HashSet<u64>>,
}

impl Parts {
    fn of(forms: &[String]) -> Parts {
        let mut parts = Parts {
            keys: RandomState::new(),
            hashes: BTreeMap::new(),
        };
        for form in forms.iter().filter(|form| !form.is_empty()) {
            let length = TELLING.min(form.len());
            let hashes = form
                .as_bytes()
                .windows(length)
                .map(|part| parts.keys.hash_one(part));
            let hashes: Vec<u64> = hashes.collect();
            parts.hashes.entry(length).or_default().extend(hashes);
        }
        parts
    }

    /// Where parts stand in `text`, from start to end; parts that overlap are one. Parts are ASCII, so that both ends
    /// are ends of characters.
    fn found_in(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> = Vec::new();
        for start in 0..text.len() {
            let longest = self.hashes.iter().rev().find_map(|(length, hashes)| {
                let part = text.get(start..start.checked_add(*length)?)?;
                (part.is_ascii() && hashes.contains(&self.keys.hash_one(part))).then_some(*length)
            });
            let Some(length) = longest else {
                continue;
            };
            match found.last_mut() {
                Some((_, end)) if start < *end => *end = (start + length).max(*end),
                _ => found.push((start, start + length)),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "kq7/Zp+\"9\\x&Lm2==canary-0123456789";

    #[test]
    fn a_blank_or_illegal_token_is_refused() {
        for (text, expected) in [
            ("", TokenError::Blank),
            ("  \t\n", TokenError::Blank),
            ("a b", TokenError::Character),
            ("abc\n", TokenError::Character),
            ("abc\u{0}", TokenError::Character),
            ("schlüssel", TokenError::Character),
        ] {
            assert_eq!(Token::new(text).err(), Some(expected), "{text:?}");
        }
        assert_eq!(
            Token::new("x".repeat(LONGEST + 1)).err(),
            Some(TokenError::TooLong)
        );
        assert!(Token::new(TOKEN).is_ok());
    }

    #[test]
    fn every_spelling_of_the_token_is_masked() {
        let token = Token::new(TOKEN).expect("a legal token");
        let json = serde_json::to_string(TOKEN).expect("a string");
        let percent = |upper: bool| -> String {
            let written = |byte: u8| match byte {
                _ if is_unreserved(char::from(byte)) => char::from(byte).to_string(),
                _ if upper => format!("%{byte:02X}"),
                _ => format!("%{byte:02x}"),
            };
            TOKEN.bytes().map(written).collect()
        };
        let texts = [
            TOKEN.to_owned(),
            json.clone(),
            json.replace('/', "\\/"),
            percent(true),
            percent(false),
            TOKEN.replace('&', "&amp;").replace('"', "&quot;"),
            STANDARD_NO_PAD.encode(TOKEN),
            STANDARD_NO_PAD.encode(format!("Bearer {TOKEN}")),
            URL_SAFE_NO_PAD.encode(format!("x:{TOKEN}")),
            STANDARD_NO_PAD.encode(format!("Authorization: Bearer {TOKEN}\r\n")),
        ];
        for text in texts {
            let masked = token.mask(&format!("before {text} after, and again {text}"));
            assert!(masked.starts_with("before "), "{masked}");
            assert!(masked.contains(" after, and again "), "{masked}");
            assert!(masked.contains(MASK), "{masked}");
            for length in TELLING..TOKEN.len() {
                for start in 0..=TOKEN.len() - length {
                    assert!(!masked.contains(&TOKEN[start..start + length]), "{masked}");
                }
            }
        }
    }

    #[test]
    fn a_long_part_of_the_token_is_masked_and_a_short_one_is_not() {
        let token = Token::new("0123456789abcdefghijklmnopqrstuvwxyz").expect("a legal token");
        assert_eq!(token.mask("key 0123456789ab…"), "key ***…");
        assert_eq!(token.mask("…stuvwxyz0"), "…stuvwxyz0");
        assert_eq!(token.mask("äöü 456789abcdefghij äöü"), "äöü *** äöü");
    }

    #[test]
    fn masking_takes_time_in_proportion_to_the_text() {
        // Each part of the token is in the text again and again, without ever being the whole of it.
        let token = Token::new("a".repeat(LONGEST)).expect("a legal token");
        let text = "aaaaaaaaaaab".repeat(10_000);
        let started = std::time::Instant::now();
        assert_eq!(token.mask(&text), text);
        // It took minutes when each place was compared with each part.
        assert!(started.elapsed() < std::time::Duration::from_secs(5));
        assert_eq!(token.mask(&format!("x{}y", "a".repeat(100_000))), "x***y");
    }

    #[test]
    fn a_short_token_is_masked_whole() {
        let token = Token::new("secret").expect("a legal token");
        assert_eq!(token.mask("the secret is secret"), "the *** is ***");
        assert_eq!(token.mask("secre"), "secre");
    }
}
