//! What a relay has counted, read by others while it runs.

use crate::relay::{Counters, DropReason, Refusal};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// What a relay has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// What was decided.
    pub counters: Counters,
    /// TCP connections that are open.
    pub tcp_connections: u64,
    /// TLS connections that are open.
    pub tls_connections: u64,
    /// Connections that were closed at once: too many.
    pub connections_refused: u64,
    /// Packets that a client's connection was too slow for.
    pub packets_too_many: u64,
}

impl Stats {
    /// In the text format of Prometheus.
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        let counters = &self.counters;
        gauge(&mut text, "relay_allocations", counters.allocations);
        counter(&mut text, "relay_allocations_total", &[("", counters.allocations_made)]);
        counter(&mut text, "relay_stun_bindings_total", &[("", counters.bindings)]);
        let directions = |to_peers, to_clients| {
            [("direction=\"to_peers\"", to_peers), ("direction=\"to_clients\"", to_clients)]
        };
        let packets = directions(counters.packets_to_peers, counters.packets_to_clients);
        counter(&mut text, "relay_packets_total", &packets);
        let bytes = directions(counters.bytes_to_peers, counters.bytes_to_clients);
        counter(&mut text, "relay_bytes_total", &bytes);
        let refused = Refusal::ALL.map(|it| (reason(it.label()), counters.refused(it)));
        counter(&mut text, "relay_refusals_total", &refused);
        let dropped = DropReason::ALL.map(|it| (reason(it.label()), counters.dropped(it)));
        counter(&mut text, "relay_dropped_total", &dropped);
        counter(&mut text, "relay_too_slow_total", &[("", self.packets_too_many)]);
        gauge(&mut text, "relay_tcp_connections", self.tcp_connections);
        gauge(&mut text, "relay_tls_connections", self.tls_connections);
        counter(&mut text, "relay_connections_refused_total", &[("", self.connections_refused)]);
        text
    }
}

fn reason(label: &str) -> String {
    format!("reason=\"{label}\"")
}

fn gauge(text: &mut String, name: &str, value: u64) {
    writeln!(text, "# TYPE tincan_{name} gauge\ntincan_{name} {value}")
        .expect("a String takes everything");
}

fn counter(text: &mut String, name: &str, values: &[(impl AsRef<str>, u64)]) {
    writeln!(text, "# TYPE tincan_{name} counter").expect("a String takes everything");
    for (label, value) in values {
        let label = label.as_ref();
        let label = if label.is_empty() { String::new() } else { format!("{{{label}}}") };
        writeln!(text, "tincan_{name}{label} {value}").expect("a String takes everything");
    }
}

/// The figures as last published.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedStats(Arc<Mutex<Stats>>);

impl SharedStats {
    pub fn read(&self) -> Stats {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn publish(&self, stats: Stats) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stats;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_lines_that_prometheus_reads() {
        let stats = Stats { tls_connections: 3, ..Stats::default() };
        let text = stats.prometheus();
        assert!(text.contains("# TYPE tincan_relay_tls_connections gauge\n"));
        assert!(text.contains("\ntincan_relay_tls_connections 3\n"));
        assert!(text.contains("\ntincan_relay_refusals_total{reason=\"forged\"} 0\n"));
        assert!(text.contains("\ntincan_relay_bytes_total{direction=\"to_peers\"} 0\n"));
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').expect("name and value");
            assert!(name.starts_with("tincan_relay_"), "{line}");
            assert!(value.parse::<u64>().is_ok(), "{line}");
        }
    }
}
