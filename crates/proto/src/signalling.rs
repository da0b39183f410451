//! Messages between the app and its server: JSON text frames on one WebSocket.
//!
//! The app opens with [`ClientMessage::Hello`], the server answers with a challenge, the
//! app proves its key, and the server welcomes it; everything else comes after that, in an
//! [`crate::Envelope`] each. Sign-in and refusals travel bare, so that apps and servers of
//! different versions can tell each other so.

use crate::ice::IceServers;
use crate::identity::{PublicIdentity, SignatureBytes};
use crate::ids::{AccountName, CallId, DeviceId, ParticipantId, SessionId};
use crate::peer_message::SignedMessage;
use crate::units::UnixMillis;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use ts_rs::TS;

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

/// Sound alone or sound and picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum CallMedia {
    /// Sound alone; a picture may be added later.
    Audio,
    /// Sound and picture.
    Video,
}

/// Whether somebody can be called now. Worked out by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Presence {
    /// No device is connected.
    Offline,
    /// At least one device is connected and none is in a call.
    Online,
    /// In a call.
    InCall,
}

/// Somebody who both sides agreed to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Contact {
    /// The account's name.
    pub name: AccountName,
    /// The key that this name is bound to.
    pub key: PublicIdentity,
    /// Whether they can be called now.
    pub presence: Presence,
    /// The server's own contact, which sends back what it hears; cannot be removed.
    #[serde(default)]
    pub echo: bool,
}

/// Which way a contact request or a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// From somebody to this account.
    Incoming,
    /// From this account to somebody.
    Outgoing,
}

/// A contact request that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ContactRequest {
    /// The other account.
    pub name: AccountName,
    /// Who asked.
    pub direction: Direction,
}

/// The account's contacts and open requests, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactBook {
    /// Accepted contacts, by name.
    pub contacts: Vec<Contact>,
    /// Requests without an answer.
    pub requests: Vec<ContactRequest>,
}

/// Why a callee's device does not take a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeclineReason {
    /// A person declined.
    Declined,
    /// This device is in another call. Others of the account go on ringing.
    Busy,
}

/// Why the server stopped a ring on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RingStop {
    /// The caller gave up.
    Cancelled,
    /// The caller's device lost its connection to the server while it rang.
    CallerGone,
    /// [`RING_TIME`] is over.
    NoAnswer,
    /// Another device of this account took the call.
    AnsweredElsewhere,
    /// Another device of this account declined.
    DeclinedElsewhere,
}

/// Why a call did not even ring at somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unreachable {
    /// No device of theirs is connected.
    Offline,
    /// There is no such account.
    Unknown,
    /// They have not accepted this account as a contact.
    NotAContact,
    /// All their devices are in calls.
    Busy,
    /// It rang for [`RING_TIME`] and nobody answered.
    NoAnswer,
}

/// Why somebody is no longer in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LeaveReason {
    /// They hung up.
    HungUp,
    /// Their app gave up on the connection.
    ConnectionLost,
    /// Their app found a message that was not signed by the right key.
    Untrusted,
    /// The server has not heard of their device for a while.
    Gone,
}

/// How a past call ended, as the history shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum CallOutcome {
    /// It was answered.
    Answered,
    /// It rang and was not answered, or the caller gave up.
    Missed,
    /// The callee declined.
    Declined,
    /// The callee was in another call.
    Busy,
    /// The callee could not be reached.
    Unreachable,
}

/// One past call of this account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HistoryEntry {
    /// The call.
    pub call: CallId,
    /// The other people in it.
    pub with: Vec<AccountName>,
    /// Who called.
    pub direction: Direction,
    /// As it was offered.
    pub media: CallMedia,
    /// When it began to ring, by the server's clock.
    pub started: UnixMillis,
    /// How long people talked, in seconds; 0 if it was not answered.
    pub talked_s: u32,
    /// How it ended.
    pub outcome: CallOutcome,
}

/// A session that is to go on over another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resume {
    /// Which one.
    pub session: SessionId,
    /// The number of the last message from the server that has arrived; 0 for none.
    pub received: u64,
}

