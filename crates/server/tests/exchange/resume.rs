//! Apps and a server over connections that break and a server that crashes: whatever is cut
//! when, everything that is said arrives once and in its order.

use crate::desk::{call, device, key_of, name};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use tincan_proto::identity::Domain;
use tincan_proto::peer_message::SignedMessage;
use tincan_proto::signalling::{CallMedia, DeclineReason, LeaveReason};
use tincan_proto::units::UnixMillis;
use tincan_proto::{
    ClientMessage, Envelope, ParticipantId, PublicIdentity, ServerMessage, SessionId,
    SignatureBytes,
};
use tincan_server::Timings;
use tincan_server::accounts::Proven;
use tincan_server::exchange::{
    CallRecord, Change, ConnectionId, Directory, Exchange, Input, Live, LiveChange, Now,
    SessionRecord, Step,
};
use tincan_signal_client::delivery::{Delivery, Welcomed};

const DEVICES: [&str; 4] = ["alice/1", "alice/2", "bob/1", "carol/1"];
const SEEDS: u64 = 3000;
const OPERATIONS: usize = 120;

/// What is on its way to an app.
enum Down {
    Bare(ServerMessage),
    Envelope(Envelope<ServerMessage>),
}

/// A connection with what is on its way on it.
struct Link {
    id: ConnectionId,
    welcomed: bool,
    up: VecDeque<Envelope<ClientMessage>>,
    down: VecDeque<Down>,
    /// The app's side is gone; the server does not know it yet.
    broken: bool,
    /// What the server acknowledges on it.
    received: u64,
}

struct App {
    who: ParticipantId,
    key: PublicIdentity,
    delivery: Delivery,
    link: Option<Link>,
    said: Vec<ClientMessage>,
    heard: Vec<ServerMessage>,
    sessions: u32,
}

/// What is on the server's disk.
#[derive(Default)]
struct Disk {
    changes: Vec<Change>,
    sessions: BTreeMap<ParticipantId, SessionRecord>,
    calls: BTreeMap<tincan_proto::CallId, CallRecord>,
}

impl Disk {
    fn write(&mut self, step: &Step) {
        self.changes.extend(step.changes.iter().cloned());
        for change in &step.live {
            match change.clone() {
                LiveChange::SessionBegun { who, session } => {
                    let (received, acknowledged, outbox) = (0, 0, Vec::new());
                    let record =
                        SessionRecord { who: who.clone(), session, received, acknowledged, outbox };
                    self.sessions.insert(who, record);
                }
                LiveChange::SessionEnded { who } => {
                    self.sessions.remove(&who);
                }
                LiveChange::Received { who, seq } => self.session(&who).received = seq,
                LiveChange::Said { who, seq, message } => {
                    self.session(&who).outbox.push((seq, message));
                }
                LiveChange::Acknowledged { who, seq } => {
                    let session = self.session(&who);
                    session.acknowledged = seq;
                    session.outbox.retain(|(said, _)| *said > seq);
                }
                LiveChange::CallChanged(record) => {
                    self.calls.insert(record.id(), *record);
                }
                LiveChange::CallEnded(id) => {
                    self.calls.remove(&id);
                }
            }
        }
    }

    fn session(&mut self, who: &ParticipantId) -> &mut SessionRecord {
        self.sessions.get_mut(who).expect("begun before")
    }

    fn live(&self) -> Live {
        Live {
            sessions: self.sessions.values().cloned().collect(),
            calls: self.calls.values().cloned().collect(),
        }
    }
}

struct World {
    random: StdRng,
    now: Now,
    exchange: Exchange,
    disk: Disk,
    apps: Vec<App>,
    /// What the server took in, and what it said: by device, whatever became of it.
    taken: BTreeMap<ParticipantId, Vec<ClientMessage>>,
    told: BTreeMap<ParticipantId, Vec<ServerMessage>>,
    next: u64,
    signature: SignatureBytes,
}

impl World {
    fn new(seed: u64) -> Self {
        let apps = DEVICES.map(|who| {
            let who = device(who);
            let key = key_of(&who.account).public();
            let delivery = Delivery::default();
            App { who, key, delivery, link: None, said: vec![], heard: vec![], sessions: 0 }
        });
        let mut world = Self {
            random: StdRng::seed_from_u64(seed),
            now: Now { instant: Instant::now(), unix: UnixMillis(1_000_000) },
            exchange: Exchange::new(Directory::default(), Timings::default()),
            disk: Disk::default(),
            apps: apps.into(),
            taken: BTreeMap::new(),
            told: BTreeMap::new(),
            next: 1,
            signature: key_of(&name("alice")).sign(Domain::PeerMessage, &[]),
        };
        for app in 0..DEVICES.len() {
            world.connect(app);
        }
        world.settle();
        for (app, other) in [(0, "bob"), (0, "carol"), (2, "carol")] {
            world.say(app, ClientMessage::AddContact { name: name(other) });
        }
        world.settle();
        for (app, other) in [(2, "alice"), (3, "alice"), (3, "bob")] {
            world.say(app, ClientMessage::AnswerRequest { name: name(other), accept: true });
        }
        world.settle();
        world
    }

