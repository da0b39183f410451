use super::*;
use crate::audio::{BLOCK, BLOCK_SAMPLES};
use crate::codec::opus::{FRAME_SAMPLES, OpusEncoder, OpusSettings};
use crate::encoded::RtpPayload;
use crate::process::testing::Voice;
use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::time::{Duration, Instant};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The `n`th packet of 20 ms of a stream; its second byte tells which.
fn packet(start: Instant, n: u64, delay: Duration) -> RtpPayload {
    RtpPayload {
        sequence: (n as u16).wrapping_add(65_500),
        timestamp: (n as u32 * FRAME_SAMPLES as u32).wrapping_sub(20_000),
        marker: false,
        ssrc: 1,
        payload: Bytes::copy_from_slice(&[0x78, n as u8]),
        arrived: start + ms(20) * n as u32 + delay,
    }
}

/// Runs the buffer alone against packets sorted by arrival, and returns what it asked for.
fn run(
    start: Instant,
    mut packets: Vec<RtpPayload>,
    blocks: u32,
) -> (Vec<Pulled>, AudioJitterBuffer) {
    packets.sort_by_key(|packet| packet.arrived);
    let mut packets = packets.into_iter().peekable();
    let mut buffer = AudioJitterBuffer::new(start);
    let mut pulled = Vec::new();
    for block in 0..blocks {
        let now = start + BLOCK * block;
        while let Some(packet) = packets.next_if(|packet| packet.arrived <= now) {
            buffer.push(packet);
        }
        loop {
            let next = buffer.pull(now);
            let skipped = matches!(next, Pulled::Skip(_));
            pulled.push(next);
            if !skipped {
                break;
            }
        }
    }
    (pulled, buffer)
}

fn decoded(pulled: &[Pulled]) -> Vec<u8> {
    pulled
        .iter()
        .filter_map(|pulled| match pulled {
            Pulled::Decode(packet) | Pulled::Skip(packet) => Some(packet[1]),
            Pulled::Recover { .. } | Pulled::Rest | Pulled::Conceal | Pulled::Silence => None,
        })
        .collect()
}

#[test]
fn an_even_stream_is_played_as_it_is_after_a_short_wait() {
    let start = Instant::now();
    let packets = (0..100).map(|n| packet(start, n, ms(30))).collect();
    let (pulled, buffer) = run(start, packets, 200);
    assert_eq!(decoded(&pulled), (0..97).collect::<Vec<_>>());
    assert_eq!(pulled.iter().take_while(|p| **p == Pulled::Silence).count(), 7);
    assert!(!pulled.contains(&Pulled::Conceal));
    let statistics = buffer.statistics();
    assert_eq!((statistics.late, statistics.lost, statistics.concealed_samples), (0, 0, 0));
    assert!(statistics.jitter < 1e-6 && statistics.delay >= ms(20));
}

