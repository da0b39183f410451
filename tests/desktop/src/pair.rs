//! Two people who can call each other.

use crate::app::Options;
use crate::place::free_port;
use crate::{App, Desktop};
use anyhow::Result;
use std::time::Duration;

/// How long they may take to see each other.
const MET: Duration = Duration::from_secs(20);

/// Alice, whose app hosts the server, and bob, whose app is started as `as_bob` says.
pub async fn alice_and(
    desktop: &Desktop,
    as_bob: impl FnOnce(Options) -> Options,
) -> Result<(App, App)> {
    let server = format!("127.0.0.1:{}", free_port()?);
    let alice = desktop.app("alice")?.signed_in().contact("bob").listen(&server).start().await?;
    let bob = desktop.app("bob")?.signed_in().contact("alice").server(&server).place(1, 0);
    let bob = as_bob(bob).start().await?;
    alice.becomes("contact-bob", "data-presence", "online", MET).await?;
    bob.becomes("contact-alice", "data-presence", "online", MET).await?;
    Ok((alice, bob))
}
