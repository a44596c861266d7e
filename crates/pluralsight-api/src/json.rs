//! Reading JSON from its bytes, a token at a time, without a tree.
//!
//! The scanner checks all that it passes, also what it skips. Numbers keep their digits, and a string is a slice of the
//! input unless it holds an escape. `docs/performance.md` says why this is no library's decoder.

use std::borrow::Cow;

/// How deep lists and objects may lie in one another. serde_json has the same bound.
const DEEPEST: u32 = 127;

/// Why the input is not JSON that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    Syntax,
    TooDeep,
    /// There is more of it than can be addressed.
    TooLarge,
}

type Result<T> = std::result::Result<T, Malformed>;

/// What a value is, by its first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    True,
    False,
    Number,
    String,
    List,
    Object,
}

/// A place in a JSON text.
#[derive(Clone)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    position: usize,
    depth: u32,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Scanner<'a> {
        Scanner {
            text,
            bytes: text.as_bytes(),
            position: 0,
            depth: 0,
        }
    }

    pub fn position(&self) -> usize {
        self.position
    }

    /// Goes back to a place that [`Scanner::position`] named in the same list or object.
    pub fn go_back(&mut self, position: usize) {
        self.position = position;
    }

    /// The input from `start` to here.
    pub fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.position).unwrap_or("")
    }

    /// The byte that comes next; zero at the end.
    #[inline]
    pub fn byte(&self) -> u8 {
        // A zero byte is no part of JSON outside a string, so that it can stand for the end.
        self.bytes.get(self.position).copied().unwrap_or(0)
    }

    /// The first place from `position` on that holds a quote, a backslash or a control character, or the end.
    #[inline]
    fn until(&self, position: usize) -> usize {
        plain::until(self.bytes, position)
    }

    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.byte(), b' ' | b'\n' | b'\t' | b'\r') {
            self.position += 1;
        }
    }

    /// Only white space may follow.
    pub fn end(&mut self) -> Result<()> {
        self.skip_space();
        if self.position == self.bytes.len() {
            Ok(())
        } else {
            Err(Malformed::Syntax)
        }
    }

    /// The kind of the value that comes next; the scanner then stands on its first character.
    #[inline]
    pub fn kind(&mut self) -> Result<Kind> {
        self.skip_space();
        Ok(match self.byte() {
            b'"' => Kind::String,
            b'{' => Kind::Object,
            b'[' => Kind::List,
            b'n' => Kind::Null,
            b't' => Kind::True,
            b'f' => Kind::False,
            b'-' | b'0'..=b'9' => Kind::Number,
            _ => return Err(Malformed::Syntax),
        })
    }

    /// Passes `null`, `true` or `false`, on whose first character the scanner stands.
    #[inline]
    pub fn word(&mut self, kind: Kind) -> Result<()> {
        let (start, last) = match kind {
            Kind::Null => (self.position, *b"null"),
            Kind::True => (self.position, *b"true"),
            // That it begins with an f is known.
            _ => {
                let [_, last @ ..] = *b"false";
                (self.position + 1, last)
            }
        };
        let rest = self.bytes.get(start..).and_then(<[u8]>::first_chunk);
        if rest == Some(&last) {
            self.position = start + last.len();
            Ok(())
        } else {
            Err(Malformed::Syntax)
        }
    }

    /// Passes a number: its digits as they were sent.
    pub fn number(&mut self) -> Result<&'a str> {
        let start = self.position;
        if self.byte() == b'-' {
            self.position += 1;
        }
        if self.byte() == b'0' {
            self.position += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == b'.' {
            self.position += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.position += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.position += 1;
            }
            self.digits()?;
        }
        Ok(self.since(start))
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.position;
        while self.byte().is_ascii_digit() {
            self.position += 1;
        }
        if self.position == start {
            Err(Malformed::Syntax)
        } else {
            Ok(())
        }
    }

    /// Passes a string, and says its text, if no escape stands in it. Otherwise, and if it is none, it is not passed.
    #[inline]
    pub fn plain_string(&mut self) -> Option<&'a str> {
        let start = self.position + 1;
        let end = self.until(start);
        if self.bytes.get(end) != Some(&b'"') {
            return None;
        }
        self.position = end + 1;
        self.text.get(start..end)
    }

    /// Passes a string: its text.
    pub fn string(&mut self) -> Result<Cow<'a, str>> {
        let start = self.position + 1;
        self.position = self.until(start);
        match self.byte() {
            b'"' => {
                let text = self.since(start);
                self.position += 1;
                Ok(Cow::Borrowed(text))
            }
            b'\\' => self.escaped(start).map(Cow::Owned),
            _ => Err(Malformed::Syntax),
        }
    }

    /// The rest of a string in which an escape was met, from the string's start.
    #[cold]
    fn escaped(&mut self, start: usize) -> Result<String> {
        let mut text = self.since(start).to_owned();
        loop {
            match self.byte() {
                b'"' => {
                    self.position += 1;
                    return Ok(text);
                }
                b'\\' => text.push(self.escape()?),
                _ => return Err(Malformed::Syntax),
            }
            let run = self.position;
            self.position = self.until(run);
            text.push_str(self.since(run));
        }
    }

    /// Passes one escape. Half of a character pair, which JavaScript writes when it cuts a text inside the pair, is no
    /// character and is read as U+FFFD, so that it does not make the whole answer unreadable.
    fn escape(&mut self) -> Result<char> {
        let letter = self.bytes.get(self.position + 1).copied().unwrap_or(0);
        let character = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit(self.position)?;
                self.position += 6;
                let high = u32::from(unit).wrapping_sub(0xD800);
                if high < 0x400
                    && self.bytes.get(self.position..self.position + 2) == Some(b"\\u")
                    && let Ok(next) = self.unit(self.position)
                {
                    let low = u32::from(next).wrapping_sub(0xDC00);
                    if low < 0x400 {
                        self.position += 6;
                        let pair = 0x1_0000 + (high << 10) + low;
                        return Ok(char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                }
                return Ok(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => return Err(Malformed::Syntax),
        };
        self.position += 2;
        Ok(character)
    }

    /// The UTF-16 unit of the escape `\uXXXX` at `start`.
    fn unit(&self, start: usize) -> Result<u16> {
        let digits = self
            .bytes
            .get(start + 2..start + 6)
            .ok_or(Malformed::Syntax)?;
        digits.iter().try_fold(0u16, |unit, &digit| {
            char::from(digit)
                .to_digit(16)
                .map(|digit| unit << 4 | digit as u16)
                .ok_or(Malformed::Syntax)
        })
    }

    /// Enters the list or object on whose first character the scanner stands; false if there is nothing in it, and it
    /// has been left again.
    #[inline]
    pub fn enter(&mut self) -> Result<bool> {
        if self.depth >= DEEPEST {
            return Err(Malformed::TooDeep);
        }
        let closing = if self.byte() == b'{' { b'}' } else { b']' };
        self.position += 1;
        self.skip_space();
        if self.byte() == closing {
            self.position += 1;
            return Ok(false);
        }
        self.depth += 1;
        Ok(true)
    }

    /// After an element of a list: whether another one follows. If none does, the list has been left.
    #[inline]
    pub fn more_elements(&mut self) -> Result<bool> {
        self.more(b']')
    }

    /// After a member of an object: whether another one follows. If none does, the object has been left.
    #[inline]
    pub fn more_members(&mut self) -> Result<bool> {
        self.more(b'}')
    }

    #[inline]
    fn more(&mut self, closing: u8) -> Result<bool> {
        self.skip_space();
        let byte = self.byte();
        if byte == b',' {
            self.position += 1;
            Ok(true)
        } else if byte == closing {
            self.position += 1;
            self.depth -= 1;
            Ok(false)
        } else {
            Err(Malformed::Syntax)
        }
    }

    /// Passes the byte, if it is the one that comes next.
    #[inline]
    pub fn pass_byte(&mut self, byte: u8) -> bool {
        let is_next = self.byte() == byte;
        self.position += usize::from(is_next);
        is_next
    }

    /// Passes the text, if it is what comes next.
    #[inline]
    pub fn pass(&mut self, text: &Literal) -> bool {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let is_next = text.is_start_of(rest);
        if is_next {
            self.position += text.len();
        }
        is_next
    }

    /// Whether the member that comes next begins so: its name, quoted, and the colon. It is passed only then. A name that
    /// is written with escapes, or parted from its colon, is not recognised here.
    #[inline]
    pub fn name_is(&mut self, begins: &Literal) -> bool {
        self.skip_space();
        self.pass(begins)
    }

    /// Passes a member's name and colon.
    pub fn name(&mut self) -> Result<Cow<'a, str>> {
        self.skip_space();
        if self.byte() != b'"' {
            return Err(Malformed::Syntax);
        }
        let name = self.string()?;
        self.colon()?;
        Ok(name)
    }

    #[inline]
    fn colon(&mut self) -> Result<()> {
        self.skip_space();
        if self.byte() != b':' {
            return Err(Malformed::Syntax);
        }
        self.position += 1;
        Ok(())
    }

    /// Passes a value of any kind: what stands there.
    pub fn skip(&mut self) -> Result<&'a str> {
        let kind = self.kind()?;
        let start = self.position;
        match kind {
            Kind::Null | Kind::True | Kind::False => self.word(kind)?,
            Kind::Number => {
                self.number()?;
            }
            Kind::String => self.skip_string()?,
            Kind::List | Kind::Object => self.skip_container(kind == Kind::Object)?,
        }
        Ok(self.since(start))
    }

    fn skip_string(&mut self) -> Result<()> {
        self.position = self.until(self.position + 1);
        loop {
            match self.byte() {
                b'"' => {
                    self.position += 1;
                    return Ok(());
                }
                b'\\' => {
                    self.escape()?;
                    self.position = self.until(self.position);
                }
                _ => return Err(Malformed::Syntax),
            }
        }
    }

    /// Passes a list or an object without recursion.
    fn skip_container(&mut self, is_object: bool) -> Result<()> {
        let outside = self.depth;
        if !self.enter()? {
            return Ok(());
        }
        // One bit per level, the innermost lowest: whether it is an object. There are no more levels than bits.
        let mut objects = u128::from(is_object);
        loop {
            if objects & 1 == 1 {
                self.skip_space();
                if self.byte() != b'"' {
                    return Err(Malformed::Syntax);
                }
                self.skip_string()?;
                self.colon()?;
            }
            match self.kind()? {
                kind @ (Kind::List | Kind::Object) => {
                    if self.enter()? {
                        objects = objects << 1 | u128::from(kind == Kind::Object);
                        continue;
                    }
                }
                kind @ (Kind::Null | Kind::True | Kind::False) => self.word(kind)?,
                Kind::Number => {
                    self.number()?;
                }
                Kind::String => self.skip_string()?,
            }
            while !self.more(if objects & 1 == 1 { b'}' } else { b']' })? {
                objects >>= 1;
                if self.depth == outside {
                    return Ok(());
                }
            }
        }
    }
}

/// Appends a JSON text that a scanner has passed: without white space, and with halves of character pairs replaced, so
/// that every reader of JSON takes it.
pub(crate) fn write_compact(json: &str, out: &mut String) {
    let mut scanner = Scanner::new(json);
    while let Some(&byte) = scanner.bytes.get(scanner.position) {
        match byte {
            b' ' | b'\n' | b'\t' | b'\r' => scanner.position += 1,
            b'"' => {
                let mut start = scanner.position;
                scanner.position = scanner.until(start + 1);
                while scanner.byte() == b'\\' {
                    let escape = scanner.position;
                    if scanner
                        .escape()
                        .is_ok_and(|read| read == char::REPLACEMENT_CHARACTER)
                    {
                        out.push_str(json.get(start..escape).unwrap_or(""));
                        out.push_str("\\ufffd");
                        start = scanner.position;
                    }
                    scanner.position = scanner.until(scanner.position.max(escape + 1));
                }
                scanner.position += 1;
                out.push_str(scanner.since(start));
            }
            byte => {
                out.push(char::from(byte));
                scanner.position += 1;
            }
        }
    }
}

mod plain;
pub(crate) use plain::Literal;

#[cfg(test)]
mod tests;
