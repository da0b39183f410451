//! A peer connection as far as negotiation sees it: the signalling states of the `webrtc`
//! crate (no implicit rollback, no candidate without a description), ICE generations and
//! candidates. What a correct negotiation never does is recorded as a violation.
#![allow(dead_code, reason = "two test programs use different parts of it")]

use std::collections::{BTreeSet, VecDeque};
use tincan_call::{NegotiationCommand, NegotiationInput};
use tincan_proto::PeerMessage;
use tincan_proto::peer_message::Candidate;

/// Candidates of each generation.
const CANDIDATES: u32 = 3;

#[derive(Clone, Debug, PartialEq)]
struct LocalOffer {
    text: String,
    /// To go back to.
    generation: u32,
    to_gather: VecDeque<Candidate>,
}

/// The last negotiation that came to its end: the offer's and the answer's text.
pub type Exchange = (String, String);

#[derive(Clone, Debug)]
pub struct ModelPeer {
    side: &'static str,
    /// Candidates carry their user name fragment (as Chromium's do, `webrtc`'s do not).
    fragments: bool,
    serial: u32,
    orders: VecDeque<NegotiationCommand>,
    results: VecDeque<NegotiationInput>,
    to_gather: VecDeque<Candidate>,
    gathered: u32,
    generation: u32,
    newest_generation: u32,
    offer: Option<LocalOffer>,
    pub exchange: Option<Exchange>,
    remote_fragment: Option<String>,
    remote_candidates: BTreeSet<String>,
    /// Orders that are still to fail, however valid.
    pub failures: u32,
    /// An answer to another offer is an error of the other side or of the network.
    pub mismatched_answers: u32,
    pub violations: Vec<String>,
}

impl ModelPeer {
    pub fn new(side: &'static str, fragments: bool) -> Self {
        Self {
            side,
            fragments,
            serial: 0,
            orders: VecDeque::new(),
            results: VecDeque::new(),
            to_gather: VecDeque::new(),
            gathered: 0,
            generation: 1,
            newest_generation: 1,
            offer: None,
            exchange: None,
            remote_fragment: None,
            remote_candidates: BTreeSet::new(),
            failures: 0,
            mismatched_answers: 0,
            violations: Vec::new(),
        }
    }

    /// Takes an order, to be carried out after the earlier ones.
    pub fn order(&mut self, command: NegotiationCommand) {
        self.orders.push_back(command);
    }

    pub fn has_order(&self) -> bool {
        !self.orders.is_empty()
    }

    pub fn has_result(&self) -> bool {
        !self.results.is_empty()
    }

    pub fn has_candidate(&self) -> bool {
        !self.to_gather.is_empty()
    }

    pub fn result(&mut self) -> Option<NegotiationInput> {
        self.results.pop_front()
    }

    pub fn candidate(&mut self) -> Option<NegotiationInput> {
        self.to_gather.pop_front().map(NegotiationInput::Gathered)
    }

    /// The ICE generation in use.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// No offer is open.
    pub fn is_stable(&self) -> bool {
        self.offer.is_none()
    }

    /// Every candidate of the other side's generation has been added.
    pub fn has_all_candidates_of(&self, other: &Self) -> bool {
        let wanted = |n| other.candidate_line(other.generation, n);
        (0..CANDIDATES).all(|n| self.remote_candidates.contains(&wanted(n)))
    }

    /// Some candidate of the other side's generation has been added.
    pub fn has_candidate_of(&self, other: &Self) -> bool {
        let wanted = |n| other.candidate_line(other.generation, n);
        (0..CANDIDATES).any(|n| self.remote_candidates.contains(&wanted(n)))
    }

    /// Carries out the oldest order. Returns a message if it is one.
    pub fn work(&mut self) -> Option<PeerMessage> {
        match self.orders.pop_front()? {
            NegotiationCommand::Send(message) => return Some(message),
            NegotiationCommand::AddCandidate(candidate) => self.add_candidate(candidate),
            NegotiationCommand::CreateOffer { epoch, ice_restart } => {
                let result = if self.fails() {
                    NegotiationInput::CommandFailed { epoch }
                } else {
                    let sdp = self.create_offer(ice_restart);
                    NegotiationInput::LocalDescriptionSet { epoch, sdp }
                };
                self.results.push_back(result);
            }
            NegotiationCommand::AcceptOffer { epoch, sdp, rollback } => {
                let result = if self.fails() {
                    NegotiationInput::CommandFailed { epoch }
                } else {
                    let sdp = self.accept_offer(&sdp, rollback);
                    NegotiationInput::LocalDescriptionSet { epoch, sdp }
                };
                self.results.push_back(result);
            }
            NegotiationCommand::AcceptAnswer { epoch, sdp } => {
                let result = if !self.fails() && self.accept_answer(&sdp) {
                    NegotiationInput::AnswerSet { epoch }
                } else {
                    NegotiationInput::CommandFailed { epoch }
                };
                self.results.push_back(result);
            }
        }
        None
    }

