//! One budget for all that is sent.

use crate::codec::opus::PacketTime;
use std::time::Duration;
use tincan_proto::units::Bitrate;

/// What a connection may send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SendBudget {
    /// All of it, headers included (W3C `availableOutgoingBitrate`).
    pub available: Bitrate,
    /// The same, but for a queue that is to run empty, which takes a moment: what is not to come and go
    /// with each of those goes by this.
    pub steady: Bitrate,
    /// Of what is available, for coded pictures.
    pub video: Bitrate,
    /// Of that for the coded voice.
    pub audio: Bitrate,
    /// The round trip of late; none while nothing was reported.
    pub round_trip: Option<Duration>,
    /// The share of packets lost of late, 0 to 1.
    pub loss: f32,
    /// How long packets wait in the network.
    pub queue: Duration,
    /// It is somebody else's: it becomes no shorter by sending less.
    pub contested: bool,
    /// Nothing has been reported for a while of what was sent: the way is cut, and what it carried before
    /// it will probably carry again.
    pub silent: bool,
    /// Of what was sent of late, something is not reported yet.
    pub unreported: bool,
    /// A report should have come by now: the way may have become narrow, and pictures that are made
    /// meanwhile would only wait.
    pub overdue: bool,
}

impl SendBudget {
    /// So much of ours waits in the network that a picture would come too late: none is to be made.
    /// In a queue that others keep full, late ones are better than none.
    pub fn is_full(&self) -> bool {
        self.queue > FULL && !self.contested
    }
}

/// A queue in which pictures grow stale.
const FULL: Duration = Duration::from_millis(300);

/// In what form the voice is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VoiceForm {
    /// How much of it is in a packet.
    pub packet: PacketTime,
    /// How many copies of packets before go along with each.
    pub copies: u8,
}

impl VoiceForm {
    /// What its packets cost beside what is coded, in bits a second.
    pub fn headers(self) -> u32 {
        let copies = match u32::from(self.copies) {
            0 => 0,
            copies => 1 + 4 * copies,
        };
        (f64::from((AUDIO_HEADERS + copies) * 8) / self.packet.duration().as_secs_f64()) as u32
    }

    /// What it costs in all, coded at this rate.
    pub fn cost(self, coded: Bitrate) -> u32 {
        coded.bps().saturating_mul(1 + u32::from(self.copies)).saturating_add(self.headers())
    }

    /// How well it may be coded so that all of it takes no more than half of what is available.
    pub fn half(self, available: Bitrate) -> Bitrate {
        let left = (available.bps() / 2).saturating_sub(self.headers());
        Bitrate::from_bps(left / (1 + u32::from(self.copies)))
    }
}

/// Bytes of a packet of sound beside its payload: IP, UDP, RTP with extensions, SRTP.
const AUDIO_HEADERS: u32 = 28 + 12 + 12 + 16;
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
pub(crate) const MOST_VOICE: u32 = 64_000;

/// The voice while copies of it go along: they make better what more bits could not.
const MOST_COPIED: u32 = 32_000;
/// The same where there is room for both.
const MOST_COPIED_WIDE: u32 = 48_000;
/// Whether so much is available that the voice's copies and headers are of no weight beside it.
pub fn is_wide(available: Bitrate) -> bool {
    VOICE.iter().all(|(up_to, _)| available.bps() >= *up_to)
}

/// A voice that is still understood.
pub const LEAST_VOICE: Bitrate = Bitrate::from_kbps(12);

/// How the voice is to be coded.
fn voice(available: u32, form: VoiceForm) -> Bitrate {
    let wide = VOICE.iter().find(|(up_to, _)| available < *up_to);
    let voice = Bitrate::from_bps(wide.map_or(MOST_VOICE, |(_, rate)| *rate));
    if form.copies == 0 {
        return voice;
    }
    let room = form.half(Bitrate::from_bps(available));
    let most = if wide.is_none() { MOST_COPIED_WIDE } else { MOST_COPIED };
    voice.min(Bitrate::from_bps(most)).min(room).max(LEAST_VOICE)
}

/// Divides what is available; `loss` of it has to be sent again, and `protection` of pictures goes along
/// with them. The voice is sent in this form.
pub fn divide(available: f64, loss: f64, protection: f64, form: VoiceForm) -> (Bitrate, Bitrate) {
    let bps = available.clamp(0.0, f64::from(u32::MAX)) as u32;
    let voice = voice(bps, form);
    let left = f64::from(bps.saturating_sub(form.cost(voice)));
    let repaired = left * (1.0 - loss.clamp(0.0, MOST_REPAIR)) / (1.0 + protection);
    let video = repaired / (1.0 + VIDEO_HEADERS);
    (Bitrate::from_bps((video as u32).max(LEAST_VIDEO)), voice)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: VoiceForm = VoiceForm { packet: PacketTime::Usual, copies: 0 };

    #[test]
    fn the_voice_keeps_its_part_in_narrow_networks_and_pictures_take_wide_ones() {
        let (video, audio) = divide(100_000.0, 0.0, 0.0, USUAL);
        assert_eq!((video.bps(), audio.bps()), (53_584, 16_000));
        let (video, audio) = divide(3_000_000.0, 0.0, 0.0, USUAL);
        assert!(video.bps() > 2_700_000 && audio.bps() == MOST_VOICE, "{video:?} {audio:?}");
        assert_eq!(divide(0.0, 0.0, 0.0, USUAL).0.bps(), LEAST_VIDEO);
    }

    #[test]
    fn what_is_sent_again_is_left_out() {
        let whole = divide(1_000_000.0, 0.0, 0.0, USUAL).0.bps();
        let lossy = divide(1_000_000.0, 0.1, 0.0, USUAL).0.bps();
        assert!((f64::from(lossy) / f64::from(whole) - 0.9).abs() < 0.001);
        assert_eq!(
            divide(1_000_000.0, 0.9, 0.0, USUAL),
            divide(1_000_000.0, MOST_REPAIR, 0.0, USUAL)
        );
    }

    #[test]
    fn headers_follow_the_length_of_packets_and_copies_are_paid_for() {
        let long = VoiceForm { packet: PacketTime::Longest, ..USUAL };
        assert_eq!((USUAL.headers(), long.headers()), (27_200, 9_066));
        let copied = VoiceForm { copies: 2, ..USUAL };
        let coded = Bitrate::from_kbps(32);
        assert_eq!(copied.cost(coded) - USUAL.cost(coded), 64_000 + 50 * 9 * 8);
        let pictures = |form| divide(300_000.0, 0.0, 0.0, form).0;
        assert!(pictures(long) > pictures(USUAL) && pictures(USUAL) > pictures(copied));
    }
}
