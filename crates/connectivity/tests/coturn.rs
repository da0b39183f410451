//! Checks against Debian's coturn on loopback. Without coturn the tests say so and pass, unless
//! `TINCAN_REQUIRE_COTURN` is set.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tincan_connectivity::tls::certificate_sha256;
use tincan_connectivity::{
    Finding, Findings, Nat, RelayProblem, Step, Transport, Verdict, check, verdict,
};
use tincan_proto::IceServer;
use tincan_relay::credentials::SharedSecret;

#[tokio::test]
async fn everything_is_found_on_loopback() {
    let Some(relay) = Coturn::start() else { return };
    let steps = RefCell::new(BTreeSet::new());
    let found =
        check(&relay.servers("secret"), |step| assert!(steps.borrow_mut().insert(step))).await;
    assert_eq!(steps.into_inner(), BTreeSet::from(Step::ALL));
    assert_eq!(found.nat(), Finding::Known(Nat::Public), "{found:?}");
    for reached in [&found.relay_udp, &found.relay_tcp, &found.relay_tls] {
        assert!(reached.as_ref().is_ok_and(|r| r.relayed.ip().is_loopback()), "{found:?}");
    }
    let link = found.link.known().expect("measured");
    assert_eq!((link.transport, link.sent), (Transport::Udp, 50));
    assert!(link.received > 0, "{link:?}");
    assert_eq!(verdict(&found), Verdict::Direct);
    let v4 = found.public_v4.known().expect("known");
    assert_eq!(v4.ip(), Ipv4Addr::LOCALHOST);
}

#[tokio::test]
async fn credentials_that_the_server_mints_are_good_at_coturn() {
    let secret = SharedSecret::new("north");
    let auth = ["--use-auth-secret", "--static-auth-secret=north", "--fingerprint"];
    let Some(relay) = Coturn::start_with(&auth) else { return };
    let servers = |secret: &SharedSecret, expiry: SystemTime| {
        let expiry = expiry.duration_since(UNIX_EPOCH).expect("after 1970");
        let minted = secret.mint("someone", expiry);
        relay.servers_for(&minted.username, &minted.password)
    };
    let (hour, now) = (Duration::from_secs(3600), SystemTime::now());
    let found = answered(&servers(&secret, now + hour)).await;
    for reached in [&found.relay_udp, &found.relay_tcp, &found.relay_tls] {
        assert!(reached.as_ref().is_ok_and(|r| r.relayed.ip().is_loopback()), "{found:?}");
    }
    let link = found.link.known().expect("measured");
    assert!(link.received > 0, "{link:?}");
    // coturn does look at both, or the above would say nothing
    let other = SharedSecret::new("south");
    for refused in [servers(&secret, now - hour), servers(&other, now + hour)] {
        let found = answered(&refused).await;
        for reached in [&found.relay_udp, &found.relay_tcp, &found.relay_tls] {
            assert_eq!(reached, &Err(RelayProblem::Credentials));
        }
    }
}

/// Checks until the relay has answered by every way: on a busy machine it may take longer than a
/// person is made to wait.
async fn answered(servers: &[IceServer]) -> Findings {
    for _ in 0..9 {
        let found = check(servers, |_| {}).await;
        let silent = Err(RelayProblem::NoAnswer);
        if ![&found.relay_udp, &found.relay_tcp, &found.relay_tls].contains(&&silent) {
            return found;
        }
    }
    check(servers, |_| {}).await
}

#[tokio::test]
async fn wrong_credentials_are_named() {
    let Some(relay) = Coturn::start() else { return };
    let found = answered(&relay.servers("wrong")).await;
    for reached in [&found.relay_udp, &found.relay_tcp, &found.relay_tls] {
        assert_eq!(reached, &Err(RelayProblem::Credentials));
    }
    assert_eq!(verdict(&found), Verdict::NoRelay);
}

#[tokio::test]
async fn another_certificate_than_the_pinned_is_not_spoken_to() {
    let Some(relay) = Coturn::start() else { return };
    let mut servers = relay.servers("secret");
    for server in &mut servers {
        server.certificate_sha256 = Some("0".repeat(64));
    }
    let found = answered(&servers).await;
    assert!(matches!(found.relay_tls, Err(RelayProblem::Tls(_))), "{found:?}");
    assert!(found.relay_tcp.is_ok());
}

