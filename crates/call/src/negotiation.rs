//! Perfect negotiation (W3C WebRTC, section 10.7) for one peer connection, as a machine
//! without I/O: it keeps one operation in flight, stamps each with an epoch, queues
//! candidates until there is a description for them, and decides every collision of offers.

use tincan_proto::PeerMessage;
use tincan_proto::peer_message::Candidate;

/// Who gives way when two offers collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Takes its own offer back.
    Polite,
    /// Ignores the other's.
    Impolite,
}

/// Counts negotiations; results of a former one fall on the floor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

/// What happens to a negotiation.
#[derive(Clone, Debug, PartialEq)]
pub enum NegotiationInput {
    /// A negotiation is wanted.
    Needed {
        /// With new ICE credentials.
        ice_restart: bool,
    },
    /// The other side sent a message.
    Received(PeerMessage),
    /// A local candidate was gathered; one with an empty line ends the generation.
    Gathered(Candidate),
    /// [`NegotiationCommand::CreateOffer`] or [`NegotiationCommand::AcceptOffer`] has set this
    /// local description.
    LocalDescriptionSet {
        /// The epoch of the command.
        epoch: Epoch,
        /// The SDP that was set.
        sdp: String,
    },
    /// [`NegotiationCommand::AcceptAnswer`] has set the remote description.
    AnswerSet {
        /// The epoch of the command.
        epoch: Epoch,
    },
    /// A command failed.
    CommandFailed {
        /// The epoch of the command.
        epoch: Epoch,
    },
}

/// What a negotiation orders of its peer connection. Commands are carried out strictly in
/// order; each of the first three is answered by exactly one input.
#[derive(Clone, Debug, PartialEq)]
pub enum NegotiationCommand {
    /// Create an offer and set it as the local description.
    CreateOffer {
        /// To be brought back.
        epoch: Epoch,
        /// With new ICE credentials.
        ice_restart: bool,
    },
    /// Set the remote offer, create the answer and set it as the local description.
    AcceptOffer {
        /// To be brought back.
        epoch: Epoch,
        /// The other side's offer.
        sdp: String,
        /// First take back the own offer, if one is set by then.
        rollback: bool,
    },
    /// Set the remote answer.
    AcceptAnswer {
        /// To be brought back.
        epoch: Epoch,
        /// The other side's answer.
        sdp: String,
    },
    /// Add a remote candidate; its description is set by then. Failures are only logged.
    AddCandidate(Candidate),
    /// Send a message to the other side.
    Send(PeerMessage),
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Negotiation {
    role: Role,
}

impl Negotiation {
    /// A fresh connection's negotiation.
    pub fn new(role: Role) -> Self {
        Self { role }
    }

    /// This side's part.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Takes one input and returns what to do, in order.
    #[must_use]
    pub fn step(&mut self, input: NegotiationInput) -> Vec<NegotiationCommand> {
        let _ = input;
        Vec::new()
    }

    /// True once negotiation cannot go on: a command failed and nothing is left to try.
    pub fn failed(&self) -> bool {
        false
    }
}
