//! One value of a record, and how it is written into bytes.
//!
//! A cell is a tag and what belongs to it. Every byte of it is ASCII except the texts, so that a row of cells is UTF-8. Numbers are written in digits of six bits, the lowest first; bit 6 says that more follow.

use std::borrow::Cow;

const NULLS: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const NUMBER: u8 = 4;
const TEXT: u8 = 5;
const JSON: u8 = 6;
const INSTANT: u8 = 7;
const LIST: u8 = 8;
const PROBLEMS: u8 = 9;
/// In a column's values: a list was met on the way.
const LISTED: u8 = 10;

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
    Text(&'a str),
    /// A list or an object where one value or an element was expected; any value of a column that takes JSON.
    Json(&'a str),
    /// Microseconds since 1970.
    Instant(i64),
    /// The values of a column that takes all of them, if a list was met on the way to them. None of them is a list.
    List(Cells<'a>),
    /// The value breaks the schema: see [`crate::Batch::problem`].
    Problem,
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
        let text = self.rest.get(..length)?;
        self.rest = self.rest.get(length..)?;
        Some(text)
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
        Some(match self.byte()? {
            FALSE => Cell::Boolean(false),
            TRUE => Cell::Boolean(true),
            INTEGER => Cell::Integer(self.signed()?),
            NUMBER => Cell::Number(self.text()?),
            TEXT => Cell::Text(self.text()?),
            JSON => Cell::Json(self.text()?),
            INSTANT => Cell::Instant(self.signed()?),
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

/// Writes a tag or a digit. It is ASCII, so that what it is written to stays UTF-8 without another look at it.
#[inline]
fn put(row: &mut String, byte: u8) {
    row.push(char::from(byte & 0x7f));
}

/// Writes a number in digits of six bits.
#[inline]
fn put_number(row: &mut String, mut number: u64) {
    while number >= 0x40 {
        put(row, number as u8 & 0x3f | 0x40);
        number >>= 6;
    }
    put(row, number as u8);
}

#[inline]
fn put_signed(row: &mut String, number: i64) {
    // The sign in the lowest bit, so that small numbers are short.
    put_number(row, (number << 1 ^ number >> 63) as u64);
}

#[inline]
fn put_text(row: &mut String, tag: u8, text: &str) {
    put(row, tag);
    put_number(row, text.len() as u64);
    row.push_str(text);
}

/// The values of one column in the record that is being read.
#[derive(Debug, Default)]
pub(crate) struct Values {
    cells: String,
    extent: Extent,
}

/// How far a column's values go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    /// Bytes, notes included.
    length: usize,
    /// Values, problems included.
    count: usize,
    problems: usize,
    /// Notes that a list was met.
    notes: usize,
}

impl Values {
    pub fn extent(&self) -> Extent {
        self.extent
    }

    pub fn is_empty(&self) -> bool {
        self.extent.length == 0
    }

    #[inline]
    pub fn clear(&mut self) {
        self.cells.clear();
        self.extent = Extent::default();
    }

    /// Forgets what has come since then.
    pub fn truncate(&mut self, extent: Extent) {
        self.cells.truncate(extent.length);
        self.extent = extent;
    }

    /// The value, if there is just one.
    pub fn only(&self) -> Option<Cell<'_>> {
        Cells::row(&self.cells)
            .next()
            .filter(|_| self.extent.count == 1)
    }

    #[inline]
    fn added(&mut self) {
        self.extent.length = self.cells.len();
        self.extent.count += 1;
    }

    #[inline]
    pub fn null(&mut self) {
        put(&mut self.cells, NULLS);
        put(&mut self.cells, 1);
        self.added();
    }

    #[inline]
    pub fn boolean(&mut self, value: bool) {
        put(&mut self.cells, if value { TRUE } else { FALSE });
        self.added();
    }

    #[inline]
    pub fn text(&mut self, text: &str) {
        put_text(&mut self.cells, TEXT, text);
        self.added();
    }

    pub fn json(&mut self, json: &str) {
        put_text(&mut self.cells, JSON, json);
        self.added();
    }

    pub fn instant(&mut self, microseconds: i64) {
        put(&mut self.cells, INSTANT);
        put_signed(&mut self.cells, microseconds);
        self.added();
    }

    pub fn number(&mut self, digits: &str) {
        match digits.parse::<i64>() {
            // Zero has a sign in JSON.
            Ok(number) if digits != "-0" => {
                put(&mut self.cells, INTEGER);
                put_signed(&mut self.cells, number);
            }
            _ => put_text(&mut self.cells, NUMBER, digits),
        }
        self.added();
    }

    pub fn problem(&mut self) {
        put(&mut self.cells, PROBLEMS);
        put(&mut self.cells, 1);
        self.added();
        self.extent.problems += 1;
    }

    /// Notes that a list was met. One note after another says nothing new.
    pub fn listed(&mut self) {
        // A value can end in that byte, too. A list with a value in it needs no note.
        if self.cells.as_bytes().last() != Some(&LISTED) {
            put(&mut self.cells, LISTED);
            self.extent.length = self.cells.len();
            self.extent.notes += 1;
        }
    }

    /// Each value with where it begins and ends.
    fn scan(&self) -> impl Iterator<Item = (u8, usize, usize)> {
        let bytes = self.cells.as_bytes();
        let mut position = 0;
        std::iter::from_fn(move || {
            let start = position;
            let tag = *bytes.get(position)?;
            position += 1;
            let number = |position: &mut usize| {
                let (mut number, mut shift) = (0usize, 0);
                while let Some(&byte) = bytes.get(*position) {
                    *position += 1;
                    number |= usize::from(byte & 0x3f).checked_shl(shift).unwrap_or(0);
                    shift += 6;
                    if byte & 0x40 == 0 {
                        break;
                    }
                }
                number
            };
            match tag {
                NUMBER | TEXT | JSON => position += number(&mut position),
                INTEGER | INSTANT | NULLS | PROBLEMS => {
                    number(&mut position);
                }
                _ => {}
            }
            Some((tag, start, position))
        })
    }
}

/// What a column's values amount to.
pub(crate) enum Outcome {
    Written,
    /// A value that breaks the schema was among them.
    Problem,
    /// So many values where the column takes one.
    Several(usize),
}

/// Writes the cells of a row, one column after the other.
#[derive(Default)]
pub(crate) struct RowWriter {
    run: u64,
    repeated: u8,
}

impl RowWriter {
    #[inline]
    fn repeat(&mut self, row: &mut String, tag: u8) {
        if self.run > 0 && self.repeated != tag {
            self.flush(row);
        }
        self.repeated = tag;
        self.run += 1;
    }

    /// To be called after the row's last cell.
    #[inline]
    pub fn flush(&mut self, row: &mut String) {
        if self.run > 0 {
            put(row, self.repeated);
            put_number(row, self.run);
            self.run = 0;
        }
    }

    pub fn problem(&mut self, row: &mut String) {
        self.repeat(row, PROBLEMS);
    }

    /// A column of one value. Nothing is written unless the outcome says so.
    #[inline]
    pub fn one(&mut self, values: &Values, row: &mut String) -> Outcome {
        match (values.extent.count, values.cells.as_bytes().first()) {
            (0, _) | (1, Some(&NULLS)) => self.repeat(row, NULLS),
            _ if values.extent.problems > 0 => return Outcome::Problem,
            (1, _) => {
                self.flush(row);
                row.push_str(&values.cells);
            }
            (count, _) => return Outcome::Several(count),
        }
        Outcome::Written
    }

    /// A column of all values.
    pub fn all(&mut self, values: &Values, row: &mut String) -> Outcome {
        let Extent {
            length,
            count,
            problems,
            notes,
        } = values.extent;
        if notes == 0 {
            // No list was met, so that there is one value at most.
            return self.one(values, row);
        }
        if problems > 0 {
            return Outcome::Problem;
        }
        self.flush(row);
        put(row, LIST);
        put_number(row, count as u64);
        put_number(row, (length - notes) as u64);
        if notes == 1
            && let Some(cells) = values.cells.strip_prefix(char::from(LISTED))
        {
            row.push_str(cells);
            return Outcome::Written;
        }
        let mut from = 0;
        for (tag, start, end) in values.scan() {
            if tag == LISTED {
                row.push_str(values.cells.get(from..start).unwrap_or_default());
                from = end;
            }
        }
        row.push_str(values.cells.get(from..).unwrap_or_default());
        Outcome::Written
    }
}
