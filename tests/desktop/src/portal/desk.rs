//! What the bus sees of the portal.

use super::{Bound, PATH, lock};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, ObjectServer, fdo, interface};

type Options = HashMap<String, OwnedValue>;

/// What the bus sees.
pub struct Desk {
    pub bound: Arc<Mutex<Option<Bound>>>,
}

/// A session of the portal: closing it lets its shortcuts go.
struct Session {
    bound: Arc<Mutex<Option<Bound>>>,
}

#[interface(name = "org.freedesktop.portal.Session")]
impl Session {
    fn close(&self) {
        lock(&self.bound).take();
    }
}

#[interface(name = "org.freedesktop.portal.GlobalShortcuts")]
impl Desk {
    #[zbus(property, name = "version")]
    fn version(&self) -> u32 {
        1
    }

    async fn create_session(
        &self,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        #[zbus(object_server)] server: &ObjectServer,
    ) -> fdo::Result<OwnedObjectPath> {
        let session = handle("session", &header, &options, "session_handle_token")?;
        server.at(&session, Session { bound: Arc::clone(&self.bound) }).await?;
        let results = HashMap::from([("session_handle", Value::from(session.as_str()))]);
        answer(connection, &header, &options, results).await
    }

    async fn bind_shortcuts(
        &self,
        session: OwnedObjectPath,
        shortcuts: Vec<(String, Options)>,
        _parent_window: &str,
        options: Options,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> fdo::Result<OwnedObjectPath> {
        let keys = |of: &Options| text(of, "preferred_trigger").unwrap_or_default();
        let proposed = shortcuts.iter().map(|(id, of)| (id.clone(), keys(of))).collect();
        let given: Vec<(String, HashMap<&str, Value<'_>>)> = shortcuts
            .iter()
            .map(|(id, of)| {
                let description = text(of, "description").unwrap_or_default();
                let told =
                    [("description", description.into()), ("trigger_description", keys(of).into())];
                (id.clone(), HashMap::from(told))
            })
            .collect();
        *lock(&self.bound) = Some(Bound { session, proposed });
        answer(connection, &header, &options, HashMap::from([("shortcuts", given.into())])).await
    }

    /// The keys of a shortcut were pressed.
    #[zbus(signal)]
    pub async fn activated(
        emitter: &SignalEmitter<'_>,
        session: ObjectPath<'_>,
        shortcut: &str,
        timestamp: u64,
        options: HashMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;

    /// The keys of a shortcut were let go.
    #[zbus(signal)]
    pub async fn deactivated(
        emitter: &SignalEmitter<'_>,
        session: ObjectPath<'_>,
        shortcut: &str,
        timestamp: u64,
        options: HashMap<&str, Value<'_>>,
    ) -> zbus::Result<()>;
}

fn text(options: &Options, name: &str) -> Option<String> {
    options.get(name)?.downcast_ref::<&str>().ok().map(str::to_owned)
}

/// The path of a request or session, which both sides make of the caller's name and its token.
fn handle(
    kind: &str,
    header: &Header<'_>,
    options: &Options,
    token: &str,
) -> fdo::Result<OwnedObjectPath> {
    let refusal = |what: &str| fdo::Error::InvalidArgs(what.to_owned());
    let sender = header.sender().ok_or_else(|| refusal("no sender"))?;
    let sender = sender.trim_start_matches(':').replace('.', "_");
    let token = text(options, token).ok_or_else(|| refusal("no token"))?;
    let path = format!("{PATH}/{kind}/{sender}/{token}");
    OwnedObjectPath::try_from(path).map_err(|_| refusal("no path"))
}

/// Answers a request with success, as if the person had agreed at once.
async fn answer(
    connection: &Connection,
    header: &Header<'_>,
    options: &Options,
    results: HashMap<&str, Value<'_>>,
) -> fdo::Result<OwnedObjectPath> {
    let request = handle("request", header, options, "handle_token")?;
    let (interface, signal) = ("org.freedesktop.portal.Request", "Response");
    connection
        .emit_signal(header.sender().cloned(), &request, interface, signal, &(0_u32, results))
        .await?;
    Ok(request)
}
