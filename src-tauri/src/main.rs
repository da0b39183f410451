//! The desktop shell: it opens the windows, hands intents to the controller and shows what
//! comes back. Calls, devices and the server run behind it and outlive the window.
#![cfg_attr(all(not(debug_assertions), windows), windows_subsystem = "windows")]

mod about;
mod arguments;
mod autostart;
mod commands;
mod frames;
mod links;
mod local_server;
mod log;
mod notifications;
mod recordings;
mod running;
mod shell;
mod shortcuts;
#[cfg(test)]
mod states;
mod tray;
mod windows;

use anyhow::Context;
use arguments::Arguments;
use clap::Parser;
use links::Link;
use shell::Shell;
use std::sync::Arc;
use tauri::{AppHandle, Manager, RunEvent};

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    arguments.prepare_rendering();
    log::begin(&arguments.log_folder()?);

    let mut builder = tauri::Builder::default();
    if arguments.has_session_bus() {
        // One app per profile: a second start hands its arguments to the first.
        let id = format!("org.tincan.Tincan.{}", arguments.profile);
        let single = tauri_plugin_single_instance::Builder::new()
            .callback(|app, arguments, _| started_again(app, &arguments))
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
            commands::open_main,
            commands::open_pip,
            commands::close_pip,
            commands::close_incoming,
            commands::about,
            commands::recording,
            commands::save_recording,
        ])
        .setup(move |app| {
            let started = running::start(app.handle(), arguments);
            Ok(started.inspect_err(|error| tracing::error!("{error:#}"))?)
        })
        .on_window_event(windows::on_event)
        .build(tauri::generate_context!())
        .context("while opening the window")?;
    app.run(|app, event| match event {
        RunEvent::ExitRequested { .. } => windows::keep_places(app),
        RunEvent::Exit => tauri::async_runtime::block_on(running::stop(app)),
        _ => {}
    });
    Ok(())
}

/// A second start shows the window, or what its link asks for; one for the tray shows nothing.
fn started_again(app: &AppHandle, arguments: &[String]) {
    let Some(shell) = app.try_state::<Arc<Shell>>() else { return };
    match Arguments::try_parse_from(arguments) {
        Ok(Arguments { link: Some(link), .. }) => shell.open_link(link),
        Ok(Arguments { hidden: true, .. }) => {}
        Ok(_) => windows::main::show(&shell, None),
        Err(error) => {
            tracing::info!(%error, "a second start was not understood");
            match Link::among(arguments.iter().map(String::as_str)) {
                Some(link) => shell.open_link(link),
                None => windows::main::show(&shell, None),
            }
        }
    }
}
