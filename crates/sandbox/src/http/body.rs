//! Bodies that come slowly, stall, break off, or have no end worth waiting for.

use std::{
    convert::Infallible,
    future::Future,
    io::Write,
    iter::{self, Peekable},
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
pub(crate) type Pieces = Box<dyn Iterator<Item = Bytes> + Send>;

/// A body in pieces of so many bytes.
pub(crate) fn pieces(mut bytes: Bytes, size: usize) -> Pieces {
    Box::new(iter::from_fn(move || {
        let piece = bytes.split_to(size.min(bytes.len()));
        (!piece.is_empty()).then_some(piece)
    }))
}

/// Valid JSON of so many bytes, and a little more.
pub(crate) fn huge(bytes: u64) -> Pieces {
    let piece = format!("{{\"email\":\"{}@filler.example\"}},", "a".repeat(64 << 10));
    let count = bytes.div_ceil(piece.len() as u64) as usize;
    let head = b"{\"data\":{\"users\":{\"totalCount\":1,\"nodes\":[";
    let tail = b"{}],\"pageInfo\":{\"hasNextPage\":false,\"endCursor\":null}}}}";
    Box::new(
        iter::once(Bytes::from_static(head))
            .chain(iter::repeat_n(Bytes::from(piece), count))
            .chain(iter::once(Bytes::from_static(tail))),
    )
}

/// The same under gzip.
pub(crate) fn bomb(bytes: u64) -> Pieces {
    let mut pieces = huge(bytes);
    let mut encoder = Some(GzEncoder::new(Vec::new(), Compression::fast()));
    Box::new(iter::from_fn(move || {
        loop {
            let writer = encoder.as_mut()?;
            let Some(piece) = pieces.next() else {
                let end = encoder.take().and_then(|encoder| encoder.finish().ok());
                return end.map(Bytes::from);
            };
            // Writing to a vector cannot fail.
            let _ = writer.write_all(&piece);
            if !writer.get_ref().is_empty() {
                return Some(std::mem::take(writer.get_mut()).into());
            }
        }
    }))
}

/// A body with a shape of its own.
pub(crate) struct Shaped {
    pieces: Peekable<Pieces>,
    /// The pause before each piece.
    every: Option<Duration>,
    ending: Ending,
    control: Arc<Control>,
    pause: Option<Pin<Box<Sleep>>>,
    is_flushed: bool,
}

impl Shaped {
    pub(crate) fn new(
        pieces: Pieces,
        every: Option<Duration>,
        ending: Ending,
        control: Arc<Control>,
    ) -> Self {
        Self {
            pieces: pieces.peekable(),
            every,
            ending,
            control,
            pause: None,
            is_flushed: false,
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
        if let Some(every) = self.every
            && self.pieces.peek().is_some()
        {
            let sleep = || Box::pin(tokio::time::sleep(every));
            let pause = self.pause.get_or_insert_with(sleep);
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
        if let Some(piece) = self.pieces.next() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.ending {
            Ending::Finish | Ending::CloseAfter => Poll::Ready(None),
            // Nobody will wake this: it ends when the client leaves or the server stops.
            Ending::Stall => Poll::Pending,
            Ending::Reset | Ending::Close if !self.is_flushed => {
                // What was sent so far leaves the buffers while this waits for its next turn.
                self.is_flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::Reset | Ending::Close => {
                self.control.break_off(self.ending == Ending::Reset);
                // One more byte, so that the connection is written to and finds itself broken.
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b" ")))))
            }
        }
    }
}

impl Drop for Shaped {
    fn drop(&mut self) {
        if self.ending == Ending::CloseAfter {
            self.control.leave();
        }
    }
}
