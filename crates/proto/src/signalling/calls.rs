//! Words about calls: what they carry, and how rings and calls end.

use crate::ids::{AccountName, CallId};
use crate::units::UnixMillis;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Sound alone or sound and picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum CallMedia {
    /// Sound alone; a picture may be added later.
    Audio,
    /// Sound and picture.
    Video,
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
