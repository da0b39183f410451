//! What the bus sees of the notification server.

use super::{Capabilities, Notification, mark_gone};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use zbus::interface;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

/// Why a notification goes: the program has closed it.
const CLOSED: u32 = 3;

/// What the bus sees.
pub struct Desk {
    pub notified: Arc<Mutex<Vec<Notification>>>,
    pub capabilities: Capabilities,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Desk {
    fn get_capabilities(&self) -> Vec<&'static str> {
        match self.capabilities {
            Capabilities::Buttons => vec!["actions", "body", "persistence"],
            Capabilities::Words => vec!["body"],
        }
    }

    fn get_server_information(&self) -> (&'static str, &'static str, &'static str, &'static str) {
        ("tests", "tincan", "1", "1.2")
    }

    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    fn notify(
        &self,
        _app_name: &str,
        _replaces_id: u32,
        _app_icon: &str,
        summary: &str,
        body: &str,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_timeout: i32,
    ) -> u32 {
        let mut notified = self.notified.lock().unwrap_or_else(PoisonError::into_inner);
        let id = notified.len() as u32 + 1;
        let buttons = actions.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
        notified.push(Notification {
            id,
            summary: summary.into(),
            body: body.into(),
            buttons: buttons.collect(),
            timeout: expire_timeout,
            gone: false,
            hints,
        });
        id
    }

    async fn close_notification(
        &self,
        id: u32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> zbus::fdo::Result<()> {
        mark_gone(&self.notified, id);
        Ok(Self::notification_closed(&emitter, id, CLOSED).await?)
    }

    /// The person has pressed a button.
    #[zbus(signal)]
    pub async fn action_invoked(
        emitter: &SignalEmitter<'_>,
        id: u32,
        action: &str,
    ) -> zbus::Result<()>;

    /// A notification is no longer shown.
    #[zbus(signal)]
    pub async fn notification_closed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        reason: u32,
    ) -> zbus::Result<()>;
}
