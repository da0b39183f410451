//! Packets of other lengths than 20 ms, and changes between them.

use super::*;
use crate::codec::opus::PacketTime;

const ALL: [PacketTime; 4] =
    [PacketTime::Short, PacketTime::Usual, PacketTime::Long, PacketTime::Longest];

/// A stream in packets of these lengths, each of which leaves when it is full.
fn stream(start: Instant, lengths: impl Iterator<Item = PacketTime>) -> Vec<RtpPayload> {
    let mut voice = Voice::new(0.3);
    let mut encoder = OpusEncoder::new(OpusSettings::default()).unwrap();
    let (mut blocks, mut sequence) = (0, 0u16);
    lengths
        .map(|length| {
            let mut pcm = vec![0.0; length.blocks() * BLOCK_SAMPLES];
            pcm.as_chunks_mut().0.iter_mut().for_each(|block| voice.fill(block));
            let timestamp = blocks as u32 * BLOCK_SAMPLES as u32;
            blocks += length.blocks();
            sequence += 1;
            RtpPayload {
                sequence,
                timestamp,
                payload: encoder.encode(&pcm).unwrap().unwrap(),
                arrived: start + BLOCK * blocks as u32 + ms(5),
                ..packet(start, 0, ms(0))
            }
        })
        .collect()
}

/// Plays packets to their end.
fn play_all(start: Instant, packets: Vec<RtpPayload>) -> (Vec<f32>, JitterStatistics) {
    let blocks = (packets.last().unwrap().arrived - start).as_millis() / 10;
    let mut packets = packets.into_iter().peekable();
    let mut playout = Playout::new(start).unwrap();
    let mut heard = Vec::new();
    for block in 0..blocks as u32 {
        let now = start + BLOCK * block;
        while let Some(packet) = packets.next_if(|packet| packet.arrived <= now) {
            playout.push(packet);
        }
        let mut pcm = StereoBlock::SILENCE;
        playout.pull(now, &mut pcm);
        heard.extend(pcm.left);
    }
    (heard, playout.statistics())
}

#[test]
fn packets_of_every_length_are_played_without_anything_made_up() {
    for length in ALL {
        let start = Instant::now();
        let packets = stream(start, std::iter::repeat_n(length, 600 / length.blocks()));
        let (_, statistics) = play_all(start, packets);
        assert_eq!(statistics.concealed_samples, 0, "{length:?}: {statistics:?}");
        let short = length == PacketTime::Short;
        assert!(statistics.target <= if short { ms(15) } else { ms(20) }, "{length:?}");
    }
}

#[test]
fn another_length_begins_without_a_loss_or_a_pause() {
    for (from, to) in ALL.into_iter().flat_map(|from| ALL.map(|to| (from, to))) {
        let start = Instant::now();
        let packets = stream(
            start,
            std::iter::repeat_n(from, 300 / from.blocks())
                .chain(std::iter::repeat_n(to, 300 / to.blocks())),
        );
        let (heard, statistics) = play_all(start, packets);
        assert_eq!((statistics.lost, statistics.late, statistics.skipped), (0, 0, 0));
        // A longer packet comes later by what it is longer, for which the buffer makes up, and for the
        // time from one look to the next, twice.
        let longer = to.blocks().saturating_sub(from.blocks());
        let most = if longer == 0 { 0 } else { (longer + 2) * BLOCK_SAMPLES };
        let made_up = statistics.concealed_samples as usize;
        assert!(made_up <= most, "{from:?} to {to:?}: {made_up}");
        assert_eq!(statistics.silent_concealed_samples, 0);
        let step = heard.windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.25, "{from:?} to {to:?}: a click of {step}");
    }
}

#[test]
fn a_lost_long_packet_is_rebuilt_whole_from_the_next_one() {
    let start = Instant::now();
    let mut packets = stream(start, std::iter::repeat_n(PacketTime::Long, 100));
    let mut n = 0;
    packets.retain(|_| {
        n += 1;
        n % 10 != 7
    });
    let (_, statistics) = play_all(start, packets);
    assert_eq!(statistics.lost, 10);
    assert!(statistics.recovered >= 9, "{statistics:?}");
    // The first teaches the buffer to wait for the copies.
    assert!(statistics.concealed_samples <= 4 * BLOCK_SAMPLES as u64, "{statistics:?}");
}

#[test]
fn short_packets_hold_the_least_delay_while_clocks_drift() {
    for drift in [-200i64, 200] {
        let start = Instant::now();
        let mut packets = stream(start, std::iter::repeat_n(PacketTime::Short, 12_000));
        for (n, packet) in packets.iter_mut().enumerate() {
            let frame = Duration::from_nanos((10_000_000 + drift * 10) as u64);
            packet.arrived = start + frame * (n as u32 + 1) + ms(5 + n as u64 * 7 % 4);
        }
        let (_, statistics) = play_all(start, packets);
        assert_eq!(statistics.concealed_samples, 0, "{drift} ppm: {statistics:?}");
        assert!(statistics.target <= ms(15), "{drift} ppm: {statistics:?}");
    }
}
