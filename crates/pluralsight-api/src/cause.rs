//! What lies at the bottom of a failed exchange, in words that a person understands.

use std::error::Error as StdError;
use std::io;

use rustls::{CertificateError, Error as TlsError};

/// The bottom of an error's chain of sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The name of the server does not exist.
    NoSuchHost,
    /// The server's certificate, or what it says in TLS, is not acceptable.
    Tls(String),
    /// Anything else.
    Other(String),
}

/// Looks for the deepest thing that says what happened.
pub(crate) fn of(error: &(dyn StdError + 'static)) -> Cause {
    let mut cause = None;
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(tls) = error.downcast_ref::<TlsError>() {
            return Cause::Tls(tls_text(tls));
        }
        cause = Some(cause_of(error));
        current = match error.downcast_ref::<io::Error>() {
            // The error inside an I/O error is not among its sources.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    cause.unwrap_or_else(|| Cause::Other("unknown cause".to_owned()))
}

fn cause_of(error: &(dyn StdError + 'static)) -> Cause {
    let text = error.to_string();
    if let Some(io) = error.downcast_ref::<io::Error>()
        && let Some(words) = io_text(io.kind())
    {
        return Cause::Other(words.to_owned());
    }
    if is_unknown_name(&text) {
        return Cause::NoSuchHost;
    }
    Cause::Other(plain(&text))
}

fn io_text(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some("connection refused"),
        io::ErrorKind::ConnectionReset => Some("connection reset"),
        io::ErrorKind::ConnectionAborted => Some("connection aborted"),
        io::ErrorKind::BrokenPipe => Some("the connection was closed"),
        io::ErrorKind::TimedOut => Some("connection timed out"),
        io::ErrorKind::HostUnreachable => Some("host unreachable"),
        io::ErrorKind::NetworkUnreachable => Some("network unreachable"),
        io::ErrorKind::NetworkDown => Some("network down"),
        io::ErrorKind::PermissionDenied => Some("permission denied"),
        _ => None,
    }
}

/// What resolvers say of a name that does not exist; a resolver that cannot be reached says something else.
fn is_unknown_name(text: &str) -> bool {
    [
        "Name or service not known",
        "No address associated with hostname",
        "nodename nor servname provided",
        "Name does not resolve",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// The words of the libraries below, where they are not those of a person.
fn plain(text: &str) -> String {
    let text = text.split(" (os error").next().unwrap_or(text);
    let text = text
        .strip_prefix("failed to lookup address information: ")
        .map_or_else(
            || text.to_owned(),
            |rest| format!("name look-up failed: {rest}"),
        );
    match text.as_str() {
        "connection closed before message completed"
        | "unexpected EOF during chunk size line"
        | "end of file before message length reached" => {
            "the connection was closed before the reply was complete".to_owned()
        }
        "tls handshake eof" => "the connection was closed while TLS was being set up".to_owned(),
        _ => text,
    }
}

fn tls_text(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(problem) => match problem {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet; is this machine's clock right?".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name".to_owned()
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "its certificate comes from an authority that this machine does not trust"
                    .to_owned()
            }
            CertificateError::Revoked => "its certificate was revoked".to_owned(),
            CertificateError::Other(other)
                if format!("{other:?}").contains("CaUsedAsEndEntity") =>
            {
                "its certificate is self-signed, or an authority's own".to_owned()
            }
            other => format!("its certificate cannot be accepted: {other}"),
        },
        TlsError::InvalidMessage(_) => "the server does not speak TLS on that port".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn the_deepest_cause_is_told_in_plain_words() {
        let lookup = |text: &str| Outer(io::Error::other(text.to_owned()));
        for (error, expected) in [
            (
                Outer(io::ErrorKind::ConnectionRefused.into()),
                Cause::Other("connection refused".to_owned()),
            ),
            (
                Outer(io::Error::from_raw_os_error(104)),
                Cause::Other("connection reset".to_owned()),
            ),
            (
                lookup("failed to lookup address information: Name or service not known"),
                Cause::NoSuchHost,
            ),
            (
                lookup(
                    "failed to lookup address information: Temporary failure in name resolution",
                ),
                Cause::Other(
                    "name look-up failed: Temporary failure in name resolution".to_owned(),
                ),
            ),
            (
                Outer(io::Error::new(
                    io::ErrorKind::InvalidData,
                    TlsError::InvalidCertificate(CertificateError::Expired),
                )),
                Cause::Tls("its certificate has expired".to_owned()),
            ),
            (
                lookup("connection closed before message completed"),
                Cause::Other("the connection was closed before the reply was complete".to_owned()),
            ),
        ] {
            assert_eq!(of(&error), expected);
        }
    }
}
