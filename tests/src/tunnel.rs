//! An HTTP proxy that opens tunnels, and keeps what it was told in clear text.

use std::io::{BufRead, BufReader, Write, copy};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Listens on an address of its own for as long as the test runs.
pub struct Tunnel {
    address: SocketAddr,
    told: Arc<Mutex<String>>,
}

impl Tunnel {
    /// Every tunnel ends at `target`, whatever it was asked for.
    pub fn start(target: SocketAddr) -> Tunnel {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let told = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&told);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let log = Arc::clone(&log);
                // A connection that breaks is the client's to report.
                thread::spawn(move || drop(open(client, target, &log)));
            }
        });
        Tunnel { address, told }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that it was told since the last call.
    pub fn take(&self) -> String {
        std::mem::take(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn open(mut client: TcpStream, target: SocketAddr, log: &Mutex<String>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    let mut server = TcpStream::connect(target)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let mut back = server.try_clone()?;
    thread::spawn(move || copy(&mut back, &mut client));
    copy(&mut reader, &mut server).map(drop)
}
