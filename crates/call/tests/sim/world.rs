//! Devices, a server and the ways between them on a fake clock; one happening at a time.

use crate::model_peer::ModelPeer;
use crate::paths::{Paths, Way};
use crate::server::{Down, Server, Up};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::{Duration, Instant};
use tincan_call::state::Stage;
use tincan_call::*;
use tincan_proto::{AccountName, ControlMessage, DeviceId, Numbered, ParticipantId, Viewing};

/// How bad the world is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Messages between participants are sometimes doubled.
    pub duplicates: bool,
    /// Messages between participants sometimes overtake each other.
    pub reorders: bool,
    /// The server keeps nothing for devices that are away.
    pub forgets: bool,
    /// The server does not tell a device that joins who has joined before.
    pub shy: bool,
    /// DTLS sometimes never comes to its end.
    pub hangs: bool,
    /// Messages between participants are sometimes lost.
    pub loses: bool,
}

#[derive(Clone, Debug)]
pub enum Happening {
    User(usize, Input),
    /// The oldest call that rings is taken.
    TakesRing(usize),
    DeclinesRing(usize),
    LosesServer(usize),
    FindsServer(usize),
    ToServer {
        from: usize,
        session: u32,
        message: Up,
    },
    ToDevice {
        to: usize,
        session: u32,
        message: Down,
    },
    Deadline(usize),
    ServerClock,
    PeerWorks(usize, PeerKey, u64),
    PeerResults(usize, PeerKey, u64),
    PeerGathers(usize, PeerKey, u64),
    PeerReports {
        device: usize,
        key: PeerKey,
        instance: u64,
        version: u64,
        state: PeerState,
    },
    Control {
        device: usize,
        key: PeerKey,
        message: ControlMessage,
    },
    /// The dialog is answered and the first picture comes, or not.
    ScreenTurnsOut(usize, ShareId),
    /// The window is closed.
    ScreenEnds(usize, ShareId),
    PathComesUp(Way, usize, usize),
    PathBreaks(usize, usize),
    PathHeals(Way, usize, usize),
}

pub struct Device {
    pub me: ParticipantId,
    pub engine: Engine,
    pub peers: BTreeMap<PeerKey, Peer>,
    pub captures: (bool, Picture),
    /// All that comes in is to take so much at most.
    pub takes_kbps: Option<u32>,
    /// Screens that are open.
    pub screens: Vec<ShareId>,
    pub events: Vec<Event>,
    session: u32,
    pub online: bool,
    deadline: Option<Instant>,
    sent_until: Duration,
    told_until: Duration,
}

pub struct Peer {
    pub model: ModelPeer,
    pub instance: u64,
    pub control_opened: bool,
    pub admitted: bool,
    pub sending: bool,
    /// What the other side takes.
    pub viewing: Viewing,
    busy_until: Duration,
}

pub struct World {
    pub seed: u64,
    pub random: StdRng,
    pub now: Duration,
    start: Instant,
    pub weather: Weather,
    pub devices: Vec<Device>,
    pub server: Server,
    pub paths: Paths,
    queue: BinaryHeap<std::cmp::Reverse<(Duration, u64)>>,
    happenings: HashMap<u64, Happening>,
    serial: u64,
    /// Every step is printed: for one seed at a time.
    traces: bool,
}

impl World {
    /// Devices of these accounts, all signed in.
    pub fn new(seed: u64, weather: Weather, accounts: &[&str]) -> Self {
        let start = Instant::now();
        let device = |(at, account): (usize, &&str)| Device {
            me: ParticipantId { account: name(account), device: DeviceId::from(at as u128 + 1) },
            engine: Engine::new(seed ^ at as u64),
            peers: BTreeMap::new(),
            captures: (false, Picture::Nothing),
            takes_kbps: None,
            screens: Vec::new(),
            events: Vec::new(),
            session: 0,
            online: false,
            deadline: None,
            sent_until: Duration::ZERO,
            told_until: Duration::ZERO,
        };
        let mut world = Self {
            seed,
            random: StdRng::seed_from_u64(seed),
            now: Duration::ZERO,
            start,
            weather,
            devices: accounts.iter().enumerate().map(device).collect(),
            server: Server::new(!weather.forgets, !weather.shy),
            paths: Paths::default(),
            queue: BinaryHeap::new(),
            happenings: HashMap::new(),
            serial: 0,
            traces: std::env::var_os("TINCAN_TRACE").is_some(),
        };
        for at in 0..world.devices.len() {
            world.happen(Happening::FindsServer(at));
        }
        world.after(Duration::from_secs(1), Happening::ServerClock);
        world
    }

