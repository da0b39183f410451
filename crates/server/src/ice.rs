//! Which STUN and TURN servers clients are told of: the server's own relay, or an operator's
//! coturn. Mints their credentials; relays nothing itself.

mod host;

pub use host::{Host, NotAHost};

use crate::echo::echo_name;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, IceServer, IceServers};
use tincan_relay::credentials::SharedSecret;
use tincan_relay::peers::PeerRules;
use tincan_relay::server::{RelayConfig, RelayPorts};

/// How long credentials are good. Clients ask for new ones before that; a call that lasts longer
/// keeps what it has.
pub const CREDENTIAL_LIFETIME: Duration = Duration::from_secs(3600);

/// Where relays come from.
#[derive(Clone, Debug)]
pub enum RelayChoice {
    /// Nothing is handed out.
    None,
    /// The server relays itself.
    Own(Box<OwnRelay>),
    /// Somebody else's server with the same secret, such as coturn with `use-auth-secret`.
    External {
        /// Such as `turn:turn.example.org:3478?transport=udp`.
        urls: Vec<String>,
        /// What credentials are minted with.
        secret: SharedSecret,
    },
}

/// The server's own relay.
#[derive(Clone, Debug)]
pub struct OwnRelay {
    /// Where it listens and what it grants.
    pub config: RelayConfig,
    /// Certificate and key for TLS; none: one is made and kept beside the database.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

impl OwnRelay {
    /// What goes with a server that listens there: the same addresses, of both families if all
    /// are meant; free ports if any is meant; and no denied peers if only programs of this
    /// machine reach it, since those gain nothing by a relay.
    pub fn beside(listen: SocketAddr) -> Self {
        let ips = if listen.ip().is_unspecified() {
            vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]
        } else {
            vec![listen.ip()]
        };
        let mut config = RelayConfig::new(ips, SharedSecret::random());
        if listen.port() == 0 {
            config = config.on_free_ports();
        }
        if listen.ip().is_loopback() {
            config.policy.peers = PeerRules::everything();
        }
        Self { config, certificate: None }
    }
}

/// What is handed out.
#[derive(Clone, Debug)]
pub(crate) enum HandOut {
    Nothing,
    Own { ports: RelayPorts, certificate_sha256: Option<String>, secret: SharedSecret },
    External { urls: Vec<String>, secret: SharedSecret },
}

impl HandOut {
    /// The servers for one account, which reached this server by `host`.
    pub fn servers(&self, account: &AccountName, host: &Host, now: UnixMillis) -> IceServers {
        let (urls, certificate_sha256, secret) = match self {
            Self::Nothing => return IceServers::default(),
            Self::Own { ports, certificate_sha256, secret } => {
                (own_urls(ports, host), certificate_sha256.clone(), secret)
            }
            Self::External { urls, secret } => (urls.clone(), None, secret),
        };
        let (turn, stun): (Vec<_>, Vec<_>) =
            urls.into_iter().partition(|url| url.starts_with("turn"));
        let expiry = Duration::from_millis(now.0) + CREDENTIAL_LIFETIME;
        let credential = secret.mint(account.as_str(), Duration::from_secs(expiry.as_secs()));
        let stun = IceServer { urls: stun, ..IceServer::default() };
        let turn = IceServer {
            urls: turn,
            username: credential.username,
            credential: credential.password,
            certificate_sha256,
        };
        let servers = [stun, turn].into_iter().filter(|server| !server.urls.is_empty()).collect();
        IceServers { servers, expires: Some(UnixMillis(expiry.as_secs() * 1000)) }
    }
}

/// Hands out to one connection.
#[derive(Clone, Debug)]
pub(crate) struct IceDesk {
    pub hand_out: Arc<HandOut>,
    /// What clients are to call the own relay, if not by what they reached this server by.
    pub public_host: Option<Host>,
    /// How the client reached this server.
    pub reached: Host,
}

