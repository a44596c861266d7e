//! HTTPS with certificates made at the start, good ones and bad ones.

use std::sync::Arc;

use clap::ValueEnum;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
};

/// Which certificate the server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Certificate {
    /// Valid, for `localhost`, `127.0.0.1` and the names that the API has, signed by the server's own authority.
    Good,
    /// The same, no longer valid.
    Expired,
    /// The same, not yet valid.
    NotYet,
    /// For `elsewhere.example`.
    WrongName,
    /// Signed by itself: the server's authority does not vouch for it.
    SelfSigned,
}

/// A certificate that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// By the generator.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// By the TLS library.
    #[error("cannot set up TLS: {0}")]
    Setup(#[from] rustls::Error),
}

/// What the server needs for HTTPS.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: String,
}

impl Tls {
    pub(crate) fn new(kind: Certificate) -> Result<Self, TlsError> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::new(Vec::new())?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        ca.distinguished_name
            .push(DnType::CommonName, "Sandbox authority");
        let ca_pem = ca.self_signed(&ca_key)?.pem();

        let names = match kind {
            Certificate::WrongName => vec!["elsewhere.example".to_owned()],
            // A machine whose /etc/hosts says so can find the sandbox where the API would be.
            _ => [
                "localhost",
                "127.0.0.1",
                "api.pluralsight.com",
                "paas-api.pluralsight.com",
            ]
            .map(str::to_owned)
            .to_vec(),
        };
        let key = KeyPair::generate()?;
        let mut server = CertificateParams::new(names)?;
        server
            .distinguished_name
            .push(DnType::CommonName, "Sandbox");
        (server.not_before, server.not_after) = match kind {
            Certificate::Expired => (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1)),
            Certificate::NotYet => (date_time_ymd(3000, 1, 1), date_time_ymd(3001, 1, 1)),
            _ => (date_time_ymd(2020, 1, 1), date_time_ymd(3000, 1, 1)),
        };
        let certificate = match kind {
            Certificate::SelfSigned => server.self_signed(&key)?,
            _ => server.signed_by(&key, &Issuer::new(ca, ca_key))?,
        };
        // The provider is named, because a process that holds two of them has no default one.
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            ca_pem,
        })
    }
}
