//! A stranger between the extension and the sandbox: it keeps what it is sent, and decides where that goes on to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Method and target, as in `POST /graphql`.
    pub line: String,
    /// What the header `Authorization` held.
    pub authorization: String,
}

type Route = dyn Fn(&Received) -> SocketAddr + Send + Sync;

/// Listens on an address of its own for as long as the test runs.
pub struct Relay {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Relay {
    /// Hands each request on to the address that `route` says.
    pub fn start(route: impl Fn(&Received) -> SocketAddr + Send + Sync + 'static) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let (log, route) = (Arc::clone(&received), Arc::new(route));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (log, route) = (Arc::clone(&log), Arc::clone(&route));
                // A connection that breaks is the client's to report.
                thread::spawn(move || drop(hand_on(client, &log, &*route)));
            }
        });
        Relay { address, received }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For the option `api_url`.
    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    /// Everything received since the last call.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One request a connection: the answer is the last thing that the client gets.
fn hand_on(client: TcpStream, log: &Mutex<Vec<Received>>, route: &Route) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = Vec::new();
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim_end().to_owned();
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "authorization" => authorization = value.trim().to_owned(),
            "connection" => continue,
            _ => {}
        }
        headers.push(header);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let received = Received {
        line: line.trim_end().trim_end_matches(" HTTP/1.1").to_owned(),
        authorization,
    };
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(received.clone());

    let mut server = TcpStream::connect(route(&received))?;
    write!(server, "{line}")?;
    for header in headers {
        write!(server, "{header}\r\n")?;
    }
    write!(server, "Connection: close\r\n\r\n")?;
    server.write_all(&body)?;
    std::io::copy(&mut server, &mut &client)?;
    client.shutdown(Shutdown::Both)
}
