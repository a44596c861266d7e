//! The content coding of a reply's body: none, or gzip, whatever its spelling and in however many members.

use flate2::{Decompress, FlushDecompress, Status};
use libdeflater::{Crc, Decompressor};

/// What this client asks for.
pub(crate) const ACCEPTED: &str = "gzip";
/// The base-two logarithm of the window that gzip allows.
const WINDOW_BITS: u8 = 15;
/// Room that a body begins with, and the most that is made at once on a guess.
const LEAST_ROOM: usize = 32 * 1024;
const MOST_EXPECTED: usize = 4 * 1024 * 1024;
/// The longest gzip that is inflated at once, when it is whole. That takes half the time, and a page is never so long.
const MOST_AT_ONCE: usize = 1024 * 1024;
/// Bytes that one byte of a gzip can become, and less than one more.
const MOST_OF_A_BYTE: usize = 1032;

/// A body as it comes, and what it is after decoding, up to a limit.
pub(crate) struct Decoder {
    /// What has been decoded. A gzip's bytes are inflated into it: it is its own window, and nothing is copied.
    bytes: Vec<u8>,
    limit: u64,
    /// Bytes that it may come to.
    expected: usize,
    coding: Coding,
}

enum Coding {
    Identity,
    /// A gzip that is inflated at once, if it does not grow too long before it is whole: what has come of it.
    Whole(Vec<u8>),
    /// One that is inflated as it comes.
    Gzip(Gzip),
}

struct Gzip {
    inflate: Box<Decompress>,
    place: Place,
}

impl Gzip {
    fn new() -> Gzip {
        Gzip {
            inflate: Box::new(Decompress::new_gzip(WINDOW_BITS)),
            place: Place::Start,
        }
    }
}

/// How far a gzip has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing has come.
    Start,
    InMember,
    /// A member has ended, and another one may follow.
    Between,
}

/// Why a body cannot be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// The coding is not one that was asked for.
    Unknown(String),
    /// The decoded body is larger than it may be.
    TooLarge,
    /// The body is not what its coding says, or breaks off.
    Broken(String),
}

