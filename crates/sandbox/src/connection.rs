//! A TCP connection that the answer can break.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
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

/// What a handler may do to the connection its request came on.
#[derive(Debug, Default)]
pub(crate) struct Control {
    reset: AtomicBool,
    close: AtomicBool,
    leave: Notify,
}

impl Control {
    /// The next byte that is to be sent is not: the peer gets a reset instead, or the connection is closed in order.
    pub(crate) fn break_off(&self, is_reset: bool) {
        let flag = if is_reset { &self.reset } else { &self.close };
        flag.store(true, Ordering::SeqCst);
    }

    /// The connection is closed in order once what was answered has been sent.
    pub(crate) fn leave(&self) {
        self.leave.notify_one();
    }

    /// Waits for [`Control::leave`].
    pub(crate) async fn left(&self) {
        self.leave.notified().await;
    }
}

/// The bytes of a connection, in clear or under TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    fn socket(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// A stream that obeys its [`Control`].
pub(crate) struct Tapped {
    pub(crate) stream: Box<dyn Stream>,
    pub(crate) control: Arc<Control>,
}

impl Tapped {
    fn check(&self) -> io::Result<()> {
        if self.control.reset.load(Ordering::SeqCst) {
            // Closing a socket that must not linger sends a reset (socket(7), SO_LINGER).
            let socket = socket2::SockRef::from(self.stream.socket());
            let _ = socket.set_linger(Some(Duration::ZERO));
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        match self.control.close.load(Ordering::SeqCst) {
            true => Err(io::ErrorKind::ConnectionAborted.into()),
            false => Ok(()),
        }
    }
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
