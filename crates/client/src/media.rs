//! The app's media: which devices are open, what goes out to every participant, and what
//! comes in from each. Devices are opened on a thread of their own, since that may take long.

mod camera_size;
mod keeper;
mod outlets;
mod own_view;
mod shares;
mod sounder;
pub(crate) mod still;
mod track;

use crate::ports::{Tile, TilePicture, Tiles};
use crate::view::{Levels, ParticipantLevel, Settings};
use keeper::Keeper;
pub use keeper::{MediaNote, Wanted, entries};
use outlets::Outlets;
pub use shares::ScreenOrder;
pub use sounder::Sounder;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tincan_call::{PeerKey, Picture, ShareId};
use tincan_media::codec::annex_b::{NalType, nal_units};
use tincan_media::codec::opus::{Content, OpusError};
use tincan_media::codec::sps;
use tincan_media::codec::voice_rate::VoiceRate;
use tincan_media::device::Devices;
use tincan_media::pipeline::audio_receive::{
    AudioReceivePipeline, AudioReceiveStatistics, AudioReceiver,
};
use tincan_media::pipeline::audio_send::{AudioSendPipeline, AudioSendSettings, MicrophoneLevels};
use tincan_media::pipeline::video_receive::{
    Delivery, VideoReceivePipeline, VideoReceiveSinks, VideoReceiveStatistics,
};
use tincan_media::pipeline::video_send::VideoSendStatistics;
use tincan_media::process::chain::ChainSettings;
use tincan_media::process::level::Level;
use tincan_media::screen::Screens;
use tincan_peer_connection::{MediaSender, MediaSinks};
use tincan_proto::units::{Bitrate, Resolution};
use tincan_proto::{AccountName, View, Viewing};
use tokio::sync::mpsc;
use track::{Source, Track};

/// Key frames of one participant are asked for at most this often on behalf of windows.
const KEY_FRAME_PAUSE: Duration = Duration::from_millis(300);

/// All media of this device.
pub struct MediaSession {
    tiles: Arc<dyn Tiles>,
    notes: mpsc::UnboundedSender<MediaNote>,
    outlets: Arc<Outlets>,
    voice: Arc<AudioSendPipeline>,
    voice_rate: VoiceRate,
    playout: Option<Arc<AudioReceivePipeline>>,
    keeper: Keeper,
    wanted: Wanted,
    /// Connections whose other side does not take part yet.
    prepared: HashMap<PeerKey, Prepared>,
    peers: HashMap<PeerKey, Incoming>,
}

/// A connection whose packets are dropped until somebody takes part.
struct Prepared {
    inlets: Arc<OnceLock<Inlets>>,
    request: Requester,
}

/// Where a participant's packets go.
struct Inlets {
    video: Arc<VideoReceivePipeline>,
    audio: Arc<AudioReceiver>,
    video_bytes: AtomicU64,
    audio_bytes: AtomicU64,
}

/// Asks a participant for a key frame.
pub type KeyFrameRequest = Box<dyn Fn() + Send + Sync>;

type Requester = Arc<OnceLock<KeyFrameRequest>>;

/// What comes from one participant.
struct Incoming {
    video: Arc<VideoReceivePipeline>,
    audio: Arc<AudioReceiver>,
    inlets: Arc<OnceLock<Inlets>>,
    /// Width in the upper half, height in the lower; 0 before the first key frame.
    resolution: Arc<AtomicU64>,
    request: Requester,
    last_request: Mutex<Option<Instant>>,
    /// What a window took lately to draw one.
    drawing: Mutex<Option<Duration>>,
    /// Pictures go to the tile. Held while one does, so that none comes after its end.
    shown: Arc<Mutex<bool>>,
}

/// Figures of what comes from one participant.
#[derive(Clone, Copy, Debug, Default)]
pub struct IncomingStats {
    /// Pictures.
    pub video: VideoReceiveStatistics,
    /// Sound.
    pub audio: AudioReceiveStatistics,
    /// Size of the pictures.
    pub resolution: Option<Resolution>,
    /// Payload of pictures.
    pub video_bytes: u64,
    /// Payload of sound.
    pub audio_bytes: u64,
    /// How loud they are now.
    pub level: Level,
    /// What the window takes to draw a picture, where it tells.
    pub drawing: Option<Duration>,
}

/// Figures of what is taken here.
#[derive(Clone, Copy, Debug)]
pub struct OwnStats {
    /// Pictures, while there is an encoder.
    pub encoded: Option<VideoSendStatistics>,
    /// The microphone, while it is open.
    pub microphone: Option<MicrophoneLevels>,
    /// What the voice's encoder aims at.
    pub voice_rate: Bitrate,
}

