//! Turns what is received into what is sent. Pure but for the hand-over.

use bytes::Bytes;
use std::time::{Duration, Instant};
use tincan_media::encoded::{EncodedAudio, EncodedVideo, RtpPayload, SoundLevel};
use tincan_media::rtp::frame_assembler::{Assembled, FrameAssembler};
use tincan_proto::units::Resolution;

/// Ticks of Opus' RTP clock in a second (RFC 7587, section 4.1).
const OPUS_CLOCK: u32 = 48_000;
/// A longer jump than this is a new beginning, not silence.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);
/// Where a packet does not say it: a voice that is neither loud nor silent (RFC 6464).
const UNTOLD: SoundLevel = SoundLevel { below_full: 30, voice: true };
/// Samples a packet by its configuration, at 48 kHz (RFC 6716, table 2).
const SILK_FRAMES: [u32; 4] = [480, 960, 1_920, 2_880];
const HYBRID_FRAMES: [u32; 2] = [480, 960];
const CELT_FRAMES: [u32; 4] = [120, 240, 480, 960];

/// Sound on its way back.
#[derive(Default)]
pub struct SoundReflector {
    /// The stream, and the timestamp that follows what came last.
    expected: Option<(u32, u32)>,
    /// When on the way back follows what came last.
    at: Duration,
}

impl SoundReflector {
    /// Returns the packets to send for one that came: itself, and before it what is missing and came
    /// with it as a copy. Those that come late or twice fall out, for the way back tells no more than
    /// order and length; lost ones leave a gap of their length.
    pub fn reflect(&mut self, packet: &RtpPayload) -> Vec<EncodedAudio> {
        let copies = packet.sound.earlier.iter().filter(|_| self.expected.is_some());
        let copies = copies.map(|copy| (packet.timestamp.wrapping_sub(copy.back), &copy.payload));
        let all: Vec<_> = copies.chain([(packet.timestamp, &packet.payload)]).collect();
        all.into_iter().filter_map(|(at, payload)| self.reflect_one(packet, at, payload)).collect()
    }

    fn reflect_one(
        &mut self,
        packet: &RtpPayload,
        timestamp: u32,
        payload: &Bytes,
    ) -> Option<EncodedAudio> {
        let samples = opus_samples(payload)?;
        let ahead = match self.expected {
            Some((ssrc, next)) if ssrc == packet.ssrc => timestamp.wrapping_sub(next),
            Some(_) | None => 0,
        };
        if ahead > u32::MAX / 2 {
            return None;
        }
        self.expected = Some((packet.ssrc, timestamp.wrapping_add(samples)));
        let (gap, duration) = (ticks(ahead), ticks(samples));
        let at = self.at + if gap > LONGEST_SILENCE { Duration::ZERO } else { gap };
        self.at = at + duration;
        Some(EncodedAudio {
            payload: payload.clone(),
            duration,
            level: packet.sound.level.unwrap_or(UNTOLD),
            at,
            fresh: false,
            captured: packet.arrived,
        })
    }
}

/// Pictures on their way back.
#[derive(Default)]
pub struct PictureReflector {
    assembler: FrameAssembler,
}

/// What came of picture packets.
pub enum Reflected {
    /// To be sent.
    Picture(EncodedVideo),
    /// The sender is to be asked for a key frame.
    KeyFrameNeeded,
}

impl PictureReflector {
    /// Takes a packet and returns what is to be done.
    pub fn reflect(&mut self, packet: RtpPayload, now: Instant) -> Vec<Reflected> {
        let reflected = |assembled| match assembled {
            Assembled::Unit(unit) => Reflected::Picture(EncodedVideo {
                annex_b: unit.annex_b,
                key: unit.key,
                // The far side reads it from the picture; it is a figure only.
                resolution: Resolution::new(0, 0),
                captured: unit.first_arrival,
            }),
            Assembled::KeyFrameNeeded => Reflected::KeyFrameNeeded,
        };
        self.assembler.push(packet, now).into_iter().map(reflected).collect()
    }

