//! HTTPS with good certificates and bad ones.

mod client;

use client::Fixture;
use pluralsight_sandbox::{Certificate, Config};
use reqwest::Certificate as Root;
use serde_json::json;

async fn status(certificate: Certificate, trusts: bool) -> Result<u16, String> {
    let fixture = Fixture::new(Config {
        users: 5,
        tls: Some(certificate),
        ..Config::default()
    });
    assert!(fixture.sandbox.url().starts_with("https://127.0.0.1:"));
    let mut builder = reqwest::Client::builder().no_proxy();
    if trusts {
        let pem = fixture.sandbox.ca_pem().expect("an authority");
        builder = builder.tls_certs_only([Root::from_pem(pem.as_bytes()).expect("PEM")]);
    }
    let client = builder.build().expect("a client");
    let body = json!({ "query": "{ users { totalCount } }" });
    let request = client
        .post(fixture.sandbox.url())
        .bearer_auth("sandbox-token")
        .json(&body);
    match request.send().await {
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) => {
            // The last cause says what was wrong.
            let mut cause: &dyn std::error::Error = &error;
            while let Some(next) = cause.source() {
                cause = next;
            }
            Err(cause.to_string().to_lowercase())
        }
    }
}

#[tokio::test]
async fn a_good_certificate_is_good_for_those_who_trust_its_authority() {
    assert_eq!(status(Certificate::Good, true).await, Ok(200));
    assert!(status(Certificate::Good, false).await.is_err());
}

#[tokio::test]
async fn a_bad_certificate_is_refused_for_its_own_reason() {
    for (certificate, reason) in [
        (Certificate::Expired, "expired"),
        (Certificate::NotYet, "not valid yet"),
        (Certificate::WrongName, "not valid for name"),
        (Certificate::SelfSigned, "unknown"),
    ] {
        let error = status(certificate, true).await.expect_err("refused");
        assert!(error.contains(reason), "{certificate:?}: {error}");
    }
}

#[test]
fn without_tls_there_is_no_authority() {
    assert_eq!(Fixture::users(1).sandbox.ca_pem(), None);
}
