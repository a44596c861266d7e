//! The content coding of a reply's body: none, or gzip, whatever its spelling and in however many members.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

/// What this client asks for.
pub(crate) const ACCEPTED: &str = "gzip";

/// A body as it comes, and what it is after decoding, up to a limit.
pub(crate) enum Decoder {
    Plain(Bounded),
    Gzip {
        decoder: Box<MultiGzDecoder<Bounded>>,
        /// Something has come.
        fed: bool,
    },
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

/// Decoded bytes, up to a limit.
pub(crate) struct Bounded {
    bytes: Vec<u8>,
    limit: u64,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() as u64 + bytes.len() as u64 > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder {
    /// A decoder for the values of `Content-Encoding`, in any case.
    pub fn new<'a>(
        headers: impl IntoIterator<Item = &'a str>,
        limit: u64,
    ) -> Result<Decoder, Undecodable> {
        let codings: Vec<String> = headers
            .into_iter()
            .flat_map(|header| header.split(','))
            .map(|coding| coding.trim().to_ascii_lowercase())
            .filter(|coding| !coding.is_empty() && coding != "identity")
            .collect();
        let bytes = Bounded {
            bytes: Vec::new(),
            limit,
        };
        match codings.as_slice() {
            [] => Ok(Decoder::Plain(bytes)),
            [coding] if matches!(coding.as_str(), "gzip" | "x-gzip") => Ok(Decoder::Gzip {
                decoder: Box::new(MultiGzDecoder::new(bytes)),
                fed: false,
            }),
            _ => Err(Undecodable::Unknown(codings.join(", "))),
        }
    }

    /// Takes the next bytes of the body; answers how many bytes have been decoded by now.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<usize, Undecodable> {
        match self {
            Decoder::Plain(bytes) => bytes.write_all(chunk),
            Decoder::Gzip { decoder, fed } => {
                *fed |= !chunk.is_empty();
                decoder.write_all(chunk)
            }
        }
        .map_err(Undecodable::from)?;
        Ok(self.decoded().len())
    }

    /// What has been decoded so far.
    pub fn decoded(&self) -> &[u8] {
        match self {
            Decoder::Plain(bytes) => &bytes.bytes,
            Decoder::Gzip { decoder, .. } => &decoder.get_ref().bytes,
        }
    }

    /// The whole body, which has come to its end, so that its coding must have come to an end as well.
    pub fn finish(self) -> Result<Vec<u8>, Undecodable> {
        match self {
            Decoder::Plain(bytes) => Ok(bytes.bytes),
            // A reply without a body has nothing to decode.
            Decoder::Gzip { fed: false, .. } => Ok(Vec::new()),
            Decoder::Gzip { decoder, .. } => Ok(decoder.finish()?.bytes),
        }
    }

    /// The most bytes that are decoded.
    pub fn limit(&self) -> u64 {
        match self {
            Decoder::Plain(bytes) => bytes.limit,
            Decoder::Gzip { decoder, .. } => decoder.get_ref().limit,
        }
    }
}

impl From<io::Error> for Undecodable {
    fn from(error: io::Error) -> Undecodable {
        match error.kind() {
            io::ErrorKind::FileTooLarge => Undecodable::TooLarge,
            io::ErrorKind::UnexpectedEof => {
                Undecodable::Broken("its compressed body breaks off".to_owned())
            }
            _ => Undecodable::Broken(format!("its body is not gzip as it says ({error})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("written");
        encoder.finish().expect("finished")
    }

    fn decode(header: &str, body: &[u8], size: usize) -> Result<Vec<u8>, Undecodable> {
        let mut decoder = Decoder::new([header], 1_000_000)?;
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