impl IceDesk {
    /// The servers for whoever has signed in there.
    pub fn servers(&self, account: &AccountName) -> IceServers {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        // The echo is on this machine, where the public address may lead nowhere.
        let public = self.public_host.as_ref().filter(|_| *account != echo_name());
        self.hand_out.servers(account, public.unwrap_or(&self.reached), UnixMillis(now))
    }
}

fn own_urls(ports: &RelayPorts, host: &Host) -> Vec<String> {
    let mut urls = vec![
        format!("stun:{host}:{}", ports.udp),
        format!("turn:{host}:{}?transport=udp", ports.udp),
        format!("turn:{host}:{}?transport=tcp", ports.tcp),
    ];
    urls.extend(ports.tls.iter().map(|port| format!("turns:{host}:{port}?transport=tcp")));
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> HandOut {
        HandOut::Own {
            ports: RelayPorts { udp: 1, alternate: 2, tcp: 3, tls: vec![4, 443] },
            certificate_sha256: Some("ab".to_owned()),
            secret: SharedSecret::new("north"),
        }
    }

    fn alice() -> AccountName {
        "alice".parse().expect("valid")
    }

    #[test]
    fn the_own_relay_is_named_with_its_real_ports() {
        let host = Host::parse("[2001:db8::1]:80").expect("good");
        let ice = own().servers(&alice(), &host, UnixMillis(1_000_500));
        assert_eq!(ice.expires, Some(UnixMillis(4_600_000)));
        let [stun, turn] = &ice.servers[..] else { panic!("two: {ice:?}") };
        assert_eq!(stun.urls, ["stun:[2001:db8::1]:1"]);
        assert_eq!((stun.username.as_str(), stun.credential.as_str()), ("", ""));
        assert_eq!(
            turn.urls,
            [
                "turn:[2001:db8::1]:1?transport=udp",
                "turn:[2001:db8::1]:3?transport=tcp",
                "turns:[2001:db8::1]:4?transport=tcp",
                "turns:[2001:db8::1]:443?transport=tcp",
            ]
        );
        assert_eq!(turn.username, "4600:alice");
        assert_eq!(turn.credential, SharedSecret::new("north").password("4600:alice"));
        assert_eq!(turn.certificate_sha256.as_deref(), Some("ab"));
    }

    #[test]
    fn an_external_relay_is_named_as_the_operator_wrote_it() {
        let urls = vec!["turns:turn.example.org:443".to_owned(), "stun:a.example.org".to_owned()];
        let external = HandOut::External { urls, secret: SharedSecret::new("south") };
        let host = Host::parse("b.example.org").expect("good");
        let ice = external.servers(&alice(), &host, UnixMillis(0));
        assert_eq!(ice.servers[0].urls, ["stun:a.example.org"]);
        assert_eq!(ice.servers[1].urls, ["turns:turn.example.org:443"]);
        assert_eq!(ice.servers[1].username, "3600:alice");
        assert_eq!(ice.servers[1].certificate_sha256, None);
        assert_eq!(HandOut::Nothing.servers(&alice(), &host, UnixMillis(0)), IceServers::default());
    }

    #[test]
    fn a_relay_is_as_open_as_the_server_beside_it() {
        let inside = OwnRelay::beside(([127, 0, 0, 1], 4780).into()).config;
        assert_eq!((inside.listen, inside.port), (vec![IpAddr::from([127, 0, 0, 1])], 3478));
        assert!(inside.policy.peers.allow([127, 0, 0, 1].into()));
        let outside = OwnRelay::beside(([0, 0, 0, 0], 4780).into()).config;
        assert_eq!(outside.listen.len(), 2, "both families");
        assert!(!outside.policy.peers.allow([127, 0, 0, 1].into()));
        assert!(!outside.policy.peers.allow([10, 0, 0, 1].into()));
        let free = OwnRelay::beside(([127, 0, 0, 1], 0).into()).config;
        assert_eq!((free.port, free.alternate_port, &free.tls_ports[..]), (0, 0, &[0][..]));
    }
}
