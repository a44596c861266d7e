//! Who is trusted to be the API, through SQL. Every certificate is made by the test, at the sandbox's start.

use behaviour::{Stage, Tunnel, cluster};
use pluralsight_sandbox::{Certificate, Config, Sandbox};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

const COUNT: &str = "SELECT count(*) FROM pluralsight.users";

/// A stage whose API speaks HTTPS; no authority but the system's is trusted yet.
fn stage(certificate: Certificate) -> Stage {
    let mut stage = Stage::bare(Config {
        users: 50,
        tls: Some(certificate),
        ..Config::default()
    });
    assert!(stage.sandbox.url().starts_with("https://"));
    stage.session.run(
        "IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO pluralsight OPTIONS (discover 'off')",
    );
    stage.sandbox.reset();
    stage
}

/// Trusts these authorities beside the system's.
fn trust(stage: &mut Stage, name: &str, pem: &str) -> String {
    let file = cluster::home().join(format!("{}-{name}.pem", stage.database()));
    std::fs::write(&file, pem).expect("the home is there");
    let file = file.display().to_string();
    // PostgreSQL's user reads it; nothing in it is secret.
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .expect("it is ours");
    let verb = match stage
        .session
        .value("SELECT 'ca_file' = ANY (ARRAY(SELECT option_name FROM pg_foreign_server, pg_options_to_table(srvoptions)))")
        .as_str()
    {
        "t" => "SET",
        _ => "ADD",
    };
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS ({verb} ca_file '{file}')"
    ));
    file
}

fn authority_of(sandbox: &Sandbox) -> String {
    sandbox.ca_pem().expect("it speaks TLS").to_owned()
}

/// An authority that has signed nothing here.
fn stranger(name: &str) -> String {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().expect("a key");
    params.self_signed(&key).expect("a certificate").pem()
}

/// The query fails before anything is sent: for that reason, once, with what can be done about it.
fn distrusted(stage: &mut Stage, reason: &str) {
    let error = stage.session.error(COUNT);
    assert_eq!(error.code, "HV00N", "{error:?}");
    assert!(
        error.message.starts_with(&format!(
            "users: no secure connection to {}: ",
            stage.sandbox.address()
        )),
        "{error:?}"
    );
    assert!(error.message.contains(reason), "{reason}: {error:?}");
    assert_eq!(
        error.hint.as_deref(),
        Some(
            "If a proxy or a private authority signs the certificates here, add its certificate as a trusted authority (ca_file); TLS cannot be switched off."
        )
    );
    assert_eq!(
        stage.sandbox.total(),
        0,
        "no request, and so no token, was sent"
    );
}

#[test]
fn an_added_authority_is_trusted_and_an_unknown_one_is_not() {
    let mut stage = stage(Certificate::Good);
    distrusted(&mut stage, "authority that this machine does not trust");
    trust(&mut stage, "stranger", &stranger("Somebody"));
    distrusted(&mut stage, "authority that this machine does not trust");
    // The name is nothing; the key counts.
    trust(&mut stage, "namesake", &stranger("Sandbox authority"));
    distrusted(&mut stage, "");
    let authority = authority_of(&stage.sandbox);
    let file = trust(&mut stage, "authority", &authority);
    assert_eq!(stage.session.value(COUNT), "50");
    // Several in one file, as such files are.
    let several = format!("{}{authority}{}", stranger("One"), stranger("Another"));
    trust(&mut stage, "several", &several);
    assert_eq!(stage.session.value(COUNT), "50");
    stage
        .session
        .run("ALTER SERVER pluralsight OPTIONS (DROP ca_file)");
    stage.sandbox.reset();
    distrusted(&mut stage, "authority that this machine does not trust");

    let address = stage.sandbox.address();
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (ADD ca_file '{file}')"
    ));
    let rows = stage.session.rows(
        "SELECT checked, status, replace(found, E'\\n', ' ') FROM pluralsight_fdw.check() WHERE checked IN ('TLS', 'reach')",
    );
    let expected = [
        ["TLS", "ok", "the certificate of 127.0.0.1 is trusted"].map(str::to_owned),
        [
            "reach".to_owned(),
            "ok".to_owned(),
            format!("{address} answers"),
        ],
    ];
    assert_eq!(rows, expected.map(|row| row.map(Some).to_vec()));
}

#[test]
fn a_certificate_must_be_valid_now_for_that_name_and_signed_by_the_authority() {
    for (certificate, reason) in [
        (Certificate::Expired, "expired"),
        (Certificate::NotYet, "not valid yet"),
        (Certificate::WrongName, "another name"),
        (
            Certificate::SelfSigned,
            "authority that this machine does not trust",
        ),
    ] {
        let mut stage = stage(certificate);
        let authority = authority_of(&stage.sandbox);
        trust(&mut stage, "authority", &authority);
        distrusted(&mut stage, reason);
        let rows = stage
            .session
            .rows("SELECT checked, replace(found, E'\\n', ' ') FROM pluralsight_fdw.check() WHERE status = 'failed'");
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!(rows[0][0].as_deref(), Some("TLS"));
        assert!(
            rows[0][1]
                .as_ref()
                .is_some_and(|found| found.contains(reason)),
            "{rows:?}"
        );
    }
}

