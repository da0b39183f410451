//! Every pair of translators: the call connects, pictures flow both ways, and the path is direct
//! where the oracle says that it can be.

use anyhow::{Context, Result, ensure};
use std::time::Duration;
use tincan_connectivity::nat::{Nat, Path, expected_path};
use tincan_netlab_tests::{Lab, Plan, RelayKind, Transport, lab_or_skip};
use tincan_test_support::{Call, CallOptions, Maker, Side, figures};

/// How long a call may take to be seen on both sides.
const SEEN: Duration = Duration::from_secs(20);

macro_rules! rows {
    ($($test:ident: $nat:expr;)*) => {$(
        #[tokio::test]
        async fn $test() -> Result<()> {
            let pairs = Nat::NAMED.map(|other| ($nat, other));
            connect(stringify!($test), RelayKind::Tincan, &pairs, None).await
        }
    )*};
}

rows! {
    public_clients_reach_everybody_as_the_oracle_says: Nat::NONE;
    clients_behind_full_cones_reach_everybody_as_the_oracle_says: Nat::FULL_CONE;
    clients_behind_address_restricted_ones_reach_everybody_as_the_oracle_says: Nat::ADDRESS_RESTRICTED;
    clients_behind_port_restricted_ones_reach_everybody_as_the_oracle_says: Nat::PORT_RESTRICTED;
    clients_behind_symmetric_ones_reach_everybody_as_the_oracle_says: Nat::SYMMETRIC;
    clients_without_udp_reach_everybody_as_the_oracle_says: Nat::UDP_BLOCKED;
}

/// A path of each kind: direct, relayed over UDP, relayed over TCP.
#[tokio::test]
async fn coturn_serves_clients_as_our_own_relay_does() -> Result<()> {
    let pairs = [Nat::PORT_RESTRICTED, Nat::SYMMETRIC, Nat::UDP_BLOCKED].map(|nat| (nat, nat));
    connect("coturn", RelayKind::Coturn, &pairs, None).await
}

#[tokio::test]
async fn clients_that_may_speak_nothing_but_tls_reach_each_other_and_others() -> Result<()> {
    let pairs = [Nat::UDP_BLOCKED, Nat::SYMMETRIC, Nat::NONE].map(|nat| (Nat::UDP_BLOCKED, nat));
    connect("tls", RelayKind::Tincan, &pairs, Some(Transport::Tls)).await
}

/// One call for each pair of A's and B's translators, with the relay reached in any way or in this.
async fn connect(
    test: &str,
    relay: RelayKind,
    pairs: &[(Nat, Nat)],
    over: Option<Transport>,
) -> Result<()> {
    let Some(mut lab) = lab_or_skip(test, Plan::default())? else { return Ok(()) };
    lab.start_relay(relay)?;
    let mut options = lab.call_options()?;
    if let Some(over) = over {
        options = over.only(options);
    }
    let mut call = lab.call(Maker::Tincan, "peer").await?;
    let mut wrong = Vec::new();
    for &(a, b) in pairs {
        let pair = format!("{} - {}", name(a), name(b));
        match pair_of(&mut lab, &mut call, &options, a, b).await {
            Ok(told) => eprintln!("{pair}: {told}"),
            Err(problem) => wrong.push(format!("{pair}: {problem:#}")),
        }
        call.close().await.with_context(|| format!("after {pair}"))?;
    }
    ensure!(wrong.is_empty(), "{} pairs:\n{}", wrong.len(), wrong.join("\n"));
    call.quit().await
}

async fn pair_of(
    lab: &mut Lab,
    call: &mut Call,
    options: &CallOptions,
    a: Nat,
    b: Nat,
) -> Result<String> {
    lab.set_nat(Side::A, a)?;
    lab.set_nat(Side::B, b)?;
    call.begin(options).await?;
    let set_up = call.until_seen(SEEN).await?;
    let stats = call.stats().await?;
    let path = if figures::is_relayed(stats.each_ref())? { Path::Relayed } else { Path::Direct };
    let expected = expected_path(a, b);
    ensure!(path == expected, "{path:?} instead of {expected:?}, {stats:?}");
    if [a, b].contains(&Nat::UDP_BLOCKED) {
        // The stream to the relay is opened anew.
        call.restart_and_see(Side::A, SEEN).await.context("after an ICE restart")?;
    }
    Ok(format!("{path:?}: {set_up}"))
}

fn name(nat: Nat) -> &'static str {
    nat.name().unwrap_or("?")
}
