//! Whether this machine can have a lab, and what becomes of a test if not.

use crate::lab::{Lab, Plan};
use crate::namespace::{self, Namespace, PREFIX};
use anyhow::{Context, Result};
use std::path::Path;
use std::sync::OnceLock;
use tincan_test_support::place;

/// With this set to 1, a machine that cannot have a lab fails tests instead of skipping them.
const REQUIRED: &str = "TINCAN_REQUIRE_NETLAB";
/// Each skipped test leaves a file in this folder of `target/netlab`, where they are counted.
const SKIPPED: &str = "skipped";

/// Builds a lab, or says why the test is skipped.
///
/// # Errors
/// There is no lab although `TINCAN_REQUIRE_NETLAB=1` demands it, or this machine can have one and
/// building failed.
pub fn lab_or_skip(test: &str, plan: Plan) -> Result<Option<Lab>> {
    static UNABLE: OnceLock<Option<String>> = OnceLock::new();
    let unable = UNABLE.get_or_init(|| try_out().err().map(|error| format!("{error:#}")));
    match unable {
        None => Lab::build(test, plan).context("while building the lab").map(Some),
        Some(why) => skip(test, why).map(|()| None),
    }
}

/// Notes that a test is skipped.
///
/// # Errors
/// `TINCAN_REQUIRE_NETLAB=1` demands that it runs.
pub fn skip(test: &str, why: &str) -> Result<()> {
    anyhow::ensure!(
        std::env::var(REQUIRED).as_deref() != Ok("1"),
        "{REQUIRED}=1, but there is no network lab here: {why}"
    );
    eprintln!("skipped {test}, no network lab here: {why}");
    let folder = place::output().join("netlab").join(SKIPPED);
    std::fs::create_dir_all(&folder).with_context(|| format!("while making {folder:?}"))?;
    std::fs::write(folder.join(test), why).context("while noting a skipped test")
}

/// Does once, and undoes, what a lab does many times.
fn try_out() -> Result<()> {
    sweep()?;
    let here = Namespace::add(format!("{PREFIX}{}-try", std::process::id()))?;
    here.ip("link add one type veth peer name two\nlink add name br0 type bridge\n\
         link set one master br0\naddr add 192.0.2.1/24 dev br0")?;
    here.set(&[("ipv4/ip_forward", "1")])?;
    let client = std::net::Ipv4Addr::new(192, 0, 2, 2);
    here.nft(&crate::nat::rules(tincan_connectivity::nat::Nat::SYMMETRIC, client)?)?;
    here.run("conntrack", &["-F"])?;
    here.enter(|| crate::sys::PacketSocket::open("two").context("while opening a raw socket"))?;
    Ok(())
}

/// Removes what processes left behind that had no time to do it.
pub fn sweep() -> Result<()> {
    for name in namespace::all()? {
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        let alive = owner.is_some_and(|id| Path::new("/proc").join(id).exists());
        if !alive {
            namespace::remove(&name);
        }
    }
    Ok(())
}
