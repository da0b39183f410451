//! What a window may ask for. Each command hands over and returns.

use crate::window::WindowUi;
use std::sync::Arc;
use tauri::State;
use tincan_client::controller::ClientHandle;
use tincan_client::view::{Intent, IntentError, Snapshot, VideoEndpoint};

/// The state now.
#[tauri::command]
pub async fn snapshot(client: State<'_, ClientHandle>) -> Result<Option<Snapshot>, ()> {
    Ok(client.snapshot().await)
}

/// Carries out what the person asks for.
#[tauri::command]
pub async fn dispatch(client: State<'_, ClientHandle>, intent: Intent) -> Result<(), IntentError> {
    client.dispatch(intent).await
}

/// Where pictures are to be had.
#[tauri::command]
pub fn video_endpoint(endpoint: State<'_, VideoEndpoint>) -> VideoEndpoint {
    endpoint.inner().clone()
}

/// The window has found out whether its webview decodes H.264.
#[tauri::command]
pub fn decoder_chosen(ui: State<'_, Arc<WindowUi>>, webcodecs: bool) {
    ui.decoder_chosen(webcodecs);
}
