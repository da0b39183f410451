mod beginnings;
mod lengths;
mod restored;

use super::*;
use crate::audio::{BLOCK, BLOCK_SAMPLES, StereoBlock};
use crate::codec::opus::{FRAME_SAMPLES, OpusEncoder, OpusSettings};
use crate::encoded::{BesideSound, RtpPayload};
use crate::process::testing::Voice;
use crate::rtp::red::Earlier;
use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::time::{Duration, Instant};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The `n`th packet of 20 ms of a stream; hybrid, with a copy of the one before; its last byte tells which.
fn packet(start: Instant, n: u64, delay: Duration) -> RtpPayload {
    RtpPayload {
        sequence: (n as u16).wrapping_add(65_500),
        timestamp: (n as u32 * FRAME_SAMPLES as u32).wrapping_sub(20_000),
        marker: false,
        ssrc: 1,
        payload: packet_bytes(n),
        arrived: start + ms(20) * n as u32 + delay,
        sound: Default::default(),
    }
}

fn packet_bytes(n: u64) -> Bytes {
    Bytes::copy_from_slice(&[0x78, 0x40, n as u8])
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
    let mut left = 0;
    for block in 0..blocks {
        let now = start + BLOCK * block;
        while let Some(packet) = packets.next_if(|packet| packet.arrived <= now) {
            buffer.push(packet);
        }
        pulled.extend(play(&mut buffer, now, &mut left));
    }
    (pulled, buffer)
}

/// Plays a block of it, without a change of tempo, and returns what it asked for meanwhile.
fn play(buffer: &mut AudioJitterBuffer, now: Instant, left: &mut usize) -> Vec<Pulled> {
    let mut pulled = Vec::new();
    while *left < BLOCK_SAMPLES {
        let next = buffer.pull(now, *left);
        *left += match &next {
            Pulled::Decode(_) => FRAME_SAMPLES,
            Pulled::Recover { samples, skip, .. } => samples - skip,
            Pulled::Conceal => BLOCK_SAMPLES,
            Pulled::Skip(_) => 0,
            Pulled::Silence => {
                pulled.push(next);
                *left = 0;
                return pulled;
            }
        };
        pulled.push(next);
    }
    *left -= BLOCK_SAMPLES;
    if !pulled.contains(&Pulled::Conceal) {
        buffer.emitted(now, *left);
    }
    pulled
}

