//! How to talk to the API.

use std::time::Duration;

use url::Url;

use crate::endpoint::Endpoint;

/// Everything that a [`crate::Client`] is made from. Two clients with equal settings behave alike, so that a pool can
/// use this as its key. The token is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    pub endpoint: Endpoint,
    /// Time for name look-up, TCP and TLS.
    pub connect_timeout: Duration,
    /// Time for one attempt, from connecting to the reply's last byte.
    pub request_timeout: Duration,
    /// Attempts at one request, the first one included; at least 1.
    pub max_attempts: u32,
    /// The most that the first wait between two attempts may take; it doubles from one attempt to the next.
    pub initial_backoff: Duration,
    /// The most that any wait between two attempts may take, one that the server asks for included.
    pub max_backoff: Duration,
    /// The largest reply that is read, in bytes after decompression.
    pub max_response_size: u64,
    /// Certificate authorities to trust beside the system's, in PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// The proxy to go through; none is taken from the environment.
    pub proxy: Option<Url>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            endpoint: Endpoint::BuiltIn,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            max_attempts: 3,
            initial_backoff: Duration::from_millis(250),
            max_backoff: Duration::from_secs(30),
            max_response_size: 32 * 1024 * 1024,
            ca_pem: None,
            proxy: None,
        }
    }
}
