//! Stalls and leaps of the clock, of which the beginning of a call has most.

use super::*;

/// The target and what is waited after the packets of `seconds`, of which each takes `delay`.
fn after(seconds: u64, delay: impl Fn(u64) -> Duration + 'static) -> JitterStatistics {
    let mut call = Call::new(ms(20), move |n| Some(delay(n)));
    for _ in 0..seconds * 100 {
        call.step();
    }
    call.playout.statistics()
}

/// Packets `from` and later wait until the stall of so many milliseconds is over.
fn stall(from: u64, stall: u64) -> impl Fn(u64) -> Duration + Copy {
    move |n| ms(5 + if n < from { 0 } else { stall.saturating_sub(20 * (n - from)) })
}

#[test]
fn one_stall_at_the_beginning_is_not_waited_for_ever_after() {
    for length in [100, 200, 290] {
        let statistics = after(3, stall(5, length));
        assert!(statistics.target <= ms(25), "{length}: {:?}", statistics.target);
        assert!(statistics.delay <= ms(60), "{length}: {:?}", statistics.delay);
    }
}

#[test]
fn what_piled_up_before_the_first_was_heard_is_not_heard() {
    // The reader was late: all came at once.
    let statistics = after(1, stall(0, 280));
    assert!(statistics.delay <= ms(60), "{:?}", statistics.delay);
    assert!(statistics.skipped > 5, "{statistics:?}");
}

#[test]
fn another_way_that_is_longer_is_no_jitter() {
    let longer = |n| ms(if n < 300 { 5 } else { 105 });
    let before_that_is_known = after(9, longer);
    assert!(before_that_is_known.target >= ms(100), "{:?}", before_that_is_known.target);
    let statistics = after(12, longer);
    assert!(statistics.target <= ms(40), "{:?}", statistics.target);
    let even = after(12, |_| ms(5)).inserted_samples_for_deceleration;
    assert!(statistics.inserted_samples_for_deceleration < even + 4_800, "{statistics:?}");
}

#[test]
fn what_was_late_for_a_while_is_forgotten() {
    let mut rng = StdRng::seed_from_u64(3);
    let spread: Vec<u64> = (0..250).map(|_| rng.random_range(0..=250)).collect();
    let delay = move |n: u64| ms(5 + spread.get(n as usize).copied().unwrap_or(0));
    let high = after(5, delay.clone()).target;
    assert!(high > ms(200), "{high:?}");
    let fallen = after(20, delay).target;
    assert!(fallen < ms(60), "{fallen:?}");
}

#[test]
fn a_queue_that_is_gone_is_not_waited_for_much_longer() {
    // Two seconds of a queue that fills and empties, as where a call begins on a narrow way.
    let delay = |n: u64| ms(5 + if n < 100 { 4 * n.min(100 - n) } else { 0 });
    assert!(after(2, delay).target > ms(150), "{:?}", after(2, delay).target);
    let statistics = after(10, delay);
    assert!(statistics.target <= ms(50), "{:?}", statistics.target);
    assert!(statistics.delay <= ms(80), "{:?}", statistics.delay);
}
