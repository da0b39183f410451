//! Every pair of translators: the call connects, pictures flow both ways, and the path is direct
//! where the oracle says that it can be.

use anyhow::{Context, Result, ensure};
use std::time::Duration;
use tincan_connectivity::nat::{Nat, Path, expected_path};
use tincan_netlab_tests::{Call, CallOptions, Lab, Plan, RelayKind, Side, lab_or_skip};

/// How long a call may take to be seen on both sides.
const SEEN: Duration = Duration::from_secs(20);

macro_rules! rows {
    ($($test:ident: $nat:expr;)*) => {$(
        #[tokio::test]
        async fn $test() -> Result<()> {
            row(stringify!($test), $nat).await
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

/// One kind of translator at A with every kind at B.
async fn row(test: &str, a: Nat) -> Result<()> {
    let Some(mut lab) = lab_or_skip(test, Plan::default())? else { return Ok(()) };
    lab.start_relay(RelayKind::Coturn)?;
    let mut call = Call::in_lab(&lab).await?;
    let mut wrong = Vec::new();
    for b in Nat::NAMED {
        let pair = format!("{} - {}", name(a), name(b));
        match pair_of(&mut lab, &mut call, a, b).await {
            Ok(told) => eprintln!("{pair}: {told}"),
            Err(problem) => wrong.push(format!("{pair}: {problem:#}")),
        }
        call.close().await.with_context(|| format!("after {pair}"))?;
    }
    ensure!(wrong.is_empty(), "{} pairs:\n{}", wrong.len(), wrong.join("\n"));
    call.quit().await
}

async fn pair_of(lab: &mut Lab, call: &mut Call, a: Nat, b: Nat) -> Result<String> {
    lab.set_nat(Side::A, a)?;
    lab.set_nat(Side::B, b)?;
    let options = CallOptions { ice_servers: lab.ice_servers()?.clone(), ..Default::default() };
    call.begin(&options).await?;
    let set_up = call.until_seen(SEEN).await?;
    let path = if call.is_relayed().await? { Path::Relayed } else { Path::Direct };
    let expected = expected_path(a, b);
    ensure!(path == expected, "{path:?} instead of {expected:?}, {:?}", call.stats().await?);
    Ok(format!("{path:?}: {set_up}"))
}

fn name(nat: Nat) -> &'static str {
    nat.name().unwrap_or("?")
}
