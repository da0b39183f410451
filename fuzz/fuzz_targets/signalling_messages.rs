//! Messages between app and server: what is read is written and read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tincan_proto::{ClientMessage, ServerMessage};

fuzz_target!(|text: &str| {
    if let Ok(message) = serde_json::from_str::<ClientMessage>(text) {
        let again = serde_json::to_string(&message).expect("string keys");
        assert!(serde_json::from_str::<ClientMessage>(&again).is_ok());
    }
    if let Ok(message) = serde_json::from_str::<ServerMessage>(text) {
        let again = serde_json::to_string(&message).expect("string keys");
        assert!(serde_json::from_str::<ServerMessage>(&again).is_ok());
    }
});
