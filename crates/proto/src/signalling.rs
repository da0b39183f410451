//! Messages between the app and its server: JSON text frames on one WebSocket.
//!
//! The app opens with [`ClientMessage::Hello`], the server answers with a challenge, the
//! app proves its key, and the server welcomes it; everything else comes after that, in an
//! [`crate::Envelope`] each. Sign-in and refusals travel bare, so that apps and servers of
//! different versions can tell each other so.

mod calls;
mod client;
mod people;
mod server;

pub use calls::{
    CallMedia, CallOutcome, DeclineReason, Direction, HistoryEntry, LeaveReason, RingStop,
    Unreachable,
};
pub use client::{ClientMessage, Resume};
pub use people::{Contact, ContactBook, ContactRequest, Presence};
pub use server::{Failure, Refusal, ServerMessage};

use std::time::Duration;

/// The version of this protocol. The server serves exactly the versions that it knows.
pub const PROTOCOL_VERSION: u32 = 2;
/// The WebSocket's path on the server.
pub const SIGNALLING_PATH: &str = "/signalling";
/// Most bytes of one message in either direction.
pub const MAX_MESSAGE_BYTES: usize = 128 * 1024;
/// How long an invitation rings before it ends as not answered. The server's clock counts.
pub const RING_TIME: Duration = Duration::from_secs(45);
/// Most people that one invitation may name.
pub const MAX_INVITED: usize = 8;
/// Most history entries in one answer.
pub const MAX_HISTORY: u32 = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CallId;

    #[test]
    fn messages_have_a_stable_text() {
        let invite = ClientMessage::Invite {
            call: CallId::from(0xabc),
            to: vec!["bob".parse().expect("valid")],
            media: CallMedia::Video,
            hide_address: true,
        };
        let text = serde_json::to_string(&invite).expect("string keys");
        assert_eq!(
            text,
            r#"{"type":"invite","call":"00000000000000000000000000000abc","to":["bob"],"media":"video","hideAddress":true}"#
        );
        assert_eq!(serde_json::from_str::<ClientMessage>(&text).ok(), Some(invite));
    }

    #[test]
    fn malformed_names_and_ids_do_not_parse() {
        for bad in [
            r#"{"type":"invite","call":"xyz","to":["bob"],"media":"video"}"#,
            r#"{"type":"addContact","name":"Not a name!"}"#,
            r#"{"type":"nonsense"}"#,
            "[]",
        ] {
            assert!(serde_json::from_str::<ClientMessage>(bad).is_err(), "{bad}");
        }
    }
}
