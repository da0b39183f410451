//! The program's arguments, and what they make of a server.

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use tincan_relay::credentials::SharedSecret;
use tincan_relay::peers::{Network, PeerRules};
use tincan_server::ice::{Host, OwnRelay, RelayChoice};
use tincan_server::{Database, ECHO_PHASE, ServerConfig};

/// Where accounts are kept unless an argument says otherwise.
const DATABASE: &str = "tincan-server.sqlite";

/// Tincan's server: accounts, presence, ringing, STUN, TURN and an echo contact. Logs go to
/// stderr; RUST_LOG sets their level.
#[derive(Debug, Parser)]
#[command(name = "tincan-server", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(flatten)]
    pub serve: Serve,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What it does beside serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Looks at a running server as an app does, and says what stands in the way of calls. Ends
    /// with 1 if something does.
    Doctor(Doctor),
}

/// What to look at, and with which right.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The server, as people type it into the app: host or host:port [default: this machine].
    pub server: Option<String>,
    /// Its database, on its own machine: the relay is tried with the server's own account.
    #[arg(long, value_name = "FILE", default_value = DATABASE)]
    pub database: PathBuf,
    #[command(flatten)]
    pub secret: Secret,
}

/// What credentials are minted with.
#[derive(Debug, Args)]
pub struct Secret {
    /// The secret that a coturn or several starts share; better in the environment, since
    /// arguments are seen by every user of the machine.
    #[arg(long, value_name = "SECRET", env = "TINCAN_TURN_SECRET", hide_env_values = true)]
    turn_secret: Option<String>,
}

impl Secret {
    /// None if it is not set, or empty.
    pub fn get(&self) -> Option<SharedSecret> {
        self.turn_secret.as_deref().filter(|secret| !secret.is_empty()).map(SharedSecret::new)
    }
}

/// How to serve.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:4780")]
    listen: SocketAddr,
    /// The file that keeps accounts.
    #[arg(long, value_name = "FILE", default_value = DATABASE)]
    database: PathBuf,
    /// Keep accounts until the end only.
    #[arg(long, conflicts_with = "database")]
    memory: bool,
    /// Serve figures at /metrics, to everyone who reaches the port.
    #[arg(long)]
    metrics: bool,
    /// No contact that lets people hear and see themselves.
    #[arg(long)]
    no_echo: bool,
    #[command(flatten)]
    relay: Relay,
}

/// The relay, which is on without any of these.
#[derive(Debug, Args)]
#[command(next_help_heading = "Relay (STUN and TURN), on without any of these")]
struct Relay {
    /// What clients are to call this machine, if not what they reached it by.
    #[arg(long, value_name = "HOST", value_parser = Host::parse)]
    public_host: Option<Host>,
    /// Where the relay listens (as --listen; may come several times).
    #[arg(long, value_name = "ADDRESS")]
    relay_listen: Vec<IpAddr>,
    /// STUN, TURN over UDP and TCP [default: 3478].
    #[arg(long, value_name = "PORT")]
    relay_port: Option<u16>,
    /// The second STUN port [default: 3479].
    #[arg(long, value_name = "PORT")]
    relay_alternate_port: Option<u16>,
    /// The second STUN address, of this machine (one of each family).
    #[arg(long, value_name = "ADDRESS")]
    relay_alternate_ip: Vec<IpAddr>,
    /// TURN over TLS (several, such as 443, may be given) [default: 5349].
    #[arg(long, value_name = "PORT")]
    relay_tls_port: Vec<u16>,
    /// Relayed addresses [default: 49152-65535].
    #[arg(long, value_name = "FIRST-LAST", value_parser = ports)]
    relay_ports: Option<(u16, u16)>,
    /// An address that a NAT translates one to one (several).
    #[arg(long, value_name = "OURS=SEEN", value_parser = translated)]
    relay_external_ip: Vec<(IpAddr, IpAddr)>,
    /// Certificates for TLS in PEM; else one is made.
    #[arg(long, value_name = "FILE", requires = "relay_key")]
    relay_certificate: Option<PathBuf>,
    /// The certificate's key in PEM.
    #[arg(long, value_name = "FILE", requires = "relay_certificate")]
    relay_key: Option<PathBuf>,
    /// A network that relays may reach though it is not public (several).
    #[arg(long, value_name = "NETWORK")]
    relay_allow: Vec<Network>,
    /// Relayed addresses of one account at once [default: 40].
    #[arg(long, value_name = "N")]
    relay_user_allocations: Option<usize>,
    /// Bytes a second of one account in each direction; 0: any [default: 4000000].
    #[arg(long, value_name = "BYTES")]
    relay_user_rate: Option<u64>,
    /// Relayed addresses of all accounts at once [default: 4096].
    #[arg(long, value_name = "N")]
    relay_allocations: Option<usize>,
    /// No relay.
    #[arg(long)]
    no_relay: bool,
    /// A coturn to hand out in place of the own relay (several); needs the secret.
    #[arg(long, value_name = "URL")]
    turn_url: Vec<String>,
    #[command(flatten)]
    secret: Secret,
}

