//! Whether a connection is being made, so that who waits for it can say so.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use crate::wake::Wake;

/// Connections of this process that are being made.
static BEGUN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Who is to be told when this thread begins to connect, or is done with it.
    static WATCHER: RefCell<Option<Arc<Wake>>> = const { RefCell::new(None) };
}

/// Whether this process looks up a name, opens a connection or agrees on its keys.
pub fn is_connecting() -> bool {
    BEGUN.load(Relaxed) > 0
}

/// From now on the other side of this thread is woken.
pub(crate) fn watch_by(wake: Arc<Wake>) {
    WATCHER.set(Some(wake));
}

fn wake() {
    WATCHER.with_borrow(|watcher| {
        if let Some(watcher) = watcher {
            watcher.wake();
        }
    });
}

/// A connection that is being made.
struct Begun;

impl Begun {
    fn new() -> Begun {
        BEGUN.fetch_add(1, Relaxed);
        wake();
        Begun
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        BEGUN.fetch_sub(1, Relaxed);
        wake();
    }
}

/// Counts the connections that the client makes.
#[derive(Clone, Copy)]
pub(crate) struct Counted;

#[derive(Clone)]
pub(crate) struct Connector<S>(S);

impl<S> Layer<S> for Counted {
    type Service = Connector<S>;

    fn layer(&self, inner: S) -> Connector<S> {
        Connector(inner)
    }
}

impl<S, R> Service<R> for Connector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connection = self.0.call(request);
        Box::pin(async move {
            let _begun = Begun::new();
            connection.await
        })
    }
}