/// Where a new connection's packets go, and how its key frames are asked for once it exists.
pub struct PeerIntake {
    /// To be given to the connection.
    pub sinks: MediaSinks,
    request: Requester,
}

impl PeerIntake {
    /// Splits off the sinks; the rest is completed with the connection's requester.
    pub fn split(self) -> (MediaSinks, impl FnOnce(KeyFrameRequest)) {
        let request = self.request;
        (self.sinks, move |requester| {
            // Set once: an intake belongs to one connection.
            let _ = request.set(requester);
        })
    }
}

impl Incoming {
    fn bytes(&self, of: impl Fn(&Inlets) -> &AtomicU64) -> u64 {
        self.inlets.get().map_or(0, |inlets| of(inlets).load(Ordering::Relaxed))
    }
}

impl MediaSession {
    /// Starts with everything off; what devices do comes as notes.
    ///
    /// # Errors
    /// [`OpusError`] if there is no encoder.
    pub fn start(
        devices: Arc<dyn Devices>,
        screens: Arc<dyn Screens>,
        tiles: Arc<dyn Tiles>,
        settings: &Settings,
        notes: mpsc::UnboundedSender<MediaNote>,
    ) -> Result<Self, OpusError> {
        let outlets = Arc::<Outlets>::default();
        let voice_settings = AudioSendSettings {
            processing: processing(settings),
            original: settings.original_sound,
            muted: true,
            ..Default::default()
        };
        let voice = AudioSendPipeline::start(voice_settings, {
            let outlets = outlets.clone();
            Box::new(move |packet| outlets.send_audio(&packet))
        })?;
        let voice = Arc::new(voice);
        let track = Track::new(outlets.clone(), tiles.clone());
        let keeper = Keeper::start(devices, screens, voice.clone(), track, notes.clone());
        Ok(Self {
            tiles,
            notes,
            outlets,
            voice,
            voice_rate: VoiceRate::default(),
            playout: None,
            keeper,
            wanted: Wanted::NONE,
            prepared: HashMap::new(),
            peers: HashMap::new(),
        })
    }

    /// Opens and closes devices until they are as wanted. `muted` holds sound back although
    /// the microphone is open, for the level meter.
    pub fn want(&mut self, wanted: Wanted, muted: bool) {
        self.voice.set_muted(muted);
        self.outlets.let_pictures_out(Source::of(wanted.picture));
        self.wanted = wanted;
        self.tell_keeper();
    }

    /// Begins to open a screen; what becomes of it comes as notes. Its pictures are sent once it
    /// is wanted as the picture.
    pub fn open_screen(&self, order: ScreenOrder) {
        self.keeper.open_screen(order);
    }

    /// Closes a screen, or gives up opening it.
    pub fn close_screen(&self, share: ShareId) {
        self.keeper.close_screen(share);
    }

    /// Looks for devices again; the list comes as a note.
    pub fn list_devices(&self) {
        self.keeper.list();
    }

    /// Applies the processing switches at once.
    pub fn set_processing(&self, settings: &Settings) {
        self.voice.set_processing(processing(settings));
        self.voice.set_original(settings.original_sound);
    }

    /// Encodes the voice for the networks of those who are sent to.
    pub fn fit_voice(&mut self, now: Instant) {
        let settings = self.voice.settings();
        let content = if settings.original { Content::Music } else { Content::Voice };
        let pictures = self.wanted.picture != Picture::Nothing;
        self.outlets.limit(self.wanted.quality);
        let opus = self.voice_rate.step(now, &self.outlets.voice_ways(), pictures, content);
        if opus != settings.opus {
            tracing::debug!(?opus, "voice");
            self.voice.set_opus(opus);
        }
    }

    /// Prepares for a connection. No device is opened for it and what arrives is dropped, until
    /// it is admitted.
    pub fn prepare_peer(&mut self, peer: &PeerKey) -> PeerIntake {
        let inlets = Arc::<OnceLock<Inlets>>::default();
        let request: Requester = Arc::default();
        let (heard, seen, told) = (inlets.clone(), inlets.clone(), inlets.clone());
        let sinks = MediaSinks {
            audio: Box::new(move |packet| {
                if let Some(inlets) = heard.get() {
                    inlets.audio_bytes.fetch_add(packet.payload.len() as u64, Ordering::Relaxed);
                    inlets.audio.push(packet);
                }
            }),
            video: Box::new(move |packet| {
                if let Some(inlets) = seen.get() {
                    inlets.video_bytes.fetch_add(packet.payload.len() as u64, Ordering::Relaxed);
                    inlets.video.push(packet);
                }
            }),
            clocks: Box::new(move |report| {
                if let Some(inlets) = told.get() {
                    inlets.audio.clock().report(report);
                    inlets.video.report(report);
                }
            }),
        };
        let prepared = Prepared { inlets, request: request.clone() };
        self.prepared.insert(peer.clone(), prepared);
        PeerIntake { sinks, request }
    }

