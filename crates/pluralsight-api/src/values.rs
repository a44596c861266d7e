//! The values of a record's columns while it is read, and how they are written as the cells of a row.

use crate::cell::{
    Cell, Cells, FALSE, INSTANT, INSTANT_DIGITS, INTEGER, JSON, LIST, LISTED, LONGEST_SHORT, NULLS,
    NUMBER, PROBLEMS, SHORT, TEXT, TRUE,
};

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
fn put_long(row: &mut String, tag: u8, text: &str) {
    put(row, tag);
    put_number(row, text.len() as u64);
    row.push_str(text);
}

/// Writes a text that holds no NUL.
#[inline]
fn put_text(row: &mut String, text: &str) {
    if text.len() <= LONGEST_SHORT {
        put(row, (text.len() as u8 + 1) << 1 | SHORT);
        row.push_str(text);
    } else {
        put_long(row, TEXT, text);
    }
}

#[inline]
fn put_instant(row: &mut String, microseconds: i64) {
    put(row, INSTANT);
    let mut number = (microseconds << 1 ^ microseconds >> 63) as u64;
    for _ in 0..INSTANT_DIGITS {
        put(row, number as u8);
        number >>= 7;
    }
}

/// The values of one column in the record that is being read.
#[derive(Debug, Default)]
pub(crate) struct Values<'a> {
    /// The first value, as long as it is the only one: most columns have no other, and it is written once, into the row.
    held: Held<'a>,
    /// The values, where not all of them is held.
    cells: String,
    extent: Extent,
}

/// A value that was not written yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Held<'a> {
    #[default]
    Nothing,
    Null,
    Boolean(bool),
    /// A text of the page, in which no escape stands, and so no NUL.
    Text(&'a str),
    Instant(i64),
}

impl Held<'_> {
    #[inline]
    fn write(self, cells: &mut String) {
        match self {
            Held::Nothing => {}
            Held::Null => {
                put(cells, NULLS);
                put(cells, 1);
            }
            Held::Boolean(value) => put(cells, if value { TRUE } else { FALSE }),
            Held::Text(text) => put_text(cells, text),
            Held::Instant(instant) => put_instant(cells, instant),
        }
    }
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

impl<'a> Values<'a> {
    /// How far the values go by now.
    pub fn extent(&mut self) -> Extent {
        self.release();
        self.extent
    }

    pub fn is_empty(&self) -> bool {
        self.extent.count == 0
    }

    #[inline]
    pub fn clear(&mut self) {
        self.held = Held::Nothing;
        self.cells.clear();
        self.extent = Extent::default();
    }

    /// Forgets what has come since then.
    pub fn truncate(&mut self, extent: Extent) {
        // A value that is held came after any extent was asked for.
        self.held = Held::Nothing;
        if self.cells.len() != extent.length {
            self.cells.truncate(extent.length);
        }
        self.extent = extent;
    }

