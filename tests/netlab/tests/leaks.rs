//! What a few restarts and calls leave behind; `cargo xtask soak --restarts 200 --calls 500` asks
//! the same of many.

use anyhow::Result;
use tincan_netlab_tests::{Call, leaks};
use tincan_test_support::place;

const TIMES: usize = 20;

#[tokio::test]
async fn restarts_and_calls_leave_nothing_behind() -> Result<()> {
    let folder = place::output_of("netlab", "leaks")?;
    let mut call = Call::on_this_machine(&folder).await?;
    let restarts = leaks::restarts(&mut call, TIMES).await?;
    let calls = leaks::calls(&mut call, TIMES).await?;
    leaks::judge(&[("restarts", restarts), ("calls", calls)])?;
    call.quit().await
}
