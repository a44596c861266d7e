//! One value of a record, and how it is read from bytes.
//!
//! A cell is a tag and what belongs to it. Every byte of it is ASCII except the texts, so that a row of cells is UTF-8.
//! Numbers are written in digits of six bits, the lowest first; bit 6 says that more follow. Instants are always nine digits
//! of seven bits. Of a short text the tag is the byte that PostgreSQL keeps in front of one: see [`Text::stored`].

use std::borrow::Cow;

pub(crate) const NULLS: u8 = 0;
pub(crate) const FALSE: u8 = 2;
pub(crate) const TRUE: u8 = 4;
pub(crate) const INTEGER: u8 = 6;
pub(crate) const NUMBER: u8 = 8;
pub(crate) const TEXT: u8 = 10;
pub(crate) const JSON: u8 = 12;
pub(crate) const INSTANT: u8 = 14;
pub(crate) const LIST: u8 = 16;
pub(crate) const PROBLEMS: u8 = 18;
/// In a column's values: a list was met on the way.
pub(crate) const LISTED: u8 = 20;
/// What makes a tag that of a short text. Above it stands the length, with the tag itself counted.
pub(crate) const SHORT: u8 = 1;
/// The longest text whose tag is ASCII.
pub(crate) const LONGEST_SHORT: usize = 62;
/// Digits of an instant.
pub(crate) const INSTANT_DIGITS: usize = 9;

/// Characters of a value that a message shows.
const SHOWN: usize = 60;

/// The value of one column in one record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    Null,
    Boolean(bool),
    /// A whole number that 64 bits hold.
    Integer(i64),
    /// Any other number, in the digits that were sent.
    Number(&'a str),
    Text(Text<'a>),
    /// A list or an object where one value or an element was expected; any value of a column that takes JSON.
    Json(&'a str),
    /// Microseconds since 1970.
    Instant(i64),
    /// The values of a column that takes all of them, if a list was met on the way to them. None of them is a list.
    List(Cells<'a>),
    /// The value breaks the schema: see [`crate::Batch::problem`].
    Problem,
}

/// A text, and how it lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    text: &'a str,
    /// The text with the byte in front of it.
    stored: Option<&'a str>,
}

impl<'a> Text<'a> {
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The text as PostgreSQL stores a short one on a little-endian machine: behind one byte, which holds the length of
    /// both, times two and one more. Such a text holds no NUL. `None` for a longer text, and for one with a NUL.
    pub fn stored(&self) -> Option<&'a [u8]> {
        self.stored.map(str::as_bytes)
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Text<'a> {
        Text { text, stored: None }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Text<'_>) -> bool {
        self.text == other.text
    }
}

/// Cells one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cells<'a> {
    rest: &'a str,
    /// Of a list: how many are left. Of a row: no bound but its end.
    left: usize,
    /// Cells left of a run of equal ones.
    run: usize,
    repeated: u8,
}

impl<'a> Cells<'a> {
    pub(crate) fn row(bytes: &'a str) -> Cells<'a> {
        Cells {
            rest: bytes,
            left: usize::MAX,
            run: 0,
            repeated: NULLS,
        }
    }

    /// How many elements a list has left.
    pub fn left(&self) -> usize {
        self.left
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.rest.as_bytes().first()?;
        self.rest = self.rest.get(1..)?;
        Some(byte)
    }

    #[inline]
    fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x3f).checked_shl(shift)?;
            if byte & 0x40 == 0 {
                return Some(number);
            }
            shift += 6;
        }
    }

    #[inline]
    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    #[inline]
    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(text)
    }

    #[inline]
    fn instant(&mut self) -> Option<i64> {
        let digits: &[u8; INSTANT_DIGITS] = self.rest.as_bytes().first_chunk()?;
        let number = digits
            .iter()
            .rev()
            .fold(0u64, |number, digit| number << 7 | u64::from(*digit));
        self.rest = self.rest.get(INSTANT_DIGITS..)?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cell<'a>;

    #[inline]
    fn next(&mut self) -> Option<Cell<'a>> {
        self.left = self.left.checked_sub(1)?;
        if self.run > 0 {
            self.run -= 1;
            return Some(if self.repeated == NULLS {
                Cell::Null
            } else {
                Cell::Problem
            });
        }
        let tag = *self.rest.as_bytes().first()?;
        if tag & SHORT != 0 {
            let (stored, rest) = self.rest.split_at_checked(usize::from(tag >> 1))?;
            self.rest = rest;
            let text = stored.get(1..)?;
            return Some(Cell::Text(Text {
                text,
                stored: Some(stored),
            }));
        }
        self.rest = self.rest.get(1..)?;
        Some(match tag {
            FALSE => Cell::Boolean(false),
            TRUE => Cell::Boolean(true),
            INTEGER => Cell::Integer(self.signed()?),
            NUMBER => Cell::Number(self.text()?),
            TEXT => Cell::Text(self.text()?.into()),
            JSON => Cell::Json(self.text()?),
            INSTANT => Cell::Instant(self.instant()?),
            LIST => {
                let left = usize::try_from(self.number()?).ok()?;
                Cell::List(Cells {
                    rest: self.text()?,
                    left,
                    run: 0,
                    repeated: NULLS,
                })
            }
            tag @ (NULLS | PROBLEMS) => {
                self.run = usize::try_from(self.number()?).ok()?.saturating_sub(1);
                self.repeated = tag;
                if tag == NULLS {
                    Cell::Null
                } else {
                    Cell::Problem
                }
            }
            _ => return None,
        })
    }
}

impl Cell<'_> {
    /// What the value is, for a message.
    pub fn kind(&self) -> &'static str {
        match self {
            Cell::Null => "null",
            Cell::Boolean(_) => "the Boolean",
            Cell::Integer(_) | Cell::Number(_) => "the number",
            Cell::Text(_) | Cell::Instant(_) => "the text",
            Cell::Json(json) => match json.as_bytes().first() {
                Some(b'[') => "the list",
                Some(b'{') => "the object",
                Some(b'"') => "the text",
                Some(b'n') => "null",
                Some(b't' | b'f') => "the Boolean",
                _ => "the number",
            },
            Cell::List(_) => "the list",
            Cell::Problem => "a value",
        }
    }

    /// The value as JSON, or its start, for a message.
    pub fn shown(&self) -> String {
        let json: Cow<'_, str> = match self {
            Cell::Text(text) => {
                let text = text.as_str();
                // Enough of it, so that a long text is not written out to be cut.
                let end = text
                    .char_indices()
                    .nth(SHOWN)
                    .map_or(text.len(), |(end, _)| end);
                serde_json::Value::from(text.get(..end).unwrap_or(""))
                    .to_string()
                    .into()
            }
            Cell::Json(json) | Cell::Number(json) => (*json).into(),
            Cell::Null => "null".into(),
            Cell::Boolean(value) => value.to_string().into(),
            Cell::Integer(number) => number.to_string().into(),
            Cell::Instant(_) => "an instant".into(),
            Cell::List(_) => "[…]".into(),
            Cell::Problem => "?".into(),
        };
        match json.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", json.get(..end).unwrap_or("")),
            None => json.into_owned(),
        }
    }
}
