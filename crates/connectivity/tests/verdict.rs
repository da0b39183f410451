//! What findings mean.

use std::net::SocketAddr;
use std::time::Duration;
use tincan_connectivity::{
    Filtering, Finding, Findings, LinkQuality, Mapping, Nat, Reached, RelayProblem, Transport,
    Verdict, sentence, verdict,
};

#[test]
fn a_public_machine_connects_directly() {
    let findings = Findings { untranslated: true, ..behind(Nat::FULL_CONE) };
    assert_eq!(findings.nat(), Finding::Known(Nat::Public));
    assert_eq!(verdict(&findings), Verdict::Direct);
}

#[test]
fn only_translators_that_meet_every_other_are_called_direct() {
    for (nat, expected) in [
        (Nat::FULL_CONE, Verdict::Direct),
        (Nat::ADDRESS_RESTRICTED, Verdict::Direct),
        (Nat::PORT_RESTRICTED, Verdict::SomeRelayed),
        (Nat::SYMMETRIC, Verdict::SomeRelayed),
    ] {
        assert_eq!(behind(nat).nat(), Finding::Known(nat));
        assert_eq!(verdict(&behind(nat)), expected, "{nat:?}");
    }
}

#[test]
fn what_is_not_known_is_not_promised() {
    let filtering = Finding::Unknown { why: "one address".into(), possible: Filtering::ALL.into() };
    let findings = Findings { filtering, ..behind(Nat::FULL_CONE) };
    assert_eq!(verdict(&findings), Verdict::SomeRelayed);
    assert_eq!(findings.nat().why(), Some("one address"));
    let harmless = vec![Filtering::EndpointIndependent, Filtering::AddressDependent];
    let filtering = Finding::Unknown { why: "one address".into(), possible: harmless };
    let findings = Findings { filtering, ..behind(Nat::FULL_CONE) };
    assert_eq!(verdict(&findings), Verdict::Direct, "either of them is direct with everybody");
}

#[test]
fn blocked_udp_names_the_way_that_is_left() {
    let mut findings =
        Findings { udp: false, relay_udp: Err(RelayProblem::NoAnswer), ..behind(Nat::FULL_CONE) };
    assert_eq!(verdict(&findings), Verdict::UdpBlocked);
    assert!(sentence(&findings).contains("over TCP"), "{}", sentence(&findings));
    findings.relay_tcp = Err(RelayProblem::NoAnswer);
    assert!(sentence(&findings).contains("over TLS"), "{}", sentence(&findings));
    findings.relay_tls = Err(RelayProblem::NoAnswer);
    assert_eq!(verdict(&findings), Verdict::NoConnection);
}

#[test]
fn without_a_relay_strict_networks_may_fail() {
    let none = || Err(RelayProblem::NotConfigured);
    let findings = Findings {
        relay_udp: none(),
        relay_tcp: none(),
        relay_tls: none(),
        ..behind(Nat::PORT_RESTRICTED)
    };
    assert_eq!(verdict(&findings), Verdict::NoRelay);
}

#[test]
fn noticeable_loss_is_said() {
    let link = |received| {
        let quality = LinkQuality {
            transport: Transport::Udp,
            sent: 50,
            received,
            round_trip: Duration::from_millis(20),
        };
        sentence(&Findings { link: Finding::Known(quality), ..behind(Nat::FULL_CONE) })
    };
    assert!(!link(49).contains('%'), "{}", link(49));
    assert!(link(45).contains("10 %"), "{}", link(45));
}

/// Everything reached from behind this translator.
fn behind(nat: Nat) -> Findings {
    let Nat::Translated(behaviour) = nat else { panic!("{nat:?} is no translator") };
    let address = SocketAddr::from(([203, 0, 113, 1], 40_000));
    let reached = Ok(Reached { round_trip: Duration::from_millis(20), relayed: address });
    let mapping: Finding<Mapping> = Finding::Known(behaviour.mapping);
    Findings {
        local: vec![],
        public_v4: Finding::Known(address),
        public_v6: Finding::Unknown { why: "none".into(), possible: vec![] },
        udp: true,
        untranslated: false,
        mapping,
        filtering: Finding::Known(behaviour.filtering),
        relay_udp: reached.clone(),
        relay_tcp: reached.clone(),
        relay_tls: reached,
        link: Finding::Unknown { why: "not measured".into(), possible: vec![] },
    }
}
