//! What a connection that takes relays alone tells of this machine.

use crate::sides::{PATIENCE, Side};
use tincan_call::{NegotiationInput, Role};
use tincan_peer_connection::PeerOptions;
use tincan_proto::{IceServer, PeerMessage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_address_is_in_no_description_and_no_candidate() {
    // Nothing answers there. What is gathered without its help comes before it is asked again.
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let port = silent.local_addr().expect("bound").port();
    let relay = IceServer {
        urls: vec![format!("turn:127.0.0.1:{port}")],
        username: "name".into(),
        credential: "secret".into(),
        certificate_sha256: None,
    };
    let options =
        PeerOptions { ice_servers: vec![relay], relay_only: true, ..PeerOptions::default() };
    let mut side = Side::with(Role::Impolite, options).await;
    let mut sent = side.step(NegotiationInput::Needed { ice_restart: false });
    let gathering = async {
        let mut asked = 0;
        let mut request = [0; 1500];
        while sent.is_empty() || asked < 2 {
            tokio::select! {
                biased;
                more = side.next() => sent.extend(more),
                received = silent.recv(&mut request) => asked += u32::from(received.is_ok()),
            }
        }
    };
    tokio::time::timeout(PATIENCE, gathering).await.expect("gathered in time");
    let mut told = String::new();
    for message in sent {
        match message {
            PeerMessage::Description(description) => told.push_str(&description.sdp),
            PeerMessage::Candidate(candidate) => told.push_str(&candidate.candidate),
            PeerMessage::Renew => {}
        }
    }
    assert!(told.contains("a=ice-ufrag"), "an offer was made");
    for kind in ["typ host", "typ srflx", "typ prflx"] {
        assert!(!told.contains(kind), "{told}");
    }
}
