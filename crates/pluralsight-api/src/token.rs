//! The bearer token. It cannot be printed.

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// What stands in the place of a token in any text.
const MASK: &str = "[token]";

/// An API key. Has neither `Debug` nor `Display`, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Token(SecretString);

/// Why a text cannot be a token. Says nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("it is blank")]
    Blank,
    #[error("it holds characters that an HTTP header cannot carry")]
    NotAHeader,
}

impl Token {
    /// Takes the text as it is, without white space around it.
    ///
    /// # Errors
    /// A blank text, or one with characters that an HTTP header cannot carry.
    pub fn new(text: String) -> Result<Token, TokenError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(TokenError::Blank);
        }
        if !trimmed.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
            return Err(TokenError::NotAHeader);
        }
        Ok(Token(SecretString::from(trimmed.to_owned())))
    }

    /// `text` with every occurrence of the token replaced, also where JSON has escaped it.
    pub fn mask(&self, text: &str) -> String {
        let secret = self.0.expose_secret();
        let escaped = serde_json::to_string(secret).unwrap_or_default();
        let escaped = escaped.trim_matches('"');
        let slashed = escaped.replace('/', "\\/");
        [secret, escaped, &slashed]
            .iter()
            .filter(|form| !form.is_empty())
            .fold(text.to_owned(), |text, form| text.replace(*form, MASK))
    }

    /// The value of the `Authorization` header, marked so that HTTP libraries do not show it.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0.expose_secret())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_masked_wherever_it_is_echoed() {
        let token = Token::new(" a\"b/c ".to_owned()).expect("fit for a header");
        assert_eq!(token.mask("x a\"b/c y"), "x [token] y");
        assert_eq!(token.mask("{\"t\":\"a\\\"b/c\"} a\\\"b\\/c"), "{\"t\":\"[token]\"} [token]");
    }

    #[test]
    fn what_no_header_carries_is_no_token() {
        assert!(matches!(Token::new("  ".to_owned()), Err(TokenError::Blank)));
        for text in ["a b", "a\nb", "ä", "a\u{7f}"] {
            assert!(matches!(Token::new(text.to_owned()), Err(TokenError::NotAHeader)), "{text:?}");
        }
    }

    #[test]
    fn the_header_is_marked_sensitive() {
        let token = Token::new("secret".to_owned()).expect("fit for a header");
        assert!(token.header().is_some_and(|header| header.is_sensitive()));
    }
}
