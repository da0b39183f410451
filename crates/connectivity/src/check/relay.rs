//! One allocation at a relay, over a datagram socket or a stream.

use super::link::Link;
use crate::findings::{Finding, LinkQuality, Reached, RelayProblem};
use crate::message::{self, Authentication, Refusal, Request};
use crate::server_url::Transport;
use std::net::SocketAddr;
use std::time::Duration;
use tincan_proto::IceServer;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// A request is sent anew over UDP after so long, and again after each doubling.
const RESEND: Duration = Duration::from_millis(200);
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How long freeing may take; an allocation that is not freed expires.
const FREEING: Duration = Duration::from_millis(400);
/// Packets of the loss test: small, as voice is, for a second and a half.
const PACKETS: u32 = 50;
const PACKET_INTERVAL: Duration = Duration::from_millis(30);
/// The last ones have so long to come back.
const TAIL: Duration = Duration::from_millis(500);
/// Bytes of each packet.
const PAYLOAD: usize = 100;

/// RFC 8489, section 9.2.4; RFC 8656, section 18.
const UNAUTHENTICATED: u16 = 401;
const STALE_NONCE: u16 = 438;
const WRONG_CREDENTIALS: u16 = 441;

/// An allocation that must be freed.
pub struct Allocation {
    link: Link,
    authentication: Authentication,
    relayed: SocketAddr,
    round_trip: Duration,
}

impl Allocation {
    /// Connects, signs in and allocates.
    pub async fn make(
        transport: Transport,
        host: &str,
        port: u16,
        server: &IceServer,
    ) -> Result<Self, RelayProblem> {
        let pin = server.certificate_sha256.as_deref();
        let mut link = Link::connect(transport, host, port, pin).await?;
        let mut authentication = None;
        // Without credentials, with them, and once more should the nonce be stale.
        for _ in 0..3 {
            let request = message::allocate(authentication.as_ref());
            let begin = Instant::now();
            let (bytes, answer) = exchange(&mut link, &request, authentication.as_ref()).await?;
            match (answer, authentication) {
                (Ok(Some(relayed)), Some(authentication)) => {
                    let round_trip = begin.elapsed();
                    return Ok(Self { link, authentication, relayed, round_trip });
                }
                (Err(refusal), None) if refusal.code == UNAUTHENTICATED => {
                    authentication = credentials(&bytes, server);
                }
                (Err(refusal), Some(_)) if refusal.code == STALE_NONCE => {
                    authentication = credentials(&bytes, server);
                }
                (Err(refusal), _) => return Err(problem(refusal)),
                (Ok(_), _) => return Err(RelayProblem::NoAnswer),
            }
            if authentication.is_none() {
                break;
            }
        }
        Err(RelayProblem::Credentials)
    }

    /// What the check reports of it.
    pub fn reached(&self) -> Reached {
        Reached { round_trip: self.round_trip, relayed: self.relayed }
    }

    /// Sends packets to its own relayed address, so that they come back the same way.
    pub async fn measure(&mut self, transport: Transport) -> Finding<LinkQuality> {
        let unknown = |why: String| Finding::Unknown { why, possible: vec![] };
        let relayed = self.relayed;
        let permit = message::permit(&self.authentication, relayed);
        match exchange(&mut self.link, &permit, Some(&self.authentication)).await {
            Ok((_, Ok(_))) => {}
            Ok((_, Err(refusal))) => {
                return unknown(format!("the relay does not send to itself: {}", refusal.code));
            }
            Err(problem) => return unknown(problem.to_string()),
        }
        let begin = Instant::now();
        let mut round_trips = [None; PACKETS as usize];
        let mut sent = 0;
        loop {
            let due = begin + PACKET_INTERVAL * sent;
            let until = if sent < PACKETS { due } else { due + TAIL };
            match timeout_at(until, self.link.receive()).await {
                Ok(Ok(bytes)) => {
                    let number = message::read_data(&bytes).and_then(|data| number_of(&data));
                    if let Some(number) = number.filter(|&number| number < sent) {
                        let sent_at = begin + PACKET_INTERVAL * number;
                        round_trips[number as usize].get_or_insert(sent_at.elapsed());
                    }
                    if sent == PACKETS && round_trips.iter().all(Option::is_some) {
                        break;
                    }
                }
                Ok(Err(problem)) if transport != Transport::Udp => {
                    return unknown(problem.to_string());
                }
                Ok(Err(_)) => {}
                Err(_) if sent == PACKETS => break,
                Err(_) => {
                    let mut payload = [0; PAYLOAD];
                    payload[..4].copy_from_slice(&sent.to_be_bytes());
                    // A datagram that cannot leave is a lost one.
                    let _ = self.link.send(&message::send(relayed, &payload)).await;
                    sent += 1;
                }
            }
        }
        let mut back: Vec<Duration> = round_trips.into_iter().flatten().collect();
        back.sort_unstable();
        let Some(&round_trip) = back.get(back.len() / 2) else {
            return unknown("the relay does not send to itself".to_owned());
        };
        Finding::Known(LinkQuality { transport, sent, received: back.len() as u32, round_trip })
    }

    /// Gives the address back.
    pub async fn free(mut self) {
        let request = message::free(&self.authentication);
        let freed = exchange(&mut self.link, &request, Some(&self.authentication));
        if !matches!(timeout(FREEING, freed).await, Ok(Ok((_, Ok(_))))) {
            tracing::debug!("the relay did not confirm that the allocation is freed");
        }
    }
}

fn credentials(refusal: &[u8], server: &IceServer) -> Option<Authentication> {
    message::authentication(refusal, &server.username, &server.credential)
}

fn problem(Refusal { code, reason }: Refusal) -> RelayProblem {
    match code {
        UNAUTHENTICATED | WRONG_CREDENTIALS => RelayProblem::Credentials,
        _ => RelayProblem::Refused { code, reason },
    }
}

fn number_of(data: &[u8]) -> Option<u32> {
    data.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

type Answered = (Vec<u8>, Result<Option<SocketAddr>, Refusal>);

/// Sends a request, over UDP again and again, until it is answered.
async fn exchange(
    link: &mut Link,
    request: &Request,
    authentication: Option<&Authentication>,
) -> Result<Answered, RelayProblem> {
    let deadline = Instant::now() + PATIENCE;
    let mut wait = RESEND;
    let mut problem = RelayProblem::NoAnswer;
    link.send(&request.bytes).await?;
    let mut resend = Instant::now() + wait;
    loop {
        let until = if link.is_reliable() { deadline } else { resend.min(deadline) };
        match timeout_at(until, link.receive()).await {
            Ok(Ok(bytes)) => {
                if let Some(answer) = message::read_answer(&bytes, request.id, authentication) {
                    return Ok((bytes, answer));
                }
                continue;
            }
            Ok(Err(error)) if link.is_reliable() => return Err(error),
            // "Port unreachable" for what was sent before: the next may find somebody there.
            Ok(Err(error)) => {
                problem = error;
                sleep_until(until).await;
            }
            Err(_) => {}
        }
        if Instant::now() >= deadline {
            return Err(problem);
        }
        if let Err(error) = link.send(&request.bytes).await {
            problem = error;
        }
        wait *= 2;
        resend = Instant::now() + wait;
    }
}
