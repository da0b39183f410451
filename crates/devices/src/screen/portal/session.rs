//! One session with the portal: asks, waits for the person, and watches until it ends. Holds the
//! connection to the bus that the session lives on, so that the session cannot outlive it.

use super::super::delivery::Delivery;
use super::stream::{Seen, Stream};
use ashpd::desktop::screencast::{
    CursorMode, Screencast, SelectSourcesOptions, SourceType, Streams,
};
use ashpd::desktop::{PersistMode, ResponseError, Session};
use ashpd::enumflags2::BitFlags;
use ashpd::zbus::{Connection, connection};
use futures_util::StreamExt;
use std::future::pending;
use std::os::fd::OwnedFd;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestIn;
use tincan_media::screen::{ScreenError, ScreenKind, ScreenReport, ScreenTarget};
use tincan_proto::units::Resolution;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

/// How often it is looked whether anybody still waits for the person's answer.
const ABANDONED_EVERY: Duration = Duration::from_millis(100);
/// A stream that pauses and has lost its source this long ago has ended; one whose monitor
/// changes its mode pauses for a moment.
const VANISHED: Duration = Duration::from_secs(2);
/// A portal that does not close the session by then has gone, and the session with it.
const CLOSING: Duration = Duration::from_secs(2);

/// What a session is opened with.
pub(super) struct Opening {
    pub(super) bus: Option<String>,
    pub(super) token: Option<String>,
    pub(super) sink: NewestIn<VideoFrame>,
}

/// What the person chose.
pub(super) struct Begun {
    pub(super) target: ScreenTarget,
    pub(super) token: Option<String>,
}

impl Default for Begun {
    /// Nothing yet.
    fn default() -> Self {
        Self { target: target(None, Resolution::new(0, 0)), token: None }
    }
}

/// Finds the portal. The error is for the log.
pub(super) async fn portal(bus: Option<&str>) -> Result<Screencast, String> {
    let connection = connect(bus).await.map_err(|error| error.to_string())?;
    let portal = Screencast::with_connection(connection).await.map_err(|e| e.to_string())?;
    // Where there is none, only this is refused.
    portal.available_source_types().await.map_err(|error| error.to_string())?;
    Ok(portal)
}

async fn connect(bus: Option<&str>) -> ashpd::zbus::Result<Connection> {
    match bus {
        Some(address) => connection::Builder::address(address)?.build().await,
        None => Connection::session().await,
    }
}

/// Runs a session from the question to its end. `begun` is told once what came of the question.
pub(super) async fn share(
    opening: Opening,
    begun: &SyncSender<Result<Begun, ScreenError>>,
    report: &ScreenReport,
    mut ended: oneshot::Receiver<()>,
) {
    let Opening { bus, token, sink } = opening;
    let asked = tokio::select! {
        asked = ask(bus.as_deref(), token.as_deref()) => asked,
        // Dropping the question closes the connection, and with it the dialog.
        () = abandoned(&sink) => Err(ScreenError::Declined),
    };
    let Given { session, streams, remote, sources } = match asked {
        Ok(asked) => asked,
        Err(error) => return drop(begun.try_send(Err(error))),
    };
    let error = match streams.streams().first() {
        None => Some(ScreenError::Unsupported("the portal has nothing to show".into())),
        Some(stream) => {
            let size = stream.size().and_then(|(width, height)| {
                Some(Resolution::new(width.try_into().ok()?, height.try_into().ok()?))
            });
            // Portals of wlroots call a screen a window, but offer none.
            let source = stream.source_type().filter(|source| sources.contains(*source));
            let mut target = target(source, size.unwrap_or(Resolution::new(0, 0)));
            let node = stream.pipe_wire_node_id();
            let token = streams.restore_token().map(str::to_owned);
            let _ = begun.try_send(Ok(Begun { target: target.clone(), token }));
            let (stream, seen) = Stream::start(remote, node, Delivery::new(sink));
            let error = watch(&session, seen, &mut target, report, &mut ended).await;
            // The stream first: its slot closes before anybody is told.
            drop(stream);
            error
        }
    };
    close(&session).await;
    if let Some(error) = error {
        tracing::info!(%error, "the share ends");
        report(Err(error));
    }
}

/// Waits until nobody reads pictures any more.
async fn abandoned(sink: &NewestIn<VideoFrame>) {
    while !sink.is_abandoned() {
        tokio::time::sleep(ABANDONED_EVERY).await;
    }
}

