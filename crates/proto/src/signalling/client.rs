//! From the app to the server.

use super::{CallMedia, DeclineReason, LeaveReason};
use crate::identity::{PublicIdentity, SignatureBytes};
use crate::ids::{AccountName, CallId, DeviceId, ParticipantId, SessionId};
use crate::peer_message::SignedMessage;
use crate::units::UnixMillis;
use serde::{Deserialize, Serialize};

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