#[test]
fn disorder_duplicates_and_the_wrap_change_nothing() {
    for seed in 0..50 {
        let mut rng = StdRng::seed_from_u64(seed);
        let start = Instant::now();
        let mut packets = Vec::new();
        for n in 0..100 {
            // The first is the fastest, so that nothing can be late.
            let delay = ms(if n == 0 { 0 } else { rng.random_range(0..38) });
            packets.push(packet(start, n, delay));
            if rng.random_bool(0.1) {
                packets.push(packet(start, n, delay + ms(rng.random_range(0..30))));
            }
        }
        let (pulled, buffer) = run(start, packets, 220);
        let statistics = buffer.statistics();
        assert_eq!(decoded(&pulled), (0..100).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!((statistics.lost, statistics.packets), (0, 100), "seed {seed}");
    }
}

#[test]
fn a_single_loss_is_recovered_from_the_next_packet() {
    let start = Instant::now();
    let packets = (0..50).filter(|n| *n != 20).map(|n| packet(start, n, ms(5))).collect();
    let (pulled, buffer) = run(start, packets, 90);
    let at = pulled.iter().position(|p| matches!(p, Pulled::Recover { .. })).unwrap();
    let expected =
        Pulled::Recover { next: Bytes::from_static(&[0x78, 21]), samples: FRAME_SAMPLES, skip: 0 };
    assert_eq!(pulled[at], expected);
    assert_eq!(pulled[at + 1], Pulled::Rest);
    assert_eq!(pulled[at + 2], Pulled::Decode(Bytes::from_static(&[0x78, 21])));
    assert_eq!(buffer.statistics().lost, 1);
    assert_eq!(buffer.statistics().concealed_samples, BLOCK_SAMPLES as u64);
}

#[test]
fn a_long_loss_is_made_up_and_its_last_packet_recovered_without_a_shift() {
    let start = Instant::now();
    let packets =
        (0..60).filter(|n| !(20..23).contains(n)).map(|n| packet(start, n, ms(5))).collect();
    let (pulled, _) = run(start, packets, 100);
    // 60 ms are missing: whatever the mix, six blocks later the stream goes on in its old time.
    let of = |n: u8| pulled.iter().position(|p| *p == Pulled::Decode(vec![0x78, n].into()));
    assert_eq!(of(23).unwrap() - of(19).unwrap(), 8);
}

#[test]
fn a_pause_of_the_sender_is_silence_and_no_loss() {
    let start = Instant::now();
    let packets = (0..100)
        .filter(|n| !(30..70).contains(n))
        .map(|n| RtpPayload {
            sequence: if n < 30 { n as u16 } else { n as u16 - 40 },
            ..packet(start, n, ms(5))
        })
        .collect();
    let (pulled, buffer) = run(start, packets, 210);
    assert_eq!(buffer.statistics().lost, 0);
    let concealed = pulled.iter().filter(|p| **p == Pulled::Conceal).count();
    assert!(concealed <= 20, "{concealed} blocks made up: ten at each end at most");
    assert!(pulled[90..130].iter().all(|p| *p == Pulled::Silence));
    assert_eq!(decoded(&pulled).len(), 60);
}

#[test]
fn a_stall_of_the_network_plays_everything_and_then_catches_up_in_quiet_places() {
    let start = Instant::now();
    let packets = (0..300)
        .map(|n| {
            let mut packet = packet(start, n, ms(5));
            if (100..104).contains(&n) {
                packet.arrived = start + ms(20 * 104 + 5);
            }
            packet
        })
        .collect::<Vec<_>>();
    let mut buffer = AudioJitterBuffer::new(start);
    let mut packets = packets.into_iter().peekable();
    let (mut peak, mut skipped) = (Duration::ZERO, 0);
    for block in 0..590 {
        let now = start + BLOCK * block;
        while let Some(packet) = packets.next_if(|packet| packet.arrived <= now) {
            buffer.push(packet);
        }
        // Quiet only towards the end.
        buffer.played(block > 400);
        while let Pulled::Skip(_) = buffer.pull(now) {
            skipped += 1;
        }
        peak = peak.max(buffer.statistics().delay);
    }
    let statistics = buffer.statistics();
    assert_eq!((statistics.lost, statistics.late), (0, 0));
    assert!(peak >= ms(80), "the stall did not add to the delay: {peak:?}");
    assert!(skipped > 0 && statistics.delay < ms(60), "{skipped} skipped, {statistics:?}");
}

#[test]
fn the_target_follows_the_networks_jitter_both_ways() {
    let start = Instant::now();
    let mut rng = StdRng::seed_from_u64(1);
    let mut buffer = AudioJitterBuffer::new(start);
    let mut targets = Vec::new();
    for n in 0..2400 {
        let spread = if (800..1600).contains(&n) { 100 } else { 2 };
        buffer.push(packet(start, n, ms(rng.random_range(0..=spread))));
        if n % 800 == 799 {
            targets.push(buffer.statistics().target);
        }
    }
    assert!(targets[0] < ms(25), "{targets:?}");
    assert!((ms(90)..ms(120)).contains(&targets[1]), "{targets:?}");
    assert!(targets[2] < ms(25), "{targets:?}");
    assert!(buffer.statistics().jitter < 0.005);
}

#[test]
fn a_new_source_and_a_leap_of_the_clock_begin_anew() {
    let start = Instant::now();
    let mut packets: Vec<_> = (0..30).map(|n| packet(start, n, ms(5))).collect();
    packets.extend((30..60).map(|n| RtpPayload {
        ssrc: 2,
        sequence: n as u16,
        timestamp: n as u32 * 960 + 77,
        ..packet(start, n, ms(5))
    }));
    packets.extend((60..90).map(|n| RtpPayload {
        ssrc: 2,
        sequence: n as u16,
        timestamp: n as u32 * 960 + (1 << 30),
        ..packet(start, n, ms(5))
    }));
    let (pulled, buffer) = run(start, packets, 190);
    let heard = decoded(&pulled);
    assert!(heard.is_sorted() && heard.len() >= 84, "{heard:?}");
    assert_eq!(heard.last(), Some(&89));
    assert_eq!(buffer.statistics().lost, 0);
}

#[test]
fn every_network_keeps_the_rules() {
    for seed in 0..200 {
        let mut rng = StdRng::seed_from_u64(seed);
        let loss = [0.0, 0.01, 0.05, 0.2][seed as usize % 4];
        let spread = [1, 20, 60, 150][seed as usize / 4 % 4];
        let start = Instant::now();
        let packets: Vec<_> = (0..250)
            .filter(|_| !rng.random_bool(loss))
            .map(|n| (n, StdRng::seed_from_u64(seed * 1000 + n).random_range(0..=spread)))
            .map(|(n, late)| packet(start, n, ms(late)))
            .collect();
        let sent = packets.len();
        let (pulled, buffer) = run(start, packets, 540);
        let heard = decoded(&pulled);
        let statistics = buffer.statistics();
        assert!(heard.is_sorted_by(|a, b| a < b), "seed {seed}: order");
        assert_eq!(
            heard.len() as u64 + statistics.late,
            sent as u64,
            "seed {seed}: {statistics:?}"
        );
        let late = statistics.late as f64 / sent as f64;
        assert!(
            late < if spread > 60 { 0.15 } else { 0.05 },
            "seed {seed}: {late} late with {spread} ms of jitter"
        );
        let bound = ms(spread) * 2 + ms(80);
        assert!(statistics.delay <= bound, "seed {seed}: {statistics:?}");
    }
}

#[test]
fn random_packets_are_survived() {
    let mut rng = StdRng::seed_from_u64(9);
    let start = Instant::now();
    let mut playout = Playout::new(start).unwrap();
    let mut block = [0.0; BLOCK_SAMPLES];
    for n in 0..5000u32 {
        let now = start + BLOCK * n;
        for _ in 0..rng.random_range(0..3) {
            playout.push(RtpPayload {
                sequence: rng.random(),
                timestamp: rng.random(),
                marker: rng.random(),
                ssrc: rng.random_range(0..2),
                payload: (0..rng.random_range(0..20))
                    .map(|_| rng.random())
                    .collect::<Vec<u8>>()
                    .into(),
                arrived: now,
            });
        }
        playout.pull(now, &mut block);
        assert!(block.iter().all(|x| x.is_finite()));
    }
}

fn tone_packets(start: Instant, count: u64) -> Vec<RtpPayload> {
    let mut encoder = OpusEncoder::new(OpusSettings::default()).unwrap();
    (0..count)
        .map(|n| {
            let pcm = std::array::from_fn(|i| {
                0.3 * ((n as usize * FRAME_SAMPLES + i) as f32 * 0.0575).sin()
            });
            let payload = encoder.encode(&pcm).unwrap().unwrap();
            RtpPayload { payload, ..packet(start, n, ms(5)) }
        })
        .collect()
}

/// What is heard of a voice that loses one packet in twenty, and of one that loses none.
fn heard_with_and_without_loss(settings: OpusSettings) -> (Vec<f32>, Vec<f32>) {
    let start = Instant::now();
    let mut voice = Voice::new(0.3);
    let mut encoder = OpusEncoder::new(settings).unwrap();
    let packets: Vec<_> = (0..300)
        .map(|n| {
            let mut pcm = [0.0; FRAME_SAMPLES];
            pcm.as_chunks_mut().0.iter_mut().for_each(|block| voice.fill(block));
            RtpPayload {
                payload: encoder.encode(&pcm).unwrap().unwrap(),
                ..packet(start, n, ms(5))
            }
        })
        .collect();
    let play = |lost: fn(usize) -> bool| {
        let mut left = packets.iter().enumerate().filter(|(n, _)| !lost(*n)).peekable();
        let mut playout = Playout::new(start).unwrap();
        let mut heard = Vec::new();
        for block in 0..590 {
            let now = start + BLOCK * block;
            while let Some((_, packet)) = left.next_if(|(_, packet)| packet.arrived <= now) {
                playout.push(packet.clone());
            }
            let mut pcm = [0.0; BLOCK_SAMPLES];
            playout.pull(now, &mut pcm);
            heard.extend(pcm);
        }
        heard
    };
    (play(|n| n % 20 == 13), play(|_| false))
}

#[test]
fn a_recovered_voice_is_nearer_to_the_whole_one_than_a_made_up_one() {
    let snr = |settings| {
        let (lossy, whole) = heard_with_and_without_loss(settings);
        let energy = |samples: &mut dyn Iterator<Item = f32>| samples.map(|x| x * x).sum::<f32>();
        let signal = energy(&mut whole.iter().copied());
        let error = energy(&mut whole.iter().zip(&lossy).map(|(a, b)| a - b));
        10.0 * (signal / error).log10()
    };
    let recovered = snr(OpusSettings::default());
    let made_up = snr(OpusSettings { expected_loss: 0, ..OpusSettings::default() });
    assert!(recovered > made_up + 2.0, "recovered {recovered:.1} dB, made up {made_up:.1} dB");
    assert!(recovered > 10.0, "recovered {recovered:.1} dB");
}

#[test]
fn an_outage_fades_to_silence_within_a_tenth_of_a_second() {
    let start = Instant::now();
    let mut playout = Playout::new(start).unwrap();
    tone_packets(start, 20).into_iter().for_each(|packet| playout.push(packet));
    let mut levels = Vec::new();
    for block in 0..70 {
        let mut pcm = [0.0; BLOCK_SAMPLES];
        let played = playout.pull(start + BLOCK * block, &mut pcm);
        levels.push((played, crate::process::level::Level::of(&pcm).rms()));
    }
    let last_sound = levels.iter().rposition(|(played, _)| *played == Played::Sound).unwrap();
    let concealed = &levels[last_sound + 1..last_sound + 11];
    assert!(concealed.iter().all(|(played, _)| *played == Played::Concealed));
    assert!(concealed[0].1 > 0.05 && concealed[9].1 < 0.03, "{concealed:?}");
    assert!(levels[last_sound + 11..].iter().all(|(played, _)| *played == Played::Silence));
}
