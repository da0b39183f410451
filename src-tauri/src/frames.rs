//! Pictures on their way into windows: a WebSocket on loopback that only our own pages may
//! open, one subscription per tile and window. Each subscriber gets the coded pictures, or
//! decoded ones where its webview cannot decode, and says how large it draws them.

mod decoding;
mod queue;
mod socket;
mod wire;

use decoding::Decoding;
use queue::{Mode, Queue};
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tincan_client::ports::{Tile, TilePicture, Tiles, Viewers};
use tincan_client::view::VideoEndpoint;
use tincan_media::codec::annex_b::AvccWriter;
use tincan_proto::View;
use tokio::net::TcpListener;

/// All tiles and who looks at them.
pub struct Hub {
    tiles: Mutex<HashMap<String, TileState>>,
    viewers: Mutex<Option<Arc<dyn Viewers>>>,
}

#[derive(Default)]
struct TileState {
    writer: Option<AvccWriter>,
    subscribers: Vec<Weak<Queue>>,
    decoding: Option<Decoding>,
    /// What was told last of how it is drawn.
    told: Option<View>,
    /// Nobody is to be seen in it: how it is drawn is of no interest.
    closed: bool,
}

impl TileState {
    /// How it is drawn where it is drawn largest; none while a viewer has not said so yet.
    fn view(&self) -> Option<View> {
        let viewers = self.subscribers.iter().filter_map(Weak::upgrade);
        viewers.map(|viewer| viewer.view()).try_fold(View::Hidden, |all, one| Some(all.or(one?)))
    }
}

impl Hub {
    /// A hub without tiles.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { tiles: Mutex::default(), viewers: Mutex::default() })
    }

    /// Where to say from now on what viewers say.
    pub fn tell(&self, viewers: Arc<dyn Viewers>) {
        *self.viewers.lock().unwrap_or_else(PoisonError::into_inner) = Some(viewers);
    }

    /// Opens the socket on a free port of the loopback interface.
    ///
    /// # Errors
    /// What the system says.
    pub async fn listen(self: &Arc<Self>) -> std::io::Result<VideoEndpoint> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let token = format!("{:032x}", rand::random::<u128>());
        tokio::spawn(socket::accept(listener, token.clone(), Arc::downgrade(self)));
        Ok(VideoEndpoint { url: format!("ws://127.0.0.1:{port}"), token })
    }

    /// Adds a viewer of a tile, which begins with the next key frame.
    fn subscribe(&self, tile: &str, mode: Mode) -> Arc<Queue> {
        let queue = Arc::new(Queue::new(mode));
        let mut tiles = self.tiles();
        let state = tiles.entry(tile.to_owned()).or_default();
        state.subscribers.retain(|subscriber| subscriber.strong_count() > 0);
        state.subscribers.push(Arc::downgrade(&queue));
        drop(tiles);
        self.request_key_frame(tile);
        queue
    }

    fn request_key_frame(&self, tile: &str) {
        if let Some(port) = self.port() {
            port.key_frame_needed(tile);
        }
    }

    /// Tells how a tile is drawn, if that is another way than was told.
    fn review(&self, tile: &str) {
        let mut tiles = self.tiles();
        let Some(state) = tiles.get_mut(tile).filter(|state| !state.closed) else { return };
        let Some(view) = state.view().filter(|view| state.told != Some(*view)) else { return };
        state.told = Some(view);
        // Under the lock, so that of two that change the last is told last.
        if let Some(port) = self.port() {
            port.drawn(tile, view);
        }
    }

    fn shown(&self, tile: &str, after: Option<Duration>) {
        if let Some(port) = self.port() {
            port.shown(tile, after);
        }
    }

    fn port(&self) -> Option<Arc<dyn Viewers>> {
        self.viewers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tiles(&self) -> MutexGuard<'_, HashMap<String, TileState>> {
        self.tiles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tiles for Hub {
    fn push(&self, tile: &Tile, picture: TilePicture) {
        let name = tile.to_string();
        let mut tiles = self.tiles();
        let state = tiles.entry(name.clone()).or_default();
        state.closed = false;
        state.subscribers.retain(|subscriber| subscriber.strong_count() > 0);
        let viewers: Vec<Arc<Queue>> =
            state.subscribers.iter().filter_map(Weak::upgrade).filter(|q| !q.paused()).collect();
        let untold = state.told.is_none();
        if viewers.is_empty() {
            state.decoding = None;
            drop(tiles);
            return self.review(&name);
        }
        let mut starved = false;
        if viewers.iter().any(|viewer| viewer.mode() == Mode::Coded) {
            match state.writer.get_or_insert_with(AvccWriter::new).write(&picture.annex_b) {
                Ok(unit) => {
                    let unit = Arc::new(unit);
                    for viewer in viewers.iter().filter(|v| v.mode() == Mode::Coded) {
                        starved |= viewer.put_coded(&unit);
                    }
                }
                Err(error) => {
                    tracing::debug!(tile = name, %error, "a picture is not fit for windows");
                    starved = true;
                }
            }
        }
        let decoded: Vec<_> =
            viewers.into_iter().filter(|viewer| viewer.mode() == Mode::Decoded).collect();
        if decoded.is_empty() {
            state.decoding = None;
        } else {
            starved |= state.decoding.get_or_insert_with(Decoding::start).put(picture, decoded);
        }
        drop(tiles);
        if untold {
            self.review(&name);
        }
        if starved {
            self.request_key_frame(&name);
        }
    }

    fn close(&self, tile: &Tile) {
        // Viewers stay: the same tile may come back in the next call.
        if let Some(state) = self.tiles().get_mut(&tile.to_string()) {
            state.writer = None;
            state.decoding = None;
            state.told = None;
            state.closed = true;
            state.subscribers.iter().filter_map(Weak::upgrade).for_each(|q| q.await_key_frame());
        }
    }
}
