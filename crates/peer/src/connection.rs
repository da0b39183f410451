//! A connection and the one task that owns it: every description, candidate and last word
//! passes through its queue in order.

use crate::capture_times::{CaptureTimes, TruthfulReports};
use crate::clock::Clock;
use crate::codecs::{self, Ours};
use crate::congestion::{Congestion, Pacing, Reports};
use crate::control;
use crate::dtls_roles::DtlsRoles;
use crate::feedback::{Feedback, FeedbackCounts};
use crate::handler::Handler;
use crate::inbound::{self, Incoming, Sink};
use crate::options::{MediaSinks, OpenError, PeerEvent, PeerOptions};
use crate::outbound::{self, Condition, MediaSender, OutboundCounts};
use crate::setup::{add_track, build, configuration};
use crate::stats::{self, PeerStats};
use crate::transport::{Cookies, Naps, Nominator, Relays, StreamRelays};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tincan_call::{NegotiationCommand, NegotiationInput, PeerState};
use tincan_proto::peer_message::Candidate;
use tincan_proto::{ControlMessage, IceServer};
use tokio::sync::{mpsc, oneshot};
use webrtc::data_channel::DataChannel;
use webrtc::error::Result;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnection, RTCIceCandidateInit, RTCSessionDescription, StatsSelector,
};

/// How long after each step of negotiation the driver looks for things to send.
const HURRY_NEGOTIATING: Duration = Duration::from_secs(4);
/// How long after connecting: the control channel opens in this time.
const HURRY_CONNECTED: Duration = Duration::from_millis(600);

enum Order {
    Negotiate(NegotiationCommand),
    Control(ControlMessage),
    RequestKeyFrame,
    IceServers(Vec<IceServer>),
    Stats(oneshot::Sender<PeerStats>),
    Close(oneshot::Sender<()>),
}

/// A connection. Dropping it closes it without last words; see [`Peer::close`].
pub struct Peer {
    orders: mpsc::UnboundedSender<Order>,
    media: MediaSender,
}

impl Peer {
    /// Makes a connection that stays silent until told to negotiate. Must run on tokio.
    ///
    /// # Errors
    /// [`OpenError`] if no socket can be bound or the crate refuses the configuration.
    pub async fn open(
        options: PeerOptions,
        sinks: MediaSinks,
    ) -> std::result::Result<(Self, mpsc::UnboundedReceiver<PeerEvent>), OpenError> {
        let (events, owner) = mpsc::unbounded_channel();
        let (inner_events, inner) = mpsc::unbounded_channel();
        let (tracks_in, tracks) = mpsc::unbounded_channel();
        let feedback = Arc::new(FeedbackCounts::default());
        let congestion = Congestion::new();
        let key_frame_wanted = {
            let events = events.clone();
            // Nobody listens any more once the owner is gone.
            move || drop(events.send(PeerEvent::KeyFrameWanted))
        };
        let naps = Arc::new(Naps::new());
        let relays = Arc::new(Relays::default());
        let cookies = Cookies::new();
        // From a call's second connection on nothing is taken for granted.
        let early = !options.tcp;
        let nominator = Nominator::new(early).map_err(|error| OpenError(error.to_string()))?;
        let capture_times = Arc::<CaptureTimes>::default();
        let ours = Ours {
            counts: feedback.clone(),
            feedback: Feedback::new(feedback.clone(), key_frame_wanted.clone(), sinks.clocks),
            pacing: Pacing::new(congestion.clone(), key_frame_wanted),
            reports: Reports { congestion: congestion.clone(), told: Arc::default() },
            protecting: Box::new(congestion.clone()),
            rebuilding: {
                let congestion = congestion.clone();
                Box::new(move || congestion.protects())
            },
            sender_reports: TruthfulReports::new(capture_times.clone()),
        };
        let connection = build(
            &options,
            ours,
            Handler { events: inner_events.clone(), tracks: tracks_in },
            naps.clone(),
            relays.clone(),
            cookies.clone(),
            nominator.clone(),
        )
        .await?;
        let stream = format!("tincan-{:08x}", outbound::rand_u32());
        let audio = match options.audio {
            true => {
                Some(add_track(&connection, RtpCodecKind::Audio, codecs::opus(), &stream).await?)
            }
            false => None,
        };
        let ssrc = audio.as_ref().map_or(0, |outgoing| outgoing.ssrc);
        feedback.audio_ssrc.store(ssrc, Ordering::Relaxed);
        congestion.set_sound(ssrc);
        feedback.reports.know_audio(ssrc);
        let video = match (options.video, options.send_video) {
            (true, true) => {
                Some(add_track(&connection, RtpCodecKind::Video, codecs::h264(), &stream).await?)
            }
            (true, false) => {
                let init = RTCRtpTransceiverInit {
                    direction: RTCRtpTransceiverDirection::Recvonly,
                    ..Default::default()
                };
                connection.add_transceiver_from_kind(RtpCodecKind::Video, Some(init)).await?;
                None
            }
            (false, _) => None,
        };
        if let Some(outgoing) = &video {
            feedback.reports.know_video(outgoing.ssrc);
        }
        let clock = Arc::<Clock>::default();
        let channel =
            control::open(&connection, inner_events, clock.clone(), congestion.clone()).await?;
        let sent = Arc::new(OutboundCounts::default());
        let media =
            outbound::start(video, audio, &sent, &capture_times, congestion, feedback.clone());
        media.set(Condition::Allowed, options.sending);
        let (orders, queue) = mpsc::unbounded_channel();
        let worker = Worker {
            connection,
            channel,
            clock,
            media: media.clone(),
            naps,
            relays,
            cookies,
            nominator,
            dtls_roles: DtlsRoles::default(),
            events,
            sent,
            feedback,
            audio_sink: Some(sinks.audio),
            video_sink: Some(sinks.video),
            video_track: None,
            relayed: None,
            ice_servers: options.ice_servers,
            relay_only: options.relay_only,
        };
        tokio::spawn(worker.run(queue, inner, tracks));
        Ok((Self { orders, media }, owner))
    }