/// What the portal has given.
struct Given {
    session: Session<Screencast>,
    streams: Streams,
    remote: OwnedFd,
    /// The kinds that it has.
    sources: BitFlags<SourceType>,
}

/// Asks with the token, and without it where the portal does not know it.
async fn ask(bus: Option<&str>, token: Option<&str>) -> Result<Given, ScreenError> {
    let portal = portal(bus).await.map_err(ScreenError::Refused)?;
    let asked = match (ask_with(&portal, token).await, token) {
        (Err(error), Some(_)) if !matches!(error, ashpd::Error::Response(_)) => {
            tracing::info!(%error, "the portal does not take what it gave us; asking anew");
            ask_with(&portal, None).await
        }
        (asked, _) => asked,
    };
    asked.map_err(refusal)
}

async fn ask_with(portal: &Screencast, token: Option<&str>) -> Result<Given, ashpd::Error> {
    let sources = portal.available_source_types().await?;
    let sources = sources & (SourceType::Monitor | SourceType::Window);
    let embedded = portal.available_cursor_modes().await?.contains(CursorMode::Embedded);
    let session = portal.create_session(Default::default()).await?;
    let options = SelectSourcesOptions::default()
        .set_sources(sources)
        .set_cursor_mode(embedded.then_some(CursorMode::Embedded))
        .set_multiple(false)
        .set_persist_mode(PersistMode::ExplicitlyRevoked)
        .set_restore_token(token);
    let asked = async {
        portal.select_sources(&session, options).await?.response()?;
        let streams = portal.start(&session, None, Default::default()).await?.response()?;
        let remote = portal.open_pipe_wire_remote(&session, Default::default()).await?;
        Ok((streams, remote))
    };
    match asked.await {
        Ok((streams, remote)) => Ok(Given { session, streams, remote, sources }),
        Err(error) => {
            close(&session).await;
            Err(error)
        }
    }
}

fn refusal(error: ashpd::Error) -> ScreenError {
    match error {
        ashpd::Error::Response(ResponseError::Cancelled) => ScreenError::Declined,
        error => ScreenError::Refused(error.to_string()),
    }
}

/// Watches the stream until it ends (`Some`) or is to be ended (`None`).
async fn watch(
    session: &Session<Screencast>,
    mut seen: mpsc::Receiver<Seen>,
    target: &mut ScreenTarget,
    report: &ScreenReport,
    ended: &mut oneshot::Receiver<()>,
) -> Option<ScreenError> {
    let mut closed = match session.receive_closed().await {
        Ok(closed) => closed.boxed_local(),
        Err(_) => futures_util::stream::pending().boxed_local(),
    };
    let (mut flows, mut sourceless, mut over) = (true, false, None);
    loop {
        tokio::select! {
            _ = &mut *ended => return None,
            _ = closed.next() => return Some(ScreenError::Closed),
            () = at(over) => return Some(ScreenError::Closed),
            event = seen.recv() => match event {
                None => return Some(ScreenError::Closed),
                Some(Seen::Unsupported(why)) => return Some(ScreenError::Unsupported(why)),
                Some(Seen::Size(size)) if size == target.resolution => {}
                Some(Seen::Size(size)) => {
                    target.resolution = size;
                    report(Ok(target.clone()));
                }
                Some(Seen::Flows(now)) => flows = now,
                Some(Seen::Source(there)) => sourceless = !there,
            },
        }
        let dead = sourceless && !flows;
        over = dead.then(|| over.unwrap_or_else(|| Instant::now() + VANISHED));
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

/// The portal does not say what the person chose; of these only the kind may be right.
fn target(source: Option<SourceType>, resolution: Resolution) -> ScreenTarget {
    let (kind, name) = match source {
        Some(SourceType::Window) => (ScreenKind::Window, "Window"),
        Some(SourceType::Monitor | SourceType::Virtual) | None => (ScreenKind::Monitor, "Screen"),
    };
    let (id, name) = ("portal".to_owned(), name.to_owned());
    ScreenTarget { id, kind, name, app: None, resolution, primary: false }
}

async fn close(session: &Session<Screencast>) {
    match timeout(CLOSING, session.close()).await {
        Ok(Ok(())) => {}
        // A portal that has gone has closed it.
        Ok(Err(error)) => tracing::debug!(%error, "while closing the portal's session"),
        Err(_) => tracing::warn!("the portal does not close its session"),
    }
}
