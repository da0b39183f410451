//! One engine with short words for what happens to it.

use std::time::{Duration, Instant};
use tincan_call::*;
use tincan_proto::peer_message::{Description, DescriptionKind};
use tincan_proto::signalling::{CallMedia, LeaveReason};
use tincan_proto::units::UnixMillis;
use tincan_proto::{
    AccountName, CallId, ClientMessage, ControlMessage, DeviceId, Generation, Numbered,
    ParticipantId, PeerMessage, ServerMessage,
};

pub const SERVER_NOW: u64 = 1_000_000;

pub fn name(name: &str) -> AccountName {
    name.parse().expect("valid")
}

pub fn device(of: &str, device: u128) -> ParticipantId {
    ParticipantId { account: name(of), device: DeviceId::from(device) }
}

pub fn call(id: u128) -> CallId {
    CallId::from(id)
}

pub fn offer(sdp: &str) -> PeerMessage {
    PeerMessage::Description(Description { kind: DescriptionKind::Offer, sdp: sdp.into() })
}

pub fn answer(sdp: &str) -> PeerMessage {
    PeerMessage::Description(Description { kind: DescriptionKind::Answer, sdp: sdp.into() })
}

pub fn peer(id: u128, who: &ParticipantId, generation: u32) -> PeerKey {
    PeerKey { call: call(id), participant: who.clone(), generation: Generation(generation) }
}

pub struct Desk {
    pub engine: Engine,
    pub start: Instant,
    pub now: Instant,
    pub out: Output,
    /// Everything told so far.
    pub events: Vec<Event>,
}

impl Desk {
    /// "alice" on device 1, signed in.
    pub fn alice() -> Self {
        Self::signed_in(device("alice", 1))
    }

    pub fn signed_in(me: ParticipantId) -> Self {
        let mut desk = Self::signed_out();
        desk.step(Input::SignedIn { me, resumed: false });
        desk
    }

    pub fn signed_out() -> Self {
        let out = Output::default();
        let start = Instant::now();
        Self { engine: Engine::new(7), start, now: start, out, events: Vec::new() }
    }

    pub fn step(&mut self, input: Input) -> &mut Self {
        self.out = self.engine.step(self.now, input);
        self.events.extend(&self.out.events);
        self
    }