/// From the app to the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ClientMessage {
    /// Opens a session.
    Hello {
        /// [`PROTOCOL_VERSION`] of the app.
        version: u32,
        /// The account to sign in as.
        name: AccountName,
        /// This installation.
        device: DeviceId,
        /// The account's key.
        key: PublicIdentity,
        /// True to claim a name that is new, false to come back to one's own.
        register: bool,
        /// The session that this run of the app had before; none when it has just started.
        resume: Option<Resume>,
    },
    /// Answers the challenge: a signature for [`crate::identity::Domain::SignIn`] over
    /// (nonce, name, device).
    Prove {
        /// The signature.
        signature: SignatureBytes,
    },
    /// Asks somebody to become a contact; accepts if they have asked already.
    AddContact {
        /// Whom.
        name: AccountName,
    },
    /// Answers a contact request.
    AnswerRequest {
        /// Whose.
        name: AccountName,
        /// Yes or no.
        accept: bool,
    },
    /// Ends the acquaintance, or withdraws one's own request.
    RemoveContact {
        /// Whom.
        name: AccountName,
    },
    /// Calls people: the server rings all their devices. The caller may say it again for a
    /// call that the server might have forgotten.
    Invite {
        /// A fresh id.
        call: CallId,
        /// One to [`MAX_INVITED`] accounts.
        to: Vec<AccountName>,
        /// What is offered.
        media: CallMedia,
        /// The caller hides its addresses: the connections of this call take relays alone.
        #[serde(default)]
        hide_address: bool,
    },
    /// This device has begun to ring, and is ready to be connected while it rings.
    RingingHere {
        /// Which call.
        call: CallId,
        /// This device hides its addresses: its connections take relays alone.
        #[serde(default)]
        hide_address: bool,
    },
    /// This device takes the call. It may say so again, if the server might have forgotten.
    Accept {
        /// Which call.
        call: CallId,
    },
    /// This device does not take the call.
    Decline {
        /// Which call.
        call: CallId,
        /// Why.
        reason: DeclineReason,
    },
    /// The caller gives up before an answer.
    Cancel {
        /// Which call.
        call: CallId,
    },
    /// This device leaves a call that it was in.
    Leave {
        /// Which call.
        call: CallId,
        /// Why.
        reason: LeaveReason,
    },
    /// A negotiation message to another participant of the same call.
    Signal {
        /// Which call.
        call: CallId,
        /// To whom.
        to: ParticipantId,
        /// The message; the server cannot change it unnoticed.
        message: SignedMessage,
    },
    /// Asks for past calls, newest first.
    ListHistory {
        /// Only calls that began before this.
        before: Option<UnixMillis>,
        /// At most so many; capped at [`MAX_HISTORY`].
        limit: u32,
    },
    /// Asks for STUN and TURN servers with fresh credentials.
    ListIceServers,
}

