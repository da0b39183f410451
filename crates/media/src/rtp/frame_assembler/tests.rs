use super::*;
use crate::codec::h264::{EncoderSettings, H264Decoder, H264Encoder};
use crate::rtp::h264_packetizer::packetize;
use crate::synthetic::picture::{Picture, Stamp, Style, read_stamp};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tincan_proto::units::{Bitrate, Resolution};

const SSRC: u32 = 77;

/// Access units as packets: `(frame, packet)`, `key_every` frames a key frame.
fn stream(frames: u64, key_every: u64, first_sequence: u16, at: Instant) -> Vec<(u64, RtpPayload)> {
    let size = Resolution::new(320, 240);
    let mut picture = Picture::new(size, Style::Grey).unwrap();
    let settings = EncoderSettings { bitrate: Bitrate::from_kbps(800), ..Default::default() };
    let mut encoder = H264Encoder::new(settings).unwrap();
    let mut sequence = first_sequence;
    let mut packets = Vec::new();
    for n in 0..frames {
        let frame = picture.paint(n, Stamp::from_unix_millis(n));
        let coded = encoder.encode(&frame, n % key_every == 0).unwrap().unwrap();
        let payloads = packetize(&coded.annex_b, 600);
        let last = payloads.len() - 1;
        for (i, payload) in payloads.into_iter().enumerate() {
            let packet = RtpPayload {
                sequence,
                timestamp: (n as u32).wrapping_mul(3000).wrapping_sub(9000),
                marker: i == last,
                ssrc: SSRC,
                payload,
                arrived: at + Duration::from_millis(33 * n),
                sound: Default::default(),
            };
            packets.push((n, packet));
            sequence = sequence.wrapping_add(1);
        }
    }
    packets
}

#[derive(Default)]
struct Outcome {
    frames: Vec<u32>,
    requests: usize,
}

impl Outcome {
    /// Decodes what came out: the assembler's promise is that all of it can be decoded.
    fn add(&mut self, decoder: &mut H264Decoder, out: Vec<Assembled>) {
        for assembled in out {
            match assembled {
                Assembled::Unit(unit) => {
                    let shown = decoder.decode(&unit.annex_b).unwrap().unwrap();
                    let stamp = read_stamp(shown.y(), shown.resolution()).unwrap();
                    self.frames.push(stamp.millis());
                }
                Assembled::KeyFrameNeeded => self.requests += 1,
            }
        }
    }
}

fn run(packets: impl IntoIterator<Item = RtpPayload>) -> (Outcome, FrameAssembler) {
    let mut assembler = FrameAssembler::new();
    let mut decoder = H264Decoder::new().unwrap();
    let mut outcome = Outcome::default();
    for packet in packets {
        let now = packet.arrived;
        let out = assembler.push(packet, now);
        outcome.add(&mut decoder, out);
    }
    (outcome, assembler)
}

#[test]
fn a_picture_comes_out_at_its_marker_packet() {
    let mut assembler = FrameAssembler::new();
    for (n, packet) in stream(5, 100, 65_530, Instant::now()) {
        let (marker, now, timestamp) = (packet.marker, packet.arrived, packet.timestamp);
        let out = assembler.push(packet, now);
        assert_eq!(out.len(), usize::from(marker), "frame {n}");
        if let Some(Assembled::Unit(unit)) = out.first() {
            assert_eq!((unit.timestamp, unit.key), (timestamp, n == 0));
        }
    }
    let statistics = assembler.statistics();
    assert_eq!((statistics.frames, statistics.key_frames, statistics.lost), (5, 1, 0));
}

#[test]
fn disorder_and_duplicates_leave_the_pictures_as_they_were() {
    for seed in 0..20 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut packets: Vec<_> =
            stream(20, 100, rng.random(), Instant::now()).into_iter().map(|(_, p)| p).collect();
        for window in packets.chunks_mut(12) {
            window.shuffle(&mut rng);
        }
        let doubled = packets.into_iter().flat_map(|packet| {
            let twice = if rng.random_bool(0.2) { Some(packet.clone()) } else { None };
            std::iter::once(packet).chain(twice)
        });
        let (outcome, assembler) = run(doubled);
        assert_eq!(outcome.frames, (0..20).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(assembler.statistics().lost, 0, "seed {seed}");
        assert!(outcome.requests <= 1, "seed {seed}: only a start in disorder asks");
    }
}

#[test]
fn after_a_loss_nothing_comes_until_the_next_key_frame() {
    let packets = stream(40, 30, 5, Instant::now());
    let victim = packets.iter().position(|(n, _)| *n == 10).unwrap();
    let rest = packets.into_iter().enumerate().filter(|(i, _)| *i != victim).map(|(_, (_, p))| p);
    let (outcome, assembler) = run(rest);
    assert_eq!(outcome.frames, (0..10).chain(30..40).collect::<Vec<_>>());
    assert_eq!((outcome.requests, assembler.statistics().lost), (1, 1));
}

