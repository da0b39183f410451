//! One call of the headless peer: a connection, its sources and its sinks.

use super::far_side::{FrameLog, Heard, beeps};
use super::near_side::{Speaking, Voice};
use super::pictures::Pictures;
use super::protocol::{Init, Line, ShareLine, VideoLine};
use crate::figures::{self, Figures};
use crate::media::{IncomingStats, OwnStats};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tincan_call::{Negotiation, NegotiationCommand, NegotiationInput, PeerState, Role};
use tincan_media::codec::opus::{Content, OpusSettings};
use tincan_media::codec::voice_rate::VoiceRate;
use tincan_media::pipeline::audio_receive::{AudioReceivePipeline, AudioReceiver};
use tincan_media::pipeline::audio_send::AudioSendPipeline;
use tincan_media::pipeline::video_receive::{Delivery, VideoReceivePipeline, VideoReceiveSinks};
use tincan_media::synthetic::tone::wall_millis;
use tincan_peer_connection::{IceState, MediaSinks, Peer, PeerEvent, PeerOptions};
use tincan_proto::peer_message::{Candidate, Description, DescriptionKind};
use tincan_proto::units::{Resolution, UnixMillis};
use tincan_proto::{ControlMessage, Health, IceServer, PeerMessage};
use tokio::sync::mpsc;

/// A call from `init` to `close`.
pub struct Session {
    peer: Peer,
    events: mpsc::UnboundedReceiver<PeerEvent>,
    negotiation: Negotiation,
    lines: mpsc::UnboundedSender<Line>,
    frames: FrameLog,
    ice: IceState,
    connection: &'static str,
    video_in: Arc<VideoReceivePipeline>,
    audio_in: Arc<AudioReceiver>,
    /// The picture that is sent when nothing is shared.
    video: Option<VideoLine>,
    video_out: Option<Pictures>,
    shares: bool,
    control_open: bool,
    audio_out: Option<Speaking>,
    voice_rate: VoiceRate,
    heard: Heard,
    figures: Figures,
    _playout: AudioReceivePipeline,
}

/// The next event of a session; never, if there is none.
pub async fn next_event(session: &mut Option<Session>) -> Option<PeerEvent> {
    match session {
        Some(session) => session.events.recv().await,
        None => std::future::pending().await,
    }
}

impl Session {
    /// Makes the connection and starts the sources; signals nothing.
    pub async fn start(init: Init, lines: mpsc::UnboundedSender<Line>) -> anyhow::Result<Self> {
        let codec = init.video.as_ref().and_then(|video| video.codec.as_deref());
        if codec.is_some_and(|codec| !codec.eq_ignore_ascii_case("h264")) {
            bail!("the only picture codec is H264");
        }
        let voice = Voice::named(init.audio.as_ref())?;
        let frames = FrameLog::new(lines.clone());
        let requester: Arc<OnceLock<Box<dyn Fn() + Send + Sync>>> = Arc::default();
        let video_in = Arc::new(VideoReceivePipeline::start(
            Delivery::Decoded,
            VideoReceiveSinks {
                coded: Box::new(|_| {}),
                decoded: Box::new({
                    let frames = frames.clone();
                    move |frame| frames.note(&frame)
                }),
                key_frame_needed: Box::new({
                    let requester = requester.clone();
                    move || {
                        if let Some(request) = requester.get() {
                            request();
                        }
                    }
                }),
            },
        )?);
        let playout = AudioReceivePipeline::start();
        let heard = Heard::default();
        playout.set_tap(Some(match voice {
            Some(Voice::Clip) => Box::new(heard.listen()),
            Some(Voice::Beep) | None => Box::new(beeps(lines.clone())),
        }));
        let audio_in = Arc::new(playout.add("far side"));
        video_in.follow(audio_in.clock());
        let options = PeerOptions {
            ice_servers: init
                .ice_servers
                .into_iter()
                .map(|server| IceServer {
                    urls: server.urls.into_vec(),
                    username: server.username,
                    credential: server.credential,
                    certificate_sha256: server.certificate_sha256,
                })
                .collect(),
            relay_only: init.relay_only,
            tcp: false,
            audio: voice.is_some(),
            video: init.video.is_some(),
            send_video: init.send_video,
            sending: true,
        };
        let sinks = MediaSinks {
            audio: Box::new({
                let audio_in = audio_in.clone();
                move |packet| audio_in.push(packet)
            }),
            video: Box::new({
                let video_in = video_in.clone();
                move |packet| video_in.push(packet)
            }),
            clocks: Box::new({
                let (video_in, sound) = (video_in.clone(), audio_in.clock());
                move |report| {
                    sound.report(report);
                    video_in.report(report);
                }
            }),
        };
        let (peer, events) = Peer::open(options, sinks).await?;
        // Nothing was requested before: the pipeline has no packets yet.
        let _ = requester.set(Box::new(peer.key_frame_requester()));
        let video = init.video.filter(|_| init.send_video);
        let video_out = match &video {
            Some(video) => Some(Pictures::test_picture(video, peer.media())?),
            None => None,
        };
        let audio_out = voice.map(|voice| Speaking::start(voice, peer.media())).transpose()?;
        let role = if init.polite { Role::Polite } else { Role::Impolite };
        Ok(Self {
            peer,
            events,
            negotiation: Negotiation::new(role),
            lines,
            frames,
            ice: IceState::New,
            connection: "new",
            video_in,
            audio_in,
            video,
            video_out,
            shares: false,
            control_open: false,
            audio_out,
            voice_rate: VoiceRate::default(),
            heard,
            figures: Figures::default(),
            _playout: playout,
        })
    }

