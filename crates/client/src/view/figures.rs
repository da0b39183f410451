//! Figures and levels of a call.

use serde::Serialize;
use tincan_call::doctor::Diagnosis;
use tincan_call::quality::Quality;
use tincan_call::stats::CallStats;
use tincan_media::pipeline::audio_send::MicrophoneLevels;
use tincan_proto::AccountName;
use tincan_proto::units::UnixMillis;
use ts_rs::TS;

/// Figures of the last second about one participant.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantStats {
    /// Of whom.
    pub account: AccountName,
    /// When they were taken.
    pub at: UnixMillis,
    /// In one word; it does not follow every second.
    pub quality: Quality,
    /// What that comes of, from 0 to 100, for this second alone.
    pub score: u8,
    /// What is wrong, and what helps.
    pub diagnosis: Option<Diagnosis>,
    /// The figures.
    #[serde(flatten)]
    pub stats: CallStats,
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