#[test]
fn a_refill_in_time_loses_nothing_and_one_too_late_asks_for_a_key_frame() {
    for (delay, frames) in [(350, 30), (450, 10)] {
        let packets = stream(30, 100, 5, Instant::now());
        let victim = packets.iter().position(|(n, _)| *n == 10).unwrap();
        let mut packets: Vec<_> = packets.into_iter().map(|(_, p)| p).collect();
        packets[victim].arrived += Duration::from_millis(delay);
        packets.sort_by_key(|packet| packet.arrived);
        let (outcome, _) = run(packets);
        assert_eq!(outcome.frames, (0..frames).collect::<Vec<_>>(), "{delay} ms late");
        assert_eq!(outcome.requests, usize::from(frames < 30));
    }
}

#[test]
fn the_deadline_says_when_a_loss_is_declared() {
    let start = Instant::now();
    let mut assembler = FrameAssembler::new();
    let packets = stream(3, 100, 5, start);
    let victim = packets.iter().position(|(n, _)| *n == 1).unwrap();
    for (i, (_, packet)) in packets.into_iter().enumerate() {
        if i != victim {
            assembler.push(packet, start);
        }
    }
    let deadline = assembler.next_deadline().expect("a packet is missing");
    assert!(assembler.poll(deadline - Duration::from_millis(1)).is_empty());
    assert!(matches!(assembler.poll(deadline)[..], [Assembled::KeyFrameNeeded]));
    assert!(assembler.needs_key_frame(deadline));
    assert_eq!(assembler.next_deadline(), None);
    assert!(assembler.poll(deadline).is_empty(), "said once");
}

#[test]
fn a_start_in_the_middle_asks_for_a_key_frame_at_once() {
    let packets = stream(20, 8, 5, Instant::now());
    let (outcome, _) = run(packets.into_iter().filter(|(n, _)| *n >= 3).map(|(_, p)| p));
    assert_eq!(outcome.frames, (8..20).collect::<Vec<_>>());
    assert_eq!(outcome.requests, 1);
}

#[test]
fn a_whole_key_frame_behind_a_hole_is_not_held_up() {
    let packets = stream(12, 10, 5, Instant::now());
    let victim = packets.iter().position(|(n, _)| *n == 8).unwrap();
    let rest = packets.into_iter().enumerate().filter(|(i, _)| *i != victim).map(|(_, (_, p))| p);
    let (outcome, _) = run(rest);
    assert_eq!(outcome.frames, [0, 1, 2, 3, 4, 5, 6, 7, 10, 11]);
    assert_eq!(outcome.requests, 0, "the loss was over before it was declared");
}

#[test]
fn padding_is_passed_over_and_a_new_source_begins_anew() {
    let mut sequence = 0;
    let mut packets = Vec::new();
    for (n, packet) in stream(6, 100, 0, Instant::now()) {
        let padding = packet.marker.then(|| RtpPayload {
            payload: Bytes::new(),
            marker: false,
            ..packet.clone()
        });
        for mut packet in std::iter::once(packet).chain(padding) {
            packet.sequence = sequence;
            sequence += 1;
            packets.push((n, packet));
        }
    }
    let straggler = packets[3].1.clone();
    let mut all: Vec<_> = packets.into_iter().map(|(_, p)| p).collect();
    for (_, mut packet) in stream(4, 100, 900, Instant::now()) {
        packet.ssrc = SSRC + 1;
        all.push(packet);
        all.push(straggler.clone());
    }
    let (outcome, assembler) = run(all);
    assert_eq!(outcome.frames, [0, 1, 2, 3, 4, 5, 0, 1, 2, 3]);
    assert_eq!((outcome.requests, assembler.statistics().frames), (0, 10));
}

#[test]
fn every_lossy_network_gives_only_pictures_that_decode() {
    for seed in 0..30 {
        let mut rng = StdRng::seed_from_u64(seed);
        let loss = [0.002, 0.02, 0.1][seed as usize % 3];
        let mut packets: Vec<_> = stream(60, 12, rng.random(), Instant::now())
            .into_iter()
            .filter(|_| !rng.random_bool(loss))
            .map(|(_, packet)| packet)
            .collect();
        let mut rng = StdRng::seed_from_u64(seed + 1000);
        packets.iter_mut().for_each(|packet| {
            packet.arrived += Duration::from_millis(rng.random_range(0..60));
        });
        packets.sort_by_key(|packet| packet.arrived);
        let (outcome, assembler) = run(packets);
        assert!(outcome.frames.is_sorted(), "seed {seed}");
        assert!(loss > 0.02 || outcome.frames.len() > 10, "seed {seed}");
        assert!(assembler.statistics().lost > 0 || outcome.frames.len() == 60, "seed {seed}");
    }
}

#[test]
fn the_held_packets_are_bounded() {
    let start = Instant::now();
    let packet = |sequence| RtpPayload {
        sequence,
        timestamp: 0,
        marker: false,
        ssrc: 1,
        payload: Bytes::from_static(&[0x41, 1]),
        arrived: start,
        sound: Default::default(),
    };
    let mut assembler = FrameAssembler::new();
    for sequence in 0..5000 {
        assembler.push(packet(sequence), start);
    }
    let held = assembler.source.as_ref().unwrap().held();
    assert!(held <= source::MAX_HELD, "{held} packets held");
}