/// From the server to the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ServerMessage {
    /// To be signed, see [`ClientMessage::Prove`].
    Challenge {
        /// 32 random bytes, base64 without padding.
        nonce: String,
    },
    /// Signed in.
    Welcome {
        /// The server's clock now: ring expiry is told in it.
        now: UnixMillis,
        /// Contacts and requests.
        book: ContactBook,
        /// The session that messages belong to from now on.
        session: SessionId,
        /// Whether it is the one that the hello asked for. If not, both sides count from the
        /// beginning, and the server may know nothing of what was said before.
        resumed: bool,
        /// The number of the last message from the app that has arrived; 0 for none.
        received: u64,
    },
    /// Not signed in, or no longer; the server closes the connection after it.
    Refused {
        /// Why.
        code: Refusal,
        /// The same in English, for logs.
        message: String,
    },
    /// One request could not be carried out; the session goes on.
    Failed {
        /// Why.
        code: Failure,
        /// The same in English, for logs.
        message: String,
    },
    /// Contacts or requests have changed.
    Book {
        /// All of them.
        book: ContactBook,
    },
    /// Somebody's presence has changed.
    PresenceChanged {
        /// Who.
        name: AccountName,
        /// Now.
        presence: Presence,
    },
    /// Somebody calls.
    Incoming {
        /// Which call.
        call: CallId,
        /// The calling device.
        from: ParticipantId,
        /// Everybody invited, this account included.
        to: Vec<AccountName>,
        /// What is offered.
        media: CallMedia,
        /// When it stops ringing, by the server's clock. Not to be shown after that.
        expires: UnixMillis,
        /// As the caller said in [`ClientMessage::Invite`].
        #[serde(default)]
        hide_address: bool,
    },
    /// It rings on a callee's device: told once of each.
    Ringing {
        /// Which call.
        call: CallId,
        /// Where.
        device: ParticipantId,
        /// As the device said in [`ClientMessage::RingingHere`].
        #[serde(default)]
        hide_address: bool,
    },
    /// A callee's device has taken the call: told to every other device in it.
    Accepted {
        /// Which call.
        call: CallId,
        /// The device.
        by: ParticipantId,
        /// As the device said when it rang.
        #[serde(default)]
        hide_address: bool,
    },
    /// A callee declined.
    Declined {
        /// Which call.
        call: CallId,
        /// Who.
        account: AccountName,
    },
    /// This call does not or no longer ring at a callee's, without their doing.
    Unreachable {
        /// Which call.
        call: CallId,
        /// Who.
        account: AccountName,
        /// Why.
        reason: Unreachable,
    },
    /// Stop ringing here.
    RingStopped {
        /// Which call.
        call: CallId,
        /// Why.
        reason: RingStop,
    },
    /// A participant is no longer in the call.
    Left {
        /// Which call.
        call: CallId,
        /// Who.
        who: ParticipantId,
        /// Why.
        reason: LeaveReason,
    },
    /// A negotiation message from another participant.
    Signal {
        /// Which call.
        call: CallId,
        /// From whom.
        from: ParticipantId,
        /// The message.
        message: SignedMessage,
    },
    /// Past calls, newest first.
    History {
        /// At most as many as were asked for.
        entries: Vec<HistoryEntry>,
    },
    /// STUN and TURN servers: after each welcome, and when asked for.
    IceServers {
        /// All of them; earlier ones count no more.
        ice: IceServers,
    },
}

impl ServerMessage {
    /// Whether it is delivered even if the connection is lost meanwhile. All that is said of a
    /// call is. Contacts and presence are not: the next welcome brings them as they are then.
    /// Answers to questions are not: they are asked again.
    pub fn is_delivered_for_sure(&self) -> bool {
        match self {
            Self::Failed { .. }
            | Self::Incoming { .. }
            | Self::Ringing { .. }
            | Self::Accepted { .. }
            | Self::Declined { .. }
            | Self::Unreachable { .. }
            | Self::RingStopped { .. }
            | Self::Left { .. }
            | Self::Signal { .. } => true,
            Self::Challenge { .. }
            | Self::Welcome { .. }
            | Self::Refused { .. }
            | Self::Book { .. }
            | Self::PresenceChanged { .. }
            | Self::History { .. }
            | Self::IceServers { .. } => false,
        }
    }
}

/// Why the server does not sign somebody in, or ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    /// The server does not know the app's protocol version.
    UnsupportedVersion,
    /// Registering: the name belongs to another key.
    NameTaken,
    /// Signing in: the name belongs to another key.
    WrongKey,
    /// Signing in: no such account on this server.
    UnknownAccount,
    /// The signature does not prove the key.
    BadProof,
    /// A message that is not of the protocol, or too large.
    Malformed,
    /// Too many messages, or too many connections.
    TooMany,
    /// The same device has signed in anew.
    Replaced,
    /// The server is stopping or broken.
    Unavailable,
}

/// Why one request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum Failure {
    /// No such account.
    UnknownAccount,
    /// One cannot be one's own contact, or call oneself.
    Oneself,
    /// Too many contacts, requests or calls.
    TooMany,
    /// No such call, or not in it.
    UnknownCall,
    /// Outside the bounds of the protocol.
    OutOfBounds,
    /// The server could not store or read.
    Storage,
}

#[cfg(test)]
mod tests {
    use super::*;

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