    /// Queues one step of negotiation; its result comes as an event.
    pub fn negotiate(&self, command: NegotiationCommand) {
        self.order(Order::Negotiate(command));
    }

    /// Queues a control message.
    pub fn send_control(&self, message: ControlMessage) {
        self.order(Order::Control(message));
    }

    /// Takes other credentials for the servers that the connection was opened with: the next ICE
    /// restart needs an address from the relay, which refuses those that have ended. Other servers
    /// are for other connections.
    pub fn renew_ice_servers(&self, servers: Vec<IceServer>) {
        self.order(Order::IceServers(servers));
    }

    /// Asks the other side for a key frame (PLI, RFC 4585).
    pub fn request_key_frame(&self) {
        self.order(Order::RequestKeyFrame);
    }

    /// Lets media out while the connection is up, or holds it back: from somebody who has not
    /// accepted, or who may not know that they are connected.
    pub fn set_sending(&self, on: bool) {
        self.media.set(Condition::Allowed, on);
    }

    /// The way out for coded media.
    pub fn media(&self) -> MediaSender {
        self.media.clone()
    }

    /// A way to ask for key frames from elsewhere, which keeps nothing alive.
    pub fn key_frame_requester(&self) -> impl Fn() + Send + Sync + Clone + 'static {
        let orders = self.orders.downgrade();
        move || {
            if let Some(orders) = orders.upgrade() {
                let _ = orders.send(Order::RequestKeyFrame);
            }
        }
    }

    /// Totals so far; all zero once the connection is closed.
    pub async fn stats(&self) -> PeerStats {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Stats(reply));
        answer.await.unwrap_or_default()
    }

    /// Lets the last control messages out, then closes. Waits for at most half a second.
    pub async fn close(self) {
        let (reply, closed) = oneshot::channel();
        self.order(Order::Close(reply));
        // An error means that the task has ended before, which is what was wanted.
        let _ = closed.await;
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            tracing::debug!("an order came to a closed connection");
        }
    }
}

struct Worker {
    connection: Arc<dyn PeerConnection>,
    channel: Arc<dyn DataChannel>,
    clock: Arc<Clock>,
    media: MediaSender,
    naps: Arc<Naps>,
    relays: Arc<Relays>,
    cookies: Arc<Cookies>,
    nominator: Arc<Nominator>,
    dtls_roles: DtlsRoles,
    events: mpsc::UnboundedSender<PeerEvent>,
    sent: Arc<OutboundCounts>,
    feedback: Arc<FeedbackCounts>,
    audio_sink: Option<Sink>,
    video_sink: Option<Sink>,
    video_track: Option<Arc<dyn TrackRemote>>,
    relayed: Option<bool>,
    ice_servers: Vec<IceServer>,
    relay_only: bool,
}

