use super::*;

/// A way whose rate is above all that a source makes, or below.
fn table(name: &str, run: &Run) {
    for (flow, seconds) in run.flows.iter().enumerate() {
        for (n, second) in seconds.iter().enumerate() {
            eprintln!(
                "{name} flow {flow} {n:3} s: target {:6.0} rate {:6.0} kbit/s, p95 {:5.0} max {:5.0} ms, {:2} pictures{}",
                second.target / 1e3,
                second.rate / 1e3,
                second.latency_p95 * 1e3,
                second.latency_max * 1e3,
                second.pictures,
                run.tcp.get(n).map_or(String::new(), |tcp| format!(", TCP {:6.0}", tcp / 1e3)),
            );
        }
    }
}

#[test]
#[ignore]
fn look() {
    let which = std::env::var("WAY").unwrap_or_default();
    let network = Network::of(1e6);
    let plan = match which.as_str() {
        "500" => Plan::of(Network { queue: 1.0, delay: 0.002, ..Network::of(500e3) }, 30),
        "300" => Plan::of(Network { queue: 1.0, delay: 0.002, ..Network::of(300e3) }, 30),
        "step" => {
            let rate = vec![(0.0, 3e6), (15.0, 4e5), (40.0, 3e6)];
            let network = Network { rate, queue: 1.0, delay: 0.002, ..network };
            Plan { most: 1.7e6, ..Plan::of(network, 60) }
        }
        "free" => Plan { most: 2.5e6, ..Plan::of(Network::of(100e6), 15) },
        "wide" => Plan::of(Network::of(12e6), 30),
        "loss" => Plan { most: 1.7e6, ..Plan::of(Network { loss: 0.1, ..Network::of(100e6) }, 30) },
        "rows" => Plan {
            most: 1.7e6,
            ..Plan::of(Network { loss: 0.05, burst: 4.0, ..Network::of(100e6) }, 30)
        },
        "jitter" => Plan {
            most: 1.7e6,
            ..Plan::of(Network { delay: 0.1, jitter: 0.03, ..Network::of(100e6) }, 30)
        },
        "shallow" => Plan::of(Network { queue: 0.03, ..Network::of(1e6) }, 40),
        "far" => Plan::of(Network { delay: 0.2, ..Network::of(1e6) }, 40),
        "narrow" => Plan::of(Network { queue: 2.0, ..Network::of(150e3) }, 40),
        "mixed" => {
            Plan::of(Network { delay: 0.04, loss: 0.02, queue: 0.2, ..Network::of(1e6) }, 40)
        }
        "two" => Plan {
            flows: vec![0.0, 10.0],
            ..Plan::of(Network { queue: 0.3, ..Network::of(2e6) }, 60)
        },
        "tcp" => {
            Plan { tcp: Some(10.0), ..Plan::of(Network { queue: 0.3, ..Network::of(2e6) }, 60) }
        }
        "cut" => Plan {
            most: 1.7e6,
            ..Plan::of(Network { cut: Some((8.0, 13.0)), ..Network::of(100e6) }, 30)
        },
        other => panic!("no way is called {other}"),
    };
    table(&which, &run(plan));
}