    /// The other side takes part: what they send is heard, at this volume in percent, and seen from
    /// now on.
    ///
    /// # Errors
    /// In words, if there is no decoder.
    pub fn admit_peer(&mut self, peer: &PeerKey, volume: u8) -> Result<(), String> {
        let Some(Prepared { inlets, request }) = self.prepared.remove(peer) else {
            return Ok(());
        };
        let tile = Tile::Remote(peer.participant.clone());
        let tiles = self.tiles.clone();
        let ask = request.clone();
        let resolution = Arc::<AtomicU64>::default();
        let theirs = resolution.clone();
        let mut first = Some(self.notes.clone());
        let shown = Arc::new(Mutex::new(true));
        let is_shown = shown.clone();
        let sinks = VideoReceiveSinks {
            coded: Box::new(move |unit| {
                if unit.key {
                    note_resolution(&theirs, &unit.annex_b);
                }
                let is_shown = is_shown.lock().unwrap_or_else(PoisonError::into_inner);
                if !*is_shown {
                    return;
                }
                tiles.push(&tile, TilePicture { annex_b: unit.annex_b, key: unit.key });
                if let Some(notes) = first.take() {
                    // The controller is gone when the app closes.
                    let _ = notes.send(MediaNote::PictureArrived);
                }
            }),
            decoded: Box::new(|_| {}),
            key_frame_needed: Box::new(move || {
                if let Some(request) = ask.get() {
                    request();
                }
            }),
        };
        let video = VideoReceivePipeline::start(Delivery::Coded, sinks)
            .map_err(|error| error.to_string())?;
        let video = Arc::new(video);
        let audio = Arc::new(self.playout().add(&peer.participant.account.to_string()));
        audio.set_volume(f32::from(volume) / 100.0);
        video.follow(audio.clock());
        // Set once: a connection is admitted once.
        let _ = inlets.set(Inlets {
            video: video.clone(),
            audio: audio.clone(),
            video_bytes: AtomicU64::new(0),
            audio_bytes: AtomicU64::new(0),
        });
        let last_request = Mutex::default();
        let incoming = Incoming {
            video,
            audio,
            inlets,
            resolution,
            request,
            last_request,
            drawing: Mutex::default(),
            shown,
        };
        self.peers.insert(peer.clone(), incoming);
        Ok(())
    }

    /// Hears somebody so loud from now on, in percent of how they come.
    pub fn set_volume(&self, account: &AccountName, percent: u8) {
        let theirs = self.peers.iter().filter(|(peer, _)| peer.participant.account == *account);
        theirs.for_each(|(_, incoming)| incoming.audio.set_volume(f32::from(percent) / 100.0));
    }

    /// Offers what is taken here to a connection, which lets it out when it is told to.
    pub fn connect_peer(&self, peer: &PeerKey, sender: MediaSender) {
        self.outlets.add(peer.clone(), sender);
    }

    /// Begins pictures anew, since somebody can see them from now on.
    pub fn begin_pictures(&self) {
        self.outlets.begin();
    }

    /// Lets somebody who lost the thread take it up again.
    pub fn send_key_frame(&self) {
        self.outlets.request_key_frame();
    }

    /// Sends somebody no more of the picture than they show and take.
    pub fn fit_picture(&self, peer: &PeerKey, viewing: Viewing) {
        self.outlets.fit(peer, viewing);
    }

    /// The windows draw the own tile so from now on.
    pub fn draw_own(&self, view: View) {
        self.outlets.draw_own(view);
    }

    /// Pictures of theirs are to come now, or not: gaps while none are, are no freezes.
    pub fn expect_pictures(&self, peer: &PeerKey, expected: bool) {
        if let Some(incoming) = self.peers.get(peer) {
            incoming.video.expect_pictures(expected);
        }
    }

    /// Forgets a participant.
    pub fn remove_peer(&mut self, peer: &PeerKey) {
        self.outlets.remove(peer);
        self.prepared.remove(peer);
        if let Some(incoming) = self.peers.remove(peer) {
            // The connection may deliver for a moment yet.
            *incoming.shown.lock().unwrap_or_else(PoisonError::into_inner) = false;
            self.tiles.close(&Tile::Remote(peer.participant.clone()));
        }
        if self.peers.is_empty() {
            self.playout = None;
            self.tell_keeper();
        }
    }

