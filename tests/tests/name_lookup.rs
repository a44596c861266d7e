//! A name server that does not answer holds up nobody who no longer wants to wait.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use behaviour::{Cancels, Session, cluster};
use pluralsight_sandbox::{Config, Sandbox};

const COUNT: &str = "SELECT count(*) FROM users WHERE user_id <> ''";

#[test]
fn a_cancel_does_not_wait_for_a_name_server() {
    if !cluster::is_root() {
        println!("not tried: only root can give a server a name server of its own");
        return;
    }
    // It hears, and never answers.
    let address = Ipv4Addr::new(127, 53, 53, 53);
    let name_server = UdpSocket::bind((address, 53)).expect("port 53 of a loopback address");
    name_server
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a socket of one's own");
    let server = cluster::Cluster::with_name_server(address);
    let mut session = Session::connect(&server.config());
    session.run(
        "CREATE EXTENSION pluralsight_fdw;
         CREATE SERVER pluralsight FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url 'https://api.example.com/graphql');
         CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token 'sandbox-token');
         CREATE FOREIGN TABLE users (user_id text OPTIONS (field 'psUserId')) SERVER pluralsight
             OPTIONS (query 'users', shape 'connection', key 'psUserId')",
    );
    let mut observer = Session::connect(&server.config());
    let usual = Cancels::of(&mut session, &mut observer, "SELECT pg_sleep(60)", 60);
    // Far more often than there are threads for look-ups.
    Cancels::of(&mut session, &mut observer, COUNT, 60).assert_prompt(&usual);
    let asked = name_server.recv(&mut [0; 512]);
    assert!(asked.is_ok(), "no name was looked up");
    // Where no name has to be looked up, the same backend reads on.
    let sandbox = Sandbox::start(Config::default()).expect("the sandbox starts");
    session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url '{}')",
        sandbox.url()
    ));
    assert_eq!(session.value(COUNT), "2345");
}