    fn say(&mut self, app: usize, message: ClientMessage) {
        let app = &mut self.apps[app];
        if app.delivery.has_room() {
            app.delivery.push(self.now.instant, message.clone());
            app.said.push(message);
        }
    }

    fn step(&mut self, input: Input) -> Step {
        let taken = match &input {
            Input::MessageReceived { envelope, .. } => envelope.message.clone(),
            _ => None,
        };
        let step = self.exchange.step(self.now, input);
        // what was not written has not happened
        if self.random.random_ratio(1, 200) {
            self.crash();
            return Step::default();
        }
        self.disk.write(&step);
        for change in &step.live {
            match change {
                LiveChange::Received { who, .. } => {
                    let message = taken.clone().expect("only messages are counted");
                    self.taken.entry(who.clone()).or_default().push(message);
                }
                LiveChange::Said { who, message, .. } => {
                    self.told.entry(who.clone()).or_default().push(message.clone());
                }
                LiveChange::SessionEnded { who } => panic!("{who} has lost its session"),
                LiveChange::SessionBegun { .. }
                | LiveChange::Acknowledged { .. }
                | LiveChange::CallChanged(_)
                | LiveChange::CallEnded(_) => {}
            }
        }
        if self.random.random_ratio(1, 200) {
            self.crash();
            return Step::default();
        }
        step
    }

    /// Steps the server and puts what it says on its way.
    fn serve(&mut self, input: Input) {
        let step = self.step(input);
        for link in self.apps.iter_mut().filter_map(|app| app.link.as_mut()) {
            if let Some((connection, seq)) = step.received
                && connection == link.id
            {
                link.received = seq;
                link.down.push_back(Down::Envelope(Envelope {
                    seq: None,
                    ack: seq,
                    message: None,
                }));
            }
            for delivery in step.deliveries.iter().filter(|delivery| delivery.to == link.id) {
                let (seq, message) = (delivery.seq, delivery.message.clone());
                link.down.push_back(match message {
                    ServerMessage::Welcome { received, .. } => {
                        link.received = received;
                        Down::Bare(message)
                    }
                    ServerMessage::Refused { code, .. } => panic!("refused: {code:?}"),
                    message => {
                        Down::Envelope(Envelope { seq, ack: link.received, message: Some(message) })
                    }
                });
            }
        }
    }

    /// The server dies and another one begins with what is on the disk.
    fn crash(&mut self) {
        let mut directory = Directory::default();
        self.disk.changes.iter().for_each(|change| directory.apply(change));
        self.exchange = Exchange::new(directory, Timings::default());
        self.exchange.restore(self.disk.live(), self.now);
        self.apps.iter_mut().for_each(|app| app.link = None);
    }

    /// The app notices the cut at once, the server perhaps later.
    fn cut(&mut self, app: usize) {
        let Some(link) = &mut self.apps[app].link else { return };
        let keep = self.random.random_range(0..=link.up.len());
        link.up.truncate(keep);
        link.down.clear();
        link.broken = true;
    }

    /// The app connects anew, perhaps while the server still holds the old connection.
    fn connect(&mut self, app: usize) {
        let old = self.apps[app].link.take();
        if let Some(old) = old
            && self.random.random_bool(0.5)
        {
            self.serve(Input::ConnectionEnded { connection: old.id });
        }
        let connection = ConnectionId(self.next);
        let fresh = SessionId::from(u128::from(self.next));
        self.next += 1;
        let App { who, key, delivery, link, .. } = &mut self.apps[app];
        *link = Some(Link {
            id: connection,
            welcomed: false,
            up: VecDeque::new(),
            down: VecDeque::new(),
            broken: false,
            received: 0,
        });
        let proven = Proven {
            name: who.account.clone(),
            device: who.device,
            key: *key,
            register: true,
            resume: delivery.resume(),
            fresh,
        };
        self.serve(Input::KeyProved { connection, proven });
    }

