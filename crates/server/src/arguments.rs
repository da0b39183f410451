//! The program's arguments, and what they make of a server.

use anyhow::{Context, bail, ensure};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use tincan_relay::credentials::SharedSecret;
use tincan_relay::peers::{Network, PeerRules};
use tincan_server::ice::{Host, OwnRelay, RelayChoice};
use tincan_server::{Database, ServerConfig};

/// Where the secret is taken from if no argument names it: arguments are seen by every user of
/// the machine.
pub const SECRET_VARIABLE: &str = "TINCAN_TURN_SECRET";

pub const USAGE: &str =
    "usage: tincan-server [--listen ADDRESS:PORT] [--database FILE | --memory] [OPTIONS]
  --listen    where to listen (0.0.0.0:4780)
  --database  the file that keeps accounts (tincan-server.sqlite)
  --memory    keep accounts until the end only
  --metrics   serve figures at /metrics, to everyone who reaches the port

Relay (STUN and TURN), which is on without any of these:
  --public-host HOST          what clients are to call this machine, if not what they reached it by
  --relay-listen ADDRESS      where the relay listens (as --listen; may come several times)
  --relay-port PORT           STUN, TURN over UDP and TCP (3478)
  --relay-alternate-port PORT the second STUN port (3479)
  --relay-alternate-ip ADDRESS  the second STUN address, of this machine (one of each family)
  --relay-tls-port PORT       TURN over TLS (5349; several, such as 443, may be given)
  --relay-ports FIRST-LAST    relayed addresses (49152-65535)
  --relay-external-ip OURS=SEEN  an address that a NAT translates one to one
  --relay-certificate FILE    certificates for TLS in PEM, with --relay-key FILE; else one is made
  --relay-allow NETWORK       a network that relays may reach though it is not public (several)
  --relay-user-allocations N  relayed addresses of one account at once (10)
  --relay-user-rate BYTES     bytes a second of one account in each direction (4000000; 0: any)
  --relay-allocations N       relayed addresses of all accounts at once (4096)
  --no-relay                  no relay
  --turn-secret SECRET        the secret that a coturn shares; better in TINCAN_TURN_SECRET
  --turn-url URL              a coturn to hand out in place of the own relay (several)
Logs go to stderr; RUST_LOG sets their level.";

/// Reads the arguments; none if help is wanted. `secret` is the environment's.
pub fn parse(
    mut args: impl Iterator<Item = String>,
    secret: Option<String>,
) -> anyhow::Result<Option<ServerConfig>> {
    let mut listen = SocketAddr::from(([0, 0, 0, 0], 4780));
    let mut database = Database::File("tincan-server.sqlite".into());
    let mut rest = Rest { secret, ..Rest::default() };
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value\n{USAGE}"));
        match arg.as_str() {
            "--listen" => {
                let text = value()?;
                listen = text.parse().with_context(|| format!("{text} is no ADDRESS:PORT"))?;
            }
            "--database" => database = Database::File(value()?.into()),
            "--memory" => database = Database::Memory,
            "--metrics" => rest.metrics = true,
            "--no-relay" => rest.no_relay = true,
            "--help" | "-h" => return Ok(None),
            _ => rest.take(&arg, value)?,
        }
    }
    rest.config(listen, database).map(Some)
}

/// What is not about the server's own port and file.
#[derive(Default)]
struct Rest {
    metrics: bool,
    no_relay: bool,
    secret: Option<String>,
    turn_urls: Vec<String>,
    public_host: Option<Host>,
    listen: Vec<IpAddr>,
    port: Option<u16>,
    alternate_port: Option<u16>,
    alternate_ips: Vec<IpAddr>,
    tls_ports: Vec<u16>,
    ports: Option<(u16, u16)>,
    external: Vec<(IpAddr, IpAddr)>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    allow: Vec<Network>,
    user_allocations: Option<usize>,
    user_rate: Option<u64>,
    allocations: Option<usize>,
}

