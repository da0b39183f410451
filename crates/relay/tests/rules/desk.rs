//! A relay whose sockets are numbers.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tincan_relay::credentials::{Credential, SharedSecret};
use tincan_relay::frame::{BUFFER, Frame, HEADROOM};
use tincan_relay::peers::PeerRules;
use tincan_relay::relay::{
    Action, AllocationId, Client, Listener, Now, Policy, Relay, Reply, Transport,
};
use tincan_relay::stun::{Class, Key, Message, Writer, attribute, method};

pub const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
pub const PUBLIC: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

pub struct Desk {
    pub relay: Relay<u16>,
    pub now: Now,
    pub client: Client,
    pub last: Option<AllocationId>,
    /// The client's last packet.
    pub sent: Vec<u8>,
    credential: Credential,
    realm: String,
    nonce: String,
    next_port: u16,
    transaction: u64,
}

/// What a packet led to.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Nothing,
    Reply(Reply),
    ToPeer { socket: u16, peer: SocketAddr, data: Vec<u8> },
    ToClient { client: Client, data: Vec<u8> },
}

impl Desk {
    pub fn new(policy: Policy) -> Self {
        let start = Instant::now();
        let secret = SharedSecret::new("north");
        let unix = Duration::from_secs(1_700_000_000);
        let mut relay = Relay::new(policy, secret.clone(), [1; 32], start);
        let listener = relay.listen(Listener {
            transport: Transport::Udp,
            address: SocketAddr::new(SERVER, 3478),
            public_ip: PUBLIC,
            alternate_port: false,
            alternate_address: false,
        });
        Self {
            relay,
            now: Now { instant: start, unix },
            client: Client { listener, address: SocketAddr::from(([203, 0, 113, 5], 4000)) },
            last: None,
            sent: Vec::new(),
            credential: secret.mint("alice", unix + Duration::from_secs(100_000)),
            realm: String::new(),
            nonce: String::new(),
            next_port: 50_000,
            transaction: 0,
        }
    }

    pub fn open() -> Self {
        Self::new(Policy { peers: PeerRules::default(), ..Policy::default() })
    }

    pub fn pass(&mut self, time: Duration) {
        self.now.instant += time;
        self.now.unix += time;
    }

    pub fn send(&mut self, packet: &[u8]) -> Outcome {
        self.sent = packet.to_vec();
        let mut buffer = vec![0; BUFFER];
        buffer[HEADROOM..HEADROOM + packet.len()].copy_from_slice(packet);
        let mut frame = Frame::new(&mut buffer, packet.len());
        let open = match self.relay.client_sent(self.now, self.client, &mut frame) {
            Action::Ignore => return Outcome::Nothing,
            Action::Reply(reply) => return Outcome::Reply(reply),
            Action::ToPeer { socket, peer } => {
                return Outcome::ToPeer { socket: *socket, peer, data: frame.bytes().to_vec() };
            }
            Action::ToClient(client) => {
                return Outcome::ToClient { client, data: frame.bytes().to_vec() };
            }
            Action::Open(open) => open,
        };
        assert_eq!(open.ip, SERVER);
        let port = self.next_port;
        self.next_port += 1;
        let bound = SocketAddr::new(SERVER, port);
        let (reply, id) = self.relay.opened(self.now, *open, Some((port, bound)));
        self.last = id;
        Outcome::Reply(reply)
    }

    /// What a peer's packet leads to for the client.
    pub fn hear(&mut self, id: AllocationId, peer: SocketAddr, data: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = vec![0; BUFFER];
        buffer[HEADROOM..HEADROOM + data.len()].copy_from_slice(data);
        let mut frame = Frame::new(&mut buffer, data.len());
        self.relay.peer_sent(self.now.instant, id, peer, &mut frame)?;
        Some(frame.bytes().to_vec())
    }

    /// A signed request; its answer, or the code of the refusal.
    pub fn request(
        &mut self,
        method: u16,
        fill: impl Fn(Writer) -> Writer,
    ) -> Result<Vec<u8>, u16> {
        if self.nonce.is_empty() {
            self.greet();
        }
        let answer = self.request_once(method, &fill);
        if answer == Err(438) {
            self.greet();
            return self.request_once(method, &fill);
        }
        answer
    }

