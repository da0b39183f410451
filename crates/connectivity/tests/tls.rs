//! Pinned certificates, by a handshake in memory.

use rustls::pki_types::{PrivateKeyDer, ServerName};
use std::sync::Arc;
use tincan_connectivity::tls::certificate_sha256;
use tincan_connectivity::{TlsConfigError, tls_client_config};
use tokio_rustls::{TlsAcceptor, TlsConnector};

#[tokio::test]
async fn the_pinned_certificate_is_accepted_whatever_its_name() {
    let (server, pin) = server();
    assert!(handshake(server, &pin).await.is_ok());
}

#[tokio::test]
async fn upper_case_pins_are_the_same() {
    let (server, pin) = server();
    assert!(handshake(server, &pin.to_uppercase()).await.is_ok());
}

#[tokio::test]
async fn another_certificate_is_refused() {
    let (server, _) = server();
    let (_, other_pin) = self::server();
    assert!(handshake(server, &other_pin).await.is_err());
}

#[test]
fn what_is_no_hash_is_refused() {
    for pin in ["", "abc", &"g".repeat(64), &"é".repeat(32)] {
        assert!(matches!(tls_client_config(Some(pin)), Err(TlsConfigError::Pin)), "{pin}");
    }
}

/// A server with a certificate of its own, and that one's hash.
fn server() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(vec!["elsewhere.example".to_owned()])
        .expect("a certificate");
    let pin = certificate_sha256(made.cert.der());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate and its key");
    (TlsAcceptor::from(Arc::new(config)), pin)
}

async fn handshake(server: TlsAcceptor, pin: &str) -> std::io::Result<()> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let connector = TlsConnector::from(Arc::new(tls_client_config(Some(pin)).expect("a pin")));
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let (connected, _) = tokio::join!(connector.connect(name, near), server.accept(far));
    connected.map(|_| ())
}
