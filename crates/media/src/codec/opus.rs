//! Opus (RFC 6716) at 48 kHz: packets of 10 to 60 ms out, of one voice or of music in stereo; of
//! any duration in.

use crate::audio::{BLOCK, BLOCK_SAMPLES, SAMPLE_RATE};
use bytes::Bytes;
use opus::{Application, Channels};
use std::time::Duration;
use tincan_proto::units::Bitrate;

/// Samples of a usual packet: 20 ms.
pub const FRAME_SAMPLES: usize = 2 * BLOCK_SAMPLES;
/// Samples of the longest packet: 120 ms (RFC 6716, 2.1.4).
pub const MAX_PACKET_SAMPLES: usize = 12 * BLOCK_SAMPLES;
/// The largest packet that we make; at 32 kbit/s they have about 80 bytes.
const MAX_PACKET_BYTES: usize = 1200;

/// How much sound a packet that we send holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PacketTime {
    /// 10 ms: 10 ms less until it is heard, for twice as many headers.
    Short,
    /// 20 ms.
    #[default]
    Usual,
    /// 40 ms.
    Long,
    /// 60 ms.
    Longest,
}

impl PacketTime {
    /// The most blocks of any.
    pub const MOST_BLOCKS: usize = Self::Longest.blocks();

    /// Of how many blocks of 10 ms.
    pub const fn blocks(self) -> usize {
        match self {
            Self::Short => 1,
            Self::Usual => 2,
            Self::Long => 4,
            Self::Longest => 6,
        }
    }

    /// How long it is.
    pub fn duration(self) -> Duration {
        BLOCK * self.blocks() as u32
    }
}

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusSettings {
    /// The target. In-band error correction needs at least 24 kbit/s.
    pub bitrate: Bitrate,
    /// 0 to 10. 5 takes 0.19 ms a frame where 9 takes 0.26.
    pub complexity: u8,
    /// Loss in percent to prepare for with in-band error correction; 0 switches it off.
    pub expected_loss: u8,
    /// Send next to nothing in silence.
    pub dtx: bool,
    /// How much of it goes in a packet.
    pub packet: PacketTime,
}

impl Default for OpusSettings {
    fn default() -> Self {
        Self {
            bitrate: Bitrate::from_kbps(32),
            complexity: 5,
            expected_loss: 10,
            dtx: false,
            packet: PacketTime::Usual,
        }
    }
}

/// Why libopus did not do it.
#[derive(Debug, thiserror::Error)]
#[error("opus: {0}")]
pub struct OpusError(#[from] opus::Error);

/// More is not heard (RFC 7587, section 3.1.1).
const MOST_MUSIC: u32 = 128_000;

/// What is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// One voice.
    #[default]
    Voice,
    /// Anything, in stereo, at four times the bit rate of a voice and 128 kbit/s at most.
    Music,
}

impl Content {
    /// How many channels it has.
    pub const fn channels(self) -> usize {
        match self {
            Self::Voice => 1,
            Self::Music => 2,
        }
    }

    fn make(self) -> Result<opus::Encoder, opus::Error> {
        match self {
            Self::Voice => opus::Encoder::new(SAMPLE_RATE, Channels::Mono, Application::Voip),
            Self::Music => opus::Encoder::new(SAMPLE_RATE, Channels::Stereo, Application::Audio),
        }
    }

    /// 32 kbit/s of a voice are 128 of music (RFC 7587, section 3.1.1, has the sweet spots).
    fn bitrate(self, voice: Bitrate) -> u32 {
        match self {
            Self::Voice => voice.bps(),
            Self::Music => voice.bps().saturating_mul(4).min(MOST_MUSIC),
        }
    }
}

/// An encoder of one voice, or of music.
pub struct OpusEncoder {
    content: Content,
    encoder: opus::Encoder,
    buffer: Box<[u8; MAX_PACKET_BYTES]>,
}

impl OpusEncoder {
    /// Makes an encoder of a voice.
    ///
    /// # Errors
    /// [`OpusError`].
    pub fn new(settings: OpusSettings) -> Result<Self, OpusError> {
        Self::of(Content::Voice, settings)
    }

    /// Makes an encoder.
    ///
    /// # Errors
    /// [`OpusError`].
    pub fn of(content: Content, settings: OpusSettings) -> Result<Self, OpusError> {
        let buffer = Box::new([0; MAX_PACKET_BYTES]);
        let mut this = Self { content, encoder: content.make()?, buffer };
        this.set(settings)?;
        Ok(this)
    }

