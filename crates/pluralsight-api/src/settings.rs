//! How to reach the API.

use std::time::Duration;

use url::{Host, Url};

/// Where the API is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Pluralsight's own addresses, see [`crate::BUILT_IN`].
    #[default]
    BuiltIn,
    /// This address alone.
    Url(Url),
}

/// Why a text is no address of an API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    #[error("it is not a URL: {0}")]
    NotAUrl(String),
    #[error("it must begin with https:// (http:// is for this machine's own loopback addresses alone)")]
    NotHttps,
    #[error("it must not hold a user name or a password")]
    Credentials,
    #[error("it must not hold a query (?…) or a fragment (#…)")]
    Query,
}

impl Endpoint {
    /// Reads an address: `https` anywhere, `http` for loopback alone, no credentials, query or fragment.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(text: &str) -> Result<Endpoint, EndpointError> {
        let url = Url::parse(text.trim()).map_err(|error| EndpointError::NotAUrl(error.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return Err(EndpointError::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::Query);
        }
        Ok(Endpoint::Url(url))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Everything about the connection but the token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    pub endpoint: Endpoint,
    pub connect_timeout: Duration,
    /// One request, from connecting to the last byte.
    pub request_timeout: Duration,
    /// Attempts at one request, the first included.
    pub max_attempts: u32,
    /// The ceiling of the first delay; it doubles with each further one.
    pub initial_backoff: Duration,
    /// The ceiling of any delay, `Retry-After` included.
    pub max_backoff: Duration,
    /// Bytes of one reply, after decompression.
    pub max_response_size: u64,
    /// Certificate authorities to trust beside the system's, in PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Without one, no proxy is used, whatever the environment says.
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
            max_response_size: 32 << 20,
            ca_pem: None,
            proxy: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_loopback() {
        for good in ["https://api.example.com/graphql", "http://127.0.0.1:8080/graphql", "http://[::1]/graphql", "http://localhost/x"] {
            assert!(Endpoint::parse(good).is_ok(), "{good}");
        }
        for (bad, error) in [
            ("http://api.example.com/graphql", EndpointError::NotHttps),
            ("http://127.0.0.1.example.com/", EndpointError::NotHttps),
            ("ftp://127.0.0.1/", EndpointError::NotHttps),
            ("file:///etc/passwd", EndpointError::NotHttps),
            ("https://user@example.com/", EndpointError::Credentials),
            ("https://:secret@example.com/", EndpointError::Credentials),
            ("https://example.com/?key=1", EndpointError::Query),
            ("https://example.com/#x", EndpointError::Query),
        ] {
            assert_eq!(Endpoint::parse(bad), Err(error), "{bad}");
        }
        assert!(matches!(Endpoint::parse("not a url"), Err(EndpointError::NotAUrl(_))));
    }
}
