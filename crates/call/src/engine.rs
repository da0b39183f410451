//! The one entry point: time and input in, orders out.

mod calling;
mod connection;
mod ending;
mod glare;
mod joining;
mod link;
mod ongoing;
mod picture;
mod reconnect;
mod renewal;
mod ringing;
mod sharing;
mod standby;
mod switches;
mod viewing;

pub use reconnect::ATTEMPTS;

use crate::command::{Command, Event, Output};
use crate::input::Input;
use crate::state::CallState;
use link::Link;
use ongoing::Ongoing;
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;
use tincan_proto::signalling::ServerMessage;
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, CallId, ClientMessage, ParticipantId};

/// Past calls remembered, so that what is still said about them finds the right answer. The
/// oldest is forgotten; what is said about it then is ignored.
const MAX_FINISHED: usize = 32;
/// Words of farewell kept while there is no connection to the server. The oldest falls out:
/// the server ends such calls by itself after a while.
const MAX_OWED: usize = 16;

/// What one step has led to so far.
struct Turn {
    now: Instant,
    commands: Vec<Command>,
    events: Vec<Event>,
}

impl Turn {
    fn order(&mut self, command: Command) {
        self.commands.push(command);
    }

    fn tell(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// All calls of one device.
#[derive(Clone, Debug)]
pub struct Engine {
    state: CallState,
    /// What `state.current` needs beyond what is shown; there exactly when that is.
    ongoing: Option<Ongoing>,
    /// Connections to the callers of calls that ring here.
    ring_links: BTreeMap<CallId, Link>,
    /// Devices that sent a forged message while it rang.
    distrusted: Vec<(CallId, ParticipantId)>,
    me: Option<ParticipantId>,
    /// The server is connected and has welcomed this device.
    online: bool,
    /// All pictures that come in may take so many kbit/s together.
    incoming_kbps: Option<u32>,
    /// The person hides this machine's addresses.
    hide_address: bool,
    /// Calls begin with the microphone off.
    talks_by_key: bool,
    finished: VecDeque<CallId>,
    owed: VecDeque<ClientMessage>,
    /// Shares so far.
    shares: u32,
    random: u64,
}

impl Engine {
    /// An engine without calls; the jitter of its attempts comes from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            state: CallState::default(),
            ongoing: None,
            ring_links: BTreeMap::new(),
            distrusted: Vec::new(),
            me: None,
            online: false,
            incoming_kbps: None,
            hide_address: false,
            talks_by_key: false,
            finished: VecDeque::new(),
            owed: VecDeque::new(),
            shares: 0,
            random: seed,
        }
    }

    /// What there is to show.
    pub fn state(&self) -> &CallState {
        &self.state
    }

    /// Takes one input at `now` and says what follows from it.
    pub fn step(&mut self, now: Instant, input: Input) -> Output {
        let mut turn = Turn { now, commands: Vec::new(), events: Vec::new() };
        let t = &mut turn;
        match input {
            Input::CallPressed { call, to, media } => self.call_pressed(t, call, to, media),
            Input::AcceptPressed { call, media } => self.accept_pressed(t, call, media),
            Input::DeclinePressed { call } => self.decline_pressed(t, call),
            Input::HangUpPressed => self.hang_up(t),
            Input::ReconnectPressed => self.reconnect_pressed(t),
            Input::MicrophoneSwitched { on } => self.microphone_switched(t, on),
            Input::TalkChosen { by_key } => self.talks_by_key = by_key,
            Input::EchoNoticed { strong } => self.echo_noticed(t, strong),
            Input::CameraSwitched { on } => self.camera_switched(t, on),
            Input::CameraPaused { on } => self.camera_paused(t, on),
            Input::CameraNoticed { fails } => self.camera_noticed(t, fails),
            Input::SharePressed { target } => self.share_pressed(t, target),
            Input::StopSharingPressed => self.stop_sharing(t),
            Input::ShareCameraSwitched { on } => self.share_camera_switched(t, on),
            Input::ShareStarted { share } => self.share_started(t, share),
            Input::ShareEnded { share } => self.share_ended(t, share),
            Input::Drawn { participant, view } => self.drawn(t, participant, view),
            Input::IncomingLimited { kbps } => self.incoming_kbps = kbps,
            Input::AddressHidden { on } => self.hide_address = on,
            Input::EndedDismissed => self.state.ended = None,
            Input::SignedIn { me, resumed } => self.signed_in(t, me, resumed),
            Input::SignalLost => self.signal_lost(t),
            Input::SignedOut => self.signed_out(t),
            Input::Signalled { message, server_now } => self.signalled(t, message, server_now),
            Input::PeerMessageOpened { call, from, message } => {
                self.peer_message_opened(t, call, from, message);
            }
            Input::PeerMessageForged { call, from } => self.peer_message_forged(t, call, from),
            Input::Peer { peer, input } => self.peer_reported(t, &peer, input),
            Input::AddressesChanged => self.addresses_changed(t),
            Input::DeadlineReached => self.deadline_reached(t),
        }
        self.tell_viewing(t);
        let Turn { now: _, commands, events } = turn;
        Output { commands, events, deadline: self.deadline() }
    }

