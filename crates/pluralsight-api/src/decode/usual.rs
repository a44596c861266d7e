//! Records that look as they are expected to.

use std::borrow::Cow;

use super::RecordReader;
use crate::instant;
use crate::json::{Kind, Scanner};
use crate::usual::{Expected, Inner, Leaf, Member};
use crate::values::Held;

// What these functions answer with `None` is not as expected, or no JSON; the scanner and the values are then anywhere.
impl<'a> RecordReader<'_, 'a> {
    /// Reads an object. `is_false`: so is the Boolean of the condition that it is under.
    pub(super) fn usual(
        &mut self,
        scanner: &mut Scanner<'a>,
        members: &[Member],
        is_false: bool,
    ) -> Option<()> {
        let mut is_false = is_false;
        for member in members {
            if !scanner.pass(&member.begins) {
                return None;
            }
            match &member.value {
                Expected::Leaf(leaf) => {
                    let said = self.leaf(scanner, leaf, is_false)?;
                    if leaf.decides {
                        is_false = said;
                    }
                }
                Expected::Object(inner) => self.inner(scanner, inner, is_false)?,
                Expected::Any(node) => {
                    scanner.kind().ok()?;
                    self.value(scanner, *node, false).ok()?;
                }
            }
        }
        scanner.pass_byte(b'}').then_some(())
    }

    /// Reads what stands where an object is expected.
    fn inner(&mut self, scanner: &mut Scanner<'a>, inner: &Inner, is_false: bool) -> Option<()> {
        if scanner.byte() != b'[' {
            return self.object_or_null(scanner, inner, is_false);
        }
        let listed = &inner.listed.as_ref()?[usize::from(is_false)];
        self.elements(scanner, listed, |reader, scanner| {
            reader.object_or_null(scanner, inner, is_false)
        })
    }

    /// Reads a list, which these columns note.
    #[inline]
    fn elements(
        &mut self,
        scanner: &mut Scanner<'a>,
        listed: &[usize],
        element: impl Fn(&mut Self, &mut Scanner<'a>) -> Option<()>,
    ) -> Option<()> {
        for &column in listed {
            self.values[column].listed();
        }
        scanner.pass_byte(b'[');
        if scanner.pass_byte(b']') {
            return Some(());
        }
        loop {
            element(self, scanner)?;
            if !scanner.pass_byte(b',') {
                return scanner.pass_byte(b']').then_some(());
            }
        }
    }

    #[inline]
    fn object_or_null(
        &mut self,
        scanner: &mut Scanner<'a>,
        inner: &Inner,
        is_false: bool,
    ) -> Option<()> {
        match scanner.byte() {
            // Its own Boolean counts as true as long as it has not come.
            b'{' => self.usual(scanner, &inner.members, is_false && !inner.has_mark),
            b'n' => scanner.word(Kind::Null).ok(),
            _ => None,
        }
    }

    /// Reads what stands where a value without members is expected: whether it is false.
    #[inline]
    fn leaf(&mut self, scanner: &mut Scanner<'a>, leaf: &Leaf, is_false: bool) -> Option<bool> {
        if scanner.byte() != b'[' {
            return self.scalar(scanner, leaf, is_false);
        }
        let listed = &leaf.listed.as_ref()?[usize::from(is_false)];
        self.elements(scanner, listed, |reader, scanner| {
            reader.scalar(scanner, leaf, is_false).map(|_| ())
        })?;
        Some(false)
    }

    #[inline]
    fn scalar(&mut self, scanner: &mut Scanner<'a>, leaf: &Leaf, is_false: bool) -> Option<bool> {
        let takes = &leaf.takes[usize::from(is_false)];
        let value = match scanner.byte() {
            b'"' => match scanner.plain_string() {
                Some(text) => Held::Text(text),
                None => return self.other_scalar(scanner, leaf, is_false),
            },
            b'n' => {
                scanner.word(Kind::Null).ok()?;
                Held::Null
            }
            b't' => {
                scanner.word(Kind::True).ok()?;
                for &column in &leaf.flags {
                    self.values[column].boolean(true);
                }
                Held::Boolean(true)
            }
            b'f' => {
                scanner.word(Kind::False).ok()?;
                Held::Boolean(false)
            }
            _ => return self.other_scalar(scanner, leaf, is_false),
        };
        for of in takes {
            let value = match value {
                Held::Text(text) if of.instant => instant::parse(text).map_or(value, Held::Instant),
                _ => value,
            };
            self.values[of.column].add(value);
        }
        Some(matches!(value, Held::Boolean(false)))
    }

    /// Reads a number, or a text in which an escape stands.
    #[inline(never)]
    fn other_scalar(
        &mut self,
        scanner: &mut Scanner<'a>,
        leaf: &Leaf,
        is_false: bool,
    ) -> Option<bool> {
        let takes = &leaf.takes[usize::from(is_false)];
        match scanner.kind().ok()? {
            Kind::Number => {
                let digits = scanner.number().ok()?;
                for of in takes {
                    self.values[of.column].number(digits);
                }
            }
            Kind::String => {
                let text = scanner.string().ok()?;
                for of in takes {
                    let values = &mut self.values[of.column];
                    let instant = of.instant.then(|| instant::parse(&text)).flatten();
                    match (instant, &text) {
                        (Some(instant), _) => values.instant(instant),
                        (None, Cow::Borrowed(text)) => values.text(text),
                        (None, Cow::Owned(text)) => values.unescaped(text),
                    }
                }
            }
            _ => return None,
        }
        Some(false)
    }
}