    fn fails(&mut self) -> bool {
        let fails = self.failures > 0;
        self.failures -= u32::from(fails);
        fails
    }

    fn create_offer(&mut self, ice_restart: bool) -> String {
        if self.offer.is_some() {
            self.violation("an offer while an offer is open");
        }
        let (generation, to_gather) = (self.generation, self.to_gather.clone());
        if ice_restart && self.exchange.is_some() {
            self.restart();
        }
        let text = self.describe("offer", "nothing");
        self.offer = Some(LocalOffer { text: text.clone(), generation, to_gather });
        self.gather();
        text
    }

    fn accept_offer(&mut self, sdp: &str, rollback: bool) -> String {
        if let Some(offer) = self.offer.take() {
            if !rollback {
                self.violation("a remote offer on a local one without rollback");
            }
            // The agent goes on gathering; a generation that was never agreed on is dropped.
            if self.generation != offer.generation {
                self.generation = offer.generation;
                self.to_gather = offer.to_gather;
            }
        }
        let restarts = self.remote_fragment.as_deref().is_some_and(|known| known != fragment(sdp));
        if restarts {
            self.restart();
        }
        self.set_remote(sdp);
        let answer = self.describe("answer", title(sdp));
        self.exchange = Some((sdp.to_owned(), answer.clone()));
        self.gather();
        answer
    }

    fn accept_answer(&mut self, sdp: &str) -> bool {
        let Some(offer) = self.offer.take() else {
            self.violation("an answer without an open offer");
            return false;
        };
        if !title(sdp).ends_with(&format!("to ({})", title(&offer.text))) {
            self.mismatched_answers += 1;
            self.offer = Some(offer);
            return false;
        }
        self.set_remote(sdp);
        self.exchange = Some((offer.text, sdp.to_owned()));
        true
    }

    fn set_remote(&mut self, sdp: &str) {
        let fragment = fragment(sdp);
        if self.remote_fragment.as_deref() != Some(fragment) {
            self.remote_candidates.clear();
        }
        self.remote_fragment = Some(fragment.to_owned());
    }

    fn add_candidate(&mut self, candidate: Candidate) {
        let Some(set) = self.remote_fragment.as_ref() else {
            return self.violation("a candidate without a remote description");
        };
        if candidate.username_fragment.as_ref().is_some_and(|fragment| fragment != set) {
            self.violation("a candidate of another generation");
        }
        self.remote_candidates.insert(candidate.candidate);
    }

    fn restart(&mut self) {
        self.newest_generation += 1;
        self.generation = self.newest_generation;
        self.to_gather.clear();
    }

    fn gather(&mut self) {
        if self.gathered >= self.generation {
            return;
        }
        self.gathered = self.generation;
        for n in 0..CANDIDATES {
            self.to_gather.push_back(Candidate {
                candidate: self.candidate_line(self.generation, n),
                sdp_mid: None,
                sdp_m_line_index: None,
                username_fragment: self.fragments.then(|| self.fragment_of(self.generation)),
            });
        }
    }

    fn candidate_line(&self, generation: u32, n: u32) -> String {
        format!("candidate {n} of {}", self.fragment_of(generation))
    }

    fn fragment_of(&self, generation: u32) -> String {
        format!("{}{generation}", self.side)
    }

    fn describe(&mut self, kind: &str, to: &str) -> String {
        self.serial += 1;
        let (side, serial, fragment) = (self.side, self.serial, self.fragment_of(self.generation));
        format!("{kind} {side} {serial} to ({to})\r\na=ice-ufrag:{fragment}\r\n")
    }

    fn violation(&mut self, what: &str) {
        self.violations.push(format!("{}: {what}", self.side));
    }
}

fn title(sdp: &str) -> &str {
    sdp.lines().next().unwrap_or_default()
}

fn fragment(sdp: &str) -> &str {
    sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).unwrap_or_default()
}
