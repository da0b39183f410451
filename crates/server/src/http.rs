//! The HTTP side: health, and the WebSocket upgrade within the bound of connections.

use crate::connection;
use crate::exchange::ConnectionId;
use crate::limits::MAX_CONNECTIONS;
use crate::switchboard::Report;
use axum::Router;
use axum::extract::{State, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tincan_proto::signalling::{MAX_MESSAGE_BYTES, SIGNALLING_PATH};
use tokio::sync::{Semaphore, mpsc, watch};

/// What every request may need.
#[derive(Clone)]
pub(crate) struct Shared {
    pub reports: mpsc::Sender<Report>,
    pub stop: watch::Receiver<bool>,
    /// One permit per connection: bounds them, and tells when the last has ended.
    pub permits: Arc<Semaphore>,
    pub ids: Arc<AtomicU64>,
    pub sign_in_time: Duration,
}

impl Shared {
    pub fn new(
        reports: mpsc::Sender<Report>,
        stop: watch::Receiver<bool>,
        sign_in_time: Duration,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Self { reports, stop, permits, ids: Arc::default(), sign_in_time }
    }
}

/// The server's routes.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/health", get(async || "ok"))
        .route(SIGNALLING_PATH, get(upgrade))
        .with_state(shared)
}

async fn upgrade(State(shared): State<Shared>, upgrade: WebSocketUpgrade) -> Response {
    let Ok(permit) = shared.permits.try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many connections").into_response();
    };
    let id = ConnectionId(shared.ids.fetch_add(1, Ordering::Relaxed));
    upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES).on_upgrade(
        async move |socket| {
            let _permit = permit;
            connection::serve(id, socket, shared.reports, shared.sign_in_time, shared.stop).await;
        },
    )
}