impl Worker {
    async fn run(
        mut self,
        mut orders: mpsc::UnboundedReceiver<Order>,
        mut inner: mpsc::UnboundedReceiver<PeerEvent>,
        mut tracks: mpsc::UnboundedReceiver<Arc<dyn TrackRemote>>,
    ) {
        let closed = loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Negotiate(command)) => self.negotiate(command).await,
                    Some(Order::Control(message)) => control::send(&self.channel, &message).await,
                    Some(Order::RequestKeyFrame) => self.request_key_frame().await,
                    Some(Order::IceServers(servers)) => self.renew_ice_servers(servers).await,
                    Some(Order::Stats(reply)) => drop(reply.send(self.stats().await)),
                    Some(Order::Close(reply)) => {
                        control::flush(&self.channel).await;
                        break Some(reply);
                    }
                    None => break None,
                },
                Some(event) = inner.recv() => self.note(event).await,
                Some(track) = tracks.recv() => self.listen(track).await,
            }
        };
        self.media.set(Condition::Connected, false);
        if self.connection.close().await.is_err() {
            tracing::debug!("the connection did not close cleanly");
        }
        if let Some(reply) = closed {
            let _ = reply.send(());
        }
    }

    async fn note(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::State(PeerState::Connected) => {
                self.naps.hurry(HURRY_CONNECTED);
                self.media.set(Condition::Connected, true);
                self.tell(event);
                self.tell_path().await;
            }
            PeerEvent::State(PeerState::Failed) => {
                self.media.set(Condition::Connected, false);
                self.tell(event);
            }
            _ => self.tell(event),
        }
    }

    async fn tell_path(&mut self) {
        let Some(path) = self.stats().await.path else { return };
        let relayed = path.local == "relay" || path.remote == "relay";
        if self.relayed.replace(relayed) != Some(relayed) {
            self.tell(PeerEvent::Path { relayed });
        }
    }

    fn tell(&self, event: PeerEvent) {
        let _ = self.events.send(event);
    }

    async fn negotiate(&mut self, command: NegotiationCommand) {
        self.naps.hurry(HURRY_NEGOTIATING);
        let result = match command {
            NegotiationCommand::CreateOffer { epoch, ice_restart } => {
                (epoch, self.create_offer(ice_restart).await.map(Some))
            }
            NegotiationCommand::AcceptOffer { epoch, sdp, rollback } => {
                (epoch, self.accept_offer(sdp, rollback).await.map(Some))
            }
            NegotiationCommand::AcceptAnswer { epoch, sdp } => {
                (epoch, self.accept_answer(sdp).await.map(|()| None))
            }
            NegotiationCommand::AddCandidate(candidate) => {
                return self.add_candidate(candidate).await;
            }
            NegotiationCommand::Send(_) => {
                tracing::error!("messages are sent by the owner of a connection, not by it");
                return;
            }
        };
        let input = match result {
            (epoch, Ok(Some(sdp))) => NegotiationInput::LocalDescriptionSet { epoch, sdp },
            (epoch, Ok(None)) => NegotiationInput::AnswerSet { epoch },
            (epoch, Err(error)) => {
                tracing::warn!(%error, "a step of negotiation failed");
                NegotiationInput::CommandFailed { epoch }
            }
        };
        self.tell(PeerEvent::Negotiation(input));
    }

    async fn renew_ice_servers(&mut self, servers: Vec<IceServer>) {
        let urls =
            |servers: &[IceServer]| servers.iter().map(|s| s.urls.clone()).collect::<Vec<_>>();
        if servers == self.ice_servers || urls(&servers) != urls(&self.ice_servers) {
            return;
        }
        let (_, replaced) = StreamRelays::replace(&servers);
        let configuration = configuration(&replaced, self.relay_only);
        match self.connection.set_configuration(configuration).await {
            Ok(()) => self.ice_servers = servers,
            Err(error) => tracing::warn!(%error, "the relay's old credentials stay"),
        }
    }

    async fn create_offer(&mut self, ice_restart: bool) -> Result<String> {
        if ice_restart {
            self.connection.restart_ice().await?;
        }
        let offer = self.connection.create_offer(None).await?;
        let sdp = self.cookies.announce(&offer.sdp);
        self.nominator.describe_local(&sdp);
        self.connection.set_local_description(offer).await?;
        Ok(sdp)
    }

    async fn accept_offer(&mut self, sdp: String, rollback: bool) -> Result<String> {
        let offered = self.connection.pending_local_description().await.is_some();
        if rollback && offered {
            let rollback = RTCSessionDescription::rollback(None)?;
            self.connection.set_local_description(rollback).await?;
        }
        self.learn(&sdp);
        let sdp = self.dtls_roles.offered(sdp, self.cookies.is_announced());
        self.connection.set_remote_description(RTCSessionDescription::offer(sdp)?).await?;
        let answer = self.connection.create_answer(None).await?;
        let sdp = self.dtls_roles.answering(self.cookies.announce(&answer.sdp));
        self.nominator.describe_local(&sdp);
        self.connection.set_local_description(answer).await?;
        Ok(sdp)
    }

    async fn accept_answer(&mut self, sdp: String) -> Result<()> {
        self.learn(&sdp);
        self.dtls_roles.answered();
        self.connection.set_remote_description(RTCSessionDescription::answer(sdp)?).await
    }

    /// Takes from the far side's description what matters below the crate.
    fn learn(&self, sdp: &str) {
        self.cookies.learn(sdp);
        self.nominator.describe_remote(sdp, self.cookies.is_announced());
    }

    async fn add_candidate(&mut self, candidate: Candidate) {
        if candidate.candidate.is_empty() {
            return;
        }
        self.relays.note_candidate(&candidate.candidate);
        let init = RTCIceCandidateInit {
            candidate: candidate.candidate,
            sdp_mid: candidate.sdp_mid,
            sdp_mline_index: candidate.sdp_m_line_index,
            username_fragment: candidate.username_fragment,
            ..Default::default()
        };
        if let Err(error) = self.connection.add_ice_candidate(init).await {
            tracing::debug!(%error, "a candidate was not taken");
        }
    }

    async fn request_key_frame(&mut self) {
        let Some(track) = &self.video_track else { return };
        for media_ssrc in track.ssrcs().await {
            let request = PictureLossIndication { sender_ssrc: 0, media_ssrc };
            if track.write_rtcp(vec![Box::new(request)]).await.is_err() {
                tracing::debug!("a key-frame request was not sent");
            }
        }
    }

    async fn listen(&mut self, track: Arc<dyn TrackRemote>) {
        let video = track.kind().await == RtpCodecKind::Video;
        let sink = if video { self.video_sink.take() } else { self.audio_sink.take() };
        let Some(sink) = sink else {
            tracing::warn!(video, "a second track of one kind is not listened to");
            return;
        };
        let incoming = if video { Incoming::default() } else { self.incoming_sound().await };
        tokio::spawn(inbound::read(track.clone(), incoming, sink));
        if video {
            self.video_track = Some(track);
            self.tell(PeerEvent::VideoStarted);
            // What came before the track was announced is lost, perhaps the key frame.
            self.request_key_frame().await;
        }
    }

    /// What was negotiated for the other side's sound.
    async fn incoming_sound(&mut self) -> Incoming {
        for receiver in self.connection.get_receivers().await {
            if receiver.track().kind().await == RtpCodecKind::Audio
                && let Ok(parameters) = receiver.get_parameters().await
            {
                return Incoming::sound(&parameters.rtp_parameters);
            }
        }
        Incoming::default()
    }

    async fn stats(&mut self) -> PeerStats {
        let report = self.connection.get_stats(Instant::now(), StatsSelector::None).await;
        let mut stats = stats::collect(&report, &self.sent, &self.feedback);
        stats.available = Some(self.media.carried());
        stats.clock = self.clock.offset();
        if let (Some(path), true) = (&mut stats.path, self.nominator.hides_round_trip()) {
            path.round_trip = None;
        }
        // One that was learned from a check has no type of its own, and may be the far side's relay.
        if let Some(path) = stats.path.as_mut().filter(|path| path.remote == "prflx")
            && let Some(remote) = self.remote_address().await
            && self.relays.is_relay(remote)
        {
            "relay".clone_into(&mut path.remote);
        }
        stats
    }

    /// Where the selected path leads.
    async fn remote_address(&mut self) -> Option<SocketAddr> {
        let ice = self.connection.sctp().await?.transport().ice_transport();
        let pair = ice.get_selected_candidate_pair().await.ok()??;
        Some(SocketAddr::new(pair.remote().address.parse().ok()?, pair.remote().port))
    }
}
