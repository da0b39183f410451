//! A desk to test the exchange at: a clock to turn, devices to speak for, mail to read.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};
use tincan_proto::peer_message::SignedMessage;
use tincan_proto::signalling::{CallMedia, HistoryEntry, LeaveReason, Presence, Resume};
use tincan_proto::units::UnixMillis;
use tincan_proto::{
    AccountName, CallId, ClientMessage, DeviceId, Envelope, IdentityKey, ParticipantId,
    ServerMessage, SessionId,
};
use tincan_server::Timings;
use tincan_server::accounts::Proven;
use tincan_server::exchange::{
    Change, ConnectionId, Delivery, Directory, Exchange, Input, Now, Step,
};

pub struct Desk {
    pub exchange: Exchange,
    pub now: Now,
    pub deadline: Option<Instant>,
    pub changes: Vec<Change>,
    pub history: BTreeMap<AccountName, Vec<HistoryEntry>>,
    pub last: Option<Step>,
    connections: BTreeMap<ParticipantId, ConnectionId>,
    sessions: BTreeMap<ParticipantId, Counted>,
    /// Who is signing in.
    entering: Option<(ConnectionId, ParticipantId)>,
    mail: HashMap<ConnectionId, Vec<ServerMessage>>,
    next_connection: u64,
}

/// What an app knows of its session: it receives whatever is delivered.
pub struct Counted {
    session: SessionId,
    sent: u64,
    received: u64,
}

pub fn name(text: &str) -> AccountName {
    text.parse().expect("valid name")
}

/// The device `alice/1` and its like.
pub fn device(text: &str) -> ParticipantId {
    let (account, device) = text.split_once('/').expect("account/device");
    let device: u128 = device.parse().expect("a number");
    ParticipantId { account: name(account), device: DeviceId::from(device) }
}

pub fn key_of(account: &AccountName) -> IdentityKey {
    let mut secret = [0; 32];
    let bytes = account.as_str().as_bytes();
    secret[..bytes.len()].copy_from_slice(bytes);
    IdentityKey::from_bytes(&secret)
}

pub fn call(number: u128) -> CallId {
    CallId::from(number)
}

impl Desk {
    pub fn new() -> Self {
        Self {
            exchange: Exchange::new(Directory::default(), Timings::default()),
            now: Now { instant: Instant::now(), unix: UnixMillis(1_000_000) },
            deadline: None,
            changes: Vec::new(),
            history: BTreeMap::new(),
            last: None,
            connections: BTreeMap::new(),
            sessions: BTreeMap::new(),
            entering: None,
            mail: HashMap::new(),
            next_connection: 1,
        }
    }

    /// Devices signed in, and all their accounts contacts of each other; no mail.
    pub fn with(devices: &[&str]) -> Self {
        let mut desk = Self::new();
        for who in devices {
            desk.sign_in(who);
        }
        let mut accounts: Vec<_> = devices.iter().map(|who| device(who).account).collect();
        accounts.sort();
        accounts.dedup();
        for (i, a) in accounts.iter().enumerate() {
            for b in &accounts[i + 1..] {
                desk.befriend(a, b);
            }
        }
        desk.clear();
        desk
    }

    pub fn befriend(&mut self, a: &AccountName, b: &AccountName) {
        let of = |account: &AccountName| {
            let mut devices = self.connections.keys().filter(|who| who.account == *account);
            devices.next().expect("signed in").to_string()
        };
        let short = |text: String| {
            let (account, device) = text.split_once('/').expect("account/device");
            format!("{account}/{}", u128::from_str_radix(device, 16).expect("hex"))
        };
        let (from, to) = (short(of(a)), short(of(b)));
        self.send(&from, ClientMessage::AddContact { name: b.clone() });
        self.send(&to, ClientMessage::AnswerRequest { name: a.clone(), accept: true });
    }

    pub fn step(&mut self, input: Input) {
        let step = self.exchange.step(self.now, input);
        self.deadline = step.deadline;
        self.changes.extend(step.changes.iter().cloned());
        for row in &step.history {
            self.history.entry(row.account.clone()).or_default().push(row.entry.clone());
        }
        for delivery in &step.deliveries {
            self.count(delivery);
            self.mail.entry(delivery.to).or_default().push(delivery.message.clone());
            if matches!(delivery.message, ServerMessage::Refused { .. }) {
                self.connections.retain(|_, connection| *connection != delivery.to);
            }
        }
        self.last = Some(step);
    }

    fn count(&mut self, Delivery { to, seq, message }: &Delivery) {
        if let (ServerMessage::Welcome { session, resumed, received, .. }, Some((_, who))) =
            (message, &self.entering)
        {
            let before = self.sessions.get(who).filter(|_| *resumed);
            let heard = before.map_or(0, |counted| counted.received);
            let counted = Counted { session: *session, sent: *received, received: heard };
            self.sessions.insert(who.clone(), counted);
            self.connections.insert(who.clone(), *to);
        }
        let Some(seq) = seq else { return };
        let Some((who, _)) = self.connections.iter().find(|(_, connection)| *connection == to)
        else {
            return;
        };
        let counted = self.sessions.get_mut(who).expect("welcomed");
        assert_eq!(*seq, counted.received + 1, "{who} hears all, once, in order");
        counted.received = *seq;
    }

