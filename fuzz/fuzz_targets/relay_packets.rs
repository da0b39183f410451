//! A relay that gets packets of clients and peers, one after another.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tincan_relay::credentials::SharedSecret;
use tincan_relay::frame::{BUFFER, Frame, HEADROOM};
use tincan_relay::relay::{Action, Client, Listener, Now, Policy, Relay, Transport};

// Each packet: who sends it, its length, and its bytes.
fuzz_target!(|input: &[u8]| {
    let start = Instant::now();
    let mut relay = Relay::new(Policy::default(), SharedSecret::new("s"), [0; 32], start);
    let address = SocketAddr::from(([192, 0, 2, 1], 3478));
    let listeners = [Transport::Udp, Transport::Tcp].map(|transport| {
        relay.listen(Listener {
            transport,
            address,
            public_ip: address.ip(),
            alternate_port: false,
            alternate_address: false,
        })
    });
    let mut allocations = Vec::new();
    let mut buffer = vec![0; BUFFER];
    let mut rest = input;
    let mut now = Now { instant: start, unix: Duration::from_secs(1_700_000_000) };
    while let [who, high, low, packets @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(packets.len());
        let (packet, more) = packets.split_at(length);
        rest = more;
        now.instant += Duration::from_secs(1);
        buffer[HEADROOM..HEADROOM + length].copy_from_slice(packet);
        let mut frame = Frame::new(&mut buffer, length);
        let sender = SocketAddr::from(([198, 51, 100, who & 7], 4000));
        if who & 0x80 != 0 {
            if let Some(&id) = allocations.last() {
                let _ = relay.peer_sent(now.instant, id, sender, &mut frame);
            }
            continue;
        }
        let listener = listeners[usize::from(who >> 3 & 1)];
        let client = Client { listener, address: sender };
        if let Action::Open(open) = relay.client_sent(now, client, &mut frame) {
            let bound = SocketAddr::new(open.ip, 50_000);
            allocations.extend(relay.opened(now, *open, Some(((), bound))).1);
        }
        relay.sweep(now.instant);
    }
});
