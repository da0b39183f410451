//! People as the server knows them for an account.

use super::Direction;
use crate::identity::PublicIdentity;
use crate::ids::AccountName;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
