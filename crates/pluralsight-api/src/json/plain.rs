//! Looking at several bytes at once.

/// Bytes that are looked at together.
const WORD: usize = size_of::<u64>();

/// The first place from `position` on that holds a quote, a backslash or a control character, or the end.
#[inline]
pub(super) fn until(bytes: &[u8], mut position: usize) -> usize {
    while let Some(chunk) = bytes.get(position..).and_then(<[u8]>::first_chunk) {
        let marks = marks(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return position + marks.trailing_zeros() as usize / 8;
        }
        position += WORD;
    }
    while let Some(byte) = bytes.get(position) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        position += 1;
    }
    position
}

/// The highest bit is set in the place of each quote, backslash and control character of the word. Places above the first
/// such one may be wrong, the first one is not.
#[inline]
fn marks(word: u64) -> u64 {
    const LOW: u64 = u64::from_le_bytes([1; WORD]);
    const HIGH: u64 = u64::from_le_bytes([0x80; WORD]);
    // With this bit turned over, a quote comes right behind the control characters, and what stood there comes behind it.
    let turned = word ^ (LOW * 0x02);
    let backslash = word ^ (LOW * 0x5c);
    let below = turned.wrapping_sub(LOW * 0x21) & !turned;
    let zero = backslash.wrapping_sub(LOW) & !backslash;
    (below | zero) & HIGH
}

#[inline]
fn words_of<const N: usize, const M: usize>(bytes: &[u8; N]) -> [u64; M] {
    let mut words = [0; M];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

/// A short text that many places are compared with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Literal {
    text: String,
    /// Its first bytes and, where it has bytes, ones.
    words: [u64; LITERAL / WORD],
    mask: [u64; LITERAL / WORD],
}

/// The longest literal that is compared in one go.
const LITERAL: usize = 16;

impl Literal {
    pub fn new(text: String) -> Literal {
        let (mut bytes, mut mask) = ([0; LITERAL], [0; LITERAL]);
        for ((byte, mask), of_text) in bytes.iter_mut().zip(&mut mask).zip(text.bytes()) {
            (*byte, *mask) = (of_text, 0xff);
        }
        Literal {
            text,
            words: words_of(&bytes),
            mask: words_of(&mask),
        }
    }

    pub fn len(&self) -> usize {
        self.text.len()
    }

    #[inline]
    pub fn is_start_of(&self, bytes: &[u8]) -> bool {
        let Some(start) = bytes.first_chunk::<LITERAL>() else {
            return bytes.starts_with(self.text.as_bytes());
        };
        let start: [u64; LITERAL / WORD] = words_of(start);
        let mut difference = 0;
        for ((of_start, word), mask) in start.into_iter().zip(self.words).zip(self.mask) {
            difference |= (of_start ^ word) & mask;
        }
        difference == 0 && (self.len() <= LITERAL || bytes.starts_with(self.text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_mark_is_found_wherever_it_stands() {
        let is_mark = |byte| matches!(byte, b'"' | b'\\' | 0..0x20);
        let first = |chunk| marks(u64::from_le_bytes(chunk)).trailing_zeros() as usize / 8;
        for filler in (0..=0xff).filter(|&byte| !is_mark(byte)) {
            assert_eq!(marks(u64::from_le_bytes([filler; WORD])), 0);
            for byte in 0..=0xff {
                for place in 0..WORD {
                    let mut chunk = [filler; WORD];
                    chunk[WORD - 1] = b'"';
                    chunk[place] = byte;
                    let expected = chunk.into_iter().position(is_mark);
                    assert_eq!(first(chunk), expected.unwrap_or(WORD));
                }
            }
        }
    }

    #[test]
    fn texts_of_every_length_are_passed() {
        for length in 0..100 {
            for end in ["\"", "\\", "\n", ""] {
                let text = format!("{}{end}", "x".repeat(length));
                assert_eq!(until(text.as_bytes(), 0), length);
                let more = format!("{text}{}", "y\"".repeat(20));
                let expected = if end.is_empty() { length + 1 } else { length };
                assert_eq!(until(more.as_bytes(), 0), expected);
            }
        }
    }

    #[test]
    fn a_literal_is_told_from_any_other_start() {
        let text = "abcdefghijklmnopqrstuvwxyz".repeat(2);
        for length in 0..=text.len() {
            let literal = Literal::new(text[..length].to_owned());
            assert_eq!(literal.len(), length);
            for end in 0..=text.len() {
                let bytes = &text.as_bytes()[..end];
                assert_eq!(literal.is_start_of(bytes), length <= end);
                for place in 0..end.min(length) {
                    let mut other = bytes.to_vec();
                    other[place] ^= 1;
                    assert!(!literal.is_start_of(&other));
                }
            }
        }
    }
}