fn ports(text: &str) -> Result<(u16, u16), String> {
    let read = || {
        let (first, last) = text.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    let in_order = |&(first, last): &(u16, u16)| 0 < first && first <= last;
    read().filter(in_order).ok_or_else(|| "not FIRST-LAST".to_owned())
}

fn translated(text: &str) -> Result<(IpAddr, IpAddr), String> {
    let read = || {
        let (ours, seen) = text.split_once('=')?;
        Some((ours.parse().ok()?, seen.parse().ok()?))
    };
    let of_a_kind = |(ours, seen): &(IpAddr, IpAddr)| ours.is_ipv4() == seen.is_ipv4();
    read().filter(of_a_kind).ok_or_else(|| "not OURS=SEEN, two addresses of one family".to_owned())
}

impl Serve {
    /// The server that is meant.
    ///
    /// # Errors
    /// In words, if arguments do not go together.
    pub fn config(self) -> anyhow::Result<ServerConfig> {
        let database = if self.memory { Database::Memory } else { Database::File(self.database) };
        let mut config = ServerConfig::new(self.listen, database);
        config.metrics = self.metrics;
        config.echo = (!self.no_echo).then_some(ECHO_PHASE);
        config.public_host.clone_from(&self.relay.public_host);
        config.relay = self.relay.choice(self.listen)?;
        Ok(config)
    }
}

impl Relay {
    fn choice(self, listen: SocketAddr) -> anyhow::Result<RelayChoice> {
        let secret = self.secret.get();
        if !self.turn_url.is_empty() {
            for url in &self.turn_url {
                let known = ["stun:", "turn:", "turns:"].iter().any(|it| url.starts_with(it));
                if !known {
                    bail!("{url} is no URL of a STUN or TURN server");
                }
            }
            let secret = secret.context("--turn-url needs TINCAN_TURN_SECRET or --turn-secret")?;
            return Ok(RelayChoice::External { urls: self.turn_url, secret });
        }
        if self.no_relay {
            return Ok(RelayChoice::None);
        }
        let mut own = OwnRelay::beside(match self.relay_listen.first() {
            // what is denied goes by where the relay listens
            Some(_) if self.relay_listen.iter().all(IpAddr::is_loopback) => listen,
            Some(&ip) if !ip.is_loopback() => SocketAddr::new(ip, listen.port()),
            Some(_) => SocketAddr::new(IpAddr::from([0, 0, 0, 0]), listen.port()),
            None => listen,
        });
        let config = &mut own.config;
        if !self.relay_listen.is_empty() {
            config.listen = self.relay_listen;
        }
        config.port = self.relay_port.unwrap_or(config.port);
        config.alternate_port = self.relay_alternate_port.unwrap_or(config.alternate_port);
        config.alternate_ips = self.relay_alternate_ip;
        if !self.relay_tls_port.is_empty() {
            config.tls_ports = self.relay_tls_port;
        }
        if let Some((first, last)) = self.relay_ports {
            config.relay_ports = first..=last;
        }
        config.external = self.relay_external_ip;
        if let Some(secret) = secret {
            config.secret = secret;
        }
        let policy = &mut config.policy;
        if !self.relay_allow.is_empty() {
            policy.peers = PeerRules::public_and(self.relay_allow);
        }
        let of_one = self.relay_user_allocations;
        policy.allocations_per_user = of_one.unwrap_or(policy.allocations_per_user);
        policy.max_allocations = self.relay_allocations.unwrap_or(policy.max_allocations);
        if let Some(rate) = self.relay_user_rate {
            policy.bytes_per_second = Some(rate).filter(|&rate| rate != 0);
        }
        own.certificate = self.relay_certificate.zip(self.relay_key);
        Ok(RelayChoice::Own(Box::new(own)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> anyhow::Result<ServerConfig> {
        let all = ["tincan-server"].iter().chain(args);
        Arguments::try_parse_from(all)?.serve.config()
    }

    fn choice(args: &[&str]) -> RelayChoice {
        parsed(args).expect("good").relay
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
        let config = config.expect("good");
        assert_eq!(config.listen.to_string(), "[::1]:9");
        assert_eq!(config.database, Database::File("a.db".into()));
        assert!(!config.metrics);
        assert_eq!(config.echo, Some(ECHO_PHASE));
        assert_eq!(parsed(&["--no-echo"]).expect("good").echo, None);
    }

    #[test]
    fn the_doctor_takes_a_server_as_people_type_it() {
        let parsed = Arguments::try_parse_from(["tincan-server", "doctor", "call.example.org"]);
        let Some(Command::Doctor(doctor)) = parsed.expect("good").command else { panic!("none") };
        assert_eq!(doctor.server.as_deref(), Some("call.example.org"));
        assert_eq!(doctor.database, PathBuf::from(DATABASE));
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
        assert!(parsed(&[&url[..], &["--turn-secret", ""]].concat()).is_err());
        let args = [&url[..], &["--turn-secret", "south"]].concat();
        let RelayChoice::External { urls, secret } = choice(&args) else { panic!("external") };
        assert_eq!(urls, ["turn:a.example.org"]);
        assert_eq!(secret, SharedSecret::new("south"));
    }

    #[test]
    fn wrong_arguments_are_named() {
        let error = |args| format!("{:#}", parsed(args).expect_err("bad"));
        assert!(error(&["--listen"]).contains("--listen"));
        assert!(error(&["--listen", "here"]).contains("here"));
        assert!(error(&["--loud"]).contains("--loud"));
        assert!(error(&["--relay-allow", "ten"]).contains("ten"));
        assert!(error(&["--relay-ports", "9-1"]).contains("9-1"));
        assert!(error(&["--relay-external-ip", "1.2.3.4=::1"]).contains("::1"));
        assert!(error(&["--relay-key", "a.pem"]).contains("--relay-certificate"));
        assert!(error(&["--turn-url", "http://a", "--turn-secret", "s"]).contains("http://a"));
        assert!(error(&["--memory", "--database", "a"]).contains("--database"));
    }
}
