use super::*;

/// Runs with other packets lost, pictures of other sizes.
const SEEDS: u64 = 6;

fn wide() -> Network {
    Network::of(100e6)
}

/// A camera's pictures at VGA.
fn camera(network: Network, seconds: usize, seed: u64) -> Run {
    run(Plan { most: 1.7e6, seed, ..Plan::of(network, seconds) })
}

#[test]
fn narrow_ways_are_used_and_nothing_waits_long() {
    for (rate, queue, delay) in [
        (300e3, 1.0, 0.002),
        (500e3, 1.0, 0.002),
        (500e3, 0.3, 0.02),
        (1e6, 0.2, 0.04),
        (1e6, 2.0, 0.1),
        (3e6, 0.5, 0.02),
        (12e6, 0.5, 0.01),
    ] {
        for seed in 0..SEEDS {
            let network = Network { queue, delay, ..Network::of(rate) };
            let run = run(Plan { seed, ..Plan::of(network, 40) });
            let told = format!("{rate} bit/s, queue {queue} s, delay {delay} s, seed {seed}");
            let used = run.rate(0, 12, 40) / rate;
            assert!(used > 0.8, "{told}: {used:.2} used");
            let late = run.latencies(12.0, 40.0);
            let waited = share(&late, 0.5) - delay;
            assert!(waited < 0.15, "{told}: half of the pictures waited {waited:.3} s");
            let worst = share(&late, 0.95) - delay;
            assert!(worst < 0.3, "{told}: {worst:.3} s");
        }
    }
}

#[test]
fn a_sudden_drop_is_followed_at_once_and_so_is_the_return() {
    for (high, low, latest) in
        [(3e6, 4e5, 0.8), (3e6, 8e5, 0.4), (10e6, 1e6, 0.3), (2e6, 2.5e5, 1.1)]
    {
        for seed in 0..SEEDS {
            let rate = vec![(0.0, high), (15.0, low), (40.0, high)];
            let network = Network { rate, queue: 1.0, delay: 0.002, ..wide() };
            let run = camera(network, 60, seed);
            let told = format!("{high} to {low}, seed {seed}");
            let peak = share(&run.latencies(15.0, 40.0), 1.0);
            assert!(peak < latest, "{told}: a picture was {peak:.2} s late");
            let settled = share(&run.latencies(16.5, 40.0), 0.95);
            assert!(settled < 0.25, "{told}: {settled:.2} s late afterwards");
            assert!(run.rate(0, 20, 40) > 0.8 * low, "{told}: {:?}", run.rate(0, 20, 40));
            let before = run.rate(0, 8, 15);
            assert!(run.rate(0, 46, 48) > 0.8 * before, "{told}: {:?}", run.rate(0, 46, 48));
        }
    }
}

#[test]
fn a_wide_way_is_found_within_seconds() {
    for seed in 0..SEEDS {
        let run = run(Plan { most: 2.5e6, seed, ..Plan::of(wide(), 10) });
        assert!(run.rate(0, 1, 3) > 2.2e6, "seed {seed}: {:?}", run.flows[0]);
        assert!(share(&run.latencies(1.0, 10.0), 0.95) < 0.05, "seed {seed}");
    }
}

#[test]
fn loss_and_jitter_of_a_wide_way_are_no_congestion() {
    for (network, least) in [
        (Network { loss: 0.02, ..wide() }, 1.6e6),
        (Network { loss: 0.05, ..wide() }, 1.5e6),
        (Network { loss: 0.1, ..wide() }, 1.3e6),
        (Network { loss: 0.05, burst: 4.0, ..wide() }, 1.4e6),
        (Network { delay: 0.1, jitter: 0.03, ..wide() }, 1.6e6),
        (Network { delay: 0.03, jitter: 0.015, ..wide() }, 1.6e6),
    ] {
        for seed in 0..SEEDS {
            let run = camera(network.clone(), 40, seed);
            let rate = run.rate(0, 5, 40);
            assert!(rate > least, "{network:?}, seed {seed}: {rate:.0} bit/s");
        }
    }
}