    pub fn request_once(
        &mut self,
        method: u16,
        fill: &impl Fn(Writer) -> Writer,
    ) -> Result<Vec<u8>, u16> {
        let Credential { username, password } = &self.credential;
        let key = Key::long_term(username, &self.realm, password);
        let writer = fill(Writer::new(Class::Request, method, self.next_transaction()))
            .attribute(attribute::USERNAME, self.credential.username.as_bytes())
            .attribute(attribute::REALM, self.realm.as_bytes())
            .attribute(attribute::NONCE, self.nonce.as_bytes())
            .sign(&key);
        let Outcome::Reply(reply) = self.send(&writer.finish()) else { panic!("no answer") };
        assert_eq!((reply.listener, reply.to), (self.client.listener, self.client.address));
        match error(&reply.bytes) {
            Some(code) => Err(code),
            None => {
                let message = Message::read(&reply.bytes).expect("STUN");
                assert!(message.is_signed_with(&key));
                Ok(reply.bytes)
            }
        }
    }

    fn greet(&mut self) {
        let transaction = self.next_transaction();
        let writer = Writer::new(Class::Request, method::ALLOCATE, transaction);
        let Outcome::Reply(reply) = self.send(&writer.finish()) else { panic!("no answer") };
        assert_eq!(error(&reply.bytes), Some(401));
        let answer = Message::read(&reply.bytes).expect("STUN");
        self.realm = answer.text(attribute::REALM).expect("a realm").to_owned();
        self.nonce = answer.text(attribute::NONCE).expect("a nonce").to_owned();
    }

    fn next_transaction(&mut self) -> [u8; 12] {
        self.transaction += 1;
        let mut transaction = [0; 12];
        transaction[..8].copy_from_slice(&self.transaction.to_be_bytes());
        transaction
    }

    pub fn allocate(&mut self) -> Result<SocketAddr, u16> {
        let udp = |writer: Writer| writer.number(attribute::REQUESTED_TRANSPORT, 17 << 24);
        let answer = self.request(method::ALLOCATE, udp)?;
        let message = Message::read(&answer).expect("STUN");
        Ok(message.xor_address(attribute::XOR_RELAYED_ADDRESS).expect("an address"))
    }

    pub fn permit(&mut self, peer: SocketAddr) -> Result<(), u16> {
        let fill = |writer: Writer| writer.xor_address(attribute::XOR_PEER_ADDRESS, peer);
        self.request(method::CREATE_PERMISSION, fill).map(|_| ())
    }

    pub fn bind(&mut self, number: u16, peer: SocketAddr) -> Result<(), u16> {
        let fill = |writer: Writer| {
            writer
                .number(attribute::CHANNEL_NUMBER, u32::from(number) << 16)
                .xor_address(attribute::XOR_PEER_ADDRESS, peer)
        };
        self.request(method::CHANNEL_BIND, fill).map(|_| ())
    }

    pub fn refresh(&mut self, lifetime: u32) -> Result<u32, u16> {
        let fill = |writer: Writer| writer.number(attribute::LIFETIME, lifetime);
        let answer = self.request(method::REFRESH, fill)?;
        let message = Message::read(&answer).expect("STUN");
        Ok(message.number(attribute::LIFETIME).expect("a lifetime"))
    }

    pub fn send_to(&mut self, peer: SocketAddr, data: &[u8]) -> Outcome {
        let writer = Writer::new(Class::Indication, method::SEND, [3; 12])
            .xor_address(attribute::XOR_PEER_ADDRESS, peer)
            .attribute(attribute::DATA, data);
        self.send(&writer.finish())
    }
}

pub fn error(answer: &[u8]) -> Option<u16> {
    let message = Message::read(answer).expect("STUN");
    let value = message.find(attribute::ERROR_CODE)?;
    Some(u16::from(value[2]) * 100 + u16::from(value[3]))
}
