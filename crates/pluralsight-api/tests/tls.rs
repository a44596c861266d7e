//! Who is trusted. Every certificate is made by the test.

mod support;

use std::sync::Arc;
use std::time::Duration;

use pluralsight_api::{Client, Error, ErrorKind, Settings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use support::*;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    fn sign(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (CertificateDer<'static>, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), key)
    }
}

fn self_signed() -> (CertificateDer<'static>, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    (certificate.der().clone(), key)
}

fn server((certificate, key): (CertificateDer<'static>, KeyPair)) -> Server {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Server::start_with(Some(TlsAcceptor::from(Arc::new(config))), |_| good())
}

fn caller(server: &Server, ca: Option<Vec<u8>>) -> Caller {
    let url = format!("https://localhost:{}/graphql", server.address.port());
    Caller::with(&Settings {
        ca_pem: ca,
        ..settings(&url)
    })
}

/// What is said of a server that is not trusted, which must not have seen a request.
async fn distrusted(server: Server, ca: Option<Vec<u8>>) -> String {
    let caller = caller(&server, ca);
    let error = caller.send().await.expect_err("not trusted");
    let Error::Tls { host, cause } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*host, format!("localhost:{}", server.address.port()));
    assert_eq!(
        (server.count(), caller.stats.requests()),
        (0, 1),
        "not sent, not retried"
    );
    assert!(
        error
            .to_string()
            .starts_with("no secure connection to localhost:"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("TLS cannot be switched off"));
    cause.clone()
}

#[tokio::test]
async fn an_added_authority_is_trusted() {
    let authority = Authority::new("one");
    let server = server(authority.sign("localhost", |_| {}));
    let caller = caller(&server, Some(authority.pem()));
    for _ in 0..3 {
        caller.send().await.expect("trusted");
    }
    assert_eq!((server.count(), server.connections()), (3, 1));
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted() {
    let (authority, other) = (Authority::new("one"), Authority::new("another"));
    let cause = distrusted(
        server(authority.sign("localhost", |_| {})),
        Some(other.pem()),
    )
    .await;
    assert!(
        cause.contains("authority that this machine does not trust"),
        "{cause}"
    );
    // Of the same name, but with another key.
    let cause = distrusted(
        server(authority.sign("localhost", |_| {})),
        Some(Authority::new("one").pem()),
    )
    .await;
    assert!(
        cause.contains("authority that this machine does not trust"),
        "{cause}"
    );
    let cause = distrusted(server(authority.sign("localhost", |_| {})), None).await;
    assert!(
        cause.contains("authority that this machine does not trust"),
        "{cause}"
    );
}

#[tokio::test]
async fn an_expired_certificate_is_not_trusted() {
    let authority = Authority::new("one");
    let expired = authority.sign("localhost", |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    assert_eq!(
        distrusted(server(expired), Some(authority.pem())).await,
        "its certificate has expired"
    );
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_yet_is_not_trusted() {
    let authority = Authority::new("one");
    let early = authority.sign("localhost", |params| {
        params.not_before = rcgen::date_time_ymd(2999, 1, 1)
    });
    assert!(
        distrusted(server(early), Some(authority.pem()))
            .await
            .contains("not valid yet")
    );
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_trusted() {
    let authority = Authority::new("one");
    let cause = distrusted(
        server(authority.sign("other.example", |_| {})),
        Some(authority.pem()),
    )
    .await;
    assert_eq!(cause, "its certificate is for another name");
}

#[tokio::test]
async fn a_self_signed_certificate_is_not_trusted() {
    let cause = distrusted(server(self_signed()), None).await;
    assert!(cause.starts_with("its certificate"), "{cause}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_named_so() {
    let server = Server::start(|_| good());
    // The raw server reads the TLS greeting as the start of an HTTP request and never answers.
    let caller = Caller::with(&Settings {
        connect_timeout: Duration::from_millis(150),
        max_attempts: 1,
        ..settings(&format!(
            "https://localhost:{}/graphql",
            server.address.port()
        ))
    });
    let error = caller.send().await.expect_err("no TLS");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(
        error.to_string().starts_with("no connection to localhost:")
            && error.to_string().contains("within 150 ms"),
        "{error}"
    );
}

#[test]
fn an_authority_that_cannot_be_read_is_refused_at_once() {
    for pem in [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let error = Client::new(&Settings {
            ca_pem: Some(pem.into()),
            ..Settings::default()
        })
        .err()
        .expect("refused");
        assert_eq!(error.kind(), ErrorKind::Settings, "{error}");
    }
}

/// A proxy that opens tunnels to `target`, whatever it is asked for, and keeps what it was told in clear text.
fn tunnel(target: std::net::SocketAddr) -> (std::net::SocketAddr, Arc<std::sync::Mutex<String>>) {
    use std::io::{BufRead, BufReader, Write, copy};
    use std::net::{TcpListener, TcpStream};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let told = Arc::new(std::sync::Mutex::new(String::new()));
    let heard = Arc::clone(&told);
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(client.try_clone().unwrap());
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            heard.lock().unwrap().push_str(&line);
            if line.trim().is_empty() {
                break;
            }
        }
        let mut server = TcpStream::connect(target).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut back, mut forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || copy(&mut back, &mut forth));
        // Either side may go away as it likes.
        let _ = copy(&mut reader, &mut server);
    });
    (address, told)
}

#[tokio::test]
async fn a_proxy_is_given_a_tunnel_and_no_token() {
    let authority = Authority::new("one");
    let server = server(authority.sign("localhost", |_| {}));
    let (proxy, told) = tunnel(server.address);
    let url = format!("https://localhost:{}/graphql", server.address.port());
    let caller = Caller::with(&Settings {
        ca_pem: Some(authority.pem()),
        proxy: Some(format!("http://{proxy}").parse().unwrap()),
        ..settings(&url)
    });
    caller.send().await.expect("answered through the tunnel");
    assert_eq!(server.count(), 1);
    let told = told.lock().unwrap().clone();
    assert!(
        told.starts_with(&format!("CONNECT localhost:{} ", server.address.port())),
        "{told}"
    );
    assert!(!told.contains(TOKEN) && !told.to_lowercase().contains("authorization"));
}

#[test]
fn a_machine_without_authorities_is_told_apart_from_a_server_that_is_not_trusted() {
    // The environment belongs to the whole process, so the variables are set for a process of its own.
    const MARK: &str = "PLURALSIGHT_API_TEST_CHILD";
    if std::env::var_os(MARK).is_some() {
        let error = Client::new(&Settings::default()).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::Tls);
        assert_eq!(
            error.to_string(),
            "no secure connection is possible: no certificate authorities are installed on this machine"
        );
        assert!(error.hint().unwrap().contains("ca_file"));
        // Neither is in the way of those who need none of the machine's.
        assert!(Client::new(&settings("http://127.0.0.1:1/graphql")).is_ok());
        let added = Settings {
            ca_pem: Some(Authority::new("one").pem()),
            ..Settings::default()
        };
        assert!(Client::new(&added).is_ok());
        return;
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_machine_without_authorities_is_told_apart_from_a_server_that_is_not_trusted",
        ])
        .env(MARK, "1")
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .unwrap();
    assert!(
        child.status.success(),
        "{}",
        String::from_utf8_lossy(&child.stdout)
    );
}
