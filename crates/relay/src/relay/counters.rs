//! What a relay counts, for its operator.

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Credentials are wanted: how every client begins.
    Unauthenticated,
    /// The nonce has expired.
    StaleNonce,
    /// A user name that was not minted here, or a wrong password.
    Forged,
    /// The credential has expired.
    Expired,
    /// The allocation is somebody else's.
    Foreign,
    /// Something is missing or wrong.
    BadRequest,
    /// It holds what has to be understood and is not.
    UnknownAttribute,
    /// There is an allocation already, or none.
    Mismatch,
    /// A peer that may not be reached.
    ForbiddenPeer,
    /// No address of this family.
    FamilyUnsupported,
    /// A peer of the other family.
    FamilyMismatch,
    /// Only UDP is relayed.
    TransportUnsupported,
    /// The account has all the allocations it may have.
    Quota,
    /// The server has.
    Capacity,
    /// Not answered at all: too many from this source.
    RateLimited,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Unauthenticated,
        Self::StaleNonce,
        Self::Forged,
        Self::Expired,
        Self::Foreign,
        Self::BadRequest,
        Self::UnknownAttribute,
        Self::Mismatch,
        Self::ForbiddenPeer,
        Self::FamilyUnsupported,
        Self::FamilyMismatch,
        Self::TransportUnsupported,
        Self::Quota,
        Self::Capacity,
        Self::RateLimited,
    ];

    /// The code and the words of ERROR-CODE (RFC 8489, section 14.8; RFC 8656, section 19).
    pub fn code(self) -> (u16, &'static str) {
        match self {
            Self::Unauthenticated | Self::Forged | Self::Expired => (401, "Unauthenticated"),
            Self::StaleNonce => (438, "Stale Nonce"),
            Self::Foreign => (441, "Wrong Credentials"),
            Self::BadRequest | Self::RateLimited => (400, "Bad Request"),
            Self::UnknownAttribute => (420, "Unknown Attribute"),
            Self::Mismatch => (437, "Allocation Mismatch"),
            Self::ForbiddenPeer => (403, "Forbidden"),
            Self::FamilyUnsupported => (440, "Address Family not Supported"),
            Self::FamilyMismatch => (443, "Peer Address Family Mismatch"),
            Self::TransportUnsupported => (442, "Unsupported Transport Protocol"),
            Self::Quota => (486, "Allocation Quota Reached"),
            Self::Capacity => (508, "Insufficient Capacity"),
        }
    }

    /// What it is called in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::StaleNonce => "stale_nonce",
            Self::Forged => "forged",
            Self::Expired => "expired",
            Self::Foreign => "foreign",
            Self::BadRequest => "bad_request",
            Self::UnknownAttribute => "unknown_attribute",
            Self::Mismatch => "mismatch",
            Self::ForbiddenPeer => "forbidden_peer",
            Self::FamilyUnsupported => "family_unsupported",
            Self::FamilyMismatch => "family_mismatch",
            Self::TransportUnsupported => "transport_unsupported",
            Self::Quota => "quota",
            Self::Capacity => "capacity",
            Self::RateLimited => "rate_limited",
        }
    }
}

/// Why a packet was dropped without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// Neither STUN nor ChannelData.
    Malformed,
    /// From a client without an allocation, or to a channel without a peer.
    Unknown,
    /// To or from a peer without permission.
    NotPermitted,
    /// Beyond the account's bytes a second.
    Budget,
}

impl Drop {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Malformed, Self::Unknown, Self::NotPermitted, Self::Budget];

    /// What it is called in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::NotPermitted => "not_permitted",
            Self::Budget => "budget",
        }
    }
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Allocations that live now.
    pub allocations: u64,
    /// Allocations that were made.
    pub allocations_made: u64,
    /// Binding requests that were answered.
    pub bindings: u64,
    /// Packets from clients to peers.
    pub packets_to_peers: u64,
    /// Their payload.
    pub bytes_to_peers: u64,
    /// Packets from peers to clients.
    pub packets_to_clients: u64,
    /// Their payload.
    pub bytes_to_clients: u64,
    refused: [u64; Refusal::ALL.len()],
    dropped: [u64; Drop::ALL.len()],
}

impl Counters {
    /// How many requests were refused for this reason.
    pub fn refused(&self, refusal: Refusal) -> u64 {
        self.refused[refusal as usize]
    }

    /// How many packets were dropped for this reason.
    pub fn dropped(&self, reason: Drop) -> u64 {
        self.dropped[reason as usize]
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refused[refusal as usize] += 1;
    }

    pub(super) fn drop(&mut self, reason: Drop) {
        self.dropped[reason as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_place() {
        for (index, refusal) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(refusal as usize, index);
        }
        for (index, reason) in Drop::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }
}