    /// Changes the settings from the next frame on.
    ///
    /// # Errors
    /// [`OpusError`] where a value is out of range.
    pub fn set(&mut self, settings: OpusSettings) -> Result<(), OpusError> {
        let bps = i32::try_from(self.content.bitrate(settings.bitrate)).unwrap_or(i32::MAX);
        self.encoder.set_bitrate(opus::Bitrate::Bits(bps))?;
        self.encoder.set_complexity(i32::from(settings.complexity.min(10)))?;
        self.encoder.set_inband_fec(settings.expected_loss > 0)?;
        self.encoder.set_packet_loss_perc(i32::from(settings.expected_loss.min(100)))?;
        self.encoder.set_dtx(settings.dtx)?;
        Ok(())
    }

    /// How much later sound comes out of a decoder than it went in here, frames apart.
    pub fn delay(&mut self) -> Duration {
        let samples = self.encoder.get_lookahead().unwrap_or_default();
        Duration::from_secs_f64(f64::from(samples.max(0)) / f64::from(SAMPLE_RATE))
    }

    /// What it encodes.
    pub const fn content(&self) -> Content {
        self.content
    }

    /// Forgets what it has heard: none of it is in the packets that follow.
    ///
    /// # Errors
    /// [`OpusError`].
    pub fn reset(&mut self) -> Result<(), OpusError> {
        Ok(self.encoder.reset_state()?)
    }

    /// Lets it send next to nothing in silence from the next frame on, or no longer.
    ///
    /// # Errors
    /// [`OpusError`].
    pub fn set_dtx(&mut self, on: bool) -> Result<(), OpusError> {
        Ok(self.encoder.set_dtx(on)?)
    }

    /// Encodes a packet of 10, 20, 40 or 60 ms, each of any of these, interleaved where there are two
    /// channels. `None`: silence under DTX, nothing is to be sent.
    ///
    /// # Errors
    /// [`OpusError`], also if it is of another length.
    pub fn encode(&mut self, pcm: &[f32]) -> Result<Option<Bytes>, OpusError> {
        let length = self.encoder.encode_float(pcm, &mut self.buffer[..])?;
        // Two bytes or fewer are DTX's way to say that there is nothing to send (opus_encode).
        Ok((length > 2).then(|| Bytes::copy_from_slice(&self.buffer[..length])))
    }
}

/// A decoder of one sender: mono until a packet in stereo comes, so that a voice costs no more
/// than it must.
pub struct OpusDecoder {
    decoder: opus::Decoder,
    channels: usize,
}

impl OpusDecoder {
    /// Makes a decoder.
    ///
    /// # Errors
    /// [`OpusError`].
    pub fn new() -> Result<Self, OpusError> {
        Ok(Self { decoder: opus::Decoder::new(SAMPLE_RATE, Channels::Mono)?, channels: 1 })
    }

    /// Channels of what it decodes, interleaved: one or two.
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// Decodes a packet to the end of `pcm` and returns how long it is, in samples of a channel.
    ///
    /// # Errors
    /// [`OpusError`] if the packet is damaged; `pcm` is as it was.
    pub fn decode(&mut self, packet: &[u8], pcm: &mut Vec<f32>) -> Result<usize, OpusError> {
        let Some(samples) = packet_samples(packet) else { return Ok(0) };
        if self.channels == 1 && is_stereo(packet) {
            *self =
                Self { decoder: opus::Decoder::new(SAMPLE_RATE, Channels::Stereo)?, channels: 2 };
        }
        self.append(packet, pcm, samples, false)
    }

    /// Rebuilds `samples` of the lost packet before `next` from the copy that `next` carries, or
    /// makes them up if there is none, at the end of `pcm`.
    ///
    /// # Errors
    /// [`OpusError`]; `pcm` is as it was.
    pub fn recover(
        &mut self,
        next: &[u8],
        pcm: &mut Vec<f32>,
        samples: usize,
    ) -> Result<usize, OpusError> {
        self.append(next, pcm, samples, true)
    }

    /// Makes up what was lost from what was heard before: `samples`, a multiple of 2.5 ms, at the
    /// end of `pcm`.
    ///
    /// # Errors
    /// [`OpusError`]; `pcm` is as it was.
    pub fn conceal(&mut self, pcm: &mut Vec<f32>, samples: usize) -> Result<usize, OpusError> {
        self.append(&[], pcm, samples, false)
    }