    /// The value, if there is just one.
    pub fn only(&self) -> Option<Cell<'_>> {
        match self.held {
            Held::Nothing => Cells::row(&self.cells)
                .next()
                .filter(|_| self.extent.count == 1),
            Held::Null => Some(Cell::Null),
            Held::Boolean(value) => Some(Cell::Boolean(value)),
            Held::Text(text) => Some(Cell::Text(text.into())),
            Held::Instant(instant) => Some(Cell::Instant(instant)),
        }
    }

    /// Writes the value that is held behind the others, of which there are none.
    #[inline]
    fn release(&mut self) {
        if !matches!(self.held, Held::Nothing) {
            self.held.write(&mut self.cells);
            self.held = Held::Nothing;
            self.extent.length = self.cells.len();
        }
    }

    #[inline]
    pub fn add(&mut self, value: Held<'a>) {
        if self.extent.count == 0 && self.extent.notes == 0 {
            self.held = value;
            self.extent.count = 1;
        } else {
            self.release();
            value.write(&mut self.cells);
            self.added();
        }
    }

    #[inline]
    fn added(&mut self) {
        self.extent.length = self.cells.len();
        self.extent.count += 1;
    }

    #[inline]
    pub fn null(&mut self) {
        self.add(Held::Null);
    }

    #[inline]
    pub fn boolean(&mut self, value: bool) {
        self.add(Held::Boolean(value));
    }

    /// A text of the page.
    #[inline]
    pub fn text(&mut self, text: &'a str) {
        self.add(Held::Text(text));
    }

    /// A text that was written with escapes, of which one may stand for a NUL.
    pub fn unescaped(&mut self, text: &str) {
        self.release();
        if text.contains('\0') {
            put_long(&mut self.cells, TEXT, text);
        } else {
            put_text(&mut self.cells, text);
        }
        self.added();
    }

    #[inline]
    pub fn instant(&mut self, microseconds: i64) {
        self.add(Held::Instant(microseconds));
    }

    pub fn json(&mut self, json: &str) {
        self.release();
        put_long(&mut self.cells, JSON, json);
        self.added();
    }

    pub fn number(&mut self, digits: &str) {
        self.release();
        match digits.parse::<i64>() {
            // Zero has a sign in JSON.
            Ok(number) if digits != "-0" => {
                put(&mut self.cells, INTEGER);
                put_signed(&mut self.cells, number);
            }
            _ => put_long(&mut self.cells, NUMBER, digits),
        }
        self.added();
    }

    pub fn problem(&mut self) {
        self.release();
        put(&mut self.cells, PROBLEMS);
        put(&mut self.cells, 1);
        self.added();
        self.extent.problems += 1;
    }

    /// Notes that a list was met. One note after another says nothing new.
    pub fn listed(&mut self) {
        self.release();
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
                short if short & SHORT != 0 => position = start + usize::from(short >> 1),
                NUMBER | TEXT | JSON => position += number(&mut position),
                INSTANT => position += INSTANT_DIGITS,
                INTEGER | NULLS | PROBLEMS => {
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
    pub fn one(&mut self, values: &Values<'_>, row: &mut String) -> Outcome {
        match values.held {
            Held::Nothing => {}
            Held::Null => {
                self.repeat(row, NULLS);
                return Outcome::Written;
            }
            value => {
                self.flush(row);
                value.write(row);
                return Outcome::Written;
            }
        }
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
    pub fn all(&mut self, values: &Values<'_>, row: &mut String) -> Outcome {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The cell that comes of a value.
    fn row(values: &Values<'_>) -> String {
        let (mut writer, mut row) = (RowWriter::default(), String::new());
        assert!(matches!(writer.all(values, &mut row), Outcome::Written));
        writer.flush(&mut row);
        row
    }

    #[test]
    fn a_short_text_lies_as_postgresql_stores_one() {
        for length in [0, 1, 61, 62, 63, 64, 126, 127, 128, 1 << 20] {
            for is_escaped in [false, true] {
                let text = "x".repeat(length);
                let mut values = Values::default();
                if is_escaped {
                    values.unescaped(&text);
                } else {
                    values.add(Held::Text(&text));
                }
                let row = row(&values);
                let Some(Cell::Text(cell)) = Cells::row(&row).next() else {
                    panic!("{row}");
                };
                assert_eq!(cell.as_str(), text);
                // A varlena with a header of one byte, on a little-endian machine.
                let stored = [&[(length as u8).wrapping_add(1) << 1 | 1], text.as_bytes()].concat();
                let expected = (length <= LONGEST_SHORT).then_some(stored.as_slice());
                assert_eq!(cell.stored(), expected, "{length}");
            }
        }
    }

    #[test]
    fn a_text_with_a_nul_does_not_pass_for_one_without() {
        for text in ["\0", "a\0", "\0\0\0"] {
            let mut values = Values::default();
            values.unescaped(text);
            let row = row(&values);
            let Some(Cell::Text(cell)) = Cells::row(&row).next() else {
                panic!("{row}");
            };
            assert_eq!((cell.as_str(), cell.stored()), (text, None));
        }
    }

    #[test]
    fn a_value_that_was_held_comes_before_those_after_it() {
        let instants = [0, -1, 1, 253_402_300_799_999_999, -62_135_596_800_000_000];
        let mut values = Values::default();
        values.add(Held::Text("first"));
        values.listed();
        values.add(Held::Boolean(false));
        for instant in instants {
            values.add(Held::Instant(instant));
        }
        let extent = values.extent();
        values.add(Held::Null);
        values.unescaped("last");
        values.truncate(extent);
        let row = row(&values);
        let Some(Cell::List(cells)) = Cells::row(&row).next() else {
            panic!("{row}");
        };
        let mut expected = vec![Cell::Text("first".into()), Cell::Boolean(false)];
        expected.extend(instants.map(Cell::Instant));
        assert!(cells.eq(expected));
    }
}