#[test]
fn plain_http_is_not_spoken_with_a_server_of_https_nor_the_other_way_round() {
    let mut stage = stage(Certificate::Good);
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url 'http://{}/graphql', ADD max_attempts '1')",
        stage.sandbox.address()
    ));
    assert_eq!(stage.session.error(COUNT).code, "HV000");
    assert_eq!(stage.sandbox.total(), 0);

    let mut plain = Stage::new(Config {
        users: 50,
        ..Config::default()
    });
    plain.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url 'https://{}/graphql', ADD max_attempts '1')",
        plain.sandbox.address()
    ));
    let error = plain.session.error(COUNT);
    assert_eq!(error.code, "HV00N", "{error:?}");
    assert_eq!(plain.sandbox.total(), 0);
}

#[test]
fn a_file_of_authorities_that_is_none_is_an_error_with_its_name() {
    let mut stage = stage(Certificate::Good);
    for (text, words) in [
        ("", "hold no certificate"),
        ("nothing of the kind\n", "hold no certificate"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "certificate",
        ),
    ] {
        let file = trust(&mut stage, "broken", text);
        let error = stage.session.error(COUNT);
        assert!(
            error.message.contains(words)
                && error.detail.as_deref() == Some(&format!("Option ca_file names \"{file}\".")),
            "{text:?}: {error:?}"
        );
    }
    stage
        .session
        .run("ALTER SERVER pluralsight OPTIONS (SET ca_file '/nowhere/ca.pem')");
    let error = stage.session.error(COUNT);
    assert_eq!(error.code, "HV00N");
    assert_eq!(
        error.message,
        "the certificate authorities cannot be read from file \"/nowhere/ca.pem\": No such file or directory (os error 2)"
    );
    assert_eq!(stage.sandbox.total(), 0);
}

#[test]
fn a_proxy_is_used_where_one_is_set_and_sees_no_token() {
    let mut stage = stage(Certificate::Good);
    let authority = authority_of(&stage.sandbox);
    trust(&mut stage, "authority", &authority);
    let proxy = Tunnel::start(stage.sandbox.address());
    assert_eq!(stage.session.value(COUNT), "50");
    assert_eq!(proxy.take(), "");
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (ADD proxy 'http://{}')",
        proxy.address()
    ));
    assert_eq!(stage.session.value(COUNT), "50");
    let told = proxy.take();
    assert!(
        told.starts_with(&format!("CONNECT {} HTTP/1.1", stage.sandbox.address())),
        "{told}"
    );
    assert!(
        !told.contains(&stage.sandbox.token()) && !told.to_lowercase().contains("authorization"),
        "{told}"
    );
    stage
        .session
        .run("ALTER SERVER pluralsight OPTIONS (DROP proxy)");
    assert_eq!(stage.session.value(COUNT), "50");
    assert_eq!(proxy.take(), "");
}

#[test]
fn a_file_of_authorities_is_read_as_carefully_as_a_token_file() {
    let mut stage = stage(Certificate::Good);
    let authority = authority_of(&stage.sandbox);
    let file = trust(&mut stage, "authority", &authority);
    assert_eq!(stage.session.value(COUNT), "50");
    stage.session.run("SET statement_timeout = '5s'");
    let cannot = |file: &str, why: &str| {
        format!("the certificate authorities cannot be read from file \"{file}\": {why}")
    };
    // A pipe that nobody writes to, a device without end, a folder.
    let pipe = cluster::home().join(format!("{}-pipe", stage.database()));
    let mut mkfifo = std::process::Command::new("mkfifo");
    mkfifo.arg(&pipe);
    cluster::run(mkfifo);
    for path in [pipe.display().to_string().as_str(), "/dev/zero", "/tmp"] {
        stage.session.run(&format!(
            "ALTER SERVER pluralsight OPTIONS (SET ca_file '{path}')"
        ));
        let error = stage.session.error(COUNT);
        assert_eq!(
            (error.code.as_str(), error.message),
            ("HV00N", cannot(path, "it is not a regular file"))
        );
    }
    // More than any such file.
    let large = trust(&mut stage, "large", "");
    std::fs::OpenOptions::new()
        .write(true)
        .open(&large)
        .and_then(|file| file.set_len(1 << 40))
        .expect("a sparse file");
    let before = stage.session.memory_high_water();
    assert_eq!(
        stage.session.error(COUNT).message,
        cannot(&large, "it is longer than 4194304 bytes")
    );
    assert!(stage.session.memory_high_water() < before + (16 << 20));
    // Nothing of another file is shown, however it is broken.
    for text in [
        "root:canary-0123456789:0:0\n".to_owned(),
        "-----BEGIN canary-0123456789\n".to_owned(),
        "-----BEGIN CERTIFICATE-----\ncanary 0123456789\n-----END CERTIFICATE-----\n".to_owned(),
        format!("{authority}-----BEGIN canary-0123456789-----\n"),
    ] {
        trust(&mut stage, "other", &text);
        for said in [
            format!("{:?}", stage.session.try_rows(COUNT)),
            format!(
                "{:?}",
                stage.session.rows("SELECT * FROM pluralsight_fdw.check()")
            ),
        ] {
            assert!(!said.contains("0123456789"), "{said}");
        }
    }
    // Whoever can add an authority can read what is sent.
    for mode in [0o666, 0o664, 0o646] {
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode))
            .expect("it is ours");
        stage.session.run(&format!(
            "ALTER SERVER pluralsight OPTIONS (SET ca_file '{file}')"
        ));
        let error = stage.session.error(COUNT);
        assert_eq!(
            (error.code.as_str(), error.message, error.hint),
            (
                "42501",
                format!(
                    "file \"{file}\", which holds the certificate authorities, can be written by others"
                ),
                Some(format!("chmod go-w '{file}'"))
            ),
            "{mode:o}"
        );
    }
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .expect("it is ours");
    assert_eq!(stage.session.value(COUNT), "50");
}