    fn append(
        &mut self,
        packet: &[u8],
        pcm: &mut Vec<f32>,
        samples: usize,
        recover: bool,
    ) -> Result<usize, OpusError> {
        let before = pcm.len();
        pcm.resize(before + samples * self.channels, 0.0);
        let decoded = self.decoder.decode_float(packet, &mut pcm[before..], recover);
        pcm.truncate(before + decoded.as_ref().map_or(0, |&samples| samples) * self.channels);
        Ok(decoded?)
    }
}

/// Whether a packet holds two channels (RFC 6716, 3.1).
pub fn is_stereo(packet: &[u8]) -> bool {
    packet.first().is_some_and(|toc| toc & 4 != 0)
}

/// Whether a packet carries a copy of the one before it (LBRR; RFC 6716, 4.2.3 and 4.2.4).
pub fn carries_copy(packet: &[u8]) -> bool {
    let Some(&toc) = packet.first() else { return false };
    let frames = match toc >> 3 {
        0..=11 => [1, 1, 2, 3][usize::from(toc >> 3) % 4],
        12..=15 => 1,
        _ => return false, // CELT alone has none.
    };
    // The flag follows those of voice activity, in the first frame of the packet.
    let first = match toc & 3 {
        0 | 1 => 1,
        _ => return true, // The copy may be there: the decoder knows.
    };
    packet.get(first).is_some_and(|flags| flags & (0x80 >> frames) != 0)
}

