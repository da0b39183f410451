//! From the server to the app.

use super::{CallMedia, ContactBook, HistoryEntry, LeaveReason, Presence, RingStop, Unreachable};
use crate::ice::IceServers;
use crate::ids::{AccountName, CallId, ParticipantId, SessionId};
use crate::peer_message::SignedMessage;
use crate::units::UnixMillis;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
