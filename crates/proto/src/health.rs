//! What one side of a call tells the other of how it is doing, so that both can name what is
//! wrong. Whole numbers: it is told each second.

use serde::{Deserialize, Serialize};

/// The figures of one side's last second. What a version does not know it leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Health {
    /// Share of the receiver's packets that did not come, in thousandths.
    pub lost_permille: u16,
    /// How unevenly the receiver's sound comes, in milliseconds.
    pub jitter_ms: u16,
    /// What the sender's network lets it send, in kbit/s, where it sends all of that.
    pub available_kbps: Option<u32>,
    /// Share of the time that the busiest codec works, in thousandths; or more than all of it where
    /// sound or packets were dropped since they were not dealt with in time.
    pub busy_permille: u16,
    /// How the sender's microphone sounds.
    pub microphone: MicrophoneHealth,
    /// The sender sends pictures.
    pub picture: bool,
    /// The sender only talks to the receiver through a relay, as its person has asked for.
    pub hides_address: bool,
    /// What the sender's network lets it send, in kbit/s, where that is why its pictures are smaller
    /// than they would be.
    pub narrowed_kbps: Option<u32>,
    /// From when the receiver's picture was taken until the sender's window had it, in milliseconds.
    pub picture_delay_ms: Option<u16>,
    /// From when the receiver's sound was taken until the sender's speaker played it, in milliseconds.
    pub sound_delay_ms: Option<u16>,
}

/// How a microphone sounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MicrophoneHealth {
    /// As it should.
    Good,
    /// It delivers nothing, not even noise.
    Silent,
    /// It is so loud that it is cut off.
    Clipping,
    /// It is muted, or nothing is known of it.
    #[default]
    #[serde(other)]
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_version_says_more_or_less_is_taken_as_far_as_it_goes() {
        let text = r#"{"lostPermille":12,"mood":"fine","microphone":"whispering"}"#;
        let expected = Health { lost_permille: 12, ..Health::default() };
        assert_eq!(serde_json::from_str::<Health>(text).ok(), Some(expected));
    }
}
