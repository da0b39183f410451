//! Reading STUN messages, ChannelData and streams of both.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tincan_relay::stun::channel::{message_length, read_channel_data};
use tincan_relay::stun::{Key, Message, attribute};

fuzz_target!(|bytes: &[u8]| {
    if let Some((_, length)) = read_channel_data(bytes) {
        assert!(length + 4 <= bytes.len());
    }
    if let Ok(Some(length)) = message_length(bytes) {
        assert!(length >= 4);
    }
    let Ok(message) = Message::read(bytes) else { return };
    let _ = message.class_and_method();
    for found in message.attributes() {
        let _ = message.text(found.kind);
        let _ = message.number(found.kind);
        let _ = message.xor_address(found.kind);
    }
    let _ = message.find(attribute::DATA);
    assert!(!message.is_signed_with(&Key::long_term("a", "b", "c")) || message.is_signed());
});