    /// Signs a device in (registering its account if need be) and returns its connection. It
    /// goes on with its session, if it had one.
    pub fn sign_in(&mut self, who: &str) -> ConnectionId {
        let who = device(who);
        let resume = self.sessions.get(&who);
        let resume = resume.map(|c| Resume { session: c.session, received: c.received });
        self.sign_in_as(Proven { resume, ..self.claim(&who) })
    }

    /// Signs in an app that was started anew.
    pub fn start_anew(&mut self, who: &str) -> ConnectionId {
        let claim = self.claim(&device(who));
        self.sign_in_as(claim)
    }

    fn claim(&self, who: &ParticipantId) -> Proven {
        Proven {
            name: who.account.clone(),
            device: who.device,
            key: key_of(&who.account).public(),
            register: true,
            resume: None,
            fresh: SessionId::from(u128::from(self.next_connection)),
        }
    }

    pub fn sign_in_as(&mut self, proven: Proven) -> ConnectionId {
        let connection = ConnectionId(self.next_connection);
        self.next_connection += 1;
        let who = ParticipantId { account: proven.name.clone(), device: proven.device };
        self.entering = Some((connection, who));
        self.step(Input::KeyProved { connection, proven });
        self.entering = None;
        connection
    }

    pub fn connection(&self, who: &str) -> ConnectionId {
        self.connections[&device(who)]
    }

    pub fn disconnect(&mut self, who: &str) {
        let connection = self.connections.remove(&device(who)).expect("connected");
        self.step(Input::ConnectionEnded { connection });
    }

    pub fn send(&mut self, who: &str, message: ClientMessage) {
        let connection = self.connection(who);
        let counted = self.sessions.get_mut(&device(who)).expect("signed in");
        counted.sent += 1;
        let (seq, ack) = (Some(counted.sent), counted.received);
        let envelope = Envelope { seq, ack, message: Some(message) };
        self.step(Input::MessageReceived { connection, envelope });
    }

    /// Turns the clock on, stopping at every deadline on the way.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        while let Some(deadline) = self.deadline.filter(|&deadline| deadline <= end) {
            let before = self.now.instant;
            self.turn_to(deadline.max(before));
            self.step(Input::TimePassed);
            assert!(self.deadline.is_none_or(|d| d > self.now.instant), "a deadline is met");
        }
        self.turn_to(end);
    }

    pub fn pass_s(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    fn turn_to(&mut self, instant: Instant) {
        let passed = instant.duration_since(self.now.instant);
        self.now.unix.0 += passed.as_millis() as u64;
        self.now.instant = instant;
    }

    pub fn peek(&self, connection: ConnectionId) -> &[ServerMessage] {
        self.mail.get(&connection).map(Vec::as_slice).unwrap_or_default()
    }

    /// Takes a device's mail.
    pub fn mail(&mut self, who: &str) -> Vec<ServerMessage> {
        let connection = self.connection(who);
        self.mail.remove(&connection).unwrap_or_default()
    }

    /// Takes a device's mail but for what is said of presence.
    pub fn calls_mail(&mut self, who: &str) -> Vec<ServerMessage> {
        let mut mail = self.mail(who);
        mail.retain(|m| {
            !matches!(m, ServerMessage::PresenceChanged { .. } | ServerMessage::Welcome { .. })
        });
        mail
    }

    pub fn clear(&mut self) {
        self.mail.clear();
    }

    pub fn invite(&mut self, who: &str, id: u128, to: &[&str]) {
        let to = to.iter().map(|n| name(n)).collect();
        let (call, media) = (call(id), CallMedia::Video);
        self.send(who, ClientMessage::Invite { call, to, media, hide_address: false });
    }

    pub fn accept(&mut self, who: &str, id: u128) {
        self.send(who, ClientMessage::Accept { call: call(id) });
    }

    pub fn cancel(&mut self, who: &str, id: u128) {
        self.send(who, ClientMessage::Cancel { call: call(id) });
    }

    pub fn leave(&mut self, who: &str, id: u128) {
        self.send(who, ClientMessage::Leave { call: call(id), reason: LeaveReason::HungUp });
    }

    pub fn signal(&mut self, from: &str, id: u128, to: &str) -> SignedMessage {
        let key = key_of(&device(from).account);
        let signature = key.sign(tincan_proto::identity::Domain::PeerMessage, &[b"test"]);
        let message = SignedMessage { body: "sealed".into(), signature };
        let to = device(to);
        self.send(from, ClientMessage::Signal { call: call(id), to, message: message.clone() });
        message
    }

    pub fn presence(&self, account: &str) -> Presence {
        self.exchange.presence(&name(account))
    }

    pub fn is_live(&self, id: u128) -> bool {
        self.exchange.live_calls().any(|live| live == call(id))
    }

    pub fn history_of(&self, account: &str) -> &[HistoryEntry] {
        self.history.get(&name(account)).map(Vec::as_slice).unwrap_or_default()
    }
}
