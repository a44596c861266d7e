//! One attempt at a query that is begun before its turn.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::failure::Failure;
use crate::transport::{RawReply, Sent};

/// Turns of the runtime in which a request is sent, with many to spare. More would be taken if its connection had to be
/// made first, which nobody waits for here.
const TURNS: usize = 64;

type Outcome = Result<RawReply, Failure>;

/// One attempt under way, or what came of it.
pub(crate) enum Begun<'a> {
    UnderWay(Pin<Box<dyn Future<Output = Outcome> + 'a>>),
    Come(Outcome),
}

impl<'a> Begun<'a> {
    /// Starts the attempt. When this comes back, its request has been sent, if its connection is there already.
    pub async fn new(attempt: impl Future<Output = Outcome> + 'a, sent: Sent) -> Begun<'a> {
        let mut begun = Begun::UnderWay(Box::pin(attempt));
        for _ in 0..TURNS {
            let _ = poll_fn(|context| Poll::Ready(begun.poll(context))).await;
            tokio::task::yield_now().await;
            if sent.is_set() {
                break;
            }
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
