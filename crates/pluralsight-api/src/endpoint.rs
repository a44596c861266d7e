//! Where the API is.

use url::{Host, Url};

/// The addresses tried while none is set: the one that customers' integrations use, then the one that the developer
/// portal documents ("Using GraphQL").
const BUILT_IN: [&str; 2] = [
    "https://api.pluralsight.com/GraphQL",
    "https://paas-api.pluralsight.com/graphql",
];

/// Which address to talk to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Pluralsight's own: two are known, and the first that is this API is kept.
    #[default]
    BuiltIn,
    /// That one alone.
    Url(Url),
}

/// Why an address cannot be used. The text ends a sentence such as `invalid value for option "api_url": `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlProblem {
    #[error("it is not a URL ({0}); it looks like https://paas-api.pluralsight.com/graphql")]
    NotAUrl(String),
    #[error("it must begin with https://")]
    NotHttps,
    #[error(
        "it must begin with https://; http:// is for this machine's own addresses alone, such as http://127.0.0.1:4000/graphql"
    )]
    PlainHttp,
    #[error("it must hold no user name or password")]
    Credentials,
    #[error("it must hold no query (?…)")]
    Query,
    #[error("it must hold no fragment (#…)")]
    Fragment,
}

impl Endpoint {
    /// Reads an address: `https` to anywhere, `http` to the machine itself alone; no credentials, query or fragment.
    pub fn parse(text: &str) -> Result<Endpoint, UrlProblem> {
        let url =
            Url::parse(text.trim()).map_err(|error| UrlProblem::NotAUrl(error.to_string()))?;
        check(&url)?;
        Ok(Endpoint::Url(url))
    }

    /// The addresses to try, in order.
    pub(crate) fn candidates(&self) -> Result<Vec<Url>, UrlProblem> {
        match self {
            Endpoint::Url(url) => check(url).map(|()| vec![url.clone()]),
            Endpoint::BuiltIn => BUILT_IN
                .iter()
                .map(|text| {
                    Url::parse(text).map_err(|error| UrlProblem::NotAUrl(error.to_string()))
                })
                .collect(),
        }
    }
}

/// A `Url` can be put into [`Endpoint::Url`] unread, so it is checked once more before anything is sent there.
pub(crate) fn check(url: &Url) -> Result<(), UrlProblem> {
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => return Err(UrlProblem::PlainHttp),
        _ => return Err(UrlProblem::NotHttps),
    }
    if !url.username().is_empty() || url.password().is_some() {
        Err(UrlProblem::Credentials)
    } else if url.query().is_some() {
        Err(UrlProblem::Query)
    } else if url.fragment().is_some() {
        Err(UrlProblem::Fragment)
    } else {
        Ok(())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Host, and port where it is not the scheme's own, as a message names it.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_http_are_accepted() {
        for text in [
            "https://api.pluralsight.com/GraphQL",
            " https://proxy.corp.example:8443/graphql ",
            "http://127.0.0.1:4000/graphql",
            "http://127.9.9.9/graphql",
            "http://localhost:4000/graphql",
            "http://[::1]:4000/graphql",
        ] {
            assert!(Endpoint::parse(text).is_ok(), "{text}");
        }
        for (text, expected) in [
            ("http://api.pluralsight.com/graphql", UrlProblem::PlainHttp),
            (
                "http://localhost.evil.example/graphql",
                UrlProblem::PlainHttp,
            ),
            ("http://10.0.0.1/graphql", UrlProblem::PlainHttp),
            ("http://[::ffff:127.0.0.1]/graphql", UrlProblem::PlainHttp),
            ("ftp://api.pluralsight.com/graphql", UrlProblem::NotHttps),
            ("file:///etc/passwd", UrlProblem::NotHttps),
            (
                "https://user@api.pluralsight.com/graphql",
                UrlProblem::Credentials,
            ),
            (
                "https://:word@api.pluralsight.com/graphql",
                UrlProblem::Credentials,
            ),
            (
                "https://api.pluralsight.com/graphql?key=1",
                UrlProblem::Query,
            ),
            (
                "https://api.pluralsight.com/graphql#x",
                UrlProblem::Fragment,
            ),
        ] {
            assert_eq!(Endpoint::parse(text), Err(expected), "{text}");
        }
        for text in ["", "api.pluralsight.com/graphql", "https://", "//x/y"] {
            assert!(
                matches!(Endpoint::parse(text), Err(UrlProblem::NotAUrl(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated_in_the_message() {
        let error = Endpoint::parse("https://someone:hunter2@api.pluralsight.com/graphql")
            .expect_err("credentials");
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn both_built_in_addresses_are_tried_in_order() {
        let candidates = Endpoint::BuiltIn.candidates().expect("both are URLs");
        assert_eq!(
            candidates.iter().map(host_of).collect::<Vec<_>>(),
            ["api.pluralsight.com", "paas-api.pluralsight.com"]
        );
    }
}
