//! A small TURN client, strict about what it is told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tincan_relay::TlsIdentity;
use tincan_relay::credentials::{Credential, SharedSecret};
use tincan_relay::peers::PeerRules;
use tincan_relay::relay::Policy;
use tincan_relay::server::{RelayConfig, RelayServer};
use tincan_relay::stun::channel::{channel_header, is_channel_data, message_length};
use tincan_relay::stun::{Class, Key, Message, TransactionId, Writer, attribute, method};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// How long an answer that has to come may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);
/// How long an answer over UDP is waited for before its request is sent again (RFC 8489, section 6.2.1).
const AGAIN: Duration = Duration::from_millis(500);
pub const LOCALHOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

pub fn secret() -> SharedSecret {
    SharedSecret::new("north")
}

/// A relay on loopback, with free ports, that lets peers of this machine through.
pub fn config(policy: Policy) -> RelayConfig {
    let mut config = RelayConfig::new(vec![LOCALHOST.into()], secret()).on_free_ports();
    config.policy = policy;
    config.tls = Some(TlsIdentity::self_signed().expect("a certificate"));
    config
}

/// The usual policy, for peers of this machine.
pub fn open() -> Policy {
    Policy { peers: PeerRules::everything(), ..Policy::default() }
}

pub async fn start(policy: Policy) -> RelayServer {
    RelayServer::start(config(policy)).await.expect("free ports")
}

pub fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

