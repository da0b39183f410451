//! How a router's kernel is made to translate addresses as a [`Nat`] says.

use crate::plan::{SERVER, WEB_PORTS};
use anyhow::{Result, bail};
use std::net::Ipv4Addr;
use tincan_connectivity::nat::Nat;

/// How long a mapping stays without packets; longer than any call in the lab.
const MAPPING: &str = "5m";

/// What differs between the types.
#[derive(Default)]
struct Parts {
    /// What is remembered.
    set: String,
    /// What is sent on to the client although nobody there asked for it.
    inward: String,
    /// What is noted, or refused, of what the client sends.
    outward: String,
    /// How source addresses are translated.
    source: &'static str,
}

/// The rules for `nft` that make a router this translator for a client; they replace those that
/// are there.
///
/// # Errors
/// The kernel has no way to behave like that.
pub fn rules(nat: Nat, client: Ipv4Addr) -> Result<String> {
    // Linux keeps the source port where it can, and conntrack lets in what was sent to.
    let masquerade = "oifname \"wan\" masquerade";
    let parts = match nat {
        Nat::Public => return Ok(table("")),
        // A port that the client has sent from is open to everybody.
        Nat::FULL_CONE => Parts {
            set: remembered("inet_service"),
            inward: format!("iifname \"wan\" udp dport @mapped dnat to {client}"),
            outward: "iifname \"lan\" meta l4proto udp update @mapped { udp sport }".into(),
            source: masquerade,
        },
        // Open to the addresses that the client has sent to from that port.
        Nat::ADDRESS_RESTRICTED => Parts {
            set: remembered("ipv4_addr . inet_service"),
            inward: format!(
                "iifname \"wan\" meta l4proto udp ip saddr . udp dport @mapped dnat to {client}"
            ),
            outward: "iifname \"lan\" meta l4proto udp update @mapped { ip daddr . udp sport }"
                .into(),
            source: masquerade,
        },
        Nat::PORT_RESTRICTED => Parts { source: masquerade, ..Parts::default() },
        Nat::SYMMETRIC => {
            Parts { source: "oifname \"wan\" masquerade fully-random", ..Parts::default() }
        }
        // A strict company: its users reach the servers' well-known ports, over TCP.
        Nat::UdpBlocked => Parts {
            outward: format!(
                "iifname \"lan\" ip daddr {SERVER} tcp dport {{ {}, {}, {} }} accept\n\
                 iifname \"lan\" drop",
                WEB_PORTS[0], WEB_PORTS[1], WEB_PORTS[2]
            ),
            source: masquerade,
            ..Parts::default()
        },
        Nat::Translated(other) => bail!("no rules of nft behave like {other:?}"),
    };
    let Parts { set, inward, outward, source } = parts;
    // A packet that nobody asked for must leave no trace, or the mapping that the client makes a
    // moment later would have to move to another port.
    Ok(table(&format!(
        "{set}
        chain inward {{ type nat hook prerouting priority dstnat; {inward}
        }}
        chain source {{ type nat hook postrouting priority srcnat; {source}
        }}
        chain through {{ type filter hook forward priority 0;
            {outward}
            iifname \"wan\" ct state established,related accept
            iifname \"wan\" ct status dnat accept
            iifname \"wan\" drop
        }}
        chain router {{ type filter hook input priority 0;
            iifname \"wan\" ct state new meta l4proto {{ tcp, udp }} drop
        }}"
    )))
}

fn table(content: &str) -> String {
    format!("table ip nat_lab\ndelete table ip nat_lab\ntable ip nat_lab {{\n{content}\n}}\n")
}

fn remembered(kind: &str) -> String {
    format!("set mapped {{ type {kind}; flags dynamic,timeout; timeout {MAPPING}; }}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincan_connectivity::nat::{Filtering, Mapping};

    #[test]
    fn all_named_translators_have_rules_and_each_its_own() {
        let client = Ipv4Addr::new(192, 168, 1, 2);
        let mut all: Vec<_> =
            Nat::NAMED.map(|nat| rules(nat, client).expect("it has a name")).into();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), Nat::NAMED.len());
    }

    #[test]
    fn what_the_kernel_cannot_do_is_refused() {
        let odd = Nat::translated(Mapping::AddressDependent, Filtering::AddressDependent);
        assert!(rules(odd, Ipv4Addr::LOCALHOST).is_err());
    }
}
