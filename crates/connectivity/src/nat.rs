//! Address translators as data, and which pairs of them a direct path can cross.
//! Decides nothing about a running call and sends nothing.

/// Which destinations share one public port (RFC 4787, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mapping {
    /// One public port for all destinations.
    EndpointIndependent,
    /// One public port for each destination address.
    AddressDependent,
    /// One public port for each destination address and port.
    AddressAndPortDependent,
}

impl Mapping {
    /// All of them.
    pub const ALL: [Self; 3] =
        [Self::EndpointIndependent, Self::AddressDependent, Self::AddressAndPortDependent];
}

/// Whom a public port lets in (RFC 4787, section 5). It counts to whom the *mapping* has sent, as
/// in Linux' conntrack, and not the private socket behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filtering {
    /// Everybody.
    EndpointIndependent,
    /// Addresses that the mapping has sent to.
    AddressDependent,
    /// Addresses and ports that the mapping has sent to.
    AddressAndPortDependent,
}

impl Filtering {
    /// All of them.
    pub const ALL: [Self; 3] =
        [Self::EndpointIndependent, Self::AddressDependent, Self::AddressAndPortDependent];
}

/// How a translator treats UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NatBehaviour {
    /// Which destinations share one public port.
    pub mapping: Mapping,
    /// Whom a public port lets in.
    pub filtering: Filtering,
}

/// What stands between a machine and the Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nat {
    /// Nothing: the machine has a public address and no firewall.
    Public,
    /// A translator.
    Translated(NatBehaviour),
    /// No UDP passes at all.
    UdpBlocked,
}

impl Nat {
    /// No translator.
    pub const NONE: Self = Self::Public;
    /// Maps and filters by nothing (the names of this and the next three are RFC 3489's).
    pub const FULL_CONE: Self =
        Self::translated(Mapping::EndpointIndependent, Filtering::EndpointIndependent);
    /// Lets in addresses that were sent to.
    pub const ADDRESS_RESTRICTED: Self =
        Self::translated(Mapping::EndpointIndependent, Filtering::AddressDependent);
    /// Lets in addresses and ports that were sent to.
    pub const PORT_RESTRICTED: Self =
        Self::translated(Mapping::EndpointIndependent, Filtering::AddressAndPortDependent);
    /// A public port for every destination, open to it alone.
    pub const SYMMETRIC: Self =
        Self::translated(Mapping::AddressAndPortDependent, Filtering::AddressAndPortDependent);
    /// No UDP.
    pub const UDP_BLOCKED: Self = Self::UdpBlocked;

    /// The six that have names, in the order of the table at [`expected_path`].
    pub const NAMED: [Self; 6] = [
        Self::NONE,
        Self::FULL_CONE,
        Self::ADDRESS_RESTRICTED,
        Self::PORT_RESTRICTED,
        Self::SYMMETRIC,
        Self::UDP_BLOCKED,
    ];

    /// A translator of this behaviour.
    pub const fn translated(mapping: Mapping, filtering: Filtering) -> Self {
        Self::Translated(NatBehaviour { mapping, filtering })
    }

    /// Its usual name, such as `port-restricted`; none for the combinations that have none.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::FULL_CONE => Some("full-cone"),
            Self::ADDRESS_RESTRICTED => Some("address-restricted"),
            Self::PORT_RESTRICTED => Some("port-restricted"),
            Self::SYMMETRIC => Some("symmetric"),
            Self::Public => Some("none"),
            Self::UdpBlocked => Some("udp-blocked"),
            Self::Translated(_) => None,
        }
    }
}

/// How two machines reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Path {
    /// Without a server between them.
    Direct,
    /// Through a relay.
    Relayed,
}

/// Returns the best path over UDP that ICE can find between machines behind these two, each in
/// a network of its own and with a STUN server that sees both.
///
/// What decides is whether an address that one side knows is the one it will see: the candidate
/// of a side that maps by destination shows the port that the STUN server saw, and the other side
/// will see another one.
///
/// - Both map independently: direct, for both candidates are true and each side's checks open its
///   own filter.
/// - One does: its peer comes from a port that nobody knew, so it must let in unknown ports of a
///   known address.
/// - None does: both candidates are wrong. A check must get in where nothing was sent to its
///   sender (a filter that lets in everybody), the triggered check back must get in by the address
///   alone, and of the two ports found so one must be still the same for the answer.
///
/// | | none | full cone | address-r. | port-r. | symmetric | UDP blocked |
/// |---|---|---|---|---|---|---|
/// | **none** | direct | direct | direct | direct | direct | relayed |
/// | **full cone** | direct | direct | direct | direct | direct | relayed |
/// | **address-restricted** | direct | direct | direct | direct | direct | relayed |
/// | **port-restricted** | direct | direct | direct | direct | relayed | relayed |
/// | **symmetric** | direct | direct | direct | relayed | relayed | relayed |
/// | **UDP blocked** | relayed | relayed | relayed | relayed | relayed | relayed |
pub fn expected_path(a: Nat, b: Nat) -> Path {
    let (Some(a), Some(b)) = (a.effective(), b.effective()) else { return Path::Relayed };
    let direct = match (a.is_predictable(), b.is_predictable()) {
        (true, true) => true,
        (true, false) => a.admits_unknown_ports(),
        (false, true) => b.admits_unknown_ports(),
        (false, false) => {
            let someone_is_open = a.admits_everybody() || b.admits_everybody();
            let both_admit = a.admits_unknown_ports() && b.admits_unknown_ports();
            let one_port_stays =
                a.mapping == Mapping::AddressDependent || b.mapping == Mapping::AddressDependent;
            someone_is_open && both_admit && one_port_stays
        }
    };
    if direct { Path::Direct } else { Path::Relayed }
}

impl Nat {
    /// The behaviour that the far side meets; none if it meets nothing.
    fn effective(self) -> Option<NatBehaviour> {
        match self {
            Self::Public => Some(NatBehaviour {
                mapping: Mapping::EndpointIndependent,
                filtering: Filtering::EndpointIndependent,
            }),
            Self::Translated(behaviour) => Some(behaviour),
            Self::UdpBlocked => None,
        }
    }
}

impl NatBehaviour {
    /// Whether the public port that a STUN server saw is the one that a peer will see.
    fn is_predictable(self) -> bool {
        self.mapping == Mapping::EndpointIndependent
    }

    fn admits_everybody(self) -> bool {
        self.filtering == Filtering::EndpointIndependent
    }

    fn admits_unknown_ports(self) -> bool {
        self.filtering != Filtering::AddressAndPortDependent
    }
}
