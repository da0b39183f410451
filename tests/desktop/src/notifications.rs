//! A desktop's notification server (Desktop Notifications Specification 1.2), played for a test:
//! it shows nothing and tells what it was asked to show.

mod desk;

use crate::eventually;
use anyhow::{Context, Result};
use desk::Desk;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use zbus::Connection;
use zbus::connection::Builder;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// Why a notification goes: the person has put it away.
const DISMISSED: u32 = 2;

/// What the server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capabilities {
    /// Buttons, too.
    Buttons,
    /// Words alone.
    Words,
}

/// A notification as it was asked for.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Under which the server knows it.
    pub id: u32,
    /// The line in bold.
    pub summary: String,
    /// The line below.
    pub body: String,
    /// Buttons: name and label.
    pub buttons: Vec<(String, String)>,
    /// Milliseconds; 0 is never.
    pub timeout: i32,
    /// It is no longer shown.
    pub gone: bool,
    hints: HashMap<String, OwnedValue>,
}

impl Notification {
    /// The hint `urgency`: 2 is critical.
    pub fn urgency(&self) -> Option<u8> {
        self.hints.get("urgency").and_then(|value| value.downcast_ref().ok())
    }

    /// The hint `category`.
    pub fn category(&self) -> Option<&str> {
        self.hints.get("category").and_then(|value| value.downcast_ref().ok())
    }
}

/// The server.
#[derive(Debug)]
pub struct NotificationServer {
    connection: Connection,
    notified: Arc<Mutex<Vec<Notification>>>,
}

impl NotificationServer {
    /// Takes its name on the bus at `address`.
    pub async fn start(address: &str, capabilities: Capabilities) -> Result<Self> {
        let notified = Arc::default();
        let desk = Desk { notified: Arc::clone(&notified), capabilities };
        let connection = Builder::address(address)?.serve_at(PATH, desk)?.name(NAME)?.build().await;
        let connection = connection.context("while starting a notification server")?;
        Ok(Self { connection, notified })
    }

    /// All that were asked for, oldest first.
    pub fn all(&self) -> Vec<Notification> {
        self.notified.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until one is shown whose summary contains `words`.
    pub async fn shows(&self, words: &str, limit: Duration) -> Result<Notification> {
        eventually(&format!("a notification says `{words}`"), limit, async || {
            let shown = |one: &Notification| !one.gone && one.summary.contains(words);
            Ok(self.all().into_iter().rev().find(shown))
        })
        .await
        .with_context(|| format!("there were {:?}", self.all()))
    }

    /// Waits until the program has taken one back.
    pub async fn is_gone(&self, id: u32, limit: Duration) -> Result<()> {
        eventually("the notification goes", limit, async || {
            Ok(self.all().iter().any(|one| one.id == id && one.gone).then_some(()))
        })
        .await
    }

    /// Presses a button, or beside the buttons with `default`.
    pub async fn press(&self, id: u32, button: &str) -> Result<()> {
        let emitter = SignalEmitter::new(&self.connection, PATH)?;
        Desk::action_invoked(&emitter, id, button).await.context("while pressing a button")
    }

    /// Puts one away without an answer.
    pub async fn dismiss(&self, id: u32) -> Result<()> {
        let emitter = SignalEmitter::new(&self.connection, PATH)?;
        mark_gone(&self.notified, id);
        let told = Desk::notification_closed(&emitter, id, DISMISSED).await;
        told.context("while putting a notification away")
    }
}

fn mark_gone(notified: &Mutex<Vec<Notification>>, id: u32) {
    let mut notified = notified.lock().unwrap_or_else(PoisonError::into_inner);
    notified.iter_mut().filter(|one| one.id == id).for_each(|one| one.gone = true);
}
