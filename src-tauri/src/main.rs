//! The desktop shell: it opens the window, hands intents to the controller and shows what
//! comes back. Calls, devices and the server run behind it and outlive the window.
#![cfg_attr(all(not(debug_assertions), windows), windows_subsystem = "windows")]

mod arguments;
mod commands;
mod frames;
mod local_server;
mod window;

use anyhow::Context;
use arguments::Arguments;
use clap::Parser;
use local_server::HostedServer;
use std::sync::Arc;
use tauri::{AppHandle, Manager, RunEvent};
use tincan_client::controller::{Client, ClientConfig};
use tincan_client::profile::Profile;
use tincan_devices::SystemDevices;
use tincan_media::screen::{NoScreens, ScreenUnavailable};
use window::WindowUi;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    arguments.prepare_rendering();
    let filter = tracing_subscriber::EnvFilter::try_from_env("TINCAN_LOG").unwrap_or_else(|_| {
        tracing_subscriber::EnvFilter::new(
            "info,webrtc=error,rtc=error,rtc_ice=error,rtc_dtls=error,pulseaudio=off",
        )
    });
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).init();

    let mut builder = tauri::Builder::default();
    if arguments.has_session_bus() {
        // One app per profile: a second start shows the window of the first.
        let id = format!("org.tincan.Tincan.{}", arguments.profile);
        let single = tauri_plugin_single_instance::Builder::new()
            .callback(|app, _, _| window::show(app))
            .dbus_id(id)
            .build();
        builder = builder.plugin(single);
    }
    let app = builder
        .invoke_handler(tauri::generate_handler![
            commands::snapshot,
            commands::dispatch,
            commands::video_endpoint,
            commands::decoder_chosen,
        ])
        .setup(move |app| {
            let handle = app.handle().clone();
            let started = tauri::async_runtime::block_on(start(handle, arguments));
            Ok(started.inspect_err(|error| tracing::error!("{error:#}"))?)
        })
        .on_window_event(window::on_event)
        .build(tauri::generate_context!())
        .context("while opening the window")?;
    app.run(|app, event| {
        if let RunEvent::Exit = event {
            tauri::async_runtime::block_on(stop(app));
        }
    });
    Ok(())
}

/// What the commands and the window reach.
struct Running {
    client: tokio::sync::Mutex<Option<Client>>,
    server: Arc<HostedServer>,
}

async fn start(app: AppHandle, arguments: Arguments) -> anyhow::Result<()> {
    let root = arguments.data_root()?;
    let folder = root.join("profiles").join(&arguments.profile);
    let profile = Profile::open(&arguments.profile, &folder)
        .with_context(|| format!("while opening the profile in {}", folder.display()))?;
    let hub = frames::Hub::new();
    let endpoint = hub.listen().await.context("while opening the socket for pictures")?;
    let ui = Arc::new(WindowUi::new(app.clone()));
    let server = Arc::new(HostedServer::new(
        arguments.listen,
        root.join("server").join("tincan.sqlite"),
        arguments.ring_time(),
    ));
    let config = ClientConfig {
        profile,
        devices: Arc::new(SystemDevices::new()),
        screens: Arc::new(NoScreens(ScreenUnavailable::Unsupported)),
        tiles: hub.clone(),
        ui: ui.clone(),
        local_server: server.clone(),
        use_keyring: arguments.has_session_bus(),
        name: arguments.name,
        server: arguments.server,
        contacts: arguments.contacts,
    };
    let client = Client::start(config).await.map_err(anyhow::Error::msg)?;
    hub.ask_for_key_frames_at(Arc::new(client.handle()));
    app.manage(client.handle());
    app.manage(endpoint);
    app.manage(ui);
    app.manage(Running { client: tokio::sync::Mutex::new(Some(client)), server });
    Ok(())
}

async fn stop(app: &AppHandle) {
    let Some(running) = app.try_state::<Running>() else { return };
    if let Some(client) = running.client.lock().await.take() {
        client.shutdown().await;
    }
    running.server.stop().await;
}