fn decoded(pulled: &[Pulled]) -> Vec<u8> {
    pulled
        .iter()
        .filter_map(|pulled| match pulled {
            Pulled::Decode(packet) | Pulled::Skip(packet) => Some(packet[2]),
            Pulled::Recover { .. } | Pulled::Conceal | Pulled::Silence => None,
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
    let expected = Pulled::Recover { next: packet_bytes(21), samples: FRAME_SAMPLES, skip: 0 };
    assert_eq!(pulled[at], expected);
    assert_eq!(pulled[at + 1], Pulled::Decode(packet_bytes(21)));
    let statistics = buffer.statistics();
    assert_eq!((statistics.lost, statistics.recovered, statistics.concealed_samples), (1, 1, 0));
}

#[test]
fn a_loss_without_a_copy_is_made_up() {
    let start = Instant::now();
    let without =
        |n| RtpPayload { payload: Bytes::from_static(&[0x78, 0, 0]), ..packet(start, n, ms(5)) };
    let packets = (0..50).filter(|n| *n != 20).map(without).collect();
    let (pulled, buffer) = run(start, packets, 90);
    let statistics = buffer.statistics();
    assert_eq!(pulled.iter().take(60).filter(|p| **p == Pulled::Conceal).count(), 2);
    assert_eq!((statistics.recovered, statistics.concealment_events), (0, 1));
    assert_eq!(statistics.concealed_samples, FRAME_SAMPLES as u64);
}

#[test]
fn a_long_loss_is_made_up_and_its_last_packet_recovered_without_a_shift() {
    let start = Instant::now();
    let packets =
        (0..60).filter(|n| !(20..23).contains(n)).map(|n| packet(start, n, ms(5))).collect();
    let (pulled, _) = run(start, packets, 100);
    // Of 60 ms that are missing, 40 are made up and 20 rebuilt.
    let of = |n: u64| pulled.iter().position(|p| *p == Pulled::Decode(packet_bytes(n))).unwrap();
    let between = &pulled[of(19) + 1..of(23)];
    assert_eq!(between.iter().filter(|p| **p == Pulled::Conceal).count(), 4);
    assert!(matches!(between[4..], [Pulled::Recover { samples: FRAME_SAMPLES, skip: 0, .. }]));
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
    let statistics = buffer.statistics();
    assert_eq!((statistics.lost, statistics.concealment_events), (0, 0));
    assert_eq!(statistics.concealed_samples, 0);
    assert!(pulled[60..90].iter().all(|p| *p == Pulled::Silence));
    assert_eq!(decoded(&pulled).len(), 60);
}

/// A call in simulated time: packet `n` of a voice arrives after `delay(n)`, or not at all.
struct Call {
    playout: Playout,
    start: Instant,
    voice: Vec<Bytes>,
    /// How long the sender's 20 ms are by our clock.
    frame: Duration,
    delay: Box<dyn Fn(u64) -> Option<Duration>>,
    /// How many packets before it go along with each.
    copies: u16,
    on_the_way: Vec<RtpPayload>,
    sent: u64,
    blocks: u32,
}

impl Call {
    fn new(frame: Duration, delay: impl Fn(u64) -> Option<Duration> + 'static) -> Self {
        let mut voice = Voice::new(0.3);
        let mut encoder = OpusEncoder::new(OpusSettings::default()).unwrap();
        let voice = (0..250).map(|_| {
            let mut pcm = [0.0; FRAME_SAMPLES];
            pcm.as_chunks_mut().0.iter_mut().for_each(|block| voice.fill(block));
            encoder.encode(&pcm).unwrap().unwrap()
        });
        let (voice, start) = (voice.collect(), Instant::now());
        let playout = Playout::new(start).unwrap();
        let delay = Box::new(delay);
        Self {
            playout,
            start,
            voice,
            frame,
            delay,
            copies: 0,
            on_the_way: vec![],
            sent: 0,
            blocks: 0,
        }
    }

    fn packet(&self, n: u64) -> Bytes {
        self.voice[n as usize % self.voice.len()].clone()
    }

    /// Plays a block and returns how long it had waited.
    fn step(&mut self) -> (Played, StereoBlock) {
        let now = self.start + BLOCK * self.blocks;
        while self.start + self.frame * self.sent as u32 <= now {
            let n = self.sent;
            self.sent += 1;
            if let Some(delay) = (self.delay)(n) {
                let payload = self.packet(n);
                let copies = (1..=self.copies).rev().filter(|back| u64::from(*back) <= n);
                let earlier = copies.map(|distance| Earlier {
                    distance,
                    back: u32::from(distance) * FRAME_SAMPLES as u32,
                    payload: self.packet(n - u64::from(distance)),
                });
                let sound = BesideSound { level: None, earlier: earlier.collect() };
                let arrived = self.start + self.frame * n as u32 + delay;
                self.on_the_way.push(RtpPayload {
                    payload,
                    arrived,
                    sound,
                    ..packet(self.start, n, delay)
                });
            }
        }
        self.on_the_way.sort_by_key(|packet| packet.arrived);
        let here = self.on_the_way.partition_point(|packet| packet.arrived <= now);
        self.on_the_way.drain(..here).for_each(|packet| self.playout.push(packet));
        self.blocks += 1;
        let mut block = StereoBlock::SILENCE;
        let played = self.playout.pull(now, &mut block);
        (played, block)
    }
}

#[test]
fn a_stall_of_the_network_plays_everything_and_then_catches_up() {
    let stall = |n: u64| match n {
        100..106 => ms(20 * (106 - n) + 5),
        _ => ms(5),
    };
    let mut call = Call::new(ms(20), move |n| Some(stall(n)));
    let mut peak = Duration::ZERO;
    for _ in 0..1000 {
        call.step();
        peak = peak.max(call.playout.statistics().delay);
    }
    let statistics = call.playout.statistics();
    assert_eq!((statistics.lost, statistics.late, statistics.skipped), (0, 0, 0));
    assert!(peak >= ms(90), "the stall did not add to the delay: {peak:?}");
    assert!(statistics.removed_samples_for_acceleration > 2400, "{statistics:?}");
    assert!(statistics.delay < statistics.target + ms(20), "{statistics:?}");
}

#[test]
fn clocks_that_drift_apart_hold_the_delay_without_anything_made_up() {
    for drift in [-200i64, 200] {
        let frame = Duration::from_nanos((20_000_000 + drift * 20) as u64);
        let mut call = Call::new(frame, |n| Some(ms(30 + n * 7 % 5)));
        for block in 0..60_000 {
            let (played, _) = call.step();
            let statistics = call.playout.statistics();
            if block > 100 {
                assert_eq!(played, Played::Sound, "block {block} at {drift} ppm: {statistics:?}");
                let off = statistics.delay.abs_diff(statistics.target);
                assert!(off <= ms(26), "block {block} at {drift} ppm: {statistics:?}");
            }
        }
        let statistics = call.playout.statistics();
        // Ten minutes are off by 120 ms.
        let (more, less) = (
            statistics.inserted_samples_for_deceleration,
            statistics.removed_samples_for_acceleration,
        );
        let net = more as i64 - less as i64;
        assert!(
            (net - drift * 28_800 / 1000).abs() < 2400,
            "{drift} ppm: {more} more, {less} less"
        );
        assert_eq!((statistics.concealed_samples, statistics.skipped), (0, 0));
    }
}

#[test]
fn no_pattern_of_arrivals_makes_wild_sound_or_endless_delay() {
    for seed in 0..30u64 {
        let (loss, spread) =
            ([0.0, 0.05, 0.3, 0.7][seed as usize % 4], [2, 60, 400][seed as usize % 3]);
        let mut call = Call::new(ms(20), move |n| {
            let mut rng = StdRng::seed_from_u64(seed * 100_000 + n);
            let burst = if n % 97 < n % 13 { 250 } else { 0 };
            (!rng.random_bool(loss)).then(|| ms(rng.random_range(0..=spread) + burst))
        });
        for block in 0..800 {
            let (_, pcm) = call.step();
            assert!(pcm.left.iter().all(|x| x.abs() <= 1.0), "seed {seed}, block {block}");
            let delay = call.playout.statistics().delay;
            assert!(delay <= ms(650), "seed {seed}, block {block}: {delay:?}");
        }
    }
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
    let mut block = StereoBlock::SILENCE;
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
                sound: Default::default(),
            });
        }
        playout.pull(now, &mut block);
        assert!(block.left.iter().chain(&block.right).all(|x| x.abs() <= 1.0));
    }
}