#[test]
fn a_short_queue_is_no_obstacle() {
    for seed in 0..SEEDS {
        let run = run(Plan { seed, ..Plan::of(Network { queue: 0.03, ..Network::of(1e6) }, 40) });
        let used = run.rate(0, 10, 40) / 1e6;
        assert!(used > 0.8, "seed {seed}: {used:.2} used");
    }
}

#[test]
fn a_cut_way_is_taken_up_again_when_it_is_back() {
    for seed in 0..SEEDS {
        let run = camera(Network { cut: Some((8.0, 13.0)), ..wide() }, 25, seed);
        let first = run.pictures.iter().map(|(at, _)| *at).find(|at| *at > 13.0);
        assert!(first.is_some_and(|at| at < 13.5), "seed {seed}: {first:?}");
        assert!(run.rate(0, 16, 18) > 1.3e6, "seed {seed}: {:?}", run.rate(0, 16, 18));
    }
}

#[test]
fn two_calls_share_a_way() {
    for seed in 0..SEEDS {
        let network = Network { queue: 0.3, ..Network::of(2e6) };
        // Not at the very moments at which the other makes its pictures.
        let run = run(Plan {
            flows: vec![0.0, 10.009 + 0.002 * seed as f64],
            seed,
            ..Plan::of(network, 90)
        });
        let (one, other) = (run.rate(0, 30, 90), run.rate(1, 30, 90));
        let part = one / (one + other);
        assert!((0.4..0.6).contains(&part), "seed {seed}: {part:.2}");
        assert!(one + other > 1.6e6, "seed {seed}: {one:.0} + {other:.0}");
    }
}

#[test]
fn neither_a_call_nor_tcp_beside_it_starves() {
    for seed in 0..SEEDS {
        let network = Network { queue: 0.3, ..Network::of(2e6) };
        let run = run(Plan { tcp: Some(10.0), seed, ..Plan::of(network, 90) });
        let (call, tcp) = (run.rate(0, 25, 90), run.tcp[25..].iter().sum::<f64>() / 65.0);
        assert!(call > 0.3e6, "seed {seed}: the call got {call:.0}");
        assert!(tcp > 0.5e6, "seed {seed}: TCP got {tcp:.0}");
    }
}

#[test]
fn pictures_without_sound_go_on_after_the_way_was_narrow_for_a_moment() {
    for (high, low, queue) in [(3e6, 2e5, 1.0), (3e6, 4e5, 2.0), (10e6, 3e5, 1.0)] {
        for seed in 0..SEEDS {
            let rate = vec![(0.0, high), (15.0, low), (18.0, high)];
            let network = Network { rate, queue, ..wide() };
            let run = run(Plan { most: 1.7e6, muted: true, seed, ..Plan::of(network, 40) });
            let told = format!("{high} to {low}, queue {queue} s, seed {seed}");
            let longest = longest_pause(&run, 14.0, 40.0);
            assert!(longest < 3.0, "{told}: no picture for {longest:.1} s");
            assert!(run.rate(0, 30, 40) > 1e6, "{told}: {:?}", run.flows[0]);
        }
    }
}

#[test]
fn beside_a_long_queue_of_others_there_are_pictures_all_the_same() {
    for queue in [0.5, 1.0] {
        for seed in 0..SEEDS {
            let network = Network { queue, ..Network::of(3e6) };
            let run = run(Plan { tcp: Some(10.0), seed, ..Plan::of(network, 90) });
            let told = format!("queue {queue} s, seed {seed}");
            let (call, tcp) = (run.rate(0, 25, 90), run.tcp[25..].iter().sum::<f64>() / 65.0);
            let longest = longest_pause(&run, 20.0, 90.0);
            eprintln!("{told}: call {call:.0}, TCP {tcp:.0}, longest pause {longest:.1} s");
            assert!(call > 0.3e6, "{told}: the call got {call:.0}");
            assert!(tcp > 0.5e6, "{told}: TCP got {tcp:.0}");
            assert!(longest < 4.0, "{told}: no picture for {longest:.1} s");
        }
    }
}