#[tokio::test]
async fn allocations_are_given_back() {
    // More checks than there are relayed ports.
    let few = [USER, &["--min-port=31000", "--max-port=31003"]].concat();
    let Some(relay) = Coturn::start_with(&few) else { return };
    for _ in 0..3 {
        let found = check(&relay.servers("secret"), |_| {}).await;
        assert!(found.relay_udp.is_ok() && found.relay_tcp.is_ok(), "{found:?}");
    }
}

/// A user whose password is kept.
const USER: &[&str] = &["-u", "someone:secret"];

struct Coturn {
    process: Child,
    _folder: tempfile::TempDir,
    port: u16,
    tls_port: u16,
    pin: String,
}

impl Coturn {
    fn start() -> Option<Self> {
        Self::start_with(USER)
    }

    /// Starts it on ports that are free; on others when somebody was quicker to take one.
    fn start_with(more: &[&str]) -> Option<Self> {
        for _ in 0..3 {
            let relay = Self::start_once(more)?;
            if relay.listens_soon() {
                return Some(relay);
            }
        }
        panic!("coturn does not listen");
    }

    fn start_once(more: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let made = rcgen::generate_simple_self_signed(vec!["relay".into()]).expect("a certificate");
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
        std::fs::write(&certificate, made.cert.pem()).expect("written");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
        let [port, alternate, tls_port, alternate_tls] = free_ports();
        let started = Command::new("turnserver")
            .args(["-n", "--listening-ip=127.0.0.1", "--listening-ip=127.0.0.2"])
            .args(["--relay-ip=127.0.0.1", "--allow-loopback-peers", "--no-cli"])
            .args(["-a", "-r", "test", "--log-file=stdout", "--no-dtls"])
            .arg(format!("--listening-port={port}"))
            .arg(format!("--alt-listening-port={alternate}"))
            .arg(format!("--tls-listening-port={tls_port}"))
            .arg(format!("--alt-tls-listening-port={alternate_tls}"))
            .arg(format!("--cert={}", certificate.display()))
            .arg(format!("--pkey={}", key.display()))
            .arg(format!("--pidfile={}", folder.path().join("pid").display()))
            .arg(format!("--userdb={}", folder.path().join("users").display()))
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = started else {
            assert!(std::env::var_os("TINCAN_REQUIRE_COTURN").is_none(), "coturn is not installed");
            eprintln!("skipped: coturn is not installed");
            return None;
        };
        let pin = certificate_sha256(made.cert.der());
        Some(Self { process, _folder: folder, port, tls_port, pin })
    }

    fn servers(&self, credential: &str) -> Vec<IceServer> {
        self.servers_for("someone", credential)
    }

    fn servers_for(&self, username: &str, credential: &str) -> Vec<IceServer> {
        let (port, tls_port) = (self.port, self.tls_port);
        vec![IceServer {
            urls: vec![
                format!("stun:127.0.0.1:{port}"),
                format!("turn:127.0.0.1:{port}"),
                format!("turn:127.0.0.1:{port}?transport=tcp"),
                format!("turns:127.0.0.1:{tls_port}"),
            ],
            username: username.into(),
            credential: credential.into(),
            certificate_sha256: Some(self.pin.clone()),
        }]
    }

    fn listens_soon(&self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(20);
        let listens = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        while !(listens(self.port) && listens(self.tls_port)) {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Four ports in a row that nobody uses now, among those that the system gives to nobody by itself.
fn free_ports() -> [u16; 4] {
    let free = |port: &u16| {
        let wherever = [(Ipv4Addr::LOCALHOST, *port), (Ipv4Addr::new(127, 0, 0, 2), *port)];
        wherever.iter().all(|at| UdpSocket::bind(at).is_ok() && TcpListener::bind(at).is_ok())
    };
    loop {
        let first = rand::random_range(10_000..30_000);
        let four = [first, first + 1, first + 2, first + 3];
        if four.iter().all(free) {
            return four;
        }
    }
}
