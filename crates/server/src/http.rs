//! The HTTP side: health, and the WebSocket upgrade within the bound of connections.

use crate::connection;
use crate::exchange::ConnectionId;
use crate::ice::{HandOut, Host, IceDesk};
use crate::limits::MAX_CONNECTIONS;
use crate::switchboard::Report;
use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::IncomingStream;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tincan_proto::signalling::{MAX_MESSAGE_BYTES, SIGNALLING_PATH};
use tincan_relay::server::Stats;
use tokio::net::TcpListener;
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
    pub hand_out: Arc<HandOut>,
    pub public_host: Option<Host>,
}

/// The address that a client's connection came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalAddress(SocketAddr);

impl Connected<IncomingStream<'_, TcpListener>> for LocalAddress {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        // the one place that sees every connection: small messages are to leave at once
        stream.io().set_nodelay(true).ok();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self(stream.io().local_addr().unwrap_or(any))
    }
}

/// The server's routes.
pub(crate) fn router(
    shared: Shared,
    metrics: bool,
    relay: Option<impl Fn() -> Stats + Clone + Send + Sync + 'static>,
) -> Router {
    let mut router =
        Router::new().route("/health", get(async || "ok")).route(SIGNALLING_PATH, get(upgrade));
    if metrics {
        let figures = async move |State(shared): State<Shared>| {
            figures(&shared, relay.as_ref().map(|stats| stats()))
        };
        router = router.route("/metrics", get(figures));
    }
    router.with_state(shared)
}

/// What is counted, in the text format of Prometheus.
fn figures(shared: &Shared, relay: Option<Stats>) -> impl IntoResponse + use<> {
    let connections = MAX_CONNECTIONS - shared.permits.available_permits();
    let mut text = format!(
        "# TYPE tincan_signalling_connections gauge\ntincan_signalling_connections {connections}\n"
    );
    if let Some(stats) = relay {
        text += &stats.prometheus();
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

async fn upgrade(
    State(shared): State<Shared>,
    ConnectInfo(LocalAddress(local)): ConnectInfo<LocalAddress>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    // A browser says which page asks; the app is none, and no page of anybody's may speak in the
    // name of this machine.
    if headers.contains_key(header::ORIGIN) {
        return (StatusCode::FORBIDDEN, "not for web pages").into_response();
    }
    let Ok(permit) = shared.permits.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many connections").into_response();
    };
    let Shared { reports, stop, sign_in_time, hand_out, public_host, ids, .. } = shared;
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let ice = IceDesk { hand_out, public_host, reached: Host::reached(named, local) };
    let id = ConnectionId(ids.fetch_add(1, Ordering::Relaxed));
    upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES).on_upgrade(
        async move |socket| {
            let _permit = permit;
            connection::serve(id, socket, ice, reports, sign_in_time, stop).await;
        },
    )
}
