//! Keeps what happened in a call and its figures, second by second, in a form that tells nobody
//! who talked with whom from where: participants are numbered, and addresses never come here.

mod happenings;
pub mod store;
mod table;

use crate::view::{CallView, EndedView, ParticipantStats};
pub use happenings::{Happened, RecordedEvent};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tincan_call::quality::Quality;
use tincan_proto::units::{Resolution, UnixMillis};
use tincan_proto::{AccountName, CallId};
use ts_rs::TS;

/// The form of the file.
const VERSION: u8 = 1;
/// Two hours of one participant. Then every other sample is left out, and so on.
const MOST_SAMPLES: usize = 7_200;
/// A call in which more happens keeps its beginning: what goes on for ever says no more.
const MOST_EVENTS: usize = 2_000;

/// What was kept of one call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Recording {
    /// The form.
    pub version: u8,
    /// The app's version.
    pub app: String,
    /// `linux`, `macos` or `windows`.
    pub system: String,
    /// Which call.
    pub call: CallId,
    /// When it began; moments are counted from here.
    pub started: UnixMillis,
    /// Only each of so many seconds is kept.
    pub every_seconds: u32,
    /// In order.
    pub events: Vec<RecordedEvent>,
    /// In order.
    pub samples: Vec<Sample>,
}

/// Figures of one second about one participant; names and units as in `CallStats`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Milliseconds since the start.
    pub at: u32,
    /// Of whom, from 0.
    pub participant: u8,
    /// Shown.
    pub quality: Quality,
    /// From 0 to 100.
    pub score: u8,
    /// In seconds.
    pub round_trip_time: Option<f64>,
    /// In bits per second.
    pub available_outgoing_bitrate: Option<f64>,
    /// In bits per second.
    pub sent_bitrate: f64,
    /// In bits per second.
    pub received_bitrate: f64,
    /// Share lost on the way here.
    pub fraction_lost: f64,
    /// Share lost on the way there, as they reported.
    pub remote_fraction_lost: Option<f64>,
    /// In seconds.
    pub jitter: Option<f64>,
    /// In seconds.
    pub jitter_buffer_delay: Option<f64>,
    /// Share of sound that was made up.
    pub concealment: f64,
    /// Their loudness, 0 to 1.
    pub audio_level: Option<f64>,
    /// Own loudness, 0 to 1.
    pub own_audio_level: Option<f64>,
    /// A second.
    pub frames_sent: f64,
    /// A second.
    pub frames_received: f64,
    /// Of the picture sent.
    pub sent_resolution: Option<Resolution>,
    /// Of the picture received.
    pub received_resolution: Option<Resolution>,
    /// What the encoder aims at, in bits per second.
    pub target_bitrate: Option<f64>,
    /// For one picture, in seconds.
    pub encode_time: Option<f64>,
    /// Since the connection was made.
    pub freeze_count: u32,
    /// Since the connection was made, in seconds.
    #[serde(default)]
    pub total_freezes_duration: f64,
    /// From their camera to this window, in seconds.
    #[serde(default)]
    pub picture_delay: Option<f64>,
    /// From their microphone to this speaker, in seconds.
    #[serde(default)]
    pub sound_delay: Option<f64>,
    /// From this camera to their window, as they tell.
    #[serde(default)]
    pub remote_picture_delay: Option<f64>,
    /// From this microphone to their speaker, as they tell.
    #[serde(default)]
    pub remote_sound_delay: Option<f64>,
    /// How much more or less these four may be, in seconds.
    #[serde(default)]
    pub clock_uncertainty: Option<f64>,
}

impl Sample {
    fn of(at: u32, participant: u8, figures: &ParticipantStats) -> Self {
        let stats = &figures.stats;
        let (audio, video) = (&stats.audio_received, &stats.video_received);
        let remotes = [stats.audio_sent.remote, stats.video_sent.remote].into_iter().flatten();
        Self {
            at,
            participant,
            quality: figures.quality,
            score: figures.score,
            round_trip_time: stats.round_trip_time,
            available_outgoing_bitrate: stats.available_outgoing_bitrate,
            sent_bitrate: stats.sent_bitrate.round(),
            received_bitrate: stats.received_bitrate.round(),
            fraction_lost: stats.fraction_lost,
            remote_fraction_lost: remotes.map(|remote| remote.fraction_lost).reduce(f64::max),
            jitter: audio.jitter,
            jitter_buffer_delay: audio.jitter_buffer_delay,
            concealment: audio.concealment,
            audio_level: audio.audio_level,
            own_audio_level: stats.audio_sent.audio_level,
            frames_sent: stats.video_sent.frames_per_second,
            frames_received: video.frames_per_second,
            sent_resolution: stats.video_sent.resolution,
            received_resolution: video.resolution,
            target_bitrate: stats.video_sent.target_bitrate,
            encode_time: stats.video_sent.encode_time,
            freeze_count: u32::try_from(video.freeze_count).unwrap_or(u32::MAX),
            total_freezes_duration: video.total_freezes_duration,
            picture_delay: video.end_to_end_delay,
            sound_delay: audio.end_to_end_delay,
            remote_picture_delay: stats.video_sent.end_to_end_delay,
            remote_sound_delay: stats.audio_sent.end_to_end_delay,
            clock_uncertainty: stats.clock.map(|clock| clock.uncertainty),
        }
    }
}

