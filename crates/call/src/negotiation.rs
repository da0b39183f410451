//! Perfect negotiation (W3C WebRTC, section 10.7) for one peer connection, as a machine
//! without I/O: it keeps one operation in flight, stamps each with an epoch, queues
//! candidates until there is a description for them, and decides every collision of offers.

mod candidates;

use candidates::{LocalCandidates, RemoteCandidates};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use tincan_proto::PeerMessage;
use tincan_proto::peer_message::{Candidate, Description, DescriptionKind};

/// Failures in a row that end a negotiation. One is forgiven: the usual cause is a description
/// that crossed another one, and the next attempt has a settled state to start from.
const MAX_FAILURES: u32 = 2;
/// Most remote descriptions remembered, to tell a late duplicate from a new one. Each SDP has
/// its own version (RFC 8866, section 5.2), so two of the same text are the same.
const MAX_SEEN: usize = 32;

/// Who gives way when two offers collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Takes its own offer back.
    Polite,
    /// Ignores the other's.
    Impolite,
}

/// Counts operations; results of a former one fall on the floor.
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
    /// The other side may not know of the offer that is open, if one is.
    Unheard,
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

/// The one operation in flight.
#[derive(Clone, Debug, PartialEq)]
enum Operation {
    /// An own offer is being made.
    Offering { ice_restart: bool },
    /// The other side's offer is being answered.
    Answering { offer: String },
    /// The other side's answer is being set.
    Completing { answer: String },
}

/// An own offer that is set, sent and not answered yet.
#[derive(Clone, Debug, PartialEq)]
struct Offered {
    sdp: String,
    ice_restart: bool,
    /// Its answer came, but could not be set: it is asked for again.
    answer_failed: bool,
}