    /// A window needs a key frame of the tile with this name.
    pub fn key_frame_needed(&self, tile: &str) {
        if tile == Tile::Own.to_string() {
            return self.outlets.request_own_key_frame();
        }
        let peer = self
            .peers
            .iter()
            .find(|(peer, _)| Tile::Remote(peer.participant.clone()).to_string() == tile);
        let Some((_, incoming)) = peer else { return };
        let mut last = incoming.last_request.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|at| at.elapsed() < KEY_FRAME_PAUSE) {
            return;
        }
        *last = Some(Instant::now());
        if let Some(request) = incoming.request.get() {
            request();
        }
    }

    /// A window has drawn pictures of the tile with this name so long after it was given them; none:
    /// it draws no more.
    pub fn note_drawing(&self, tile: &str, after: Option<Duration>) {
        let shows = |peer: &PeerKey| Tile::Remote(peer.participant.clone()).to_string() == tile;
        if let Some((_, incoming)) = self.peers.iter().find(|(peer, _)| shows(peer)) {
            *incoming.drawing.lock().unwrap_or_else(PoisonError::into_inner) = after;
        }
    }

    /// A picture of theirs has come.
    pub fn has_picture(&self, peer: &PeerKey) -> bool {
        self.peers.get(peer).is_some_and(|p| p.video.statistics().assembled.frames > 0)
    }

    /// Figures of what comes from a participant.
    pub fn stats(&self, peer: &PeerKey) -> IncomingStats {
        self.peers.get(peer).map_or_else(IncomingStats::default, |incoming| IncomingStats {
            video: incoming.video.statistics(),
            audio: incoming.audio.statistics(),
            video_bytes: incoming.bytes(|inlets| &inlets.video_bytes),
            audio_bytes: incoming.bytes(|inlets| &inlets.audio_bytes),
            level: incoming.audio.level(),
            drawing: *incoming.drawing.lock().unwrap_or_else(PoisonError::into_inner),
            resolution: match incoming.resolution.load(Ordering::Relaxed) {
                0 => None,
                packed => Some(Resolution::new((packed >> 32) as u32, packed as u32)),
            },
        })
    }

    /// What is taken here, whoever it goes to.
    pub fn own_stats(&self) -> OwnStats {
        let heard = self.wanted.microphone.is_some().then(|| self.voice.levels());
        OwnStats {
            encoded: self.outlets.encoded(),
            microphone: heard,
            voice_rate: self.voice.settings().opus.bitrate,
        }
    }

    /// How loud it is here and there; none if nothing is heard at all. `watched`: somebody looks at
    /// what the processing does.
    pub fn levels(&self, watched: bool) -> Option<Levels> {
        if self.wanted.microphone.is_none() && self.peers.is_empty() {
            return None;
        }
        let own = self.voice.levels();
        let participants = self
            .peers
            .iter()
            .map(|(peer, incoming)| ParticipantLevel {
                account: peer.participant.account.clone(),
                level: incoming.audio.level().meter(),
                speaking: incoming.audio.is_speaking(),
            })
            .collect();
        let open = self.wanted.microphone.is_some();
        Some(Levels {
            microphone: if open { own.level.meter() } else { 0.0 },
            speaking: open && own.speaking,
            participants,
            chain: (open && watched).then(|| own.into()),
        })
    }

    /// The others hear themselves strongly by way of this microphone.
    pub fn echoing(&self) -> bool {
        self.wanted.microphone.is_some() && self.voice.levels().echoing
    }

    fn playout(&mut self) -> Arc<AudioReceivePipeline> {
        let playout = self
            .playout
            .get_or_insert_with(|| {
                let playout = AudioReceivePipeline::start();
                playout.set_reference(self.voice.render_reference());
                Arc::new(playout)
            })
            .clone();
        self.tell_keeper();
        playout
    }

    fn tell_keeper(&self) {
        self.keeper.want(self.wanted.clone(), self.playout.clone());
    }
}

/// Reads a key frame's size from its parameter set.
fn note_resolution(slot: &AtomicU64, annex_b: &[u8]) {
    let mut sets = nal_units(annex_b).filter(|nal| NalType::of(nal) == NalType::Sps);
    if let Some(size) = sets.next().and_then(sps::resolution) {
        slot.store(u64::from(size.width) << 32 | u64::from(size.height), Ordering::Relaxed);
    }
}

fn processing(settings: &Settings) -> ChainSettings {
    ChainSettings {
        high_pass: settings.high_pass,
        echo_cancellation: settings.echo_cancellation,
        noise_suppression: settings.noise_suppression,
        auto_gain: settings.auto_gain,
        limiter: settings.limiter,
    }
}