    /// The app writes and reads what it can.
    fn app_acts(&mut self, app: usize) {
        let App { who, delivery, link, heard, sessions, .. } = &mut self.apps[app];
        let Some(link) = link.as_mut().filter(|link| !link.broken) else { return };
        match link.down.pop_front() {
            Some(Down::Bare(ServerMessage::Welcome { session, resumed, received, .. })) => {
                *sessions += u32::from(!resumed);
                let welcomed = Welcomed { session, resumed, received };
                let stale = delivery.begin(self.now.instant, welcomed).expect("counts alike");
                assert!(stale.is_empty(), "{who} has waited too long");
                link.welcomed = true;
            }
            Some(Down::Bare(other)) => panic!("not bare: {other:?}"),
            Some(Down::Envelope(envelope)) => {
                let seq = envelope.seq;
                let message = delivery.receive(envelope).expect("counts alike");
                if let Some(message) = message.filter(|_| seq.is_some()) {
                    heard.push(message);
                    link.up.push_back(delivery.acknowledgement());
                }
            }
            None => {}
        }
        if link.welcomed {
            link.up.extend(std::iter::from_fn(|| delivery.next_to_write()));
        }
    }

    /// The server reads one message, or notices that the connection is cut.
    fn server_acts(&mut self, app: usize) {
        let Some(link) = &mut self.apps[app].link else { return };
        let connection = link.id;
        if let Some(envelope) = link.up.pop_front() {
            self.serve(Input::MessageReceived { connection, envelope });
        } else if link.broken {
            self.apps[app].link = None;
            self.serve(Input::ConnectionEnded { connection });
        }
    }

    fn operate(&mut self) {
        let app = self.random.random_range(0..self.apps.len());
        match self.random.random_range(0..24) {
            0..8 => self.app_acts(app),
            8..14 => self.server_acts(app),
            14..20 => self.say_something(app),
            20 => self.cut(app),
            21 => self.connect(app),
            22 => {
                let ms = self.random.random_range(0..50);
                self.now.instant += Duration::from_millis(ms);
                self.now.unix.0 += ms;
                self.serve(Input::TimePassed);
            }
            _ => {
                if self.random.random_bool(0.3) {
                    self.crash();
                }
            }
        }
    }

    fn say_something(&mut self, app: usize) {
        let id = call(self.random.random_range(1..4));
        let to = device(DEVICES.choose(&mut self.random).expect("some"));
        let message = match self.random.random_range(0..12) {
            0..2 => {
                let to = vec![to.account];
                let media = CallMedia::Audio;
                ClientMessage::Invite { call: id, to, media, hide_address: false }
            }
            2..4 => ClientMessage::Accept { call: id },
            4 => ClientMessage::RingingHere { call: id, hide_address: false },
            5 => match self.random.random_range(0..4) {
                0 => ClientMessage::Cancel { call: id },
                1 => ClientMessage::Leave { call: id, reason: LeaveReason::HungUp },
                2 => ClientMessage::Decline { call: id, reason: DeclineReason::Busy },
                _ => ClientMessage::Decline { call: id, reason: DeclineReason::Declined },
            },
            _ => {
                self.next += 1;
                let (body, signature) = (self.next.to_string(), self.signature);
                let message = SignedMessage { body, signature };
                ClientMessage::Signal { call: id, to, message }
            }
        };
        self.say(app, message);
    }

    /// Everybody is connected until nothing is on its way any more.
    fn settle(&mut self) {
        loop {
            let mut is_quiet = true;
            for app in 0..self.apps.len() {
                let lost = self.apps[app].link.as_ref().is_none_or(|link| link.broken);
                if lost {
                    self.connect(app);
                }
                self.app_acts(app);
                self.server_acts(app);
                let link = self.apps[app].link.as_ref();
                let idle = link.is_some_and(|link| {
                    link.welcomed && !link.broken && link.up.is_empty() && link.down.is_empty()
                });
                is_quiet &= idle;
            }
            if is_quiet {
                return;
            }
        }
    }

    fn check(&self) {
        for App { who, said, heard, sessions, .. } in &self.apps {
            let taken = self.taken.get(who).cloned().unwrap_or_default();
            assert_eq!(&taken, said, "{who} was heard otherwise");
            let told = self.told.get(who).cloned().unwrap_or_default();
            assert_eq!(&told, heard, "{who} heard otherwise");
            // a welcome that was lost makes the first session begin twice
            assert!(*sessions >= 1);
            let session = &self.disk.sessions[who];
            assert_eq!(session.outbox, [], "{who} has acknowledged everything");
        }
    }
}

#[test]
fn whatever_is_cut_and_whenever_the_server_crashes_all_arrives_once_and_in_order() {
    let (mut said, mut heard) = (0, 0);
    for seed in 0..SEEDS {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..OPERATIONS {
                world.operate();
            }
            world.settle();
            world.check();
            let count = |of: &dyn Fn(&App) -> usize| world.apps.iter().map(of).sum::<usize>();
            (count(&|app| app.said.len()), count(&|app| app.heard.len()))
        });
        match run {
            Ok(counts) => {
                said += counts.0;
                heard += counts.1;
            }
            Err(panic) => {
                eprintln!("seed {seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    assert!(said > 20 * SEEDS as usize && heard > 10 * SEEDS as usize, "{said} {heard}");
}