#[test]
fn pictures_are_protected_only_for_who_can_make_use_of_it() {
    for (rebuilds, protected) in [(false, false), (true, true)] {
        let (mut estimator, start) = (Estimator::new(Limits::default()), Instant::now());
        if rebuilds {
            estimator.protect();
        }
        for n in 0..4_000u32 {
            let departed = start + Duration::from_millis(10) * n;
            let now = departed + Duration::from_millis(200);
            let arrived = (n % 20 != 7).then(|| Duration::from_millis(10) * n);
            estimator.report(now, &[Fate { departed, arrived, bytes: 1200 }]);
        }
        assert_eq!(estimator.protection().is_some(), protected);
    }
}

#[test]
fn pictures_wait_for_reports_that_are_overdue_but_not_for_ones_that_are_always_late() {
    const MS: Duration = Duration::from_millis(1);
    let (mut estimator, start) = (Estimator::new(Limits::default()), Instant::now() + 1000 * MS);
    let mut overdue = |packets: std::ops::Range<u32>, late: Option<u32>| {
        let mut count = 0;
        for n in packets {
            let now = start + MS * 10 * n;
            estimator.send(now, 200);
            count += u32::from(estimator.budget(now).overdue);
            if let Some(late) = late.filter(|_| n % 5 == 0) {
                let fates: Vec<Fate> = (n - 4..=n)
                    .map(|n| start + MS * 10 * n - MS * late)
                    .map(|at| Fate {
                        departed: at,
                        arrived: Some(at - start + MS * 1000),
                        bytes: 200,
                    })
                    .collect();
                estimator.report(now, &fates);
            }
        }
        (count, estimator.budget(start + MS * 10 * 700).overdue)
    };
    assert_eq!(overdue(10..200, Some(10)).0, 0);
    let (late, alone) = overdue(200..220, None);
    assert!((5..18).contains(&late), "from a tenth of a second without a report on: {late} of 20");
    assert!(!alone, "nothing else is sent: a picture is tried");
    overdue(220..400, Some(600));
    assert_eq!(overdue(400..600, Some(600)).0, 0, "the far side's reports come late from now on");
}

/// The longest time without a picture within these seconds.
fn longest_pause(run: &Run, from: f64, to: f64) -> f64 {
    let within = run.pictures.iter().map(|(at, _)| *at).filter(|at| (from..to).contains(at));
    let mut times: Vec<f64> = [from, to].into_iter().chain(within).collect();
    times.sort_by(f64::total_cmp);
    times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
}

/// The least, and the mean, that the estimate of a voice alone comes to in a minute in which this share
/// of its packets is lost by chance.
fn voice_alone(loss: f64, seed: u64) -> (f64, f64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut estimator = Estimator::new(Limits::default());
    let start = Instant::now();
    let (mut least, mut sum, mut reports) = (f64::INFINITY, 0.0, 0);
    for report in 1..1200u32 {
        let now = start + Duration::from_millis(50) * report;
        let fates: Vec<Fate> = [30, 10]
            .map(|before| now - Duration::from_millis(before))
            .into_iter()
            .map(|departed| Fate {
                departed,
                arrived: (!rng.random_bool(loss)).then(|| departed - start),
                bytes: 200,
            })
            .collect();
        estimator.send(now, 200);
        estimator.report(now, &fates);
        let target = f64::from(estimator.target().bps());
        (least, sum, reports) = (least.min(target), sum + target, reports + 1);
    }
    (least, sum / f64::from(reports))
}

#[test]
fn a_voice_alone_keeps_its_way_whatever_is_lost_by_chance() {
    for loss in [0.0, 0.1, 0.2, 0.3] {
        let runs: Vec<_> = (0..8).map(|seed| voice_alone(loss, seed)).collect();
        let least = runs.iter().map(|(least, _)| *least).fold(f64::INFINITY, f64::min);
        let mean = runs.iter().map(|(_, mean)| mean).sum::<f64>() / runs.len() as f64;
        eprintln!("{loss} lost: {least:.0} bit/s at least, {mean:.0} on average");
        // Enough for a voice with two copies.
        assert!(least > 110_000.0 && mean > 250_000.0, "{loss} lost: {least} least, {mean} mean");
    }
}
