//! The whole laboratory: two clients, their accesses, the Internet and what serves there.

use crate::ability::sweep;
use crate::access::Access;
use crate::arrivals::Arrivals;
use crate::namespace::{FORWARDING, Namespace, PREFIX, family};
use crate::plan::{self, AccessPlan};
use crate::relay::{Relay, RelayKind};
use crate::wire::Impairment;
use anyhow::{Context, Result};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use tincan_connectivity::nat::Nat;
use tincan_test_support::{Call, CallOptions, Maker, Peer, Side, place};

/// Labs that this process has built.
static BUILT: AtomicU32 = AtomicU32::new(0);

/// A client's part of names.
const fn name_of(side: Side) -> &'static str {
    match side {
        Side::A => "a",
        Side::B => "b",
    }
}

/// A lab; gone with its handle.
#[derive(Debug)]
pub struct Lab {
    // In the order in which they are to go: first what runs in namespaces.
    relay: Option<Relay>,
    a: Client,
    b: Client,
    internet: Namespace,
    folder: PathBuf,
}

/// A client with its access to the Internet.
#[derive(Debug)]
pub struct Client {
    side: Side,
    lab: String,
    namespace: Namespace,
    /// The last one is in use.
    accesses: Vec<Access>,
    ipv6: bool,
}

/// Bytes that came out of a wire, with all headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// At the router.
    pub up: u64,
    /// At the client.
    pub down: u64,
}

/// What a lab is made with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// IPv6 everywhere, translated nowhere.
    pub ipv6: bool,
}

impl Lab {
    /// Builds one for a test; logs go to `target/netlab/TEST`. Both clients have public addresses.
    ///
    /// # Errors
    /// This machine cannot, see [`crate::lab_or_skip`].
    pub fn build(test: &str, plan: Plan) -> Result<Self> {
        Self::build_in(&place::output_of("netlab", test)?, plan)
    }

    /// The same with a folder that the caller has made.
    pub fn build_in(folder: &Path, plan: Plan) -> Result<Self> {
        sweep()?;
        let count = BUILT.fetch_add(1, Ordering::Relaxed);
        let lab = format!("{PREFIX}{}-{count}", std::process::id());
        let internet = internet(&lab, plan).context("while building the Internet")?;
        let client = |side: Side| {
            Client::build(side, &lab, &internet, plan)
                .with_context(|| format!("while building client {}", name_of(side)))
        };
        let (a, b) = (client(Side::A)?, client(Side::B)?);
        Ok(Self { relay: None, a, b, internet, folder: folder.to_path_buf() })
    }

    /// A client.
    pub fn client(&self, side: Side) -> &Client {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    /// The Internet, where servers are.
    pub fn internet(&self) -> &Namespace {
        &self.internet
    }

    /// Where logs go.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts a client behind a translator, or none.
    pub fn set_nat(&mut self, side: Side, nat: Nat) -> Result<()> {
        let (client, internet) = self.parts(side);
        client.connect(nat, false, internet)
    }

    /// What a client's wire has carried so far.
    pub fn carried(&self, side: Side) -> Result<Carried> {
        let client = self.client(side);
        let access = client.accesses.last().context("a client has an access")?;
        Ok(Carried {
            up: access.passed_up()?,
            down: client.namespace.received(access.interface())?,
        })
    }

    /// Makes the wire of a client do this to packets from now on.
    pub fn impair(&mut self, side: Side, impairment: Impairment) -> Result<()> {
        let (client, _) = self.parts(side);
        client.access()?.impair(impairment)
    }

    /// Gives a client another address in the same network, as DHCP does.
    pub fn change_address(&mut self, side: Side) -> Result<()> {
        let (client, internet) = self.parts(side);
        let nat = client.access()?.nat();
        client.connect(nat, true, internet)
    }

    /// Takes a client to another router at another provider's line, behind the same kind of
    /// translator: a person walks out of reach of one network and into another.
    pub fn move_to_other_router(&mut self, side: Side) -> Result<()> {
        let (client, internet) = self.parts(side);
        client.move_on(internet)
    }

    /// Starts a relay. One that ran before is ended first.
    pub fn start_relay(&mut self, kind: RelayKind) -> Result<()> {
        self.relay = None;
        self.relay = Some(Relay::start(kind, &self.internet, &self.folder)?);
        Ok(())
    }

    /// What a client is told of the relay, in W3C form.
    pub fn ice_servers(&self, side: Side) -> Result<&Value> {
        Ok(self.relay.as_ref().context("no relay was started")?.ice_servers(side))
    }

    /// A call over any path, with the relay that runs here.
    pub fn call_options(&self) -> Result<CallOptions> {
        let told = |side| self.ice_servers(side).cloned();
        Ok(CallOptions { ice_servers: [told(Side::A)?, told(Side::B)?], ..Default::default() })
    }

    /// Starts a peer of this maker at each client. `name` tells them from those of other calls.
    pub async fn call(&self, maker: Maker, name: &str) -> Result<Call> {
        let start = async |side: Side| {
            let by = self.client(side).namespace().by();
            let name = format!("{name}-{}", name_of(side));
            Peer::start_by(&by, maker, &name, &self.folder).await
        };
        Ok(Call::between(start(Side::A).await?, start(Side::B).await?))
    }

    fn parts(&mut self, side: Side) -> (&mut Client, &Namespace) {
        let client = match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        };
        (client, &self.internet)
    }
}

