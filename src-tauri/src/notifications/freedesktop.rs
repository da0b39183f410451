//! The desktop's notification server, spoken to over the session bus (Desktop Notifications
//! Specification 1.2). Without one the app goes on.

use super::NotificationSupport;
use super::wanted::{Button, Note, wanted};
use crate::shell::Shell;
use crate::windows::main;
use futures_util::StreamExt;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use zbus::Connection;
use zbus::zvariant::Value;

/// A server that does not answer within this time is as good as none.
const ANSWER: Duration = Duration::from_secs(5);
/// The installed icon and desktop file.
const ICON: &str = "org.tincan.Tincan";
/// Never goes by itself: it goes with the ring.
const NEVER: i32 = 0;
/// Goes as the desktop thinks fit.
const AS_USUAL: i32 = -1;

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications"
)]
trait Notifications {
    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;

    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Value<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;

    fn close_notification(&self, id: u32) -> zbus::Result<()>;

    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action_key: String) -> zbus::Result<()>;

    #[zbus(signal)]
    fn notification_closed(&self, id: u32, reason: u32) -> zbus::Result<()>;

    #[zbus(signal)]
    fn activation_token(&self, id: u32, activation_token: String) -> zbus::Result<()>;
}

/// Shows what is wanted, and does what its buttons say.
pub async fn follow(shell: Arc<Shell>) {
    if let Err(error) = attend(&shell).await {
        tracing::info!(%error, "there are no notifications: a ringing call has its window");
        shell.change(|state| state.notifications = NotificationSupport::None);
    }
}

/// A notification that was wanted and still is.
struct Shown {
    note: Note,
    at: At,
    token: Option<String>,
}

/// What has become of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// The server shows it under this number.
    Server(u32),
    /// The person or the desktop has put it away, which answers nothing.
    PutAway,
    /// There was no server that took it.
    Nowhere,
}

struct Server<'a> {
    proxy: NotificationsProxy<'a>,
    shown: Vec<Shown>,
    complained: bool,
}

async fn attend(shell: &Shell) -> zbus::Result<()> {
    let connection = Connection::session().await?;
    let proxy = NotificationsProxy::new(&connection).await?;
    let mut presses = proxy.receive_action_invoked().await?;
    let mut closed = proxy.receive_notification_closed().await?;
    let mut tokens = proxy.receive_activation_token().await?;
    let mut owners = proxy.inner().receive_owner_changed().await?;
    let mut states = shell.follow();
    let mut server = Server { proxy, shown: Vec::new(), complained: false };
    server.find_out(shell).await;
    loop {
        let state = states.borrow_and_update().clone();
        server.show(wanted(&state)).await;
        if state.closing {
            return Ok(());
        }
        // The token comes before the press that it is for: it is looked for first.
        tokio::select! {
            biased;
            Some(token) = tokens.next() => {
                let token = token.args()?;
                server.keep_token(token.id, token.activation_token);
            }
            Some(press) = presses.next() => {
                let press = press.args()?;
                server.pressed(shell, press.id, &press.action_key);
            }
            Some(gone) = closed.next() => server.gone(gone.args()?.id),
            Some(owner) = owners.next() => {
                server.changed(owner.is_some());
                if owner.is_some() {
                    server.find_out(shell).await;
                } else {
                    shell.change(|state| state.notifications = NotificationSupport::None);
                }
            }
            changed = states.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

impl Server<'_> {
    /// What the server can do, if there is one.
    async fn find_out(&mut self, shell: &Shell) {
        let told = tokio::time::timeout(ANSWER, self.proxy.get_capabilities()).await;
        let support = match told {
            Ok(Ok(capabilities)) if capabilities.iter().any(|one| one == "actions") => {
                NotificationSupport::Full
            }
            Ok(Ok(_)) => NotificationSupport::NoActions,
            Ok(Err(_)) | Err(_) => NotificationSupport::None,
        };
        tracing::info!(?support, "notifications");
        shell.change(|state| state.notifications = support);
    }

    async fn show(&mut self, wanted: Vec<Note>) {
        let (kept, ended): (Vec<Shown>, Vec<Shown>) =
            self.shown.drain(..).partition(|shown| wanted.contains(&shown.note));
        self.shown = kept;
        for shown in ended {
            if let At::Server(id) = shown.at {
                self.close(id).await;
            }
        }
        for note in wanted {
            if !self.shown.iter().any(|shown| shown.note == note) {
                let at = self.notify(&note).await.map_or(At::Nowhere, At::Server);
                self.shown.push(Shown { note, at, token: None });
            }
        }
    }

    async fn notify(&mut self, note: &Note) -> Option<u32> {
        let actions: Vec<&str> =
            note.buttons().iter().flat_map(|button| [button.key(), button.label()]).collect();
        let mut hints = HashMap::from([("desktop-entry", Value::from(ICON))]);
        let timeout = match note {
            Note::Ringing { .. } => {
                // Critical (2): shown above full-screen windows, and until the ring ends.
                hints.insert("urgency", Value::from(2u8));
                hints.insert("category", Value::from("call.incoming"));
                hints.insert("resident", Value::from(true));
                hints.insert("sound-name", Value::from("phone-incoming-call"));
                NEVER
            }
            Note::Missed { .. } => {
                hints.insert("urgency", Value::from(1u8));
                hints.insert("category", Value::from("call.unanswered"));
                AS_USUAL
            }
        };
        let (title, body) = (note.title(), note.body());
        let asked = self.proxy.notify("Tincan", 0, ICON, &title, body, &actions, hints, timeout);
        let failure = match tokio::time::timeout(ANSWER, asked).await {
            Ok(Ok(id)) => return Some(id),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the server does not answer".to_owned(),
        };
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!(failure, "a notification is not shown");
        }
        None
    }

    async fn close(&self, id: u32) {
        // It may have gone in the same moment.
        if let Ok(Err(error)) =
            tokio::time::timeout(ANSWER, self.proxy.close_notification(id)).await
        {
            tracing::debug!(%error, "a notification is not closed");
        }
    }

    fn keep_token(&mut self, id: u32, token: String) {
        if let Some(shown) = self.find(id) {
            shown.token = Some(token);
        }
    }

    fn pressed(&mut self, shell: &Shell, id: u32, key: &str) {
        let Some(shown) = self.find(id) else { return };
        let Some(button) = shown.note.button(key) else { return };
        tracing::info!(?button, "pressed in a notification");
        if let Some(intent) = shown.note.intent(button) {
            shell.dispatch(intent);
        }
        if button.opens_app() {
            main::show(shell, shown.token.take());
        }
        if button == Button::CallBack {
            shell.change(|state| state.missed.clear());
        }
    }

    fn gone(&mut self, id: u32) {
        if let Some(shown) = self.find(id) {
            shown.at = At::PutAway;
        }
    }

    /// With the server goes what it shows; one that comes is shown what nobody took.
    fn changed(&mut self, there: bool) {
        self.complained = false;
        // One that takes the place of another has shown nothing, and its numbers are others.
        let lost = |shown: &Shown| shown.at != At::PutAway;
        if there {
            self.shown.retain(|shown| !lost(shown));
        } else {
            self.shown
                .iter_mut()
                .filter(|shown| lost(shown))
                .for_each(|shown| shown.at = At::Nowhere);
        }
    }

    fn find(&mut self, id: u32) -> Option<&mut Shown> {
        self.shown.iter_mut().find(|shown| shown.at == At::Server(id))
    }
}
