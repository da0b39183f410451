//! The part of a desktop's portal that hands shortcuts on (XDG desktop portal, `GlobalShortcuts`
//! version 1), played for a test: it asks nobody, and tells of keys when it is told to.

mod desk;

use crate::eventually;
use anyhow::{Context, Result};
use desk::Desk;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use zbus::Connection;
use zbus::connection::Builder;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedObjectPath;

const NAME: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";

/// What a program has asked for, by the shortcut's name: the keys that it proposes.
pub type Proposed = HashMap<String, String>;

/// The portal.
#[derive(Debug)]
pub struct ShortcutPortal {
    connection: Connection,
    bound: Arc<Mutex<Option<Bound>>>,
}

/// The shortcuts of the session that there is.
#[derive(Clone, Debug)]
struct Bound {
    session: OwnedObjectPath,
    proposed: Proposed,
}

impl ShortcutPortal {
    /// Takes its name on the bus at `address`.
    pub async fn start(address: &str) -> Result<Self> {
        let bound = Arc::default();
        let desk = Desk { bound: Arc::clone(&bound) };
        let connection = Builder::address(address)?.serve_at(PATH, desk)?.name(NAME)?.build().await;
        Ok(Self { connection: connection.context("while starting a portal")?, bound })
    }

    /// Waits until a program has asked for shortcuts that are as `wanted`; none: it has let them go.
    pub async fn until(
        &self,
        what: &str,
        limit: Duration,
        wanted: impl Fn(Option<&Proposed>) -> bool,
    ) -> Result<()> {
        eventually(what, limit, async || {
            let bound = lock(&self.bound);
            Ok(wanted(bound.as_ref().map(|bound| &bound.proposed)).then_some(()))
        })
        .await
        .with_context(|| format!("there is {:?}", self.bound))
    }

    /// Tells the program that the keys of one of its shortcuts were pressed and let go.
    pub async fn press(&self, shortcut: &str) -> Result<()> {
        self.hold(shortcut).await?;
        self.let_go(shortcut).await
    }

    /// Tells the program that the keys of one of its shortcuts were pressed.
    pub async fn hold(&self, shortcut: &str) -> Result<()> {
        let (session, emitter) = self.emitter()?;
        let told = Desk::activated(&emitter, session.into(), shortcut, 0, HashMap::new()).await;
        told.context("while telling of a shortcut")
    }

    /// Tells the program that they were let go.
    pub async fn let_go(&self, shortcut: &str) -> Result<()> {
        let (session, emitter) = self.emitter()?;
        let told = Desk::deactivated(&emitter, session.into(), shortcut, 0, HashMap::new()).await;
        told.context("while telling of a shortcut")
    }

    fn emitter(&self) -> Result<(OwnedObjectPath, SignalEmitter<'_>)> {
        let session = lock(&self.bound).clone().context("nobody has shortcuts")?.session;
        Ok((session, SignalEmitter::new(&self.connection, PATH)?))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