    /// Offers, perhaps with new ICE credentials.
    pub fn negotiate(&mut self, ice_restart: bool) {
        self.step(NegotiationInput::Needed { ice_restart });
    }

    /// Takes the other side's description.
    pub fn receive_description(&mut self, description: Description) {
        self.step(NegotiationInput::Received(PeerMessage::Description(description)));
    }

    /// Takes the other side's candidate.
    pub fn receive_candidate(&mut self, candidate: Option<Candidate>) {
        if let Some(candidate) = candidate {
            self.step(NegotiationInput::Received(PeerMessage::Candidate(candidate)));
        }
    }

    /// Takes what the connection says.
    pub fn handle(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Negotiation(input) => self.step(input),
            PeerEvent::State(state) => {
                self.connection = match state {
                    PeerState::Connecting => "connecting",
                    PeerState::Connected => "connected",
                    PeerState::Disconnected => "disconnected",
                    PeerState::Failed => "failed",
                };
                if let (PeerState::Connected, Some(pictures)) = (state, &self.video_out) {
                    pictures.pipeline().begin();
                }
                self.say_state();
            }
            PeerEvent::Ice(state) => {
                self.ice = state;
                self.say_state();
            }
            PeerEvent::KeyFrameWanted => self.send_key_frame(),
            PeerEvent::ControlOpened => {
                self.control_open = true;
                self.say_media();
            }
            PeerEvent::Control(ControlMessage::Media { microphone, camera, screen, paused }) => {
                let media = json!({
                    "microphone": microphone, "camera": camera, "screen": screen, "paused": paused,
                });
                self.say(json!({"ev": "media", "t": wall_millis(), "sends": media}));
            }
            PeerEvent::Control(ControlMessage::Health(health)) => {
                self.figures.hear(Instant::now(), health);
            }
            PeerEvent::Control(
                ControlMessage::PictureMissing { .. }
                | ControlMessage::Echoing { .. }
                | ControlMessage::Viewing(_)
                | ControlMessage::Bye
                | ControlMessage::EchoPhase { .. }
                | ControlMessage::EchoReport { .. }
                | ControlMessage::ClockQuestion { .. }
                | ControlMessage::ClockAnswer { .. }
                | ControlMessage::Rebuilds
                | ControlMessage::Unknown,
            )
            | PeerEvent::VideoStarted
            | PeerEvent::Path { .. } => {}
        }
    }

    /// Sends a page in the place of the picture.
    pub fn share(&mut self, share: &ShareLine) -> anyhow::Result<()> {
        if self.video.is_none() {
            bail!("there is no picture track: begin with a picture");
        }
        // The one before is silent first.
        self.video_out = None;
        self.video_out = Some(Pictures::page(share, self.peer.media())?);
        self.shares = true;
        self.say_media();
        Ok(())
    }

    /// Sends the picture again.
    pub fn stop_sharing(&mut self) -> anyhow::Result<()> {
        if let Some(video) = self.video.as_ref().filter(|_| self.shares) {
            self.video_out = None;
            self.video_out = Some(Pictures::test_picture(video, self.peer.media())?);
            self.shares = false;
            self.say_media();
        }
        Ok(())
    }

    /// Says what is in a file.
    pub fn speak(&self, file: &Path) -> anyhow::Result<()> {
        self.audio_out.as_ref().context("there is no sound source")?.say(file)
    }

    /// Writes what was heard into a file; when that, and what was said here, began.
    pub fn heard(&self, file: &Path) -> anyhow::Result<Line> {
        let begun = self.heard.write(file)?;
        let said = self.audio_out.as_ref().and_then(Speaking::begun);
        Ok(Line::new(json!({"begun": begun, "said": said})))
    }

    /// Tells the other side what is sent, once it can hear.
    fn say_media(&self) {
        if self.control_open {
            self.peer.send_control(ControlMessage::Media {
                microphone: self.audio_out.is_some(),
                camera: self.video_out.is_some(),
                screen: self.shares,
                paused: false,
            });
        }
    }

    /// Writes the frames that have come since the last time.
    pub fn report_frames(&self) {
        self.frames.report();
    }

    /// Encodes the voice for the network, as the app does.
    fn fit_voice(&mut self) {
        let media = self.peer.media();
        let Some(pipeline) = self.audio_out.as_ref().map(Speaking::pipeline) else { return };
        if !media.is_open() {
            return;
        }
        let pictures = self.video_out.is_some();
        let ways: Vec<_> = media.voice_way().into_iter().collect();
        let opus = self.voice_rate.step(Instant::now(), &ways, pictures, Content::Voice);
        if opus != pipeline.settings().opus {
            pipeline.set_opus(opus);
        }
    }

    /// Takes the figures of the last second, and tells the other side how this one is doing.
    pub async fn measure(&mut self) {
        self.fit_voice();
        let peer = self.peer.stats().await;
        let (video, audio) = (self.video_in.statistics(), self.audio_in.statistics());
        let microphone = self.audio_out.as_ref().map(Speaking::pipeline);
        let own = OwnStats {
            encoded: self.video_out.as_ref().map(|pictures| pictures.pipeline().statistics()),
            microphone: microphone.map(AudioSendPipeline::levels),
            voice_rate: microphone
                .map_or(OpusSettings::default(), |out| out.settings().opus)
                .bitrate,
        };
        let health = Health { picture: self.video_out.is_some(), ..Health::default() };
        let dropped =
            own.microphone.map_or(0, |levels| levels.dropped) + video.overflowed + audio.overflowed;
        let incoming = IncomingStats {
            video,
            audio,
            resolution: video.resolution,
            level: self.audio_in.level(),
            ..IncomingStats::default()
        };
        let reading = figures::reading(Instant::now(), &peer, &incoming, &own);
        let told = self.figures.take(UnixMillis(wall_millis() as u64), reading, dropped, health);
        if let (Some(health), true) = (told, self.control_open) {
            self.peer.send_control(ControlMessage::Health(health));
        }
    }

    /// Ends the call and its sources.
    pub async fn close(self) {
        self.peer.close().await;
        self.frames.report();
    }

    /// The answer to `stats`.
    pub async fn stats(&self) -> Line {
        let peer = self.peer.stats().await;
        let audio = self.audio_in.statistics();
        let video = self.video_in.statistics();
        let sent = self.video_out.as_ref().map(|pictures| pictures.pipeline().statistics());
        let size = peer.video_resolution.unwrap_or(Resolution::new(0, 0));
        let seen = video.resolution.unwrap_or(Resolution::new(0, 0));
        let mut line = json!({
            "t": wall_millis(),
            "ice": ice_name(self.ice),
            "conn": self.connection,
            "audio_in": {
                "packets": audio.jitter.packets,
                "lost": audio.jitter.lost,
                "concealed": audio.jitter.concealed_samples,
                "samples": audio.jitter.samples,
                "jitter_ms": audio.jitter.jitter * 1000.0,
                "recovered": audio.jitter.recovered,
                "restored": audio.jitter.restored,
                "inserted": audio.jitter.inserted_samples_for_deceleration,
                "removed": audio.jitter.removed_samples_for_acceleration,
                "jb_s": audio.jitter.jitter_buffer_delay,
                "jb_n": audio.jitter.jitter_buffer_emitted_count,
                "target_ms": audio.jitter.target.as_secs_f64() * 1000.0,
                "delay_ms": audio.jitter.delay.as_secs_f64() * 1000.0,
            },
            "audio_out": {
                "bytes": peer.audio_bytes_sent,
                "packets": peer.audio_packets_sent,
                "redundant": peer.audio_redundant_sent,
            },
            "video_in": {
                "packets": video.assembled.packets,
                "lost": video.assembled.lost,
                "bytes": peer.bytes_received,
                "frames": self.frames.total(),
                "dropped": video.undecodable,
                "w": seen.width,
                "h": seen.height,
                "impl": "OpenH264",
                "decode_s": video.decode_time.as_secs_f64(),
                "requests": video.requests,
                "freezes": video.freezes,
                "freeze_s": video.freeze_time.as_secs_f64(),
                "jb_s": video.jitter_buffer_delay.as_secs_f64(),
                "jb_n": video.emitted,
            },
            "video_out": {
                "bytes": peer.video_bytes_sent,
                "packets": peer.video_packets_sent,
                "frames": peer.video_frames_sent,
                "retransmitted": peer.retransmitted,
                "nack": peer.nacks,
                "pli": peer.key_frame_requests,
                "w": size.width,
                "h": size.height,
                "impl": "OpenH264",
            },
        });
        if let Some(sent) = sent {
            line["drawn"] = json!(sent.frames + sent.skipped);
            line["video_out"]["encode_s"] = json!(sent.encode_time.as_secs_f64());
        }
        line["diagnosis"] = json!(self.figures.diagnosis());
        line["figures"] = json!(self.figures.latest());
        if let Some(path) = peer.path {
            line["pair"] = json!({
                "local": path.local,
                "remote": path.remote,
                "protocol": path.protocol,
                "rtt_ms": path.round_trip.as_ref().map(Duration::as_secs_f64).map(|s| s * 1000.0),
            });
        }
        Line::new(line)
    }

    fn send_key_frame(&self) {
        if let Some(pictures) = &self.video_out {
            pictures.pipeline().request_key_frame();
        }
    }

    fn step(&mut self, input: NegotiationInput) {
        for command in self.negotiation.step(input) {
            match command {
                NegotiationCommand::Send(message) => self.send(message),
                other => self.peer.negotiate(other),
            }
        }
        if self.negotiation.failed() {
            self.say(json!({"ev": "note", "text": "negotiation failed"}));
        }
    }

    fn send(&self, message: PeerMessage) {
        let t = wall_millis();
        self.say(match message {
            PeerMessage::Description(Description { kind, sdp }) => {
                let kind = match kind {
                    DescriptionKind::Offer => "offer",
                    DescriptionKind::Answer => "answer",
                };
                json!({"ev": "description", "type": kind, "sdp": sdp, "t": t})
            }
            PeerMessage::Candidate(candidate) if candidate.candidate.is_empty() => {
                json!({"ev": "candidate", "candidate": null, "t": t})
            }
            PeerMessage::Candidate(candidate) => {
                json!({"ev": "candidate", "candidate": candidate, "t": t})
            }
            // One session has one connection: `init` makes the next.
            PeerMessage::Renew => return,
        });
    }

    fn say_state(&self) {
        let t = wall_millis();
        self.say(
            json!({"ev": "state", "ice": ice_name(self.ice), "conn": self.connection, "t": t}),
        );
    }

    fn say(&self, value: Value) {
        let _ = self.lines.send(Line::new(value));
    }
}

fn ice_name(state: IceState) -> &'static str {
    match state {
        IceState::New => "new",
        IceState::Checking => "checking",
        IceState::Connected => "connected",
        IceState::Completed => "completed",
        IceState::Disconnected => "disconnected",
        IceState::Failed => "failed",
        IceState::Closed => "closed",
    }
}
