//! Who is trusted to say that the server is who it should be.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::Error;

/// The system's authorities and those in `added` (PEM); ring's cryptography, TLS 1.2 and 1.3, HTTP/2 where the server
/// has it. `needed` is false where nothing will be sent over TLS, which saves reading the system's authorities.
pub(crate) fn config(added: Option<&[u8]>, needed: bool) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    if needed {
        // What cannot be read is passed over: a system may hold any number of certificates that are of no use.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(pem) = added {
        for certificate in authorities(pem)? {
            roots.add(certificate).map_err(|_| {
                Error::Settings("a certificate of the added authorities cannot be used".to_owned())
            })?;
        }
    }
    if needed && roots.is_empty() {
        return Err(Error::NoAuthorities);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Settings(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        // The parser's own error shows the line that it did not like, and the file may be another one than was meant.
        .map_err(|_| Error::Settings("the added authorities are not PEM".to_owned()))?;
    if certificates.is_empty() {
        return Err(Error::Settings(
            "the added authorities hold no certificate (-----BEGIN CERTIFICATE-----)".to_owned(),
        ));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_certificate_is_refused() {
        for pem in [
            &b""[..],
            b"nonsense",
            b"-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert!(
                matches!(config(Some(pem), false), Err(Error::Settings(_))),
                "{}",
                String::from_utf8_lossy(pem)
            );
        }
        assert!(config(None, false).is_ok());
    }
}
