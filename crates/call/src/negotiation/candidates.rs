//! Where ICE candidates wait: remote ones for their description, local ones until the
//! description that they belong to has been sent (RFC 8838, sections 11 and 12).

use tincan_proto::peer_message::Candidate;

/// Most remote candidates that wait for a description; the oldest falls out, for the newest
/// belong to the generation that is still to come.
const MAX_WAITING: usize = 64;
/// Most remote candidates that one description may gain: more would only slow the checks.
const MAX_ADDED: usize = 256;
/// Most local candidates kept for sending again; a machine with more addresses loses the oldest.
const MAX_KEPT: usize = 64;
/// Most ignored user name fragments remembered.
const MAX_IGNORED: usize = 8;

/// The ICE user name fragments that an SDP names (RFC 8839, section 5.4).
fn fragments(sdp: &str) -> Vec<String> {
    let mut found: Vec<String> = sdp
        .lines()
        .filter_map(|line| line.strip_prefix("a=ice-ufrag:"))
        .map(|fragment| fragment.trim().to_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}

fn fragment(candidate: &Candidate) -> Option<&String> {
    candidate.username_fragment.as_ref().filter(|fragment| !fragment.is_empty())
}

fn push_bounded(list: &mut Vec<Candidate>, candidate: Candidate, most: usize) {
    if list.len() >= most {
        list.remove(0);
    }
    list.push(candidate);
}

/// The other side's candidates.
#[derive(Clone, Debug, Default)]
pub(super) struct RemoteCandidates {
    /// With the number of the description that they came after.
    waiting: Vec<(u32, Candidate)>,
    /// The fragments of the description that is set; `None` before the first.
    generation: Option<Vec<String>>,
    /// Descriptions that are to be set, oldest first, with their numbers. What has no fragment
    /// belongs to the newest that came before it.
    expected: Vec<(String, u32)>,
    /// The number of the newest description received.
    newest: u32,
    ignored: Vec<String>,
    /// The last description received was ignored: what has no fragment belongs to it.
    ignoring: bool,
    added: usize,
}

impl RemoteCandidates {
    /// A candidate came. Returns it if it can be added at once.
    pub(super) fn received(&mut self, candidate: Candidate) -> Option<Candidate> {
        let dropped = match fragment(&candidate) {
            Some(fragment) => self.ignored.contains(fragment),
            None => self.ignoring,
        };
        if dropped {
            return None;
        }
        if self.expected.is_empty() && self.belongs(&candidate) {
            return self.count().then_some(candidate);
        }
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.remove(0);
        }
        self.waiting.push((self.newest, candidate));
        None
    }

    /// A description came and will be set: its candidates are welcome from now on.
    pub(super) fn expect(&mut self, sdp: &str) {
        self.ignoring = false;
        let welcome = fragments(sdp);
        self.ignored.retain(|fragment| !welcome.contains(fragment));
        if self.expected.iter().all(|(expected, _)| expected != sdp) {
            self.newest = self.newest.wrapping_add(1);
            self.expected.push((sdp.to_owned(), self.newest));
        }
    }

    /// A description that was expected will not be set after all.
    pub(super) fn forget(&mut self, sdp: &str) {
        self.expected.retain(|(expected, _)| expected != sdp);
    }

    /// An offer came and is ignored, and so are its candidates.
    pub(super) fn ignore(&mut self, sdp: &str) {
        self.ignoring = true;
        for fragment in fragments(sdp) {
            let current = self.generation.as_ref().is_some_and(|g| g.contains(&fragment));
            if !current && !self.ignored.contains(&fragment) {
                if self.ignored.len() >= MAX_IGNORED {
                    self.ignored.remove(0);
                }
                self.ignored.push(fragment);
            }
        }
        let ignored = &self.ignored;
        self.waiting.retain(|(_, c)| fragment(c).is_none_or(|f| !ignored.contains(f)));
    }

    /// The remote description is set. Returns what waited for it.
    pub(super) fn applied(&mut self, sdp: &str) -> Vec<Candidate> {
        let generation = fragments(sdp);
        if self.generation.as_ref() != Some(&generation) {
            self.added = 0;
        }
        self.generation = Some(generation);
        let at = self.expected.iter().position(|(expected, _)| expected == sdp);
        let (_, number) = at.map_or((String::new(), self.newest), |at| self.expected.remove(at));
        let last = self.expected.is_empty();
        let mut ready = Vec::new();
        for (after, candidate) in std::mem::take(&mut self.waiting) {
            if !self.belongs(&candidate) || !(last || after <= number) {
                self.waiting.push((after, candidate));
            } else if self.count() {
                ready.push(candidate);
            }
        }
        ready
    }

    /// True if `sdp` is of another ICE generation than what is set.
    pub(super) fn is_restart(&self, sdp: &str) -> bool {
        self.generation.as_ref().is_some_and(|generation| {
            let next = fragments(sdp);
            !next.is_empty() && next != *generation
        })
    }

    fn belongs(&self, candidate: &Candidate) -> bool {
        let Some(generation) = &self.generation else { return false };
        match fragment(candidate) {
            Some(fragment) => generation.is_empty() || generation.contains(fragment),
            None => true,
        }
    }

    fn count(&mut self) -> bool {
        self.added += 1;
        self.added <= MAX_ADDED
    }
}

/// This side's candidates.
#[derive(Clone, Debug, Default)]
pub(super) struct LocalCandidates {
    held: Vec<Candidate>,
    sent: Vec<Candidate>,
    generation: Vec<String>,
}

impl LocalCandidates {
    /// A candidate was gathered. Returns it if it may be sent at once; `described` says that
    /// its description has been sent.
    pub(super) fn gathered(&mut self, candidate: Candidate, described: bool) -> Option<Candidate> {
        if described {
            push_bounded(&mut self.sent, candidate.clone(), MAX_KEPT);
            return Some(candidate);
        }
        push_bounded(&mut self.held, candidate, MAX_KEPT);
        None
    }

    /// Our description is being sent. Returns the candidates to send after it.
    pub(super) fn described(&mut self, sdp: &str) -> Vec<Candidate> {
        let generation = fragments(sdp);
        if generation != self.generation {
            self.sent.clear();
            self.generation = generation;
        }
        let ready = std::mem::take(&mut self.held);
        for candidate in &ready {
            push_bounded(&mut self.sent, candidate.clone(), MAX_KEPT);
        }
        ready
    }

    /// Our offer is taken back: the other side dropped what we sent for it, and the ICE agent
    /// will not gather the same addresses twice, so everything goes out again after the answer.
    pub(super) fn rolled_back(&mut self) {
        let mut again = std::mem::take(&mut self.sent);
        again.append(&mut self.held);
        self.held = again;
        self.generation.clear();
    }

    /// Everything sent for the present description, to be sent again.
    pub(super) fn again(&self) -> Vec<Candidate> {
        self.sent.clone()
    }
}