    pub fn instant(&self) -> Instant {
        self.start + self.now
    }

    pub fn index(&self, who: &ParticipantId) -> Option<usize> {
        self.devices.iter().position(|device| device.me == *who)
    }

    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_micros(self.random.random_range(from * 1000..=to * 1000))
    }

    pub fn after(&mut self, delay: Duration, happening: Happening) {
        self.at(self.now + delay, happening);
    }

    pub fn at(&mut self, time: Duration, happening: Happening) {
        self.serial += 1;
        self.queue.push(std::cmp::Reverse((time, self.serial)));
        self.happenings.insert(self.serial, happening);
    }

    /// Lets everything happen until `end`.
    pub fn run_until(&mut self, end: Duration) {
        while let Some(&std::cmp::Reverse((time, serial))) = self.queue.peek() {
            if time > end {
                break;
            }
            self.queue.pop();
            self.now = time;
            if let Some(happening) = self.happenings.remove(&serial) {
                self.happen(happening);
            }
        }
        self.now = end;
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::User(at, input) => {
                if let Input::IncomingLimited { kbps } = input {
                    self.devices[at].takes_kbps = kbps;
                }
                self.step(at, input);
            }
            Happening::TakesRing(at) => {
                let ring = self.devices[at].engine.state().incoming.first();
                if let Some((call, media)) = ring.map(|ring| (ring.id, ring.media)) {
                    self.step(at, Input::AcceptPressed { call, media });
                }
            }
            Happening::DeclinesRing(at) => {
                let ring = self.devices[at].engine.state().incoming.first();
                if let Some(call) = ring.map(|ring| ring.id) {
                    self.step(at, Input::DeclinePressed { call });
                }
            }
            Happening::LosesServer(at) => self.loses_server(at),
            Happening::FindsServer(at) => self.finds_server(at),
            Happening::ToServer { from, session, message } => {
                if self.devices[from].session == session {
                    let who = self.devices[from].me.clone();
                    self.server.received(self.now, &who, message);
                    self.deliver();
                }
            }
            Happening::ToDevice { to, session, message } => {
                if self.devices[to].session == session {
                    self.device_hears(to, message);
                }
            }
            Happening::Deadline(at) => {
                let now = self.instant();
                if self.devices[at].deadline.is_some_and(|deadline| deadline <= now) {
                    self.step(at, Input::DeadlineReached);
                    let next = self.devices[at].deadline;
                    assert!(next.is_none_or(|next| next > now), "seed {}: spins", self.seed);
                }
            }
            Happening::ServerClock => {
                self.server.time_passed(self.now);
                self.deliver();
                self.after(Duration::from_secs(1), Happening::ServerClock);
            }
            Happening::PeerWorks(at, key, instance) => {
                if let Some(peer) = self.peer(at, &key, instance) {
                    peer.model.work();
                    let (result, candidates) =
                        (peer.model.has_result(), peer.model.has_candidate());
                    let delay = self.millis(0, 20);
                    if result {
                        self.after(delay, Happening::PeerResults(at, key.clone(), instance));
                    }
                    if candidates {
                        let delay = self.millis(0, 40);
                        self.after(delay, Happening::PeerGathers(at, key.clone(), instance));
                    }
                    self.consider_path(at, &key);
                }
            }
            Happening::PeerResults(at, key, instance) => {
                let result = self.peer(at, &key, instance).and_then(|peer| peer.model.result());
                if let Some(result) = result {
                    self.report(at, &key, PeerInput::Negotiation(result));
                }
            }
            Happening::PeerGathers(at, key, instance) => {
                let found = self.peer(at, &key, instance).and_then(|peer| peer.model.candidate());
                if let Some(candidate) = found {
                    self.report(at, &key, PeerInput::Negotiation(candidate));
                    let delay = self.millis(0, 40);
                    self.after(delay, Happening::PeerGathers(at, key, instance));
                }
            }
            Happening::PeerReports { device, key, instance, version, state } => {
                if self.paths.version(&key, &self.devices[device].me) == version
                    && self.peer(device, &key, instance).is_some()
                {
                    self.report(device, &key, PeerInput::State(state));
                }
            }
            Happening::Control { device, key, message } => {
                if self.devices[device].peers.contains_key(&key) {
                    self.report(device, &key, PeerInput::Control(message));
                }
            }
            Happening::ScreenTurnsOut(at, share) => self.screen_turns_out(at, share),
            Happening::ScreenEnds(at, share) => self.screen_ends(at, share),
            Happening::PathComesUp(call, a, b) => self.path_comes_up(call, a, b),
            Happening::PathBreaks(a, b) => self.path_breaks(a, b),
            Happening::PathHeals(call, a, b) => self.path_heals(call, a, b),
        }
    }

    pub fn peer(&mut self, at: usize, key: &PeerKey, instance: u64) -> Option<&mut Peer> {
        self.devices[at].peers.get_mut(key).filter(|peer| peer.instance == instance)
    }

    pub fn report(&mut self, at: usize, key: &PeerKey, input: PeerInput) {
        self.step(at, Input::Peer { peer: key.clone(), input });
    }

    fn device_hears(&mut self, at: usize, message: Down) {
        let input = match message {
            Down::Say(message) => Input::Signalled { message, server_now: Server::unix(self.now) },
            Down::Peer { call, from, message } => Input::PeerMessageOpened { call, from, message },
        };
        self.step(at, input);
    }

    fn loses_server(&mut self, at: usize) {
        let device = &mut self.devices[at];
        if !device.online {
            return;
        }
        device.online = false;
        device.session += 1;
        let me = device.me.clone();
        self.server.disconnected(self.now, &me);
        self.step(at, Input::SignalLost);
    }

    fn finds_server(&mut self, at: usize) {
        let device = &mut self.devices[at];
        if device.online {
            return;
        }
        device.online = true;
        device.session += 1;
        let me = device.me.clone();
        self.step(at, Input::SignedIn { me: me.clone(), resumed: false });
        self.server.connected(&me);
        self.deliver();
    }

    /// Steps one engine, carries out what it orders and checks what always holds.
    fn step(&mut self, at: usize, input: Input) {
        let now = self.instant();
        let text = self.traces.then(|| format!("{input:?}"));
        let output = self.devices[at].engine.step(now, input);
        if let Some(text) = text {
            eprintln!("{:?} {} <- {text}", self.now, self.devices[at].me);
            output.commands.iter().for_each(|command| eprintln!("      {command:?}"));
            output.events.iter().for_each(|event| eprintln!("      {event:?}"));
        }
        self.devices[at].deadline = output.deadline;
        if let Some(deadline) = output.deadline {
            let due = deadline.saturating_duration_since(self.start).max(self.now);
            self.at(due, Happening::Deadline(at));
        }
        let told = !output.events.is_empty();
        self.devices[at].events.extend(output.events);
        for command in output.commands {
            self.obey(at, command);
        }
        self.check_device(at);
        if told {
            self.check_events(at);
        }
    }

    fn obey(&mut self, at: usize, command: Command) {
        match command {
            Command::Send(message) => self.tell_server(at, Up::Say(message)),
            Command::SendPeerMessage { peer, message } => {
                assert!(self.devices[at].peers.contains_key(&peer), "seed {}", self.seed);
                let PeerKey { call, participant: to, generation } = peer;
                let message = Numbered { generation, message };
                self.tell_server(at, Up::Peer { call, to, message });
            }
            Command::OpenPeer { peer, role: _, relay_only: _ } => {
                self.serial += 1;
                let side = if at == 0 {
                    "a"
                } else if at == 1 {
                    "b"
                } else {
                    "c"
                };
                let opened = Peer {
                    model: ModelPeer::new(side, self.seed.is_multiple_of(2)),
                    instance: self.serial,
                    control_opened: false,
                    admitted: false,
                    sending: false,
                    viewing: Viewing::default(),
                    busy_until: self.now,
                };
                let before = self.devices[at].peers.insert(peer, opened);
                assert!(before.is_none(), "seed {}: a peer was opened twice", self.seed);
            }
            Command::Negotiate { peer: key, command } => {
                let took = self.millis(0, 30);
                let (now, seed) = (self.now, self.seed);
                let peer = self.devices[at].peers.get_mut(&key);
                let peer = peer.unwrap_or_else(|| panic!("seed {seed}: no such peer"));
                peer.model.order(command);
                peer.busy_until = peer.busy_until.max(now) + took;
                let (due, instance) = (peer.busy_until, peer.instance);
                self.at(due, Happening::PeerWorks(at, key, instance));
            }
            Command::SendControl { peer: key, message } => {
                assert!(self.devices[at].peers.contains_key(&key), "seed {}", self.seed);
                self.send_control(at, &key, message);
            }
            Command::AdmitPeer { peer: key } => {
                self.check_accepted(at, &key);
                let peer = self.devices[at].peers.get_mut(&key).expect("an open peer");
                assert!(!std::mem::replace(&mut peer.admitted, true), "seed {}", self.seed);
            }
            Command::SendMedia { peer: key, on } => {
                self.check_accepted(at, &key);
                let peer = self.devices[at].peers.get_mut(&key).expect("an open peer");
                assert!(peer.admitted, "seed {}: media to who is not admitted", self.seed);
                peer.sending = on;
            }
            Command::FitPicture { peer: key, viewing } => {
                let peer = self.devices[at].peers.get_mut(&key).expect("an open peer");
                peer.viewing = viewing;
            }
            Command::RequestKeyFrame { peer: key } => {
                assert!(self.devices[at].peers.contains_key(&key), "seed {}", self.seed);
            }
            Command::ClosePeer { peer: key } => {
                let closed = self.devices[at].peers.remove(&key);
                let closed = closed.unwrap_or_else(|| panic!("seed {}: closed twice", self.seed));
                if !self.weather.reorders {
                    assert_eq!(closed.model.violations, [] as [String; 0], "seed {}", self.seed);
                }
                self.path_closes(at, &key);
            }
            Command::Capture { microphone, picture } => {
                self.devices[at].captures = (microphone, picture);
            }
            Command::OpenScreen { share, target: _ } => {
                self.devices[at].screens.push(share);
                let delay = self.millis(0, 4000);
                self.after(delay, Happening::ScreenTurnsOut(at, share));
            }
            Command::CloseScreen { share } => self.close_screen(at, share),
        }
    }

    fn screen_turns_out(&mut self, at: usize, share: ShareId) {
        if !self.devices[at].screens.contains(&share) {
            return;
        }
        let (fails, ends) = (self.random.random_bool(0.3), self.random.random_bool(0.4));
        if fails {
            return self.screen_ends(at, share);
        }
        self.step(at, Input::ShareStarted { share });
        if ends {
            let after = self.millis(0, 30_000);
            self.after(after, Happening::ScreenEnds(at, share));
        }
    }

    fn screen_ends(&mut self, at: usize, share: ShareId) {
        if self.devices[at].screens.contains(&share) {
            self.close_screen(at, share);
            self.step(at, Input::ShareEnded { share });
        }
    }

    fn close_screen(&mut self, at: usize, share: ShareId) {
        let screens = &mut self.devices[at].screens;
        let open = screens.iter().position(|other| *other == share);
        screens.remove(open.unwrap_or_else(|| panic!("seed {}: no such screen", self.seed)));
    }

    fn tell_server(&mut self, from: usize, message: Up) {
        let between_peers = matches!(message, Up::Peer { .. });
        if !self.devices[from].online {
            return;
        }
        let delay = self.delay();
        let device = &mut self.devices[from];
        let due = device.sent_until.max(self.now + delay);
        if between_peers && self.weather.loses && self.random.random_ratio(1, 12) {
            return;
        }
        let (due, again) = if between_peers { self.disturbed(due) } else { (due, None) };
        if !between_peers || !self.weather.reorders {
            self.devices[from].sent_until = due;
        }
        let session = self.devices[from].session;
        if let Some(again) = again {
            let message = message.clone();
            self.at(again, Happening::ToServer { from, session, message });
        }
        self.at(due, Happening::ToServer { from, session, message });
    }

    fn deliver(&mut self) {
        for (who, message) in self.server.deliveries() {
            let Some(to) = self.index(&who) else { continue };
            let delay = self.delay();
            let due = self.devices[to].told_until.max(self.now + delay);
            self.devices[to].told_until = due;
            let session = self.devices[to].session;
            self.at(due, Happening::ToDevice { to, session, message });
        }
    }

    /// When a message between participants arrives after all, and when once more.
    fn disturbed(&mut self, due: Duration) -> (Duration, Option<Duration>) {
        let mut later = due;
        if self.weather.reorders && self.random.random_ratio(1, 8) {
            later = due + self.millis(0, 300);
        }
        let doubled = self.weather.duplicates && self.random.random_ratio(1, 8);
        (later, doubled.then(|| due + self.millis(0, 2000)))
    }

    fn delay(&mut self) -> Duration {
        if self.random.random_ratio(1, 50) { self.millis(100, 1500) } else { self.millis(1, 100) }
    }

    /// Nobody is heard, seen or sent anything before a person has accepted.
    fn check_accepted(&self, at: usize, key: &PeerKey) {
        let (device, seed) = (&self.devices[at], self.seed);
        let current = device.engine.state().current.as_ref();
        let ended = device.events.iter().any(|e| matches!(e, Event::Ended(c, _) if *c == key.call));
        let here = current.is_some_and(|call| call.id == key.call) || ended;
        assert!(here, "seed {seed}: media of a call that was not accepted here");
        if current.is_some_and(|call| call.outgoing) {
            let there = self.server.accepts.contains(&(key.call, key.participant.clone()));
            assert!(there, "seed {seed}: media to somebody who has not accepted");
        }
    }

    /// What holds after every step of a device.
    fn check_device(&self, at: usize) {
        let (device, seed) = (&self.devices[at], self.seed);
        let state = device.engine.state();
        for key in device.peers.keys() {
            let rings = state.incoming.iter().any(|ring| ring.id == key.call);
            let current = state.current.as_ref().is_some_and(|call| call.id == key.call);
            assert!(rings || current, "seed {seed}: a peer outlives its call");
        }
        match &state.current {
            None => {
                assert!(!device.peers.values().any(|peer| peer.admitted), "seed {seed}");
                let nothing = (false, Picture::Nothing);
                assert_eq!(device.captures, nothing, "seed {seed}: a device stays open");
                assert_eq!(device.screens, [], "seed {seed}: a screen stays open");
            }
            Some(call) => {
                assert_eq!(device.captures, (call.microphone, call.picture()), "seed {seed}");
                let open = call.sharing.running.into_iter().chain(call.sharing.opening);
                assert!(open.eq(device.screens.iter().copied()), "seed {seed}: other screens");
                let shown = call.participants.iter().filter_map(|participant| {
                    let account = participant.account.clone();
                    let device = participant.stage.device()?;
                    Some(ParticipantId { account, device })
                });
                let shown: std::collections::BTreeSet<_> = shown.collect();
                let admitted = device.peers.iter().filter(|(_, peer)| peer.admitted);
                let admitted = admitted.map(|(key, _)| &key.participant);
                assert!(admitted.eq(shown.iter()), "seed {seed}: peers unlike shown");
                for participant in &call.participants {
                    if matches!(participant.stage, Stage::Interrupted { .. }) {
                        let sends = |(key, peer): (&PeerKey, &Peer)| {
                            key.participant.account == participant.account && peer.sending
                        };
                        assert!(!device.peers.iter().any(sends), "seed {seed}: sends into nothing");
                    }
                }
                assert!(!call.participants.is_empty(), "seed {seed}: alone in a call");
            }
        }
    }

    fn check_events(&self, at: usize) {
        let (device, seed) = (&self.devices[at], self.seed);
        let ended = device.events.iter().filter_map(|event| match event {
            Event::Ended(call, _) => Some(*call),
            Event::RingStarted(_)
            | Event::RingStopped(_)
            | Event::Connected(_)
            | Event::BusyDeclined(_) => None,
        });
        let mut ended: Vec<_> = ended.collect();
        let all = ended.len();
        ended.sort();
        ended.dedup();
        assert_eq!(ended.len(), all, "seed {seed}: a call ended twice");
    }
}

pub fn name(account: &str) -> AccountName {
    account.parse().expect("valid")
}
