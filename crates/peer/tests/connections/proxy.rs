//! A path between two sides that loses what it is told to lose.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tincan_proto::PeerMessage;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Whether to lose a datagram; true first if it comes from side A.
pub type Loss = Box<dyn FnMut(bool, &[u8]) -> bool + Send>;

/// Each side sees the other at an address of this proxy.
pub struct Proxy {
    /// Where A sees B, and where B sees A.
    seen_by: [SocketAddr; 2],
    /// Where A and B are, once their candidates are known.
    real: Arc<Mutex<[Option<SocketAddr>; 2]>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Proxy {
    /// Starts to carry.
    pub async fn start(loss: Loss) -> Self {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        let sockets =
            [bind().await.expect("a free port"), bind().await.expect("a free port")].map(Arc::new);
        let seen_by = [0, 1].map(|side: usize| sockets[side].local_addr().expect("bound"));
        let real: Arc<Mutex<[Option<SocketAddr>; 2]>> = Arc::default();
        let loss = Arc::new(Mutex::new(loss));
        let tasks = [0, 1].map(|side: usize| {
            let (hears, says) = (sockets[side].clone(), sockets[1 - side].clone());
            let (real, loss) = (real.clone(), loss.clone());
            tokio::spawn(async move {
                let mut buffer = [0; 2048];
                while let Ok((length, from)) = hears.recv_from(&mut buffer).await {
                    let datagram = &buffer[..length];
                    let known = *real.lock().expect("not poisoned");
                    // A machine with several addresses sends from all of them.
                    if known[side] != Some(from) {
                        continue;
                    }
                    let lost = (loss.lock().expect("not poisoned"))(side == 0, datagram);
                    if let (false, Some(to)) = (lost, known[1 - side]) {
                        // Nobody there any more is the end of the test.
                        let _ = says.send_to(datagram, to).await;
                    }
                }
            })
        });
        Self { seen_by, real, tasks: tasks.into() }
    }

    /// Puts this proxy's address in place of a side's own; none: not to be passed on.
    pub fn redirect(&mut self, from_a: bool, message: PeerMessage) -> Option<PeerMessage> {
        match message {
            PeerMessage::Description(mut description) => {
                let lines = description.sdp.split_inclusive('\n');
                description.sdp = lines.filter(|l| !l.starts_with("a=candidate")).collect();
                Some(PeerMessage::Description(description))
            }
            PeerMessage::Renew => Some(PeerMessage::Renew),
            PeerMessage::Candidate(mut candidate) => {
                let mut fields: Vec<String> =
                    candidate.candidate.split(' ').map(str::to_owned).collect();
                let address: Ipv4Addr = fields.get(4)?.parse().ok()?;
                let real = SocketAddr::from((address, fields.get(5)?.parse().ok()?));
                let side = usize::from(!from_a);
                let known = &mut self.real.lock().expect("not poisoned")[side];
                if known.is_some_and(|known| known != real) {
                    return None;
                }
                *known = Some(real);
                let shown = self.seen_by[1 - side];
                (fields[4], fields[5]) = (shown.ip().to_string(), shown.port().to_string());
                candidate.candidate = fields.join(" ");
                Some(PeerMessage::Candidate(candidate))
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
