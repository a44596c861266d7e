//! The first attempt at a page, begun while the page before it is still read.
//!
//! A page's cursor stands before its records. So the API can make the next page while the records of this one are
//! decoded, which takes about as long as a fast API takes.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::failure::Failure;
use crate::json::{Kind, Scanner};
use crate::operation::Operation;
use crate::records;
use crate::transport::RawReply;

/// Turns of the runtime after which a request has been sent, with some to spare: it steps aside three times, finds its
/// connection, and the connection's own task writes.
const TURNS: usize = 8;
/// Bytes of a reply in which its cursor is looked for.
const HEAD: usize = 8 * 1024;

type Outcome = Result<RawReply, Failure>;

/// One attempt under way, or what came of it.
pub(crate) enum Begun<'a> {
    UnderWay(Pin<Box<dyn Future<Output = Outcome> + 'a>>),
    Come(Outcome),
}

impl<'a> Begun<'a> {
    /// Starts the attempt. When this comes back, its request has been sent, if its connection is there already.
    pub async fn new(attempt: impl Future<Output = Outcome> + 'a) -> Begun<'a> {
        let mut begun = Begun::UnderWay(Box::pin(attempt));
        for _ in 0..TURNS {
            let _ = poll_fn(|context| Poll::Ready(begun.poll(context))).await;
            tokio::task::yield_now().await;
        }
        begun
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Begun::UnderWay(attempt) = self {
            let Poll::Ready(outcome) = attempt.as_mut().poll(context) else {
                return Poll::Pending;
            };
            *self = Begun::Come(outcome);
        }
        Poll::Ready(())
    }

    /// Waits until the attempt has come to its end. Dropping the future loses nothing.
    pub async fn come(&mut self) {
        poll_fn(|context| self.poll(context)).await;
    }

    pub async fn outcome(self) -> Outcome {
        match self {
            Begun::UnderWay(attempt) => attempt.await,
            Begun::Come(outcome) => outcome,
        }
    }
}

/// The cursor of the page after the one that this reply holds, as its first bytes tell. Nothing is proved by it: the rest
/// may be broken, or say that there are errors.
pub(crate) fn cursor(reply: &RawReply, operation: &Operation) -> Option<String> {
    if reply.status != 200 {
        return None;
    }
    let head = reply.body.get(..HEAD).unwrap_or(&reply.body);
    let head = match std::str::from_utf8(head) {
        Ok(head) => head,
        Err(error) => std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?,
    };
    let mut scanner = Scanner::new(head);
    for name in ["data", operation.name.as_str()] {
        // Errors come before data where a server follows the specification's advice.
        if scanner.kind().ok()? != Kind::Object
            || !scanner.enter().ok()?
            || scanner.name().ok()? != name
        {
            return None;
        }
    }
    records::cursor_ahead(&mut scanner, operation)
}