pub fn credential(account: &str) -> Credential {
    secret().mint(account, unix() + Duration::from_secs(60))
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

enum Wire {
    Udp(UdpSocket, SocketAddr),
    Stream(Box<dyn Stream>, Vec<u8>),
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// An answer.
    Answer(Vec<u8>),
    /// From a peer, by indication.
    Data(SocketAddr, Vec<u8>),
    /// From a peer, by channel.
    Channel(u16, Vec<u8>),
}

pub struct TurnClient {
    wire: Wire,
    pub credential: Credential,
    realm: String,
    nonce: String,
    /// What was relayed while an answer was waited for.
    kept: Vec<Came>,
}

impl TurnClient {
    pub async fn udp(relay: &RelayServer, account: &str) -> Self {
        Self::udp_to(LOCALHOST.into(), relay, account).await
    }

    /// By this address of the relay.
    pub async fn udp_to(ip: IpAddr, relay: &RelayServer, account: &str) -> Self {
        let socket = UdpSocket::bind((ip, 0)).await.expect("a port");
        Self::over(Wire::Udp(socket, SocketAddr::from((ip, relay.ports().udp))), account)
    }

    pub async fn tcp(relay: &RelayServer, account: &str) -> Self {
        let stream = TcpStream::connect(SocketAddr::from((LOCALHOST, relay.ports().tcp)));
        Self::over(Wire::Stream(Box::new(stream.await.expect("connects")), Vec::new()), account)
    }

    pub async fn tls(relay: &RelayServer, account: &str, sha256: &str) -> Self {
        let stream = TcpStream::connect(SocketAddr::from((LOCALHOST, relay.ports().tls[0])));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(pinned::Pinned::new(sha256, provider)))
            .with_no_client_auth();
        let name = "relay.example.org".try_into().expect("a name");
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream.await.expect("connects")).await;
        Self::over(Wire::Stream(Box::new(stream.expect("TLS")), Vec::new()), account)
    }

    fn over(wire: Wire, account: &str) -> Self {
        let credential = credential(account);
        Self { wire, credential, realm: String::new(), nonce: String::new(), kept: Vec::new() }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        match &mut self.wire {
            Wire::Udp(socket, to) => {
                socket.send_to(bytes, *to).await.expect("sends");
            }
            Wire::Stream(stream, _) => {
                stream.write_all(bytes).await.expect("writes");
                stream.flush().await.expect("flushes");
            }
        }
    }

    /// The next packet, whatever it is.
    pub async fn receive_bytes(&mut self) -> Vec<u8> {
        let packet = async {
            match &mut self.wire {
                Wire::Udp(socket, _) => {
                    let mut buffer = vec![0; 70_000];
                    let length = socket.recv(&mut buffer).await.expect("receives");
                    buffer.truncate(length);
                    buffer
                }
                Wire::Stream(stream, read) => loop {
                    match message_length(read).expect("in step") {
                        Some(length) if read.len() >= length => {
                            let rest = read.split_off(length);
                            break std::mem::replace(read, rest);
                        }
                        _ => assert_ne!(stream.read_buf(read).await.expect("reads"), 0, "closed"),
                    }
                },
            }
        };
        timeout(SOON, packet).await.expect("something comes")
    }

    async fn receive(&mut self) -> Came {
        let bytes = self.receive_bytes().await;
        if is_channel_data(&bytes) {
            let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
            let number = u16::from_be_bytes([bytes[0], bytes[1]]);
            return Came::Channel(number, bytes[4..4 + length].to_vec());
        }
        let message = Message::read(&bytes).expect("STUN");
        match message.class_and_method() {
            (Class::Indication, method::DATA) => {
                let peer = message.xor_address(attribute::XOR_PEER_ADDRESS).expect("a peer");
                Came::Data(peer, message.find(attribute::DATA).expect("data").to_vec())
            }
            _ => Came::Answer(bytes),
        }
    }

    /// What was relayed next.
    pub async fn relayed(&mut self) -> Came {
        if !self.kept.is_empty() {
            return self.kept.remove(0);
        }
        loop {
            match self.receive().await {
                Came::Answer(_) => {}
                came => return came,
            }
        }
    }

    pub fn key(&self) -> Key {
        Key::long_term(&self.credential.username, &self.realm, &self.credential.password)
    }

    pub fn signed(&self, writer: Writer) -> Writer {
        writer
            .attribute(attribute::USERNAME, self.credential.username.as_bytes())
            .attribute(attribute::REALM, self.realm.as_bytes())
            .attribute(attribute::NONCE, self.nonce.as_bytes())
            .sign(&self.key())
    }

    /// Sends bytes and waits for the answer to their transaction, sending again as UDP may lose
    /// them.
    pub async fn ask(&mut self, bytes: &[u8]) -> Vec<u8> {
        let transaction = Message::read(bytes).expect("a request").transaction();
        let answered = async {
            loop {
                self.send(bytes).await;
                match timeout(AGAIN, self.answer(transaction)).await {
                    Ok(answer) => return answer,
                    // a stream loses nothing, and would repeat what is whole
                    Err(_) if matches!(self.wire, Wire::Udp(..)) => {}
                    Err(_) => return self.answer(transaction).await,
                }
            }
        };
        timeout(SOON, answered).await.expect("an answer comes")
    }

    async fn answer(&mut self, transaction: TransactionId) -> Vec<u8> {
        loop {
            match self.receive().await {
                Came::Answer(answer) => {
                    let message = Message::read(&answer).expect("STUN");
                    if message.transaction() == transaction {
                        return answer;
                    }
                }
                came => self.kept.push(came),
            }
        }
    }

    /// Gets realm and nonce.
    pub async fn greet(&mut self) {
        let writer = Writer::new(Class::Request, method::ALLOCATE, rand::random());
        let request = writer.number(attribute::REQUESTED_TRANSPORT, 17 << 24).finish();
        let answer = self.ask(&request).await;
        assert_eq!(error(&answer), Some(401));
        let answer = Message::read(&answer).expect("STUN");
        self.realm = answer.text(attribute::REALM).expect("a realm").to_owned();
        self.nonce = answer.text(attribute::NONCE).expect("a nonce").to_owned();
    }

    /// A signed request, and its answer, which has to be signed if it is a success.
    pub async fn request(
        &mut self,
        method: u16,
        fill: impl FnOnce(Writer) -> Writer,
    ) -> Result<Vec<u8>, u16> {
        let writer = fill(Writer::new(Class::Request, method, rand::random()));
        let request = self.signed(writer).finish();
        let answer = self.ask(&request).await;
        match error(&answer) {
            Some(code) => Err(code),
            None => {
                let message = Message::read(&answer).expect("STUN");
                assert!(message.is_signed_with(&self.key()), "the server knows the password");
                Ok(answer)
            }
        }
    }

    /// Greets and allocates; the relayed address.
    pub async fn allocate(&mut self) -> Result<SocketAddr, u16> {
        self.allocate_with(|writer| writer).await
    }

    /// One of this family: 1 is IPv4, 2 is IPv6 (RFC 8656, section 18.6).
    pub async fn allocate_family(&mut self, family: u32) -> Result<SocketAddr, u16> {
        let ask = |w: Writer| w.number(attribute::REQUESTED_ADDRESS_FAMILY, family << 24);
        self.allocate_with(ask).await
    }

    async fn allocate_with(&mut self, more: impl Fn(Writer) -> Writer) -> Result<SocketAddr, u16> {
        if self.nonce.is_empty() {
            self.greet().await;
        }
        let udp = |writer: Writer| more(writer.number(attribute::REQUESTED_TRANSPORT, 17 << 24));
        let answer = self.request(method::ALLOCATE, udp).await?;
        let message = Message::read(&answer).expect("STUN");
        Ok(message.xor_address(attribute::XOR_RELAYED_ADDRESS).expect("an address"))
    }

    pub async fn permit(&mut self, peer: SocketAddr) -> Result<(), u16> {
        let fill = |writer: Writer| writer.xor_address(attribute::XOR_PEER_ADDRESS, peer);
        self.request(method::CREATE_PERMISSION, fill).await.map(|_| ())
    }

    pub async fn bind(&mut self, number: u16, peer: SocketAddr) -> Result<(), u16> {
        let fill = |writer: Writer| {
            writer
                .number(attribute::CHANNEL_NUMBER, u32::from(number) << 16)
                .xor_address(attribute::XOR_PEER_ADDRESS, peer)
        };
        self.request(method::CHANNEL_BIND, fill).await.map(|_| ())
    }

    pub async fn refresh(&mut self, lifetime: u32) -> Result<(), u16> {
        let fill = |writer: Writer| writer.number(attribute::LIFETIME, lifetime);
        self.request(method::REFRESH, fill).await.map(|_| ())
    }

    pub async fn send_to(&mut self, peer: SocketAddr, data: &[u8]) {
        let writer = Writer::new(Class::Indication, method::SEND, rand::random())
            .xor_address(attribute::XOR_PEER_ADDRESS, peer)
            .attribute(attribute::DATA, data);
        self.send(&writer.finish()).await;
    }

    pub async fn send_on(&mut self, number: u16, data: &[u8]) {
        let length = u16::try_from(data.len()).expect("short");
        let mut bytes = [&channel_header(number, length), data].concat();
        if matches!(self.wire, Wire::Stream(..)) {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        self.send(&bytes).await;
    }
}

/// The code of an error.
pub fn error(answer: &[u8]) -> Option<u16> {
    let message = Message::read(answer).expect("STUN");
    let value = message.find(attribute::ERROR_CODE)?;
    Some(u16::from(value[2]) * 100 + u16::from(value[3]))
}

mod pinned {
    use rustls::DigitallySignedStruct;
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::CryptoProvider;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use sha2::{Digest, Sha256};
    use std::sync::Arc;

    /// Trusts one certificate.
    #[derive(Debug)]
    pub struct Pinned {
        sha256: String,
        provider: Arc<CryptoProvider>,
    }

    impl Pinned {
        pub fn new(sha256: &str, provider: Arc<CryptoProvider>) -> Self {
            Self { sha256: sha256.to_owned(), provider }
        }
    }

    impl ServerCertVerifier for Pinned {
        fn verify_server_cert(
            &self,
            certificate: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            let digest = Sha256::digest(certificate);
            let shown = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            if shown == self.sha256 {
                Ok(ServerCertVerified::assertion())
            } else {
                Err(rustls::CertificateError::ApplicationVerificationFailure.into())
            }
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            self.provider.signature_verification_algorithms.supported_schemes()
        }
    }
}