/// The last offer that this side answered, while nothing was negotiated since.
#[derive(Clone, Debug, PartialEq)]
struct Answered {
    offer: String,
    answer: String,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Negotiation {
    role: Role,
    epoch: Epoch,
    operation: Option<Operation>,
    offered: Option<Offered>,
    answered: Option<Answered>,
    /// Hashes of the offers received and the answers set, oldest first.
    seen: VecDeque<u64>,
    /// A description of ours has been agreed on.
    agreed: bool,
    /// An offer that came while an operation was in flight; a newer one replaces it.
    next_offer: Option<String>,
    /// A negotiation that is wanted as soon as possible; true: with new ICE credentials.
    wish: Option<bool>,
    remote: RemoteCandidates,
    local: LocalCandidates,
    failures: u32,
}

impl Negotiation {
    /// A fresh connection's negotiation.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            epoch: Epoch::default(),
            operation: None,
            offered: None,
            answered: None,
            seen: VecDeque::new(),
            agreed: false,
            next_offer: None,
            wish: None,
            remote: RemoteCandidates::default(),
            local: LocalCandidates::default(),
            failures: 0,
        }
    }

    /// This side's part.
    pub fn role(&self) -> Role {
        self.role
    }

    /// True once negotiation cannot go on: a command failed and nothing is left to try.
    pub fn failed(&self) -> bool {
        self.failures >= MAX_FAILURES
    }

    /// Takes one input and returns what to do, in order.
    #[must_use]
    pub fn step(&mut self, input: NegotiationInput) -> Vec<NegotiationCommand> {
        let mut commands = Vec::new();
        if self.failed() {
            return commands;
        }
        match input {
            NegotiationInput::Needed { ice_restart } => self.needed(ice_restart, &mut commands),
            NegotiationInput::Received(PeerMessage::Description(Description { kind, sdp })) => {
                match kind {
                    DescriptionKind::Offer => self.offer_received(sdp, &mut commands),
                    DescriptionKind::Answer => self.answer_received(sdp, &mut commands),
                }
            }
            NegotiationInput::Received(PeerMessage::Candidate(candidate)) => {
                let ready = self.remote.received(candidate);
                commands.extend(ready.map(NegotiationCommand::AddCandidate));
            }
            // A new connection has a negotiation of its own: its owner decides.
            NegotiationInput::Received(PeerMessage::Renew) => {}
            NegotiationInput::Unheard => self.remind(&mut commands),
            NegotiationInput::Gathered(candidate) => {
                let ready = self.local.gathered(candidate, self.is_described());
                commands.extend(ready.map(send_candidate));
            }
            NegotiationInput::LocalDescriptionSet { epoch, sdp } => {
                self.local_description_set(epoch, sdp, &mut commands);
            }
            NegotiationInput::AnswerSet { epoch } => self.answer_set(epoch, &mut commands),
            NegotiationInput::CommandFailed { epoch } => self.command_failed(epoch, &mut commands),
        }
        commands
    }

    /// This machine's addresses have changed: what is being offered names some that may be gone, so
    /// that a restart is to follow it.
    pub fn outdate(&mut self) {
        if self.operation.is_some() || self.offered.is_some() {
            self.wish = Some(true);
        }
    }

    fn needed(&mut self, ice_restart: bool, commands: &mut Vec<NegotiationCommand>) {
        match (&self.operation, &self.offered) {
            // A restart that is wanted again while its offer has no answer: the offer or the
            // answer was lost on the way. The other side answers the same offer the same way.
            (None, Some(offered)) if ice_restart => {
                if !offered.ice_restart {
                    self.wish = Some(true);
                }
                self.send_offer_again(commands);
            }
            (None, Some(_)) | (Some(_), _) | (None, None) => {
                self.wish = Some(ice_restart || self.wish == Some(true));
                self.go_on(commands);
            }
        }
    }

    fn offer_received(&mut self, sdp: String, commands: &mut Vec<NegotiationCommand>) {
        if self.has_seen(&sdp) {
            return self.offer_repeated(&sdp, commands);
        }
        self.remember(&sdp);
        let making = match (&self.operation, &self.offered) {
            (Some(Operation::Answering { .. } | Operation::Completing { .. }), _)
            | (None, Some(Offered { answer_failed: true, .. })) => {
                self.remote.expect(&sdp);
                if let Some(outdated) = self.next_offer.replace(sdp) {
                    self.remote.forget(&outdated);
                }
                return;
            }
            (Some(Operation::Offering { ice_restart }), _)
            | (None, Some(Offered { ice_restart, .. })) => Some(*ice_restart),
            (None, None) => None,
        };
        match (making, self.role) {
            (None, _) => self.accept_offer(sdp, false, commands),
            (Some(ice_restart), Role::Polite) => self.give_way(sdp, ice_restart, commands),
            (Some(_), Role::Impolite) => {
                self.remote.ignore(&sdp);
                self.remind(commands);
            }
        }
    }

    /// Takes the own offer back for theirs.
    fn give_way(&mut self, sdp: String, ice_restart: bool, commands: &mut Vec<NegotiationCommand>) {
        self.offered = None;
        self.wish = Some(ice_restart || self.wish == Some(true));
        self.local.rolled_back();
        self.accept_offer(sdp, true, commands);
    }

    /// An offer came that came before.
    fn offer_repeated(&mut self, sdp: &str, commands: &mut Vec<NegotiationCommand>) {
        if let (None, Some(offered), Role::Polite) = (&self.operation, &self.offered, self.role)
            && self.next_offer.as_deref() == Some(sdp)
        {
            // They wait for our answer to it rather than hold ours for answered.
            let ice_restart = offered.ice_restart;
            self.next_offer = None;
            return self.give_way(sdp.to_owned(), ice_restart, commands);
        }
        match &self.answered {
            // They had no answer from us, or the message was duplicated.
            Some(answered) if answered.offer == sdp => {
                commands.push(describe(DescriptionKind::Answer, &answered.answer));
                commands.extend(self.local.again().into_iter().map(send_candidate));
            }
            Some(_) | None => match self.role {
                Role::Impolite => self.remind(commands),
                Role::Polite => {}
            },
        }
    }

    /// Sends the open offer again to somebody who may not know of it. Normally it is on its way
    /// and this is a duplicate, which does no harm; but had it been lost, both sides would wait
    /// for ever.
    fn remind(&self, commands: &mut Vec<NegotiationCommand>) {
        if self.operation.is_none() {
            self.send_offer_again(commands);
        }
    }

    fn answer_received(&mut self, sdp: String, commands: &mut Vec<NegotiationCommand>) {
        // An answer without an open offer is late, double, or for an offer taken back.
        if self.operation.is_some() || self.offered.is_none() || self.has_seen(&sdp) {
            return;
        }
        self.remote.expect(&sdp);
        let epoch = self.begin(Operation::Completing { answer: sdp.clone() });
        commands.push(NegotiationCommand::AcceptAnswer { epoch, sdp });
    }

    fn local_description_set(
        &mut self,
        epoch: Epoch,
        sdp: String,
        commands: &mut Vec<NegotiationCommand>,
    ) {
        if epoch != self.epoch {
            return;
        }
        match self.operation.take() {
            Some(Operation::Offering { ice_restart }) => {
                commands.push(describe(DescriptionKind::Offer, &sdp));
                commands.extend(self.local.described(&sdp).into_iter().map(send_candidate));
                self.offered = Some(Offered { sdp, ice_restart, answer_failed: false });
            }
            Some(Operation::Answering { offer }) => {
                self.failures = 0;
                commands.push(describe(DescriptionKind::Answer, &sdp));
                commands.extend(self.local.described(&sdp).into_iter().map(send_candidate));
                self.remote_applied(&offer, commands);
                self.answered = Some(Answered { offer, answer: sdp });
                self.agreed = true;
                self.go_on(commands);
            }
            other @ (Some(Operation::Completing { .. }) | None) => self.operation = other,
        }
    }

    fn answer_set(&mut self, epoch: Epoch, commands: &mut Vec<NegotiationCommand>) {
        if epoch != self.epoch {
            return;
        }
        match self.operation.take() {
            Some(Operation::Completing { answer }) => {
                self.failures = 0;
                self.offered = None;
                self.answered = None;
                self.remote_applied(&answer, commands);
                self.remember(&answer);
                self.agreed = true;
                self.go_on(commands);
            }
            other @ (Some(Operation::Offering { .. } | Operation::Answering { .. }) | None) => {
                self.operation = other;
            }
        }
    }

    fn command_failed(&mut self, epoch: Epoch, commands: &mut Vec<NegotiationCommand>) {
        if epoch != self.epoch {
            return;
        }
        let Some(operation) = self.operation.take() else { return };
        self.failures += 1;
        if self.failed() {
            return;
        }
        match operation {
            Operation::Offering { ice_restart } => {
                self.wish = Some(ice_restart || self.wish == Some(true));
                self.go_on(commands);
            }
            Operation::Answering { offer } => {
                let next = self.next_offer.take();
                if next.is_some() {
                    self.remote.forget(&offer);
                }
                self.accept_offer(next.unwrap_or(offer), true, commands);
            }
            // Ours still stands, and the other side holds it for answered.
            Operation::Completing { answer } => {
                self.remote.forget(&answer);
                if let Some(offered) = &mut self.offered {
                    offered.answer_failed = true;
                }
                self.send_offer_again(commands);
            }
        }
    }

    /// Begins what was put off, now that nothing is in flight.
    fn go_on(&mut self, commands: &mut Vec<NegotiationCommand>) {
        if self.operation.is_some() || self.offered.is_some() {
            return;
        }
        if let Some(offer) = self.next_offer.take() {
            self.accept_offer(offer, false, commands);
        } else if let Some(ice_restart) = self.wish.take() {
            let epoch = self.begin(Operation::Offering { ice_restart });
            commands.push(NegotiationCommand::CreateOffer { epoch, ice_restart });
        }
    }

    fn accept_offer(
        &mut self,
        sdp: String,
        rollback: bool,
        commands: &mut Vec<NegotiationCommand>,
    ) {
        self.remote.expect(&sdp);
        if self.remote.is_restart(&sdp) {
            // The other side restarts ICE already: ours need not do it again.
            self.wish = self.wish.map(|_| false);
        }
        let epoch = self.begin(Operation::Answering { offer: sdp.clone() });
        commands.push(NegotiationCommand::AcceptOffer { epoch, sdp, rollback });
    }

    fn begin(&mut self, operation: Operation) -> Epoch {
        self.operation = Some(operation);
        self.epoch = Epoch(self.epoch.0.wrapping_add(1));
        self.epoch
    }

    fn remote_applied(&mut self, sdp: &str, commands: &mut Vec<NegotiationCommand>) {
        commands.extend(self.remote.applied(sdp).into_iter().map(NegotiationCommand::AddCandidate));
    }

    fn send_offer_again(&self, commands: &mut Vec<NegotiationCommand>) {
        if let Some(offered) = &self.offered {
            commands.push(describe(DescriptionKind::Offer, &offered.sdp));
            commands.extend(self.local.again().into_iter().map(send_candidate));
        }
    }

    fn has_seen(&self, sdp: &str) -> bool {
        self.seen.contains(&hash(sdp))
    }

    fn remember(&mut self, sdp: &str) {
        if self.seen.len() >= MAX_SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back(hash(sdp));
    }

    /// True if the description that a candidate gathered now belongs to has been sent.
    fn is_described(&self) -> bool {
        match &self.operation {
            None => self.offered.is_some() || self.agreed,
            Some(Operation::Completing { .. }) => true,
            Some(Operation::Offering { .. } | Operation::Answering { .. }) => false,
        }
    }
}

fn hash(sdp: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    sdp.hash(&mut hasher);
    hasher.finish()
}

fn describe(kind: DescriptionKind, sdp: &str) -> NegotiationCommand {
    NegotiationCommand::Send(PeerMessage::Description(Description { kind, sdp: sdp.to_owned() }))
}

fn send_candidate(candidate: Candidate) -> NegotiationCommand {
    NegotiationCommand::Send(PeerMessage::Candidate(candidate))
}
