//! A TCP connection that the answer can break.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
};
use tokio_rustls::server::TlsStream;

/// How many connections there were and are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// Accepted since the start.
    pub accepted: u64,
    /// Open now.
    pub open: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    accepted: AtomicU64,
    open: AtomicU64,
}

impl Counters {
    pub(crate) fn get(&self) -> Connections {
        Connections {
            accepted: self.accepted.load(Ordering::SeqCst),
            open: self.open.load(Ordering::SeqCst),
        }
    }
}

/// What a handler may do to the connection its request came on.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) id: u64,
    reset: AtomicBool,
    close: AtomicBool,
    leave: Notify,
    counters: Arc<Counters>,
}

impl Control {
    pub(crate) fn open(counters: &Arc<Counters>) -> Arc<Self> {
        let id = counters.accepted.fetch_add(1, Ordering::SeqCst) + 1;
        counters.open.fetch_add(1, Ordering::SeqCst);
        Arc::new(Self {
            id,
            reset: AtomicBool::new(false),
            close: AtomicBool::new(false),
            leave: Notify::new(),
            counters: Arc::clone(counters),
        })
    }

    /// The next byte that is to be sent is not: the peer gets a reset instead.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
    }

    /// The next byte that is to be sent is not: the connection is closed in order.
    pub(crate) fn close(&self) {
        self.close.store(true, Ordering::SeqCst);
    }
}

impl Control {
    /// The connection is closed in order once what was answered has been sent.
    pub(crate) fn leave(&self) {
        self.leave.notify_one();
    }

    /// Waits for [`Control::leave`].
    pub(crate) async fn left(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.counters.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The bytes of a connection, in clear or under TLS.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A stream that obeys its [`Control`].
pub(crate) struct Tapped {
    pub(crate) stream: Stream,
    pub(crate) control: Arc<Control>,
}

impl Tapped {
    fn socket(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => stream.get_ref().0,
        }
    }

    fn broken(&self) -> Option<io::Error> {
        if self.control.reset.load(Ordering::SeqCst) {
            // Closing a socket that must not linger sends a reset (socket(7), SO_LINGER).
            let _ = socket2::SockRef::from(self.socket()).set_linger(Some(Duration::ZERO));
            return Some(io::ErrorKind::ConnectionReset.into());
        }
        self.control
            .close
            .load(Ordering::SeqCst)
            .then(|| io::ErrorKind::ConnectionAborted.into())
    }
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(socket) => Pin::new(socket).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(error) = self.broken() {
            return Poll::Ready(Err(error));
        }
        match &mut self.stream {
            Stream::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(error) = self.broken() {
            return Poll::Ready(Err(error));
        }
        match &mut self.stream {
            Stream::Plain(socket) => Pin::new(socket).poll_write_vectored(context, parts),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(socket) => socket.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(socket) => Pin::new(socket).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
