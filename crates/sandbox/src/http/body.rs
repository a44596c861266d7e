//! Bodies that come slowly, stop, break off, or have no end worth waiting for.

use std::{
    convert::Infallible,
    future::Future,
    io::Write,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body::{Body, Frame};
use tokio::time::Sleep;

use crate::connection::Control;

/// What happens behind the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Ending {
    #[default]
    Finish,
    Stall,
    Reset,
    Close,
    /// The body ends in order; the connection is closed then.
    CloseAfter,
}

/// Where the bytes come from.
pub(crate) enum Source {
    Bytes(Bytes),
    Filler(Filler),
    Bomb(Box<Bomb>),
}

/// Valid JSON of a given size, made piece by piece.
pub(crate) struct Filler {
    left: u64,
    step: Step,
    piece: Bytes,
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Head,
    Middle,
    Tail,
    Done,
}

const HEAD: &[u8] = b"{\"data\":{\"users\":{\"totalCount\":1,\"nodes\":[";
const TAIL: &[u8] = b"{}],\"pageInfo\":{\"hasNextPage\":false,\"endCursor\":null}}}}";

impl Filler {
    pub(crate) fn new(bytes: u64) -> Self {
        let piece = format!("{{\"email\":\"{}@filler.example\"}},", "a".repeat(64 << 10));
        Self {
            left: bytes,
            step: Step::Head,
            piece: Bytes::from(piece),
        }
    }

    fn next(&mut self) -> Option<Bytes> {
        match self.step {
            Step::Head => {
                self.step = Step::Middle;
                Some(Bytes::from_static(HEAD))
            }
            Step::Middle => {
                self.left = self.left.saturating_sub(self.piece.len() as u64);
                if self.left == 0 {
                    self.step = Step::Tail;
                }
                Some(self.piece.clone())
            }
            Step::Tail => {
                self.step = Step::Done;
                Some(Bytes::from_static(TAIL))
            }
            Step::Done => None,
        }
    }
}

/// A [`Filler`] under gzip.
pub(crate) struct Bomb {
    filler: Filler,
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl Bomb {
    pub(crate) fn new(bytes: u64) -> Self {
        Self {
            filler: Filler::new(bytes),
            encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())),
        }
    }

    fn next(&mut self) -> Option<Bytes> {
        loop {
            let encoder = self.encoder.as_mut()?;
            match self.filler.next() {
                Some(piece) => {
                    let _ = encoder.write_all(&piece);
                    let made = std::mem::take(encoder.get_mut());
                    if !made.is_empty() {
                        return Some(made.into());
                    }
                }
                None => {
                    return self
                        .encoder
                        .take()
                        .and_then(|encoder| encoder.finish().ok())
                        .map(Bytes::from);
                }
            }
        }
    }
}

/// A body with a shape of its own.
pub(crate) struct Shaped {
    pub(crate) source: Source,
    /// The pause before each piece of so many bytes.
    pub(crate) pace: Option<(Duration, usize)>,
    pub(crate) ending: Ending,
    pub(crate) control: Option<Arc<Control>>,
    pause: Option<Pin<Box<Sleep>>>,
    flushed: bool,
}

impl Shaped {
    pub(crate) fn new(
        source: Source,
        pace: Option<(Duration, usize)>,
        ending: Ending,
        control: Option<Arc<Control>>,
    ) -> Self {
        Self {
            source,
            pace,
            ending,
            control,
            pause: None,
            flushed: false,
        }
    }

    fn has_more(&self) -> bool {
        match &self.source {
            Source::Bytes(bytes) => !bytes.is_empty(),
            Source::Filler(filler) => filler.step != Step::Done,
            Source::Bomb(bomb) => bomb.encoder.is_some(),
        }
    }

    fn next(&mut self) -> Option<Bytes> {
        let most = self.pace.map_or(usize::MAX, |(_, bytes)| bytes.max(1));
        match &mut self.source {
            Source::Bytes(bytes) if bytes.is_empty() => None,
            Source::Bytes(bytes) => Some(bytes.split_to(most.min(bytes.len()))),
            Source::Filler(filler) => filler.next(),
            Source::Bomb(bomb) => bomb.next(),
        }
    }
}

impl Body for Shaped {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some((every, _)) = self.pace.filter(|_| self.has_more()) {
            let pause = self
                .pause
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(every)));
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
        if let Some(piece) = self.next() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.ending {
            Ending::Finish | Ending::CloseAfter => Poll::Ready(None),
            // Nobody will wake this: it ends when the client leaves or the server stops.
            Ending::Stall => Poll::Pending,
            Ending::Reset | Ending::Close if !self.flushed => {
                // What was sent so far leaves the buffers while this waits for its next turn.
                self.flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::Reset | Ending::Close => {
                if let Some(control) = &self.control {
                    if self.ending == Ending::Reset {
                        control.reset()
                    } else {
                        control.close()
                    }
                }
                // One more byte, so that the connection is written to and finds itself broken.
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b" ")))))
            }
        }
    }
}

impl Drop for Shaped {
    fn drop(&mut self) {
        if let (Ending::CloseAfter, Some(control)) = (self.ending, &self.control) {
            control.leave();
        }
    }
}
