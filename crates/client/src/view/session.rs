//! Whether and as whom the person is signed in.

use serde::Serialize;
use tincan_proto::signalling::Refusal;
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, DeviceId};
use ts_rs::TS;

/// The server in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ServerView {
    /// Address without scheme, such as `127.0.0.1:4780`.
    pub address: String,
    /// It is this machine's own, which one of the apps here hosts.
    pub local: bool,
}

/// Whether and as whom the person is signed in.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum SessionView {
    /// First start, or signed out: a name is to be picked.
    SignedOut {
        /// The server that will be asked.
        server: ServerView,
        /// The name tried last, to be corrected.
        name: Option<String>,
        /// Why the last attempt failed.
        problem: Option<SessionProblem>,
    },
    /// An attempt is under way.
    SigningIn {
        /// As whom.
        name: AccountName,
        /// Where.
        server: ServerView,
    },
    /// Signed in.
    Online {
        /// As whom.
        name: AccountName,
        /// This device.
        device: DeviceId,
        /// Where.
        server: ServerView,
    },
    /// Was signed in; the connection to the server is lost and being restored. Calls go on.
    Offline {
        /// As whom.
        name: AccountName,
        /// Where.
        server: ServerView,
        /// What is wrong.
        problem: SessionProblem,
        /// When the next attempt starts.
        retry_at: Option<UnixMillis>,
    },
}

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum SessionProblem {
    /// Nothing answers at the address.
    Unreachable {
        /// What the system said.
        detail: String,
    },
    /// The address cannot be read.
    BadAddress,
    /// The name is not allowed.
    BadName,
    /// The server refused.
    Refused {
        /// Why.
        code: Refusal,
    },
    /// The identity key could be neither read nor stored.
    KeyStore {
        /// What the system said.
        detail: String,
    },
}