fn tone_packets(start: Instant, count: u64) -> Vec<RtpPayload> {
    let mut encoder = OpusEncoder::new(OpusSettings::default()).unwrap();
    (0..count)
        .map(|n| {
            let pcm: [f32; FRAME_SAMPLES] = std::array::from_fn(|i| {
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
            let mut pcm = StereoBlock::SILENCE;
            playout.pull(now, &mut pcm);
            heard.extend(pcm.left);
        }
        heard
    };
    (play(|n| n % 20 == 13), play(|_| false))
}

#[test]
fn a_recovered_voice_is_nearer_to_the_whole_one_than_a_made_up_one() {
    let snr = |settings| {
        let (lossy, whole) = heard_with_and_without_loss(settings);
        // Changes of tempo may have come at other places: the one is looked for in the other.
        let whole = &whole[96_000..240_000];
        let likeness = |shift: &usize| -> f32 {
            whole.iter().zip(&lossy[*shift..]).step_by(7).map(|(a, b)| a * b).sum()
        };
        let shift =
            (94_000..98_000).max_by(|a, b| likeness(a).total_cmp(&likeness(b))).unwrap_or(96_000);
        let lossy = &lossy[shift..];
        let energy = |samples: &mut dyn Iterator<Item = f32>| samples.map(|x| x * x).sum::<f32>();
        let signal = energy(&mut whole.iter().copied());
        let error = energy(&mut whole.iter().zip(lossy).map(|(a, b)| a - b));
        10.0 * (signal / error).log10()
    };
    let recovered = snr(OpusSettings::default());
    let made_up = snr(OpusSettings { expected_loss: 0, ..OpusSettings::default() });
    assert!(recovered > made_up + 1.0, "recovered {recovered:.1} dB, made up {made_up:.1} dB");
    assert!(recovered > 10.0, "recovered {recovered:.1} dB");
}

#[test]
fn an_outage_fades_to_silence_within_a_sixth_of_a_second() {
    let start = Instant::now();
    let mut playout = Playout::new(start).unwrap();
    tone_packets(start, 20).into_iter().for_each(|packet| playout.push(packet));
    let mut levels = Vec::new();
    for block in 0..70 {
        let mut pcm = StereoBlock::SILENCE;
        let played = playout.pull(start + BLOCK * block, &mut pcm);
        levels.push((played, crate::process::level::Level::of(&pcm.left).rms()));
    }
    let last_sound = levels.iter().rposition(|(played, _)| *played == Played::Sound).unwrap();
    let concealed = &levels[last_sound + 1..last_sound + 17];
    assert!(concealed.iter().all(|(played, _)| *played == Played::Concealed));
    assert!(concealed[0].1 > 0.05 && concealed[15].1 < 0.03, "{concealed:?}");
    assert!(levels[last_sound + 17..].iter().all(|(played, _)| *played == Played::Silence));
}