    fn signalled(&mut self, t: &mut Turn, message: ServerMessage, server_now: UnixMillis) {
        match message {
            ServerMessage::Incoming { call, from, to, media, expires, hide_address } => {
                let invitation =
                    ringing::Invitation { call, from, to, media, expires, hide_address };
                self.invited(t, invitation, server_now);
            }
            ServerMessage::Ringing { call, device, hide_address } => {
                self.rings_there(t, call, device, hide_address);
            }
            ServerMessage::Accepted { call, by, hide_address } => {
                self.accepted(t, call, by, hide_address);
            }
            ServerMessage::Declined { call, account } => self.declined_there(t, call, &account),
            ServerMessage::Unreachable { call, account, reason } => {
                self.unreachable(t, call, &account, reason);
            }
            ServerMessage::RingStopped { call, reason } => self.ring_stopped(t, call, reason),
            ServerMessage::Left { call, who, reason } => self.left(t, call, &who, reason),
            ServerMessage::Failed { code, message: _ } => self.request_failed(t, code),
            // A signed message comes opened, as its own input; the rest is not about calls.
            ServerMessage::Signal { .. }
            | ServerMessage::Challenge { .. }
            | ServerMessage::Welcome { .. }
            | ServerMessage::Refused { .. }
            | ServerMessage::Book { .. }
            | ServerMessage::PresenceChanged { .. }
            | ServerMessage::History { .. }
            | ServerMessage::IceServers { .. } => {}
        }
    }

    fn signed_in(&mut self, t: &mut Turn, me: ParticipantId, resumed: bool) {
        if self.me.as_ref().is_some_and(|before| *before != me) {
            self.signed_out(t);
        }
        self.me = Some(me);
        self.online = true;
        for message in std::mem::take(&mut self.owed) {
            t.order(Command::Send(message));
        }
        for ring in &self.state.incoming {
            t.order(Command::Send(self.ringing_here(ring.id)));
        }
        if let Some(ongoing) = &mut self.ongoing {
            ongoing.unreachable_at = None;
        }
        match resumed {
            true => self.accept_again(t),
            false => self.announce(t),
        }
        self.go_on_reconnecting(t);
    }

    fn signal_lost(&mut self, t: &mut Turn) {
        self.online = false;
        if let Some(ongoing) = &mut self.ongoing
            && ongoing.links.is_empty()
        {
            ongoing.unreachable_at.get_or_insert(t.now + calling::SERVER_ANSWERS_WITHIN);
        }
    }

    fn signed_out(&mut self, t: &mut Turn) {
        self.hang_up(t);
        for ring in std::mem::take(&mut self.state.incoming) {
            self.ring_over(t, ring, crate::state::EndReason::Missed);
        }
        self.me = None;
        self.online = false;
        self.owed.clear();
    }

    fn deadline_reached(&mut self, t: &mut Turn) {
        self.expire_rings(t);
        self.expire_waiting(t);
        self.pass_link_deadlines(t);
    }

    fn deadline(&self) -> Option<Instant> {
        let rings = self.state.incoming.iter().map(|ring| ring.expires);
        let links = self.ring_links.values().filter_map(Link::deadline);
        let current = self.ongoing.iter().zip(&self.state.current);
        rings.chain(links).chain(current.filter_map(|(ongoing, call)| ongoing.deadline(call))).min()
    }

    /// Says something that makes sense only now.
    fn send(&self, t: &mut Turn, message: ClientMessage) {
        if self.online {
            t.order(Command::Send(message));
        }
    }

    /// Says something that the server has to know even if it is not connected now.
    fn send_or_owe(&mut self, t: &mut Turn, message: ClientMessage) {
        if self.online {
            t.order(Command::Send(message));
            return;
        }
        if self.owed.len() >= MAX_OWED {
            self.owed.pop_front();
        }
        self.owed.push_back(message);
    }

    fn ringing_here(&self, call: CallId) -> ClientMessage {
        ClientMessage::RingingHere { call, hide_address: self.hide_address }
    }

    fn remember_finished(&mut self, call: CallId) {
        if self.finished.len() >= MAX_FINISHED {
            self.finished.pop_front();
        }
        self.finished.push_back(call);
        self.distrusted.retain(|(other, _)| *other != call);
    }

    fn is_current(&self, call: CallId) -> bool {
        self.state.current.as_ref().is_some_and(|current| current.id == call)
    }

    fn is_me(&self, account: &AccountName) -> bool {
        self.me.as_ref().is_some_and(|me| me.account == *account)
    }

    /// A factor between 1 and 1.25, so that two sides do not try in step (splitmix64).
    fn jitter(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = ((z ^ (z >> 31)) >> 40) as f64 / (1u64 << 24) as f64;
        1.0 + unit / 4.0
    }
}
