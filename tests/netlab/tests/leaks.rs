//! What a few restarts and calls leave behind; `cargo xtask soak --restarts 200 --calls 500` asks
//! the same of many.

use anyhow::Result;
use tincan_netlab_tests::leaks;
use tincan_test_support::{Call, Maker, place};

/// Allocators give back arenas of several mebibytes only now and then: seldom among fewer readings.
const TIMES: usize = 40;

#[tokio::test]
async fn restarts_and_calls_leave_nothing_behind() -> Result<()> {
    let folder = place::output_of("netlab", "leaks")?;
    let mut call = Call::on_this_machine([Maker::Tincan; 2], &folder).await?;
    let restarts = leaks::restarts(&mut call, TIMES).await?;
    let calls = leaks::calls(&mut call, TIMES).await?;
    leaks::judge(&[("restarts", restarts), ("calls", calls)])?;
    call.quit().await
}
