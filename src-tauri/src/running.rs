//! What runs behind the windows: the controller, the embedded server, and the parts of the
//! shell that follow the state. Started and stopped in order.

use crate::about::LogFolder;
use crate::arguments::Arguments;
use crate::local_server::HostedServer;
use crate::shell::Shell;
use crate::windows::placement::Placements;
use crate::windows::{incoming, main, pip};
use crate::{autostart, frames, notifications, shortcuts, tray};
use anyhow::Context;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tauri::async_runtime::{JoinHandle, block_on, spawn};
use tauri::{AppHandle, Manager};
use tincan_client::controller::{Client, ClientConfig};
use tincan_client::profile::Profile;
use tincan_devices::SystemDevices;
use tokio::sync::{Mutex, mpsc};

/// How long the shell's parts may take to end: notifications are taken back meanwhile.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What runs.
struct Running {
    client: Mutex<Option<Client>>,
    server: Arc<HostedServer>,
    parts: Mutex<Vec<JoinHandle<()>>>,
}

/// Starts everything. On the main thread.
pub fn start(app: &AppHandle, arguments: Arguments) -> anyhow::Result<()> {
    let folder = arguments.profile_folder()?;
    let profile = Profile::open(&arguments.profile, &folder)
        .with_context(|| format!("while opening the profile in {}", folder.display()))?;
    let (asked, pip_requests) = mpsc::channel(pip::REQUESTS);
    let (put_away, incoming_requests) = mpsc::channel(1);
    let shell = Shell::new(app.clone(), asked);
    let placements = Placements::of(&profile);
    let (hidden, link) = (arguments.hidden, arguments.link.clone());
    main::begin(&shell, &placements, hidden && link.is_none());
    app.manage(shell.clone());
    app.manage(placements);
    app.manage(put_away);
    app.manage(LogFolder(arguments.log_folder()?));
    let bus = arguments.has_session_bus();
    let tray_id = format!("tincan-{}", arguments.profile);
    let (client, server) = block_on(start_client(app, shell.clone(), profile, arguments))?;
    shell.connect(client.handle());

    let mut parts = vec![
        spawn(main::follow(shell.clone())),
        spawn(incoming::follow(shell.clone(), incoming_requests)),
        spawn(pip::follow(shell.clone(), pip_requests)),
        spawn(autostart::follow(shell.clone())),
        spawn(shortcuts::follow(shell.clone())),
    ];
    if bus {
        parts.push(spawn(notifications::follow(shell.clone())));
        parts.extend(start_tray(&shell, &tray_id, &folder.join("tray")));
    }
    end_when_told(app);
    app.manage(Running { client: Mutex::new(Some(client)), server, parts: Mutex::new(parts) });
    if let Some(link) = link {
        shell.open_link(link);
    }
    Ok(())
}

/// Ends in order when the session does, or whoever started it wants it to: the others in a call
/// are told.
#[cfg(unix)]
fn end_when_told(app: &AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        let app = app.clone();
        spawn(async move {
            match signal(kind) {
                Ok(mut told) => {
                    told.recv().await;
                    tracing::info!("told to end");
                    app.exit(0);
                }
                Err(error) => tracing::warn!(%error, "the app will end without a word"),
            }
        });
    }
}

#[cfg(not(unix))]
fn end_when_told(_: &AppHandle) {}

async fn start_client(
    app: &AppHandle,
    shell: Arc<Shell>,
    profile: Profile,
    arguments: Arguments,
) -> anyhow::Result<(Client, Arc<HostedServer>)> {
    let hub = frames::Hub::new();
    let endpoint = hub.listen().await.context("while opening the socket for pictures")?;
    let server = Arc::new(HostedServer::new(
        arguments.listen,
        arguments.data_root()?.join("server").join("tincan.sqlite"),
        arguments.ring_time(),
    ));
    let config = ClientConfig {
        profile,
        devices: Arc::new(SystemDevices::new()),
        screens: tincan_devices::system_screens(),
        tiles: hub.clone(),
        ui: shell,
        local_server: server.clone(),
        use_keyring: arguments.has_session_bus(),
        name: arguments.name,
        server: arguments.server,
        contacts: arguments.contacts,
    };
    let client = Client::start(config).await.map_err(anyhow::Error::msg)?;
    hub.tell(Arc::new(client.handle()));
    app.manage(client.handle());
    app.manage(endpoint);
    Ok((client, server))
}

fn start_tray(shell: &Arc<Shell>, id: &str, folder: &Path) -> Vec<JoinHandle<()>> {
    match tray::begin(shell, id, folder) {
        Ok(tray) => {
            vec![spawn(tray::host::follow(shell.clone())), spawn(tray::follow(shell.clone(), tray))]
        }
        Err(error) => {
            tracing::info!(error, "there is no tray icon");
            vec![]
        }
    }
}

/// Ends the call, says good-bye to the server and takes back what the desktop shows.
pub async fn stop(app: &AppHandle) {
    let Some(running) = app.try_state::<Running>() else { return };
    if let Some(client) = running.client.lock().await.take() {
        client.shutdown().await;
    }
    if let Some(shell) = app.try_state::<Arc<Shell>>() {
        shell.change(|state| state.closing = true);
    }
    for part in running.parts.lock().await.drain(..) {
        if tokio::time::timeout(LAST_WORDS, part).await.is_err() {
            tracing::debug!("a part of the shell did not end in time");
        }
    }
    running.server.stop().await;
}
