//! The way in: the packets of a track, sound taken out of the redundant ones (RFC 2198).

use crate::codecs;
use rtc::rtp::Packet;
use rtc::rtp::extension::audio_level_extension::AudioLevelExtension;
use rtc::rtp_transceiver::rtp_sender::RTCRtpParameters;
use rtc::shared::marshal::Unmarshal;
use std::sync::Arc;
use std::time::Instant;
use tincan_media::encoded::{BesideSound, RtpPayload, SoundLevel};
use tincan_media::rtp::red::{self, Redundant};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

/// Takes the packets of one track.
pub type Sink = Box<dyn FnMut(RtpPayload) + Send>;

/// What was negotiated for a track; nothing of it for pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// Payload types of packets with copies of others, and of what is in them.
    red: Option<(u8, u8)>,
    /// The header extension with the sound level.
    level: Option<u8>,
}

impl Incoming {
    /// Of sound.
    pub fn sound(parameters: &RTCRtpParameters) -> Self {
        let opus = codecs::payload_type(parameters, codecs::OPUS);
        let red = opus.and_then(|opus| Some((codecs::red_of(parameters, opus)?, opus)));
        Self { red, level: codecs::audio_level_id(parameters) }
    }

    /// The packet as the rest of the program knows it; none if it is not what its type says.
    fn unpack(self, packet: Packet, arrived: Instant) -> Option<RtpPayload> {
        let Packet { header, payload } = packet;
        let extension = self.level.and_then(|id| header.get_extension(id));
        let level = extension.and_then(|mut bytes| AudioLevelExtension::unmarshal(&mut bytes).ok());
        let level = level.map(|level| SoundLevel { below_full: level.level, voice: level.voice });
        let Redundant { payload, earlier } = match self.red {
            Some((red, opus)) if red == header.payload_type => red::parse(&payload, opus)?,
            Some(_) | None => Redundant { payload, earlier: vec![] },
        };
        Some(RtpPayload {
            sequence: header.sequence_number,
            timestamp: header.timestamp,
            marker: header.marker,
            ssrc: header.ssrc,
            payload,
            arrived,
            sound: BesideSound { level, earlier },
        })
    }
}

/// Hands over what comes until the track ends.
pub async fn read(track: Arc<dyn TrackRemote>, incoming: Incoming, mut sink: Sink) {
    while let Some(event) = track.poll().await {
        match event {
            TrackRemoteEvent::OnRtpPacket(packet) => {
                match incoming.unpack(packet, Instant::now()) {
                    Some(packet) => sink(packet),
                    None => tracing::debug!("a redundant packet cannot be taken apart"),
                }
            }
            TrackRemoteEvent::OnEnded => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use rtc::rtp::header::Header;

    const SOUND: Incoming = Incoming { red: Some((63, 111)), level: Some(3) };

    fn packet(payload_type: u8, payload: &'static [u8]) -> Packet {
        let mut header = Header { version: 2, payload_type, timestamp: 960, ..Default::default() };
        header.set_extension(3, Bytes::from_static(&[0x80 | 40])).expect("set");
        Packet { header, payload: Bytes::from_static(payload) }
    }

    #[test]
    fn both_payload_types_of_sound_are_taken_and_copies_taken_out() {
        let now = Instant::now();
        let plain = SOUND.unpack(packet(111, &[0x78, 1, 2]), now).expect("sound");
        assert_eq!(plain.sound.level, Some(SoundLevel { below_full: 40, voice: true }));
        assert!(plain.sound.earlier.is_empty());
        let redundant = &[0x80 | 111, 15, 0, 2, 111, 0x78, 9, 0x78, 1, 2];
        let unpacked = SOUND.unpack(packet(63, redundant), now).expect("sound");
        assert_eq!(unpacked.payload, plain.payload);
        assert_eq!(unpacked.sound.earlier[0].payload[..], [0x78, 9]);
        assert!(SOUND.unpack(packet(63, &[0xff, 0]), now).is_none());
    }

    #[test]
    fn what_was_not_negotiated_is_left_as_it_is() {
        let picture = Incoming::default().unpack(packet(63, &[0xef, 0]), Instant::now());
        let picture = picture.expect("a picture");
        assert_eq!((picture.payload.len(), picture.sound.level), (2, None));
    }
}
