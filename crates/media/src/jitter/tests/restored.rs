//! Packets that come as copies with later ones (RFC 2198).

use super::*;

/// Packets of a minute.
const MINUTE: u64 = 3000;

/// Which packets of a minute are lost, in rows of so many on average.
fn lost(share: f64, row: f64, seed: u64) -> Vec<bool> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut losing = false;
    (0..MINUTE)
        .map(|_| {
            // Where each is lost by itself, the next is as likely as any.
            let (begin, end) = match row <= 1.0 {
                true => (share, 1.0 - share),
                false => (share / row / (1.0 - share), 1.0 / row),
            };
            losing ^= rng.random_bool(if losing { end } else { begin });
            losing
        })
        .collect()
}

/// A minute's call in which these are lost.
fn call(lost: Vec<bool>, copies: u16) -> JitterStatistics {
    let mut call = Call::new(ms(20), move |n| {
        let arrives = !lost.get(n as usize).copied().unwrap_or_default();
        arrives.then(|| ms(20 + n * 7 % 5))
    });
    call.copies = copies;
    (0..2 * MINUTE).for_each(|_| _ = call.step());
    call.playout.statistics()
}

fn made_up(statistics: &JitterStatistics) -> f64 {
    statistics.concealed_samples as f64 / statistics.samples as f64
}

#[test]
fn copies_take_the_place_of_what_would_be_made_up() {
    let mut results = Vec::new();
    for (row, share) in [1.0, 3.0].into_iter().flat_map(|row| [0.1, 0.2, 0.3].map(|s| (row, s))) {
        let made_up = [0, 1, 2].map(|copies| {
            let calls = (0..2).map(|seed| made_up(&call(lost(share, row, seed), copies)));
            calls.sum::<f64>() / 2.0
        });
        eprintln!("{share} lost in rows of {row}: made up with 0, 1, 2 copies: {made_up:.4?}");
        results.push((row, share, made_up));
    }
    for (row, share, [none, one, two]) in results {
        // The codec's own copy goes on where those of packets end, in either case.
        let (with_one, with_two) = if row > 1.0 { (0.9, 0.65) } else { (0.55, 0.25) };
        assert!(one < with_one * none, "{share}, rows of {row}: {one} of {none}");
        assert!(two < with_two * none, "{share}, rows of {row}: {two} of {none}");
    }
}

#[test]
fn four_copies_bring_what_two_do_not_where_losses_come_in_rows() {
    for share in [0.05, 0.1, 0.2] {
        let [two, four] = [2, 4].map(|copies| {
            let calls = (0..3).map(|seed| made_up(&call(lost(share, 4.0, seed), copies)));
            calls.sum::<f64>() / 3.0
        });
        eprintln!("{share} lost in rows of 4: made up with 2, 4 copies: {two:.4} {four:.4}");
        assert!(four < 0.75 * two, "{share}: {four} of {two}");
    }
}

#[test]
fn what_copies_restore_is_lost_on_the_way_and_not_made_up() {
    let alone = |n: u64| n % 10 == 5;
    let of = |copies| call((0..MINUTE).map(alone).collect(), copies);
    let (plain, copied) = (of(0), of(1));
    assert_eq!(copied.lost, plain.lost);
    assert_eq!(copied.packets, plain.packets);
    // The first has nothing that says how long to wait.
    assert!(copied.restored + 2 >= copied.lost, "{copied:?}");
    assert!(made_up(&copied) < 0.002 && copied.recovered <= 2, "{copied:?}");
    assert!(copied.target <= ms(50), "{copied:?}");
}

#[test]
fn copies_of_what_has_come_change_nothing() {
    let plain = call(vec![], 0);
    let copied = call(vec![], 2);
    assert_eq!(copied, plain);
    assert_eq!(copied.restored, 0);
}

/// The `n`th packet with copies of the two before it.
fn with_copies(start: Instant, n: u64, delay: Duration) -> RtpPayload {
    let earlier = [2, 1].map(|distance| Earlier {
        distance,
        back: u32::from(distance) * FRAME_SAMPLES as u32,
        payload: packet_bytes(n - u64::from(distance)),
    });
    let sound = BesideSound { level: None, earlier: earlier.into() };
    RtpPayload { sound, ..packet(start, n, delay) }
}

#[test]
fn what_comes_after_its_copy_is_played_once() {
    let start = Instant::now();
    let late = |n: u64| if n % 8 == 3 { ms(35) } else { ms(5) };
    let packets = (2..100).map(|n| with_copies(start, n, late(n))).collect();
    let (pulled, buffer) = run(start, packets, 200);
    let heard = decoded(&pulled);
    assert!(heard.is_sorted_by(|a, b| a < b), "{heard:?}");
    assert!(heard.len() >= 95, "{heard:?}");
    assert_eq!((buffer.statistics().lost, buffer.statistics().concealed_samples), (0, 0));
}

#[test]
fn packets_before_the_first_to_come_are_played_from_its_copies() {
    let start = Instant::now();
    let packets = (10..50).map(|n| with_copies(start, n, ms(5))).collect();
    let (pulled, buffer) = run(start, packets, 90);
    assert_eq!(decoded(&pulled)[..3], [8, 9, 10]);
    assert_eq!(buffer.statistics().restored, 2);
}

#[test]
fn copies_that_do_not_fit_between_the_others_are_not_played() {
    let start = Instant::now();
    let packets = (2..60).filter(|n| n % 10 != 5).map(|n| {
        let mut packet = with_copies(start, n, ms(5));
        packet.sound.earlier.iter_mut().for_each(|copy| copy.back = copy.back * 3 + 17);
        // Before the first nothing tells.
        packet.sound.earlier.retain(|_| n > 4);
        packet
    });
    let (pulled, buffer) = run(start, packets.collect(), 100);
    let heard = decoded(&pulled);
    assert!(heard.is_sorted_by(|a, b| a < b), "{heard:?}");
    assert_eq!(buffer.statistics().restored, 0);
}
