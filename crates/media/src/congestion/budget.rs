//! One budget for all that is sent.

use std::time::Duration;
use tincan_proto::units::Bitrate;

/// What a connection may send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SendBudget {
    /// All of it, headers included (W3C `availableOutgoingBitrate`).
    pub available: Bitrate,
    /// Of that for coded pictures.
    pub video: Bitrate,
    /// Of that for the coded voice.
    pub audio: Bitrate,
    /// The round trip of late; none while nothing was reported.
    pub round_trip: Option<Duration>,
    /// The share of packets lost of late, 0 to 1.
    pub loss: f32,
    /// How long packets wait in the network.
    pub queue: Duration,
}

impl SendBudget {
    /// So much waits in the network that a picture would come too late: none is to be made.
    pub fn is_full(&self) -> bool {
        self.queue > FULL
    }
}

/// A queue in which pictures grow stale.
const FULL: Duration = Duration::from_millis(300);

/// What 50 packets a second cost beside their payload: IP, UDP, RTP with extensions, SRTP.
const AUDIO_HEADERS: u32 = 50 * (28 + 12 + 12 + 16) * 8;
/// The same of pictures, as a share of their payload: about 68 of 1200 bytes.
const VIDEO_HEADERS: f64 = 0.06;
/// The most that packets sent again may take of all.
const MOST_REPAIR: f64 = 0.25;
/// Pictures get no less, or there would be none.
const LEAST_VIDEO: u32 = 40_000;
/// Rates of the voice, from the narrowest network to a wide one: up to this many bits a second in all,
/// this many for the voice.
const VOICE: [(u32, u32); 5] = [
    (80_000, 12_000),
    (140_000, 16_000),
    (260_000, 24_000),
    (500_000, 32_000),
    (1_200_000, 40_000),
];
/// The voice in a network that is wider than all of these.
const MOST_VOICE: u32 = 64_000;

/// Divides what is available; `loss` of it has to be sent again, and `protection` of pictures goes along
/// with them.
pub fn divide(available: f64, loss: f64, protection: f64) -> (Bitrate, Bitrate) {
    let bps = available.clamp(0.0, f64::from(u32::MAX)) as u32;
    let voice = VOICE.iter().find(|(up_to, _)| bps < *up_to).map_or(MOST_VOICE, |(_, rate)| *rate);
    let left = f64::from(bps.saturating_sub(voice + AUDIO_HEADERS));
    let repaired = left * (1.0 - loss.clamp(0.0, MOST_REPAIR)) / (1.0 + protection);
    let video = repaired / (1.0 + VIDEO_HEADERS);
    (Bitrate::from_bps((video as u32).max(LEAST_VIDEO)), Bitrate::from_bps(voice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_voice_keeps_its_part_in_narrow_networks_and_pictures_take_wide_ones() {
        let (video, audio) = divide(100_000.0, 0.0, 0.0);
        assert_eq!((video.bps(), audio.bps()), (53_584, 16_000));
        let (video, audio) = divide(3_000_000.0, 0.0, 0.0);
        assert!(video.bps() > 2_700_000 && audio.bps() == MOST_VOICE, "{video:?} {audio:?}");
        assert_eq!(divide(0.0, 0.0, 0.0).0.bps(), LEAST_VIDEO);
    }

    #[test]
    fn what_is_sent_again_is_left_out() {
        let whole = divide(1_000_000.0, 0.0, 0.0).0.bps();
        let lossy = divide(1_000_000.0, 0.1, 0.0).0.bps();
        assert!((f64::from(lossy) / f64::from(whole) - 0.9).abs() < 0.001);
        assert_eq!(divide(1_000_000.0, 0.9, 0.0), divide(1_000_000.0, MOST_REPAIR, 0.0));
    }
}
