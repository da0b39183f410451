//! Two sides and the way between them, one happening at a time in an order drawn from a seed.

use crate::model_peer::ModelPeer;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::collections::VecDeque;
use tincan_call::{Negotiation, NegotiationInput, Role};
use tincan_proto::PeerMessage;

/// More happenings than any negotiation takes: two sides that never agree are found by it.
const MANY_STEPS: usize = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Impolite,
    Polite,
}

struct End {
    negotiation: Negotiation,
    peer: ModelPeer,
    /// On their way from here.
    messages: VecDeque<PeerMessage>,
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    OrderDone(usize),
    ResultKnown(usize),
    CandidateGathered(usize),
    MessageArrives(usize),
}

pub struct Pair {
    seed: u64,
    random: StdRng,
    ends: [End; 2],
    pub fragments: bool,
    pub duplicate: bool,
    pub reorder: bool,
    pub lose: bool,
}

impl Pair {
    pub fn new(seed: u64, fragments: bool) -> Self {
        let end = |role, side| End {
            negotiation: Negotiation::new(role),
            peer: ModelPeer::new(side, fragments),
            messages: VecDeque::new(),
        };
        Self {
            seed,
            random: StdRng::seed_from_u64(seed),
            ends: [end(Role::Impolite, "a"), end(Role::Polite, "b")],
            fragments,
            duplicate: false,
            reorder: false,
            lose: false,
        }
    }

    pub fn need(&mut self, side: Side, ice_restart: bool) {
        self.input(side as usize, NegotiationInput::Needed { ice_restart });
    }

    pub fn fail_once(&mut self, side: Side) {
        self.ends[side as usize].peer.failures = 1;
    }

    /// Lets at most `most` things happen.
    pub fn steps(&mut self, most: usize) {
        for _ in 0..most {
            let Some(&next) = self.possible().choose(&mut self.random) else { return };
            self.happen(next);
        }
    }

    /// Lets everything happen.
    pub fn settle(&mut self) {
        self.steps(MANY_STEPS);
        assert!(self.possible().is_empty(), "seed {}: it never settles", self.seed);
    }

    pub fn generations(&self) -> (u32, u32) {
        (self.ends[0].peer.generation(), self.ends[1].peer.generation())
    }

    pub fn failed(&self) -> bool {
        self.ends.iter().any(|end| end.negotiation.failed())
    }

    pub fn check_no_violation(&self) {
        for end in &self.ends {
            assert_eq!(end.peer.violations, [] as [String; 0], "seed {}", self.seed);
        }
    }

    /// Both sides agree, nothing invalid was done and no candidate was lost.
    pub fn check(&self) {
        self.check_agreement();
        let ([a, b], seed) = (&self.ends, self.seed);
        assert!(a.peer.has_all_candidates_of(&b.peer), "seed {seed}: a misses candidates");
        assert!(b.peer.has_all_candidates_of(&a.peer), "seed {seed}: b misses candidates");
    }

    /// Both sides agree and nothing invalid was done.
    pub fn check_agreement(&self) {
        self.check_no_violation();
        let ([a, b], seed) = (&self.ends, self.seed);
        assert!(!self.failed(), "seed {seed}: failed");
        assert!(a.peer.is_stable() && b.peer.is_stable(), "seed {seed}: an offer is open");
        assert!(a.peer.exchange.is_some(), "seed {seed}: nothing was negotiated");
        assert_eq!(a.peer.exchange, b.peer.exchange, "seed {seed}");
    }

    fn possible(&self) -> Vec<Happening> {
        let mut possible = Vec::new();
        for (at, end) in self.ends.iter().enumerate() {
            let happenings = [
                (end.peer.has_order(), Happening::OrderDone(at)),
                (end.peer.has_result(), Happening::ResultKnown(at)),
                (end.peer.has_candidate(), Happening::CandidateGathered(at)),
                (!end.messages.is_empty(), Happening::MessageArrives(at)),
            ];
            possible.extend(happenings.into_iter().filter(|(can, _)| *can).map(|(_, what)| what));
        }
        possible
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::OrderDone(at) => {
                if let Some(message) = self.ends[at].peer.work() {
                    self.ends[at].messages.push_back(message);
                }
            }
            Happening::ResultKnown(at) => {
                if let Some(result) = self.ends[at].peer.result() {
                    self.input(at, result);
                }
            }
            Happening::CandidateGathered(at) => {
                if let Some(candidate) = self.ends[at].peer.candidate() {
                    self.input(at, candidate);
                }
            }
            Happening::MessageArrives(from) => {
                let messages = &mut self.ends[from].messages;
                let at = if self.reorder { self.random.random_range(0..messages.len()) } else { 0 };
                let Some(message) = messages.remove(at) else { return };
                if self.lose && self.random.random_ratio(1, 3) {
                    return;
                }
                if self.duplicate && self.random.random_ratio(1, 3) {
                    messages.push_back(message.clone());
                }
                self.input(1 - from, NegotiationInput::Received(message));
            }
        }
    }

    fn input(&mut self, at: usize, input: NegotiationInput) {
        for command in self.ends[at].negotiation.step(input) {
            self.ends[at].peer.order(command);
        }
    }
}