impl Decoder {
    /// A decoder for the values of `Content-Encoding`, in any case. `expected` is a guess at the decoded body's size.
    pub fn new<'a>(
        headers: impl IntoIterator<Item = &'a str>,
        limit: u64,
        expected: usize,
    ) -> Result<Decoder, Undecodable> {
        let codings: Vec<String> = headers
            .into_iter()
            .flat_map(|header| header.split(','))
            .map(|coding| coding.trim().to_ascii_lowercase())
            .filter(|coding| !coding.is_empty() && coding != "identity")
            .collect();
        let coding = match codings.as_slice() {
            [] => Coding::Identity,
            [coding] if matches!(coding.as_str(), "gzip" | "x-gzip") => Coding::Whole(Vec::new()),
            _ => return Err(Undecodable::Unknown(codings.join(", "))),
        };
        Ok(Decoder {
            bytes: Vec::new(),
            limit,
            expected: expected.min(MOST_EXPECTED),
            coding,
        })
    }

    /// Takes the next bytes of the body.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), Undecodable> {
        match &mut self.coding {
            Coding::Identity if self.bytes.len() as u64 + chunk.len() as u64 > self.limit => {
                return Err(Undecodable::TooLarge);
            }
            Coding::Identity => {
                if self.bytes.is_empty() {
                    self.make_room();
                }
                self.bytes.extend_from_slice(chunk);
            }
            Coding::Whole(came) if came.len() + chunk.len() <= MOST_AT_ONCE => {
                came.extend_from_slice(chunk);
            }
            Coding::Whole(came) => {
                let came = std::mem::take(came);
                self.inflate_as_it_comes(&[&came, chunk])?;
            }
            Coding::Gzip(_) => self.inflate_as_it_comes(&[chunk])?,
        }
        Ok(())
    }

    fn inflate_as_it_comes(&mut self, chunks: &[&[u8]]) -> Result<(), Undecodable> {
        let mut gzip = match std::mem::replace(&mut self.coding, Coding::Identity) {
            Coding::Gzip(gzip) => gzip,
            Coding::Identity | Coding::Whole(_) => Gzip::new(),
        };
        for chunk in chunks {
            self.inflate(&mut gzip, chunk)?;
        }
        self.coding = Coding::Gzip(gzip);
        Ok(())
    }

    fn inflate(&mut self, gzip: &mut Gzip, mut chunk: &[u8]) -> Result<(), Undecodable> {
        let mut has_more = false;
        while has_more || !chunk.is_empty() {
            if gzip.place == Place::Between {
                *gzip = Gzip::new();
            }
            gzip.place = Place::InMember;
            if self.bytes.len() == self.bytes.capacity() {
                self.make_room();
            }
            let (came, length) = (gzip.inflate.total_in(), self.bytes.len());
            let status = gzip
                .inflate
                .decompress_vec(chunk, &mut self.bytes, FlushDecompress::None)
                .map_err(|error| {
                    Undecodable::Broken(format!("its body is not gzip as it says ({error})"))
                })?;
            if self.bytes.len() as u64 > self.limit {
                return Err(Undecodable::TooLarge);
            }
            let taken = (gzip.inflate.total_in() - came) as usize;
            chunk = chunk.get(taken..).unwrap_or_default();
            // Where the room was filled, there may be more to come of what was taken.
            has_more = self.bytes.len() == self.bytes.capacity();
            if status == Status::StreamEnd {
                gzip.place = Place::Between;
                has_more = false;
            } else if taken == 0 && self.bytes.len() == length && !chunk.is_empty() {
                return Err(Undecodable::Broken(
                    "its body is not gzip as it says (it stands still)".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Makes room for more, and not for more than the limit and a byte that shows that it is passed.
    fn make_room(&mut self) {
        let length = self.bytes.len();
        let wanted = match length {
            0 => self.expected.max(LEAST_ROOM),
            _ => length.max(LEAST_ROOM),
        };
        let allowed = usize::try_from(self.limit.saturating_add(1))
            .unwrap_or(usize::MAX)
            .saturating_sub(length);
        self.bytes.reserve_exact(wanted.min(allowed).max(1));
    }

    /// How many bytes have been decoded so far.
    pub fn decoded(&self) -> usize {
        self.bytes.len()
    }

    /// How many bytes have come, decoded where they are decoded as they come.
    pub fn received(&self) -> usize {
        match &self.coding {
            Coding::Whole(came) => came.len(),
            Coding::Identity | Coding::Gzip(_) => self.bytes.len(),
        }
    }

    /// The whole body, which has come to its end, so that its coding must have come to an end as well.
    pub fn finish(mut self) -> Result<Vec<u8>, Undecodable> {
        if let Coding::Whole(came) = &mut self.coding {
            let came = std::mem::take(came);
            if let Some(bytes) = at_once(&came, self.limit) {
                return Ok(bytes);
            }
            self.inflate_as_it_comes(&[&came])?;
        }
        match self.coding {
            Coding::Gzip(gzip) if gzip.place == Place::InMember => Err(Undecodable::Broken(
                "its compressed body breaks off".to_owned(),
            )),
            // A reply without a body has nothing to decode.
            _ => Ok(self.bytes),
        }
    }

    /// The most bytes that are decoded.
    pub fn limit(&self) -> u64 {
        self.limit
    }
}

/// Inflates a gzip of one member, which says its size and its checksum at its end; `None` for any other, for a broken one
/// and for one that is too large: what is wrong with these is found where they are inflated piece by piece.
fn at_once(gzip: &[u8], limit: u64) -> Option<Vec<u8>> {
    let (_, end) = gzip.split_last_chunk::<8>()?;
    let [checksum, size] = [
        [end[0], end[1], end[2], end[3]],
        [end[4], end[5], end[6], end[7]],
    ]
    .map(u32::from_le_bytes);
    // Nobody who claims a size gets more memory for it than could be needed.
    let is_possible = size as usize / MOST_OF_A_BYTE <= gzip.len();
    if u64::from(size) > limit || !is_possible {
        return None;
    }
    let mut bytes = vec![0; size as usize];
    let length = Decompressor::new().gzip_decompress(gzip, &mut bytes).ok()?;
    // Of several members only the first was inflated, and the end is that of the last.
    let mut sum = Crc::new();
    sum.update(&bytes);
    (length == bytes.len() && sum.sum() == checksum).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("written");
        encoder.finish().expect("finished")
    }

    fn decode(header: &str, body: &[u8], size: usize) -> Result<Vec<u8>, Undecodable> {
        let mut decoder = Decoder::new([header], 1_000_000, 0)?;
        for chunk in body.chunks(size) {
            decoder.feed(chunk)?;
        }
        decoder.finish()
    }

    #[test]
    fn gzip_is_read_in_any_spelling_and_in_any_number_of_members() {
        let members = [gzip(b"{\"data\":"), gzip(b""), gzip(b" {}}")].concat();
        let halves = [gzip(b"one half "), gzip(b"other one")].concat();
        assert_eq!(
            decode("gzip", &halves, 10).as_deref(),
            Ok(b"one half other one".as_slice())
        );
        for header in ["gzip", "GZIP", "x-gzip", " X-GZip ", "identity, gzip"] {
            for size in [1, 7, 10_000] {
                assert_eq!(
                    decode(header, &members, size).as_deref(),
                    Ok(b"{\"data\": {}}".as_slice()),
                    "{header}, {size}"
                );
            }
        }
        for header in ["", "identity", "Identity", ","] {
            assert_eq!(decode(header, b"{}", 10).as_deref(), Ok(b"{}".as_slice()));
        }
        assert_eq!(decode("gzip", b"", 10).as_deref(), Ok(b"".as_slice()));
    }

    #[test]
    fn what_is_not_whole_or_not_gzip_is_an_error() {
        let whole = gzip(&b"some text that is long enough to be cut".repeat(9));
        for length in 1..whole.len() {
            let cut = decode("gzip", &whole[..length], 5);
            assert!(
                matches!(cut, Err(Undecodable::Broken(_))),
                "{length}: {cut:?}"
            );
        }
        assert!(matches!(
            decode("gzip", b"{\"data\": {}}", 100),
            Err(Undecodable::Broken(_))
        ));
        let mut flipped = whole.clone();
        let last = flipped.len() - 6;
        flipped[last] ^= 1;
        assert!(matches!(
            decode("gzip", &flipped, 100),
            Err(Undecodable::Broken(_))
        ));
        assert_eq!(
            decode("br", b"", 1),
            Err(Undecodable::Unknown("br".to_owned()))
        );
        assert_eq!(
            decode("gzip, gzip", b"", 1),
            Err(Undecodable::Unknown("gzip, gzip".to_owned()))
        );
    }

    #[test]
    fn what_comes_at_once_and_what_comes_in_pieces_is_the_same() {
        // Numbers that gzip makes little shorter, so that it grows past what is inflated at once.
        let mut number = 1u64;
        let mut noise = || {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            number.to_le_bytes()
        };
        let text: Vec<u8> = (0..MOST_AT_ONCE / 4).flat_map(|_| noise()).collect();
        for length in [0, 1, 1_000, MOST_AT_ONCE / 2, text.len()] {
            let text = &text[..length];
            let body = gzip(text);
            assert_eq!(body.len() > MOST_AT_ONCE, length == 2 * MOST_AT_ONCE);
            let whole = at_once(&body, 10_000_000).expect("it is a gzip");
            assert!(whole == text);
            assert_eq!(
                at_once(&body, length as u64 - length.min(1) as u64).is_some(),
                length == 0
            );
            let mut decoder = Decoder::new(["gzip"], 10_000_000, 0).expect("a known coding");
            for chunk in body.chunks(100_000) {
                decoder.feed(chunk).expect("it is a gzip");
            }
            assert!(decoder.finish().expect("it is whole") == text);
        }
    }

    #[test]
    fn no_more_is_decoded_than_the_limit() {
        let bomb = gzip(&vec![b'x'; 50_000_000]);
        assert_eq!(decode("gzip", &bomb, 60_000), Err(Undecodable::TooLarge));
        assert_eq!(
            decode("identity", &vec![b'x'; 1_000_001], 60_000),
            Err(Undecodable::TooLarge)
        );
    }
}