/// Records one call after the other.
#[derive(Debug, Default)]
pub struct Recorder {
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    recording: Recording,
    participants: Vec<AccountName>,
    before: Option<CallView>,
    /// When the latest figures of each were taken.
    taken: BTreeMap<u8, UnixMillis>,
    /// Samples seen of each, kept or not.
    seen: BTreeMap<u8, u32>,
    /// People were connected.
    connected: bool,
}

impl Recorder {
    /// What is recorded now.
    pub fn current(&self) -> Option<&Recording> {
        self.current.as_ref().map(|current| &current.recording)
    }

    /// Looks at the call as windows see it, and at the one that ended last. Returns the recording of
    /// a call that is over, if people were connected in it.
    pub fn look(
        &mut self,
        now: UnixMillis,
        call: Option<&CallView>,
        ended: Option<&EndedView>,
    ) -> Option<Recording> {
        let is_over =
            |current: &mut Current| call.is_none_or(|call| call.call != current.recording.call);
        let finished = self.current.take_if(is_over).and_then(|mut current| {
            let reason = ended.filter(|ended| ended.call == current.recording.call);
            let reason = reason.map(|ended| ended.reason);
            current.note(now, None, Happened::Ended { reason });
            current.connected.then_some(current.recording)
        });
        if let Some(call) = call {
            self.current.get_or_insert_with(|| Current::new(now, call.call)).look(now, call);
        }
        finished
    }
}

impl Current {
    fn new(now: UnixMillis, call: CallId) -> Self {
        let recording = Recording {
            version: VERSION,
            app: env!("CARGO_PKG_VERSION").to_owned(),
            system: std::env::consts::OS.to_owned(),
            call,
            started: now,
            every_seconds: 1,
            events: vec![],
            samples: vec![],
        };
        Self {
            recording,
            participants: vec![],
            before: None,
            taken: BTreeMap::new(),
            seen: BTreeMap::new(),
            connected: false,
        }
    }

    fn number(&mut self, account: &AccountName) -> u8 {
        let known = self.participants.iter().position(|one| one == account);
        let number = known.unwrap_or_else(|| {
            self.participants.push(account.clone());
            self.participants.len() - 1
        });
        u8::try_from(number).unwrap_or(u8::MAX)
    }

    fn look(&mut self, now: UnixMillis, call: &CallView) {
        self.connected |= call.participants.iter().any(|participant| participant.connected);
        for (account, what) in happenings::between(self.before.as_ref(), call) {
            let participant = account.map(|account| self.number(&account));
            self.note(now, participant, what);
        }
        for figures in &call.stats {
            self.sample(figures);
        }
        self.before = Some(call.clone());
    }

    fn note(&mut self, now: UnixMillis, participant: Option<u8>, what: Happened) {
        if self.recording.events.len() < MOST_EVENTS || matches!(what, Happened::Ended { .. }) {
            let at = self.since_start(now);
            self.recording.events.push(RecordedEvent { at, participant, what });
        }
    }

    fn sample(&mut self, figures: &ParticipantStats) {
        let participant = self.number(&figures.account);
        if self.taken.insert(participant, figures.at) == Some(figures.at) {
            return;
        }
        let seen = self.seen.entry(participant).or_default();
        *seen = seen.wrapping_add(1);
        if !seen.is_multiple_of(self.recording.every_seconds) {
            return;
        }
        let at = self.since_start(figures.at);
        self.recording.samples.push(Sample::of(at, participant, figures));
        if self.recording.samples.len() >= MOST_SAMPLES {
            self.thin_out();
        }
    }

    /// Leaves out every other sample of each participant, now and from now on.
    fn thin_out(&mut self) {
        let mut keep: BTreeMap<u8, bool> = BTreeMap::new();
        self.recording.samples.retain(|sample| {
            let keep = keep.entry(sample.participant).or_default();
            *keep = !*keep;
            *keep
        });
        self.recording.every_seconds = self.recording.every_seconds.saturating_mul(2);
    }

    fn since_start(&self, at: UnixMillis) -> u32 {
        u32::try_from(at.0.saturating_sub(self.recording.started.0)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