impl Rest {
    fn take(
        &mut self,
        arg: &str,
        value: impl FnOnce() -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        const RELAY: &[&str] = &[
            "--public-host",
            "--turn-secret",
            "--turn-url",
            "--relay-listen",
            "--relay-port",
            "--relay-alternate-port",
            "--relay-alternate-ip",
            "--relay-tls-port",
            "--relay-ports",
            "--relay-external-ip",
            "--relay-certificate",
            "--relay-key",
            "--relay-allow",
            "--relay-user-allocations",
            "--relay-user-rate",
            "--relay-allocations",
        ];
        ensure!(RELAY.contains(&arg), "unknown argument {arg}\n{USAGE}");
        let text = value()?;
        let wrong = || format!("{text} cannot be used for {arg}");
        match arg {
            "--public-host" => self.public_host = Some(Host::parse(&text).with_context(wrong)?),
            "--turn-secret" => self.secret = Some(text),
            "--turn-url" => self.turn_urls.push(text),
            "--relay-listen" => self.listen.push(text.parse().with_context(wrong)?),
            "--relay-port" => self.port = Some(text.parse().with_context(wrong)?),
            "--relay-alternate-port" => {
                self.alternate_port = Some(text.parse().with_context(wrong)?);
            }
            "--relay-alternate-ip" => self.alternate_ips.push(text.parse().with_context(wrong)?),
            "--relay-tls-port" => self.tls_ports.push(text.parse().with_context(wrong)?),
            "--relay-ports" => {
                let (first, last) = text.split_once('-').with_context(wrong)?;
                let ports = (first.parse().with_context(wrong)?, last.parse().with_context(wrong)?);
                ensure!(0 < ports.0 && ports.0 <= ports.1, wrong());
                self.ports = Some(ports);
            }
            "--relay-external-ip" => {
                let (ours, seen) = text.split_once('=').with_context(wrong)?;
                let pair: (IpAddr, IpAddr) =
                    (ours.parse().with_context(wrong)?, seen.parse().with_context(wrong)?);
                ensure!(pair.0.is_ipv4() == pair.1.is_ipv4(), wrong());
                self.external.push(pair);
            }
            "--relay-certificate" => self.certificate = Some(text.into()),
            "--relay-key" => self.key = Some(text.into()),
            "--relay-allow" => self.allow.push(text.parse().with_context(wrong)?),
            "--relay-user-allocations" => {
                self.user_allocations = Some(text.parse().with_context(wrong)?);
            }
            "--relay-user-rate" => self.user_rate = Some(text.parse().with_context(wrong)?),
            _ => self.allocations = Some(text.parse().with_context(wrong)?),
        }
        Ok(())
    }

    fn config(self, listen: SocketAddr, database: Database) -> anyhow::Result<ServerConfig> {
        let mut config = ServerConfig::new(listen, database);
        config.metrics = self.metrics;
        config.public_host.clone_from(&self.public_host);
        config.relay = self.choice(listen)?;
        Ok(config)
    }

