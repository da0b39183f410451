//! Figures and levels of a call.

use serde::Serialize;
use tincan_media::pipeline::audio_send::MicrophoneLevels;
use tincan_proto::AccountName;
use tincan_proto::units::Resolution;
use ts_rs::TS;

/// Figures of the last second about one participant, W3C webrtc-stats names where they exist.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantStats {
    /// Round trip in milliseconds.
    pub round_trip_ms: Option<f32>,
    /// Received, kbit/s.
    pub in_kbps: f32,
    /// Sent, kbit/s.
    pub out_kbps: f32,
    /// Share of expected packets that did not come, 0 to 1.
    pub loss: f32,
    /// Pictures received a second.
    pub in_fps: f32,
    /// Pictures sent a second.
    pub out_fps: f32,
    /// Size of the picture received.
    pub in_resolution: Option<Resolution>,
    /// Size of the picture sent.
    pub out_resolution: Option<Resolution>,
    /// Interarrival jitter of sound in milliseconds (RFC 3550, section 6.4.1).
    pub jitter_ms: f32,
    /// How long sound waits before it is played, counted from the fastest packets, in milliseconds.
    pub playout_delay_ms: f32,
    /// How long it should, in milliseconds (`jitterBufferTargetDelay` by the sample).
    pub playout_target_ms: f32,
    /// Share of played sound that was made up, 0 to 1.
    pub concealed: f32,
    /// Pictures of theirs that were decoded or handed to a window, since the call began.
    pub frames: u32,
    /// Local candidate type of the selected pair: host, srflx, prflx or relay.
    pub local_candidate: Option<String>,
    /// Remote candidate type of the selected pair.
    pub remote_candidate: Option<String>,
}

/// Sound levels, pushed ten times a second while sound is taken or played.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Levels {
    /// Own microphone after processing, 0 to 1 (root mean square, decibel scale: 0 is -60 dBFS).
    pub microphone: f32,
    /// The own voice is heard.
    pub speaking: bool,
    /// The others.
    pub participants: Vec<ParticipantLevel>,
    /// What the processing does, while the settings listen to the microphone.
    pub chain: Option<ChainLevels>,
}

/// What the microphone's processing does. Decibels are absent where a part is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ChainLevels {
    /// Before processing, 0 to 1, as [`Levels::microphone`].
    pub input: f32,
    /// After it.
    pub output: f32,
    /// Echo taken out, in dB, while the speaker plays something.
    pub echo_db: Option<f32>,
    /// Noise taken out, in dB.
    pub noise_db: Option<f32>,
    /// Gain applied, in dB.
    pub gain_db: Option<f32>,
}

impl From<MicrophoneLevels> for ChainLevels {
    fn from(levels: MicrophoneLevels) -> Self {
        Self {
            input: levels.input.meter(),
            output: levels.level.meter(),
            echo_db: levels.chain.echo_db,
            noise_db: levels.chain.noise_db,
            gain_db: levels.chain.gain_db,
        }
    }
}

/// Sound level of one participant.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantLevel {
    /// The account.
    pub account: AccountName,
    /// 0 to 1, as [`Levels::microphone`].
    pub level: f32,
    /// Their voice is heard.
    pub speaking: bool,
}