    /// Nothing more comes until a key frame: what was to be sent was not taken.
    pub fn require_key_frame(&mut self) {
        self.assembler.require_key_frame();
    }
}

fn ticks(ticks: u32) -> Duration {
    Duration::from_nanos(u64::from(ticks) * 1_000_000_000 / u64::from(OPUS_CLOCK))
}

/// The length of an Opus packet by its first bytes (RFC 6716, section 3.1); none if it is none.
fn opus_samples(packet: &Bytes) -> Option<u32> {
    let toc = *packet.first()?;
    let configuration = usize::from(toc >> 3);
    let frame = match configuration {
        0..12 => SILK_FRAMES[configuration % 4],
        12..16 => HYBRID_FRAMES[configuration % 2],
        _ => CELT_FRAMES[configuration % 4],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 63),
    };
    // At most 120 ms.
    Some(frame * frames).filter(|&samples| (1..=5_760).contains(&samples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincan_media::encoded::BesideSound;
    use tincan_media::rtp::red::Earlier;

    fn sound(timestamp: u32) -> RtpPayload {
        RtpPayload {
            sequence: 0,
            timestamp,
            marker: false,
            ssrc: 7,
            // SILK, 20 ms, one frame.
            payload: Bytes::from_static(&[1 << 3, 1, 2]),
            arrived: Instant::now(),
            sound: BesideSound::default(),
        }
    }

    #[test]
    fn lengths_are_read_from_the_packet() {
        for (bytes, samples) in [
            (&[0u8][..], Some(480)),
            (&[3 << 3], Some(2_880)),
            (&[15 << 3], Some(960)),
            (&[(31 << 3) | 1], Some(1_920)),
            (&[(31 << 3) | 3, 3], Some(2_880)),
            (&[(31 << 3) | 3], None),
            (&[(31 << 3) | 3, 0], None),
            (&[(3 << 3) | 3, 63], None),
            (&[], None),
        ] {
            assert_eq!(opus_samples(&Bytes::copy_from_slice(bytes)), samples, "{bytes:?}");
        }
    }

    #[test]
    fn silence_and_losses_keep_their_length() {
        let mut reflector = SoundReflector::default();
        let at: Vec<_> = [u32::MAX - 959, 0, 2_880]
            .map(|at| reflector.reflect(&sound(at))[0].at.as_millis())
            .into();
        assert_eq!(at, [0, 20, 80], "40 are missing");
    }

    #[test]
    fn late_and_repeated_sound_is_not_sent_again() {
        let mut reflector = SoundReflector::default();
        let sent = [960, 960, 0, 1_920].map(|at| reflector.reflect(&sound(at)).len());
        assert_eq!(sent, [1, 0, 0, 1]);
    }

    #[test]
    fn what_was_lost_is_sent_back_from_its_copy() {
        let mut reflector = SoundReflector::default();
        let earlier = [(2, 1_920), (1, 960)].map(|(distance, back)| Earlier {
            distance,
            back,
            payload: Bytes::from_static(&[1 << 3, 9]),
        });
        let mut sent = |at| {
            let beside = BesideSound { earlier: earlier.to_vec(), level: None };
            reflector.reflect(&RtpPayload { sound: beside, ..sound(at) })
        };
        assert_eq!(sent(1_920).len(), 1, "nothing before the first is missing");
        assert_eq!(sent(2_880).len(), 1);
        let both = sent(4_800);
        assert_eq!((both.len(), both[0].payload.len(), both[0].at.as_millis()), (2, 2, 40));
    }

    #[test]
    fn a_picture_stream_without_a_beginning_asks_for_one() {
        let mut reflector = PictureReflector::default();
        let packet = RtpPayload { payload: Bytes::from_static(&[0x61, 1, 2]), ..sound(0) };
        let reflected = reflector.reflect(packet, Instant::now());
        assert!(matches!(reflected[..], [Reflected::KeyFrameNeeded]));
    }
}