/// How many samples at 48 kHz a packet holds (RFC 6716, 3.1), or `None` if it is none.
pub fn packet_samples(packet: &[u8]) -> Option<usize> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880][config as usize % 4],
        config @ 12..=15 => [480, 960][config as usize % 2],
        config => [120, 240, 480, 960][config as usize % 4],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(*packet.get(1)? & 0x3f),
    };
    Some(frame * frames).filter(|&samples| samples > 0 && samples <= MAX_PACKET_SAMPLES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(at: usize) -> [f32; FRAME_SAMPLES] {
        std::array::from_fn(|i| 0.3 * ((at + i) as f32 * 0.0575).sin())
    }

    /// Goertzel: amplitude of the tone's frequency.
    fn amplitude(pcm: &[f32]) -> f32 {
        let (mut re, mut im) = (0.0, 0.0);
        for (i, x) in pcm.iter().enumerate() {
            re += x * (i as f32 * 0.0575).cos();
            im += x * (i as f32 * 0.0575).sin();
        }
        2.0 * (re * re + im * im).sqrt() / pcm.len() as f32
    }

    #[test]
    fn a_tone_survives() {
        let mut encoder = OpusEncoder::new(OpusSettings::default()).unwrap();
        let mut decoder = OpusDecoder::new().unwrap();
        let mut pcm = Vec::new();
        for n in 0..50 {
            let packet = encoder.encode(&tone(n * FRAME_SAMPLES)).unwrap().unwrap();
            assert_eq!(packet_samples(&packet), Some(FRAME_SAMPLES));
            pcm.clear();
            assert_eq!(decoder.decode(&packet, &mut pcm).unwrap(), FRAME_SAMPLES);
        }
        let got = amplitude(&pcm[..FRAME_SAMPLES]);
        assert!((got - 0.3).abs() < 0.06, "amplitude {got}");
    }

    #[test]
    fn a_lost_packet_is_rebuilt_from_its_successor_or_made_up() {
        let mut encoder = OpusEncoder::new(OpusSettings::default()).unwrap();
        let packets: Vec<_> =
            (0..40).map(|n| encoder.encode(&tone(n * FRAME_SAMPLES)).unwrap().unwrap()).collect();
        let heard = |recover: bool| {
            let mut decoder = OpusDecoder::new().unwrap();
            let (mut pcm, mut lost) = (Vec::new(), Vec::new());
            packets[..30].iter().for_each(|p| _ = decoder.decode(p, &mut pcm).unwrap());
            let samples = match recover {
                true => decoder.recover(&packets[31], &mut lost, FRAME_SAMPLES).unwrap(),
                false => decoder.conceal(&mut lost, FRAME_SAMPLES).unwrap(),
            };
            assert_eq!(samples, FRAME_SAMPLES);
            amplitude(&lost)
        };
        assert!(heard(true) > 0.2, "recovered: {}", heard(true));
        assert!(heard(false) > 0.1, "concealed: {}", heard(false));
    }

    #[test]
    fn music_keeps_its_sides_apart() {
        let mut encoder = OpusEncoder::of(Content::Music, OpusSettings::default()).unwrap();
        let mut decoder = opus::Decoder::new(SAMPLE_RATE, Channels::Stereo).unwrap();
        let mut pcm = [0.0; 2 * FRAME_SAMPLES];
        for n in 0..50 {
            let left = tone(n * FRAME_SAMPLES);
            let frame: Vec<f32> = left.iter().flat_map(|&left| [left, 0.0]).collect();
            let packet = encoder.encode(&frame).unwrap().unwrap();
            assert_eq!(decoder.decode_float(&packet, &mut pcm, false).unwrap(), FRAME_SAMPLES);
        }
        let side = |at: usize| pcm.iter().skip(at).step_by(2).copied().collect::<Vec<f32>>();
        let (left, right) = (amplitude(&side(0)), amplitude(&side(1)));
        assert!((left - 0.3).abs() < 0.03 && right < 0.01, "{left} and {right}");
    }

    #[test]
    fn after_a_reset_nothing_of_before_is_heard() {
        let settings = OpusSettings { expected_loss: 30, ..OpusSettings::default() };
        let mut encoder = OpusEncoder::new(settings).unwrap();
        for n in 0..50 {
            encoder.encode(&tone(n * FRAME_SAMPLES)).unwrap();
        }
        encoder.reset().unwrap();
        let mut fresh = OpusEncoder::new(settings).unwrap();
        for n in 0..10 {
            assert_eq!(encoder.encode(&tone(n)).unwrap(), fresh.encode(&tone(n)).unwrap());
        }
    }

    #[test]
    fn silence_is_not_sent_under_dtx() {
        let settings = OpusSettings { dtx: true, ..OpusSettings::default() };
        let mut encoder = OpusEncoder::new(settings).unwrap();
        let sent =
            (0..100).filter(|_| encoder.encode(&[0.0; FRAME_SAMPLES]).unwrap().is_some()).count();
        assert!(sent < 40, "{sent} of 100 silent frames were sent");
    }

    #[test]
    fn durations_are_read_from_the_first_bytes() {
        assert_eq!(packet_samples(&[]), None);
        assert_eq!(packet_samples(&[0x78]), Some(960)); // hybrid, 20 ms, one frame
        assert_eq!(packet_samples(&[0xf9]), Some(1920)); // CELT, 20 ms, two frames
        assert_eq!(packet_samples(&[0xfb, 6]), Some(5760)); // six of them
        assert_eq!(packet_samples(&[0xfb, 7]), None); // 140 ms
        assert_eq!(packet_samples(&[0xfb]), None);
    }

    #[test]
    fn damaged_packets_are_errors() {
        let mut decoder = OpusDecoder::new().unwrap();
        let mut pcm = Vec::new();
        // Two frames of different sizes, of which the first is longer than the packet.
        assert!(decoder.decode(&[0xfa, 200, 1, 2, 3], &mut pcm).is_err());
        assert_eq!(decoder.decode(&[], &mut pcm).unwrap(), 0);
        assert!(pcm.is_empty());
    }

    #[test]
    fn sides_are_kept_apart_from_the_first_packet_in_stereo_on() {
        let mut voice = OpusEncoder::new(OpusSettings::default()).unwrap();
        let mut music =
            opus::Encoder::new(SAMPLE_RATE, Channels::Stereo, Application::Audio).unwrap();
        music.set_bitrate(opus::Bitrate::Bits(128_000)).unwrap();
        let mut decoder = OpusDecoder::new().unwrap();
        let mut pcm = Vec::new();
        decoder.decode(&voice.encode(&tone(0)).unwrap().unwrap(), &mut pcm).unwrap();
        assert_eq!((decoder.channels(), pcm.len()), (1, FRAME_SAMPLES));
        for n in 0..50 {
            let frame: Vec<f32> =
                tone(n * FRAME_SAMPLES).into_iter().flat_map(|left| [left, 0.0]).collect();
            pcm.clear();
            let packet = music.encode_vec_float(&frame, 1200).unwrap();
            assert_eq!(decoder.decode(&packet, &mut pcm).unwrap(), FRAME_SAMPLES);
        }
        assert_eq!((decoder.channels(), pcm.len()), (2, 2 * FRAME_SAMPLES));
        let side = |at: usize| pcm.iter().skip(at).step_by(2).copied().collect::<Vec<f32>>();
        let (left, right) = (amplitude(&side(0)), amplitude(&side(1)));
        assert!((left - 0.3).abs() < 0.05 && right < 0.02, "{left} and {right}");
    }
}
