//! Waiting on a condition with a deadline.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(50);

/// Looks until there is something, or `limit` is over. An error of `look` is not the end: a page
/// may be loading; the last one is told if the limit is reached.
pub async fn eventually<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        let last = match tokio::time::timeout_at(deadline.into(), look()).await {
            Ok(Ok(Some(found))) => return Ok(found),
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some(anyhow::anyhow!("the last look was not answered")),
        };
        if Instant::now() + POLL >= deadline {
            match last {
                Some(error) => bail!("{what}: not within {limit:?}; {error:#}"),
                None => bail!("{what}: not within {limit:?}"),
            }
        }
        tokio::time::sleep(POLL).await;
    }
}
