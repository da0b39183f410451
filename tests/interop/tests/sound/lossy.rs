//! A path between two peers of this machine that loses sound.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// One datagram of sound in so many is lost, 0 for none.
pub type OneIn = u32;

/// Each peer sees the other at an address of this path.
pub struct Lossy {
    seen_by: [SocketAddr; 2],
    real: Arc<Mutex<[Option<SocketAddr>; 2]>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Lossy {
    /// Starts to carry.
    pub async fn start(one_in: OneIn) -> Result<Self> {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        let sockets = [Arc::new(bind().await?), Arc::new(bind().await?)];
        let seen_by = [sockets[0].local_addr()?, sockets[1].local_addr()?];
        let real: Arc<Mutex<[Option<SocketAddr>; 2]>> = Arc::default();
        let tasks = [0, 1].map(|side: usize| {
            let (hears, says) = (sockets[side].clone(), sockets[1 - side].clone());
            tokio::spawn(carry(side, hears, says, real.clone(), one_in))
        });
        Ok(Self { seen_by, real, tasks: tasks.into() })
    }

    /// Puts this path's addresses in the place of a peer's own; none: not to be passed on.
    pub fn redirect(&self, from: usize, event: &Value) -> Result<Option<(&'static str, Value)>> {
        match event["ev"].as_str().unwrap_or_default() {
            "description" => {
                let sdp = event["sdp"].as_str().context("a description has text")?;
                let lines = sdp.split_inclusive('\n').filter(|l| !l.starts_with("a=candidate"));
                let sdp: String = lines.collect();
                Ok(Some(("description", json!({ "type": event["type"], "sdp": sdp }))))
            }
            "candidate" => Ok(self.candidate(from, &event["candidate"])),
            _ => Ok(None),
        }
    }

    fn candidate(&self, from: usize, candidate: &Value) -> Option<(&'static str, Value)> {
        let mut fields: Vec<String> =
            candidate["candidate"].as_str()?.split(' ').map(str::to_owned).collect();
        let address: Ipv4Addr = fields.get(4)?.parse().ok()?;
        let real = SocketAddr::from((address, fields.get(5)?.parse().ok()?));
        if !fields.get(2)?.eq_ignore_ascii_case("udp") {
            return None;
        }
        let known = &mut self.real.lock().unwrap_or_else(PoisonError::into_inner)[from];
        if known.is_some_and(|known| known != real) {
            return None;
        }
        *known = Some(real);
        let shown = self.seen_by[1 - from];
        (fields[4], fields[5]) = (shown.ip().to_string(), shown.port().to_string());
        let mut candidate = candidate.clone();
        candidate["candidate"] = fields.join(" ").into();
        Some(("candidate", json!({ "candidate": candidate })))
    }
}

async fn carry(
    side: usize,
    hears: Arc<UdpSocket>,
    says: Arc<UdpSocket>,
    real: Arc<Mutex<[Option<SocketAddr>; 2]>>,
    one_in: OneIn,
) {
    let mut buffer = [0; 2048];
    let mut number = 1u32;
    while let Ok((length, from)) = hears.recv_from(&mut buffer).await {
        let datagram = &buffer[..length];
        let known = *real.lock().unwrap_or_else(PoisonError::into_inner);
        // A machine with several addresses sends from all of them.
        if known[side] != Some(from) {
            continue;
        }
        // RFC 7983, section 7; RFC 5761, section 4.
        let is_rtp =
            matches!(datagram, [128..=191, kind, ..] if !(64..96).contains(&(kind & 0x7f)));
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let lost = is_rtp && one_in > 0 && (number >> 8).is_multiple_of(one_in);
        if let (false, Some(to)) = (lost, known[1 - side]) {
            // Nobody there any more is the end of the call.
            let _ = says.send_to(datagram, to).await;
        }
    }
}
