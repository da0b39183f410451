//! Screens that are opened, that deliver, or that are closed again. A system's dialog may stay
//! open for minutes: each is opened on a thread of its own, which nobody waits for.

use super::keeper::{MediaNote, Order};
use super::still::StillSource;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use tincan_call::ShareId;
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::{NewestOut, newest};
use tincan_media::pipeline::worker::Worker;
use tincan_media::screen::{OpenScreen, ScreenChoice, ScreenError, ScreenSoundSink, Screens};
use tokio::sync::mpsc;

/// What is to be shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreenOrder {
    /// What the share is called.
    pub share: ShareId,
    /// Which screen.
    pub choice: ScreenChoice,
    /// To do without a dialog.
    pub token: Option<String>,
}

/// What has become of an attempt to open a screen.
pub type Opened = Result<Box<dyn OpenScreen>, ScreenError>;

enum Share {
    /// The slot's reading end: without it whoever opens knows that nobody waits any more.
    Opening(NewestOut<VideoFrame>),
    /// Closed in this order.
    Open { sound: Option<Worker>, screen: Box<dyn OpenScreen>, pictures: StillSource },
}

/// All of them.
pub struct Shares {
    screens: Arc<dyn Screens>,
    orders: Sender<Order>,
    notes: mpsc::UnboundedSender<MediaNote>,
    all: BTreeMap<ShareId, Share>,
}

impl Shares {
    /// None yet. What becomes of them is told to the keeper's thread by `orders`.
    pub fn new(
        screens: Arc<dyn Screens>,
        orders: Sender<Order>,
        notes: mpsc::UnboundedSender<MediaNote>,
    ) -> Self {
        Self { screens, orders, notes, all: BTreeMap::new() }
    }

    /// Begins to open a screen.
    pub fn open(&mut self, order: ScreenOrder) {
        let ScreenOrder { share, choice, token } = order;
        let (sink, frames) = newest();
        let report = {
            let orders = self.orders.clone();
            Box::new(move |result| {
                // The keeper's thread ends only after the screen is closed.
                let _ = orders.send(Order::ScreenReported(share, result));
            })
        };
        let (screens, orders) = (self.screens.clone(), self.orders.clone());
        let opening = move || {
            let opened = screens.open(&choice, token.as_deref(), sink, report);
            // If the app closes meanwhile, the screen closes with the message.
            let _ = orders.send(Order::ScreenOpened(share, opened));
        };
        match std::thread::Builder::new().name("screen dialog".into()).spawn(opening) {
            Ok(_) => {
                self.all.insert(share, Share::Opening(frames));
            }
            Err(error) => self.tell(MediaNote::ScreenEnded {
                share,
                error: ScreenError::Unsupported(error.to_string()),
            }),
        }
    }

    /// Takes what has become of it. One that is not wanted any more is closed at once.
    pub fn opened(&mut self, share: ShareId, opened: Opened) {
        let Some(Share::Opening(frames)) = self.all.remove(&share) else { return };
        match opened {
            Ok(screen) => {
                let token = screen.restore_token().map(str::to_owned);
                let target = screen.target().clone();
                self.tell(MediaNote::ScreenOpened { share, target, token });
                let notes = self.notes.clone();
                let pictures = StillSource::start(frames, move |resolution| {
                    let _ = notes.send(MediaNote::ScreenSized { share, resolution });
                });
                self.all.insert(share, Share::Open { sound: None, screen, pictures });
            }
            Err(error) => self.tell(MediaNote::ScreenEnded { share, error }),
        }
    }

    /// A screen is over by itself.
    pub fn fail(&mut self, share: ShareId, error: ScreenError) {
        if self.all.remove(&share).is_some() {
            self.tell(MediaNote::ScreenEnded { share, error });
        }
    }

    /// Closes a screen, or gives up opening it.
    pub fn close(&mut self, share: ShareId) {
        self.all.remove(&share);
    }

    /// The pictures of an open screen from now on.
    pub fn pictures(&self, share: ShareId) -> Option<NewestOut<VideoFrame>> {
        match self.all.get(&share)? {
            Share::Opening(_) => None,
            Share::Open { pictures, .. } => Some(pictures.pictures()),
        }
    }

    /// Takes the sound of this open screen and of no other.
    pub fn take_sound(&mut self, of: Option<ShareId>, sink: impl Fn() -> ScreenSoundSink) {
        for (share, state) in &mut self.all {
            let Share::Open { sound, screen, .. } = state else { continue };
            if Some(*share) != of {
                *sound = None;
            } else if sound.is_none() {
                *sound = screen.take_sound(sink());
            }
        }
    }

    fn tell(&self, note: MediaNote) {
        // The controller is gone when the app closes.
        let _ = self.notes.send(note);
    }
}
