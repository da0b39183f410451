//! Two programs of one maker in a call, of which one listens and is muted.

use crate::Chromium;
use anyhow::Result;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tincan_desktop_tests::pair::acquainted;
use tincan_desktop_tests::whole_call::{call, ended, phase_becomes, toggle};
use tincan_desktop_tests::{App, Desktop, eventually};
use tincan_test_support::Maker;

/// How long a call may take on a busy machine.
const CONNECTED: Duration = Duration::from_secs(60);
/// The page of Chromium's sides.
const PAGE: &str = "voice.html";

/// The programs of the talker and of the listener.
pub enum Pair {
    /// Ours.
    Tincan(Box<[App; 2]>),
    /// Theirs; ended when dropped.
    Chromium { _both: Box<[Chromium; 2]> },
}

impl Pair {
    /// Starts both with the devices that the environment leads to, and connects them.
    pub async fn connect(
        maker: Maker,
        program: &Path,
        desktop: &Desktop,
        environment: &[(String, String)],
    ) -> Result<Self> {
        match maker {
            Maker::Tincan => tincan(program, desktop, environment).await,
            Maker::Chromium => chromium(desktop, environment).await,
        }
    }

    /// Ends the call and the programs.
    pub async fn end(self) -> Result<()> {
        let Self::Tincan(both) = self else { return Ok(()) };
        let [talker, listener] = *both;
        talker.press("hang-up").await?;
        ended(&listener, "remoteHungUp", "hung up").await
    }
}

async fn tincan(
    program: &Path,
    desktop: &Desktop,
    environment: &[(String, String)],
) -> Result<Pair> {
    let heard = |app: tincan_desktop_tests::app::Options| {
        app.program(program).environment(environment.iter().cloned())
    };
    let (talker, listener) = acquainted(desktop, heard, heard).await?;
    call(&talker, &listener, "call-audio").await?;
    listener.press("incoming-accept-audio").await?;
    for app in [&talker, &listener] {
        phase_becomes(app, "connected", CONNECTED).await?;
    }
    toggle(&listener, "toggle-microphone", "false").await?;
    Ok(Pair::Tincan(Box::new([talker, listener])))
}

async fn chromium(desktop: &Desktop, environment: &[(String, String)]) -> Result<Pair> {
    let start = async |name| Chromium::heard(name, PAGE, environment, desktop.output()).await;
    let (talker, listener) = (start("chromium-talker").await?, start("chromium-listener").await?);
    talker.call("speak", json!(true)).await?;
    listener.call("speak", json!(false)).await?;
    talker.connect(&listener).await?;
    eventually("the browsers are connected", CONNECTED, async || {
        let connected = listener.call("connected", Value::Null).await?;
        Ok((connected == true).then_some(()))
    })
    .await?;
    Ok(Pair::Chromium { _both: Box::new([talker, listener]) })
}
