//! What a window may ask for. Each command hands over and returns.

use crate::about::{AboutView, LogFolder};
use crate::recordings::{self, RecordingFormat};
use crate::shell::Shell;
use crate::windows::incoming::{self, PutAway};
use crate::windows::main;
use crate::windows::pip::Asked;
use std::io;
use std::sync::Arc;
use tauri::async_runtime::spawn_blocking;
use tauri::{State, WebviewWindow};
use tincan_client::controller::ClientHandle;
use tincan_client::recorder::Recording;
use tincan_client::view::{Intent, IntentError, Snapshot, VideoEndpoint};
use tincan_proto::CallId;
use tokio::sync::mpsc;

/// The state now. A page asks for it when it listens to what follows.
#[tauri::command]
pub async fn snapshot(
    window: WebviewWindow,
    client: State<'_, ClientHandle>,
    shell: State<'_, Arc<Shell>>,
) -> Result<Option<Snapshot>, ()> {
    if window.label() == main::LABEL {
        shell.page_listens();
    }
    Ok(client.snapshot().await)
}

/// Carries out what the person asks for.
#[tauri::command]
pub async fn dispatch(
    window: WebviewWindow,
    client: State<'_, ClientHandle>,
    shell: State<'_, Arc<Shell>>,
    intent: Intent,
) -> Result<(), IntentError> {
    let done = client.dispatch(intent).await;
    if let (Err(error), incoming::LABEL) = (&done, window.label()) {
        // There is no room for it there.
        shell.tell_refused(error.code);
    }
    done
}

/// Where pictures are to be had.
#[tauri::command]
pub fn video_endpoint(endpoint: State<'_, VideoEndpoint>) -> VideoEndpoint {
    endpoint.inner().clone()
}

/// The window has found out whether its webview decodes H.264.
#[tauri::command]
pub fn decoder_chosen(webcodecs: bool) {
    if webcodecs {
        tracing::info!("the window decodes pictures itself");
    } else {
        tracing::warn!("the webview has no H.264 decoder: pictures are decoded for it");
    }
}

/// Back to the main window.
#[tauri::command]
pub fn open_main(shell: State<'_, Arc<Shell>>) {
    main::show(&shell, None);
    shell.ask_pip(Asked::Close);
}

/// Picture-in-picture comes.
#[tauri::command]
pub fn open_pip(shell: State<'_, Arc<Shell>>) {
    shell.ask_pip(Asked::Open);
}

/// Picture-in-picture goes.
#[tauri::command]
pub fn close_pip(shell: State<'_, Arc<Shell>>) {
    shell.ask_pip(Asked::Close);
}

/// The ringing call's window goes; it goes on ringing.
#[tauri::command]
pub fn close_incoming(requests: State<'_, mpsc::Sender<PutAway>>) {
    incoming::put_away(&requests);
}

/// What there is to know about this app on this desktop.
#[tauri::command]
pub fn about(shell: State<'_, Arc<Shell>>, log: State<'_, LogFolder>) -> AboutView {
    AboutView::look(&shell, &log.0)
}

/// What was recorded of a call.
#[tauri::command]
pub async fn recording(
    client: State<'_, ClientHandle>,
    call: CallId,
) -> Result<Option<Recording>, ()> {
    Ok(client.recording(call).await)
}

/// Saves what was recorded of a call and tells where; none if that could not be done.
#[tauri::command]
pub async fn save_recording(
    client: State<'_, ClientHandle>,
    call: CallId,
    format: RecordingFormat,
) -> Result<Option<String>, ()> {
    let Some(recording) = client.recording(call).await else { return Ok(None) };
    let saved = spawn_blocking(move || recordings::save(&recording, format)).await;
    let saved = saved.map_err(io::Error::other).flatten();
    let told = saved.inspect_err(|error| tracing::warn!(%error, "a recording was not saved"));
    Ok(told.ok().map(|path| path.display().to_string()))
}
