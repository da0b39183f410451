//! What two apps send each other, by the server and over the call's own channel.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tincan_proto::{ControlMessage, PeerMessage, SignedMessage};

fuzz_target!(|text: &str| {
    let _ = serde_json::from_str::<SignedMessage>(text);
    if let Ok(message) = serde_json::from_str::<PeerMessage>(text) {
        let again = serde_json::to_string(&message).expect("string keys");
        assert!(serde_json::from_str::<PeerMessage>(&again).is_ok());
    }
    if let Ok(message) = serde_json::from_str::<ControlMessage>(text) {
        let again = serde_json::to_string(&message).expect("string keys");
        assert!(serde_json::from_str::<ControlMessage>(&again).is_ok());
    }
});
