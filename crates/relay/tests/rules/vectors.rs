//! The test vectors of RFC 5769, which RFC 8489 keeps, and what must not be read.

use tincan_relay::stun::channel::{OutOfStep, message_length, read_channel_data};
use tincan_relay::stun::{Class, Key, Malformed, Message, Writer, attribute, method};

/// RFC 5769, section 2.4: a request with long-term credentials.
const LONG_TERM: &[u8] = b"\x00\x01\x00\x60\x21\x12\xa4\x42\x78\xad\x34\x33\xc6\xad\x72\xc0\
\x29\xda\x41\x2e\x00\x06\x00\x12\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\
\xe3\x82\xb9\x00\x00\x00\x15\x00\x1c\x66\x2f\x2f\x34\x39\x39\x6b\x39\x35\x34\x64\x36\x4f\x4c\
\x33\x34\x6f\x4c\x39\x46\x53\x54\x76\x79\x36\x34\x73\x41\x00\x14\x00\x0b\x65\x78\x61\x6d\x70\
\x6c\x65\x2e\x6f\x72\x67\x00\x00\x08\x00\x14\xf6\x70\x24\x65\x6d\xd6\x4a\x3e\x02\xb8\xe0\x71\
\x2e\x85\xc9\xa2\x8c\xa8\x96\x66";

/// RFC 5769, section 2.2: an answer with an IPv4 address and a fingerprint.
const ANSWER: &[u8] = b"\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\
\x87\xdf\xae\x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20\x00\x20\x00\x08\
\x00\x01\xa1\x47\xe1\x12\xa6\x43\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\
\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7\x80\x28\x00\x04\xc0\x7d\x4c\x96";

/// RFC 5769, section 2.3: the same with an IPv6 address.
const ANSWER_V6: &[u8] = b"\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\
\xfa\x87\xdf\xae\x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20\x00\x20\x00\
\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9\x00\x08\
\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41\x80\
\x28\x00\x04\xc8\xfb\x0b\x4c";

#[test]
fn a_long_term_credential_signs_as_the_standard_says() {
    let message = Message::read(LONG_TERM).expect("STUN");
    assert_eq!(message.class_and_method(), (Class::Request, method::BINDING));
    assert_eq!(message.text(attribute::USERNAME), Some("マトリックス"));
    assert_eq!(message.text(attribute::REALM), Some("example.org"));
    let key = Key::long_term("マトリックス", "example.org", "TheMatrIX");
    assert!(message.is_signed_with(&key));
    assert!(!message.is_signed_with(&Key::long_term("マトリックス", "example.org", "TheMatrix")));
    let written = Writer::new(Class::Request, method::BINDING, message.transaction())
        .attribute(attribute::USERNAME, "マトリックス".as_bytes())
        .attribute(attribute::NONCE, b"f//499k954d6OL34oL9FSTvy64sA")
        .attribute(attribute::REALM, b"example.org")
        .sign(&key);
    assert_eq!(written.finish(), LONG_TERM);
}

#[test]
fn addresses_and_fingerprints_are_those_of_the_standard() {
    for (bytes, address) in
        [(ANSWER, "192.0.2.1:32853"), (ANSWER_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
    {
        let address = address.parse().expect("an address");
        let message = Message::read(bytes).expect("STUN");
        assert_eq!(message.class_and_method(), (Class::Success, method::BINDING));
        assert_eq!(message.xor_address(attribute::XOR_MAPPED_ADDRESS), Some(address));
        let writer = Writer::new(Class::Success, method::BINDING, message.transaction());
        let writer = writer.xor_address(attribute::XOR_MAPPED_ADDRESS, address).fingerprint();
        let bytes = writer.finish();
        let again = Message::read(&bytes).expect("STUN");
        assert_eq!(again.xor_address(attribute::XOR_MAPPED_ADDRESS), Some(address));
    }
}

#[test]
fn one_wrong_bit_is_seen_by_the_fingerprint() {
    // types and lengths of attributes apart: those can hide the fingerprint, which is optional
    for byte in (0..20).chain(28..36).chain(40..48).chain(52..72).chain(76..80) {
        for bit in 0..8 {
            let mut bytes = ANSWER.to_vec();
            bytes[byte] ^= 1 << bit;
            assert_eq!(Message::read(&bytes).err(), Some(Malformed), "{byte} {bit}");
        }
    }
}

#[test]
fn what_comes_after_the_signature_does_not_count() {
    let key = Key::long_term("a", "b", "c");
    let signed = Writer::new(Class::Request, method::REFRESH, [0; 12]).sign(&key);
    let bytes = signed.number(attribute::LIFETIME, 0).finish();
    let message = Message::read(&bytes).expect("STUN");
    assert!(message.is_signed_with(&key));
    assert_eq!(message.find(attribute::LIFETIME), None);
}

#[test]
fn lengths_that_do_not_fit_are_malformed() {
    for end in 0..LONG_TERM.len() {
        assert_eq!(Message::read(&LONG_TERM[..end]).err(), Some(Malformed), "{end} bytes");
    }
    assert!(Message::read(&[LONG_TERM, &[0; 4]].concat()).is_err(), "more than it says");
    let many = (0..65).fold(Writer::new(Class::Request, method::BINDING, [0; 12]), |writer, _| {
        writer.attribute(0x8000, &[])
    });
    assert!(Message::read(&many.finish()).is_err(), "too many attributes");
}

#[test]
fn streams_are_cut_into_messages() {
    assert_eq!(message_length(&[]), Ok(None));
    assert_eq!(message_length(&LONG_TERM[..3]), Ok(None));
    assert_eq!(message_length(&LONG_TERM[..4]), Ok(Some(LONG_TERM.len())));
    assert_eq!(message_length(&[0x40, 0, 0, 5, 1]), Ok(Some(12)), "with padding");
    assert_eq!(message_length(&[0x80, 0, 0, 4]), Err(OutOfStep));
    assert_eq!(message_length(&[0, 1, 0, 3]), Err(OutOfStep));
    assert_eq!(message_length(b"\0\x01\0\0GET "), Err(OutOfStep), "another cookie");
    assert_eq!(read_channel_data(&[0x40, 1, 0, 2, 8, 9, 0, 0]), Some((0x4001, 2)));
    assert_eq!(read_channel_data(&[0x40, 1, 0, 2, 8]), None, "shorter than it says");
    assert_eq!(read_channel_data(&[0x50, 1, 0, 0]), None, "no channel");
    assert_eq!(read_channel_data(&[0x40]), None);
}