impl Client {
    fn build(side: Side, lab: &str, internet: &Namespace, plan: Plan) -> Result<Self> {
        let namespace = Namespace::add(format!("{lab}-{}", name_of(side)))?;
        namespace.set(family(plan.ipv6))?;
        let mut client =
            Self { side, lab: lab.into(), namespace, accesses: Vec::new(), ipv6: plan.ipv6 };
        client.add_access(internet)?;
        client.connect(Nat::NONE, false, internet)?;
        Ok(client)
    }

    /// Its namespace, where programs are run.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Begins to note what arrives at it.
    pub fn arrivals(&self) -> Result<Arrivals> {
        let access = self.accesses.last().context("a client has an access")?;
        Arrivals::at(&self.namespace, access.interface())
    }

    /// Its address.
    pub fn address(&self) -> Result<Ipv4Addr> {
        Ok(self.accesses.last().context("a client has an access")?.address())
    }

    fn add_access(&mut self, internet: &Namespace) -> Result<()> {
        let number = self.accesses.len() as u8;
        let side = name_of(self.side);
        let access = Access::build(
            AccessPlan::new(self.side as u8, number),
            format!("eth{number}"),
            |role| format!("{}-{side}-{role}", self.lab),
            &self.namespace,
            internet,
            self.ipv6,
        )?;
        self.accesses.push(access);
        Ok(())
    }

    fn connect(&mut self, nat: Nat, anew: bool, internet: &Namespace) -> Result<()> {
        let access = self.accesses.last_mut().context("a client has an access")?;
        access.connect(nat, anew, &self.namespace, internet, self.ipv6)
    }

    fn move_on(&mut self, internet: &Namespace) -> Result<()> {
        let nat = self.access()?.nat();
        self.add_access(internet)?;
        let left = self.accesses.len() - 2;
        self.accesses[left].disconnect(&self.namespace)?;
        self.connect(nat, false, internet)
    }

    fn access(&mut self) -> Result<&mut Access> {
        self.accesses.last_mut().context("a client has an access")
    }
}

/// The part that all providers share, with the server's addresses.
fn internet(lab: &str, plan: Plan) -> Result<Namespace> {
    let internet = Namespace::add(format!("{lab}-internet"))?;
    internet.set(family(plan.ipv6))?;
    internet.set(FORWARDING)?;
    internet.ip(&format!(
        "link add name servers type bridge\nlink set servers up\n\
         addr add {}/{prefix} dev servers\naddr add {}/{prefix} dev servers\n\
         neigh add {nowhere} lladdr 02:00:00:00:00:01 dev servers nud permanent\n\
         route add default via {nowhere}",
        plan::SERVER,
        plan::SERVER_2,
        nowhere = plan::NOWHERE,
        prefix = plan::SERVERS_PREFIX,
    ))?;
    if plan.ipv6 {
        internet.ip(&format!("addr add {}/64 dev servers nodad", plan::SERVER_6))?;
    }
    Ok(internet)
}
