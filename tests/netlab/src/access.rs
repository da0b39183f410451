//! A client's way to the Internet: its interface, the wire, the router at the end of the
//! provider's line.

use crate::namespace::{FORWARDING, Namespace, family};
use crate::nat;
use crate::plan::AccessPlan;
use crate::wire::{self, Impairment, Wire};
use anyhow::Result;
use std::net::Ipv4Addr;
use tincan_connectivity::nat::Nat;

/// One way to the Internet.
#[derive(Debug)]
pub struct Access {
    plan: AccessPlan,
    /// The interface's name at the client.
    interface: String,
    wire: Wire,
    router: Namespace,
    nat: Nat,
    /// How many addresses the client has had here.
    addresses: u8,
}

impl Access {
    /// Builds it: `name` tells the names of namespaces by their role. The client's interface is
    /// made but down.
    pub fn build(
        plan: AccessPlan,
        interface: String,
        name: impl Fn(&str) -> String,
        client: &Namespace,
        internet: &Namespace,
        ipv6: bool,
    ) -> Result<Self> {
        let middle = Namespace::add(name(&format!("wire-{interface}")))?;
        let router = Namespace::add(name(&format!("router-{interface}")))?;
        middle.set(family(false))?;
        router.set(family(ipv6))?;
        router.set(FORWARDING)?;
        client.ip(&format!(
            "link add {interface} type veth peer name {} netns {}",
            wire::LEFT,
            middle.name()
        ))?;
        let provider_end = plan.provider_interface();
        router.ip(&format!(
            "link add lan type veth peer name {} netns {}\n\
             link add wan type veth peer name {provider_end} netns {}\n\
             link set lan up\nlink set wan up\n\
             addr add {}/24 dev lan\naddr add {}/26 dev lan\naddr add {}/30 dev wan\n\
             route add default via {}",
            wire::RIGHT,
            middle.name(),
            internet.name(),
            plan.router(true),
            plan.router(false),
            plan.wan(),
            plan.provider(),
        ))?;
        internet.ip(&format!(
            "link set {provider_end} up\naddr add {}/30 dev {provider_end}",
            plan.provider()
        ))?;
        if ipv6 {
            router.ip(&format!(
                "addr add {}/64 dev lan nodad\naddr add {}/64 dev wan nodad\n\
                 route add default via {}",
                plan.client_6(1),
                plan.line_6(2),
                plan.line_6(1),
            ))?;
            internet.ip(&format!(
                "addr add {}/64 dev {provider_end} nodad\nroute add {}/64 via {}",
                plan.line_6(1),
                plan.client_6(0),
                plan.line_6(2),
            ))?;
        }
        let wire = Wire::join(middle)?;
        Ok(Self { plan, interface, wire, router, nat: Nat::NONE, addresses: 0 })
    }

    /// Puts the client on this access, behind this translator, with an address that it did not
    /// have before when `anew`.
    pub fn connect(
        &mut self,
        nat: Nat,
        anew: bool,
        client: &Namespace,
        internet: &Namespace,
        ipv6: bool,
    ) -> Result<()> {
        self.nat = nat;
        self.addresses += u8::from(anew);
        let translated = nat != Nat::Public;
        let address = self.address();
        self.router.nft(&nat::rules(nat, address)?)?;
        let network = self.plan.public_network();
        let route = if translated {
            // It is not there yet, or not any more, if the client was translated before.
            let _ = internet.ip(&format!("route del {network} via {}", self.plan.wan()));
            String::new()
        } else {
            format!("route replace {network} via {}", self.plan.wan())
        };
        internet.ip(&route)?;
        let interface = &self.interface;
        client.ip(&format!(
            "addr flush dev {interface}\naddr add {address}/{} dev {interface}\n\
             link set {interface} up\nroute replace default via {}",
            AccessPlan::prefix(translated),
            self.plan.router(translated),
        ))?;
        if ipv6 {
            client.ip(&format!(
                "addr add {}/64 dev {interface} nodad\nroute replace default via {}",
                self.plan.client_6(u16::from(self.addresses) + 2),
                self.plan.client_6(1),
            ))?;
        }
        // Mappings of before belong to another translator.
        self.router.run("conntrack", &["-F"]).map(drop)
    }

    /// Takes the client off it.
    pub fn disconnect(&self, client: &Namespace) -> Result<()> {
        client.ip(&format!("addr flush dev {0}\nlink set {0} down", self.interface))
    }

    /// The interface's name at the client.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// The client's address.
    pub fn address(&self) -> Ipv4Addr {
        self.plan.client(self.nat != Nat::Public, self.addresses)
    }

    /// Bytes that came out of the wire at the router.
    pub fn passed_up(&self) -> Result<u64> {
        self.router.received("lan")
    }

    /// The translator.
    pub fn nat(&self) -> Nat {
        self.nat
    }

    /// Makes the wire do this to packets.
    pub fn impair(&mut self, impairment: Impairment) -> Result<()> {
        self.wire.impair(impairment)
    }
}
