//! The content coding of a reply's body: none, or gzip, whatever its spelling and in however many members.

use flate2::{Decompress, FlushDecompress, Status};

/// What this client asks for.
pub(crate) const ACCEPTED: &str = "gzip";
/// The base-two logarithm of the window that gzip allows.
const WINDOW_BITS: u8 = 15;
/// Room that a body begins with, and the most that is made at once on a guess.
const LEAST_ROOM: usize = 32 * 1024;
const MOST_EXPECTED: usize = 4 * 1024 * 1024;

/// A body as it comes, and what it is after decoding, up to a limit.
pub(crate) struct Decoder {
    /// What has been decoded. A gzip's bytes are inflated into it: it is its own window, and nothing is copied.
    bytes: Vec<u8>,
    limit: u64,
    /// Bytes that it may come to.
    expected: usize,
    gzip: Option<Gzip>,
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
        let gzip = match codings.as_slice() {
            [] => None,
            [coding] if matches!(coding.as_str(), "gzip" | "x-gzip") => Some(Gzip::new()),
            _ => return Err(Undecodable::Unknown(codings.join(", "))),
        };
        Ok(Decoder {
            bytes: Vec::new(),
            limit,
            expected: expected.min(MOST_EXPECTED),
            gzip,
        })
    }

    /// Takes the next bytes of the body; answers how many bytes have been decoded by now.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<usize, Undecodable> {
        match self.gzip.take() {
            None if self.bytes.len() as u64 + chunk.len() as u64 > self.limit => {
                return Err(Undecodable::TooLarge);
            }
            None => {
                if self.bytes.is_empty() {
                    self.make_room();
                }
                self.bytes.extend_from_slice(chunk);
            }
            Some(mut gzip) => {
                self.inflate(&mut gzip, chunk)?;
                self.gzip = Some(gzip);
            }
        }
        Ok(self.bytes.len())
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
            // Pages of one list differ a little, and one that does not fit is copied.
            0 => (self.expected + self.expected / 16).max(LEAST_ROOM),
            _ => (length / 2).max(LEAST_ROOM),
        };
        let allowed = usize::try_from(self.limit.saturating_add(1))
            .unwrap_or(usize::MAX)
            .saturating_sub(length);
        self.bytes.reserve_exact(wanted.min(allowed).max(1));
    }

    /// What has been decoded so far.
    pub fn decoded(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole body, which has come to its end, so that its coding must have come to an end as well.
    pub fn finish(self) -> Result<Vec<u8>, Undecodable> {
        match self.gzip {
            Some(gzip) if gzip.place == Place::InMember => Err(Undecodable::Broken(
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
    fn no_more_is_decoded_than_the_limit() {
        let bomb = gzip(&vec![b'x'; 50_000_000]);
        assert_eq!(decode("gzip", &bomb, 60_000), Err(Undecodable::TooLarge));
        assert_eq!(
            decode("identity", &vec![b'x'; 1_000_001], 60_000),
            Err(Undecodable::TooLarge)
        );
    }
}