    fn choice(self, listen: SocketAddr) -> anyhow::Result<RelayChoice> {
        let secret = self.secret.filter(|secret| !secret.is_empty()).map(SharedSecret::new);
        if !self.turn_urls.is_empty() {
            for url in &self.turn_urls {
                let known = ["stun:", "turn:", "turns:"].iter().any(|it| url.starts_with(it));
                ensure!(known, "{url} is no URL of a STUN or TURN server");
            }
            let secret = secret
                .with_context(|| format!("--turn-url needs --turn-secret or {SECRET_VARIABLE}"))?;
            return Ok(RelayChoice::External { urls: self.turn_urls, secret });
        }
        if self.no_relay {
            return Ok(RelayChoice::None);
        }
        let mut own = OwnRelay::beside(match self.listen.first() {
            // what is denied goes by where the relay listens
            Some(_) if self.listen.iter().all(IpAddr::is_loopback) => listen,
            Some(&ip) if !ip.is_loopback() => SocketAddr::new(ip, listen.port()),
            Some(_) => SocketAddr::new(IpAddr::from([0, 0, 0, 0]), listen.port()),
            None => listen,
        });
        let config = &mut own.config;
        if !self.listen.is_empty() {
            config.listen = self.listen;
        }
        config.port = self.port.unwrap_or(config.port);
        config.alternate_port = self.alternate_port.unwrap_or(config.alternate_port);
        config.alternate_ips = self.alternate_ips;
        if !self.tls_ports.is_empty() {
            config.tls_ports = self.tls_ports;
        }
        if let Some((first, last)) = self.ports {
            config.relay_ports = first..=last;
        }
        config.external = self.external;
        if let Some(secret) = secret {
            config.secret = secret;
        }
        let policy = &mut config.policy;
        if !self.allow.is_empty() {
            policy.peers = PeerRules::public_and(self.allow);
        }
        policy.allocations_per_user = self.user_allocations.unwrap_or(policy.allocations_per_user);
        policy.max_allocations = self.allocations.unwrap_or(policy.max_allocations);
        if let Some(rate) = self.user_rate {
            policy.bytes_per_second = Some(rate).filter(|&rate| rate != 0);
        }
        own.certificate = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                bail!("--relay-certificate and --relay-key go together")
            }
        };
        Ok(RelayChoice::Own(Box::new(own)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> anyhow::Result<Option<ServerConfig>> {
        parse(args.iter().map(|&arg| arg.to_owned()), None)
    }

    fn choice(args: &[&str]) -> RelayChoice {
        parsed(args).expect("good").expect("no help").relay
    }

    fn own(args: &[&str]) -> OwnRelay {
        match choice(args) {
            RelayChoice::Own(own) => *own,
            other => panic!("not its own: {other:?}"),
        }
    }

    #[test]
    fn arguments_say_where_to_listen_and_what_to_keep() {
        let config = parsed(&["--listen", "[::1]:9", "--database", "a.db"]);
        let config = config.expect("good").expect("no help");
        assert_eq!(config.listen.to_string(), "[::1]:9");
        assert_eq!(config.database, Database::File("a.db".into()));
        assert!(!config.metrics);
    }

    #[test]
    fn a_relay_is_there_without_asking_and_can_be_set_up() {
        let usual = own(&[]).config;
        assert_eq!(
            (usual.port, usual.alternate_port, &usual.tls_ports[..]),
            (3478, 3479, &[5349][..])
        );
        let set = own(&[
            "--relay-listen",
            "192.0.2.1",
            "--relay-port",
            "5",
            "--relay-tls-port",
            "443",
            "--relay-tls-port",
            "5349",
            "--relay-ports",
            "6000-6999",
            "--relay-external-ip",
            "192.0.2.1=198.51.100.1",
            "--relay-allow",
            "10.0.0.0/8",
            "--relay-user-allocations",
            "3",
            "--relay-user-rate",
            "0",
            "--turn-secret",
            "north",
        ]);
        let config = set.config;
        assert_eq!(config.listen, [IpAddr::from([192, 0, 2, 1])]);
        assert_eq!((config.port, config.relay_ports), (5, 6000..=6999));
        assert_eq!(config.tls_ports, [443, 5349]);
        assert_eq!(config.external, [([192, 0, 2, 1].into(), [198, 51, 100, 1].into())]);
        assert!(config.policy.peers.allow([10, 9, 9, 9].into()));
        assert!(!config.policy.peers.allow([192, 168, 0, 1].into()));
        assert_eq!(config.policy.allocations_per_user, 3);
        assert_eq!(config.policy.bytes_per_second, None);
        assert_eq!(config.secret, SharedSecret::new("north"));
        assert!(matches!(choice(&["--no-relay"]), RelayChoice::None));
    }

    #[test]
    fn a_relay_of_the_network_denies_peers_even_if_the_server_is_behind_a_proxy() {
        let args = ["--listen", "127.0.0.1:80", "--relay-listen", "192.0.2.1"];
        assert!(!own(&args).config.policy.peers.allow([127, 0, 0, 1].into()));
        let both = ["--relay-listen", "127.0.0.1", "--relay-listen", "192.0.2.1"];
        assert!(!own(&both).config.policy.peers.allow([127, 0, 0, 1].into()));
        let inside = ["--listen", "127.0.0.1:80"];
        assert!(own(&inside).config.policy.peers.allow([127, 0, 0, 1].into()));
    }

    #[test]
    fn an_external_relay_needs_its_secret() {
        let url = ["--turn-url", "turn:a.example.org"];
        assert!(parsed(&url).is_err());
        let args = url.iter().map(|&arg| arg.to_owned());
        let config = parse(args, Some("south".to_owned())).expect("good").expect("no help");
        let RelayChoice::External { urls, secret } = config.relay else { panic!("external") };
        assert_eq!(urls, ["turn:a.example.org"]);
        assert_eq!(secret, SharedSecret::new("south"));
    }

    #[test]
    fn wrong_arguments_are_named() {
        let error = |args| format!("{:#}", parsed(args).expect_err("bad"));
        assert!(error(&["--listen"]).starts_with("--listen needs a value"));
        assert!(error(&["--listen", "here"]).contains("here"));
        assert!(error(&["--loud"]).contains("--loud"));
        assert!(error(&["--relay-allow", "ten"]).contains("ten"));
        assert!(error(&["--relay-ports", "9-1"]).contains("9-1"));
        assert!(error(&["--relay-external-ip", "1.2.3.4=::1"]).contains("::1"));
        assert!(error(&["--relay-key", "a.pem"]).contains("go together"));
        assert!(error(&["--turn-url", "http://a", "--turn-secret", "s"]).contains("http://a"));
        assert!(parsed(&["--help"]).expect("good").is_none());
    }
}