    /// Lets time pass and reaches every deadline on the way; `out` gathers what was done.
    pub fn pass(&mut self, time: Duration) -> &mut Self {
        let until = self.now + time;
        let mut gathered = Output { deadline: self.out.deadline, ..Output::default() };
        while let Some(at) = gathered.deadline.filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.step(Input::DeadlineReached);
            gathered.commands.append(&mut self.out.commands);
            gathered.events.append(&mut self.out.events);
            assert!(self.out.deadline.is_none_or(|next| next > at), "a deadline must pass");
            gathered.deadline = self.out.deadline;
        }
        self.now = until;
        self.out = gathered;
        self
    }

    pub fn seconds(&mut self, seconds: u64) -> &mut Self {
        self.pass(Duration::from_secs(seconds))
    }

    pub fn server(&mut self, message: ServerMessage) -> &mut Self {
        self.step(Input::Signalled { message, server_now: UnixMillis(SERVER_NOW) })
    }

    pub fn press_call(&mut self, id: u128, to: &[&str], media: CallMedia) -> &mut Self {
        let to = to.iter().map(|to| name(to)).collect();
        self.step(Input::CallPressed { call: call(id), to, media })
    }

    pub fn press_accept(&mut self, id: u128, media: CallMedia) -> &mut Self {
        self.step(Input::AcceptPressed { call: call(id), media })
    }

    pub fn incoming(&mut self, id: u128, from: &ParticipantId, to: &[&str]) -> &mut Self {
        self.server(ServerMessage::Incoming {
            call: call(id),
            from: from.clone(),
            to: to.iter().map(|to| name(to)).collect(),
            media: CallMedia::Video,
            expires: UnixMillis(SERVER_NOW + 45_000),
            hide_address: false,
        })
    }

    pub fn accepted(&mut self, id: u128, by: &ParticipantId) -> &mut Self {
        self.server(ServerMessage::Accepted { call: call(id), by: by.clone(), hide_address: false })
    }

    pub fn left(&mut self, id: u128, who: &ParticipantId, reason: LeaveReason) -> &mut Self {
        self.server(ServerMessage::Left { call: call(id), who: who.clone(), reason })
    }

    pub fn message(&mut self, id: u128, from: &ParticipantId, message: PeerMessage) -> &mut Self {
        self.numbered(id, from, 0, message)
    }

    pub fn numbered(
        &mut self,
        id: u128,
        from: &ParticipantId,
        generation: u32,
        message: PeerMessage,
    ) -> &mut Self {
        let message = Numbered { generation: Generation(generation), message };
        self.step(Input::PeerMessageOpened { call: call(id), from: from.clone(), message })
    }

    pub fn peer(&mut self, id: u128, who: &ParticipantId, input: PeerInput) -> &mut Self {
        self.step(Input::Peer { peer: peer(id, who, 0), input })
    }

    pub fn peer_state(&mut self, id: u128, who: &ParticipantId, state: PeerState) -> &mut Self {
        self.peer(id, who, PeerInput::State(state))
    }

    /// Connected, with its control channel.
    pub fn connects(&mut self, id: u128, who: &ParticipantId) -> &mut Self {
        self.peer(id, who, PeerInput::ControlOpened);
        self.peer_state(id, who, PeerState::Connected)
    }

    /// In a call of two that alice placed to bob's device 2.
    pub fn in_call_with_bob() -> Self {
        let mut desk = Self::alice();
        desk.press_call(5, &["bob"], CallMedia::Video).accepted(5, &device("bob", 2));
        desk.connects(5, &device("bob", 2));
        desk
    }

    /// In a call of two that bob's device 2 placed to alice.
    pub fn in_call_from_bob() -> Self {
        let mut desk = Self::alice();
        desk.incoming(5, &device("bob", 2), &["alice"]).press_accept(5, CallMedia::Video);
        desk.connects(5, &device("bob", 2));
        desk
    }

    pub fn current(&self) -> &Call {
        self.engine.state().current.as_ref().expect("a current call")
    }

    pub fn stage(&self, of: &str) -> state::Stage {
        let found = self.current().participants.iter().find(|p| p.account == name(of));
        found.expect("a participant").stage
    }

    /// The attempt at restoring the connection, if it is lost.
    pub fn attempt(&self, of: &str) -> Option<u32> {
        match self.stage(of) {
            state::Stage::Interrupted { attempt, .. } => Some(attempt),
            _ => None,
        }
    }

    pub fn is_idle(&self) -> bool {
        let state = self.engine.state();
        state.current.is_none() && state.incoming.is_empty()
    }

    pub fn ended(&self) -> Option<EndReason> {
        self.engine.state().ended.as_ref().map(|ended| ended.reason)
    }

    pub fn sent(&self) -> Vec<ClientMessage> {
        let sent = |command: &Command| match command {
            Command::Send(message) => Some(message.clone()),
            _ => None,
        };
        self.out.commands.iter().filter_map(sent).collect()
    }

    pub fn controls(&self) -> Vec<ControlMessage> {
        let control = |command: &Command| match command {
            Command::SendControl { message, .. } => Some(*message),
            _ => None,
        };
        self.out.commands.iter().filter_map(control).collect()
    }

    /// Whether sound and the camera's picture are taken.
    pub fn captures(&self) -> Option<(bool, bool)> {
        self.out.commands.iter().rev().find_map(|command| match command {
            Command::Capture { microphone, picture } => {
                Some((*microphone, *picture == Picture::Camera))
            }
            _ => None,
        })
    }

    /// What the picture track carries from now on, if that was ordered.
    pub fn picture(&self) -> Option<Picture> {
        self.out.commands.iter().rev().find_map(|command| match command {
            Command::Capture { picture, .. } => Some(*picture),
            _ => None,
        })
    }

    /// The participants whose connection was opened, in which role.
    pub fn opened(&self) -> Vec<(ParticipantId, Role)> {
        let opened = |command: &Command| match command {
            Command::OpenPeer { peer, role, .. } => Some((peer.participant.clone(), *role)),
            _ => None,
        };
        self.out.commands.iter().filter_map(opened).collect()
    }

    /// Which connection to anybody was opened last, if one was.
    pub fn opened_generation(&self) -> Option<u32> {
        self.out.commands.iter().rev().find_map(|command| match command {
            Command::OpenPeer { peer, .. } => Some(peer.generation.0),
            _ => None,
        })
    }

    pub fn closed(&self) -> Vec<ParticipantId> {
        let closed = |command: &Command| match command {
            Command::ClosePeer { peer } => Some(peer.participant.clone()),
            _ => None,
        };
        self.out.commands.iter().filter_map(closed).collect()
    }

    /// Whether media was let out or held back.
    pub fn media(&self) -> Vec<bool> {
        let media = |command: &Command| match command {
            Command::SendMedia { on, .. } => Some(*on),
            _ => None,
        };
        self.out.commands.iter().filter_map(media).collect()
    }

    /// Offers ordered, as `ice_restart`.
    pub fn offers(&self) -> Vec<bool> {
        let offer = |command: &Command| match command {
            Command::Negotiate {
                command: NegotiationCommand::CreateOffer { ice_restart, .. },
                ..
            } => Some(*ice_restart),
            _ => None,
        };
        self.out.commands.iter().filter_map(offer).collect()
    }
}
