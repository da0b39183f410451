//! A simulated way, and TCP on it.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::VecDeque;

/// What a way is like; seconds, and bits a second.
#[derive(Clone, Debug)]
pub struct Network {
    /// The rate from each moment on.
    pub rate: Vec<(f64, f64)>,
    /// One way.
    pub delay: f64,
    /// More or less by as much, in order.
    pub jitter: f64,
    /// How long the queue may become.
    pub queue: f64,
    /// Share of packets lost at random.
    pub loss: f64,
    /// So many in a row on average.
    pub burst: f64,
    /// Nothing passes between these.
    pub cut: Option<(f64, f64)>,
}

impl Network {
    pub fn of(rate: f64) -> Self {
        Self {
            rate: vec![(0.0, rate)],
            delay: 0.02,
            jitter: 0.0,
            queue: 0.5,
            loss: 0.0,
            burst: 1.0,
            cut: None,
        }
    }
}

/// Its state.
#[derive(Debug)]
pub struct Way {
    network: Network,
    random: StdRng,
    busy_until: f64,
    last: f64,
    losing: bool,
}

impl Way {
    pub fn new(network: Network, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { network, random, busy_until: 0.0, last: 0.0, losing: false }
    }

    pub fn delay(&self) -> f64 {
        self.network.delay
    }

    /// When a packet arrives; none if it is lost.
    pub fn pass(&mut self, t: f64, bytes: usize) -> Option<f64> {
        let Network { delay, jitter, queue, loss, burst, cut, .. } = self.network;
        if cut.is_some_and(|(from, to)| (from..to).contains(&t)) {
            return None;
        }
        let chance = match self.losing {
            _ if burst <= 1.0 => loss,
            true => 1.0 - 1.0 / burst,
            false => loss / burst / (1.0 - loss),
        };
        self.losing = self.random.random::<f64>() < chance;
        let begins = self.busy_until.max(t);
        if self.losing || begins - t > queue {
            return None;
        }
        let rate = self.network.rate.iter().rfind(|(from, _)| *from <= begins);
        self.busy_until = begins + bytes as f64 * 8.0 / rate.map_or(1e9, |(_, rate)| *rate);
        let shaken = if jitter > 0.0 { self.random.random_range(-jitter..jitter) } else { 0.0 };
        self.last = self.last.max(self.busy_until + (delay + shaken).max(0.0));
        Some(self.last)
    }
}

const SEGMENT: usize = 1448;

/// One flow of TCP (NewReno, with its window in segments).
#[derive(Debug)]
pub struct Tcp {
    begins: f64,
    window: f64,
    slow_until: f64,
    in_flight: VecDeque<(f64, bool)>,
    recovered: f64,
    arrived: Vec<f64>,
}

impl Tcp {
    pub fn new(begins: f64) -> Self {
        Self {
            begins,
            window: 10.0,
            slow_until: f64::INFINITY,
            in_flight: VecDeque::new(),
            recovered: 0.0,
            arrived: Vec::new(),
        }
    }

    pub fn step(&mut self, t: f64, way: &mut Way) {
        if t < self.begins {
            return;
        }
        while self.in_flight.front().is_some_and(|(at, _)| *at <= t) {
            let Some((_, came)) = self.in_flight.pop_front() else { break };
            if came {
                let slow = self.window < self.slow_until;
                self.window += if slow { 1.0 } else { 1.0 / self.window };
            } else if t > self.recovered {
                self.window = (self.window / 2.0).max(2.0);
                self.slow_until = self.window;
                // Once in a round trip, with all that waits.
                let last = self.in_flight.back().map_or(t, |(at, _)| *at);
                self.recovered = last.max(t + 2.0 * way.delay() + 0.3);
            }
        }
        while (self.in_flight.len() as f64) < self.window {
            let arrived = way.pass(t, SEGMENT + 52);
            if let Some(at) = arrived {
                self.arrived.push(at);
            }
            let latest = self.in_flight.back().map_or(0.0, |(at, _)| *at);
            // A loss is noticed when what was sent behind it is acknowledged.
            let noticed =
                arrived.map_or(latest.max(t + 2.0 * way.delay()) + 0.02, |at| at + way.delay());
            self.in_flight.push_back((noticed.max(latest), arrived.is_some()));
        }
    }

    pub fn seconds(&self, count: usize) -> Vec<f64> {
        let bits = |n: usize| {
            let within = self.arrived.iter().filter(|at| **at >= n as f64 && **at < (n + 1) as f64);
            within.count() as f64 * SEGMENT as f64 * 8.0
        };
        (0..count).map(bits).collect()
    }
}
