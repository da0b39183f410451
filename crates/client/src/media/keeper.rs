//! The thread that opens and closes devices until they are as wanted, and gives the picture track
//! its source. A device that fails is told of once and tried again from time to time.

mod keeping;
mod looking;
mod opening;

use super::shares::{Opened, ScreenOrder};
use super::track::Track;
use crate::view::{DeviceKind, SampleView};
use keeping::Keeping;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use tincan_call::{Picture, ShareId};
use tincan_media::device::{DeviceEntry, DeviceError, DeviceList, Devices};
use tincan_media::ladder::PictureQuality;
use tincan_media::pipeline::audio_receive::AudioReceivePipeline;
use tincan_media::pipeline::audio_send::AudioSendPipeline;
use tincan_media::screen::{ScreenError, ScreenTarget, Screens};
use tincan_proto::units::Resolution;
use tokio::sync::mpsc;

/// Which devices are to be open. The inner choice is an id, or absent for the system's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Take sound.
    pub microphone: Option<Option<String>>,
    /// Take pictures.
    pub camera: Option<Option<String>>,
    /// In which they are sent, at most.
    pub quality: PictureQuality,
    /// Which speaker plays, whenever there is something to play.
    pub speaker: Option<String>,
    /// What the picture track carries. While it is a screen, no camera is wanted.
    pub picture: Picture,
    /// With the pictures of a screen goes its sound.
    pub screen_sound: bool,
}

impl Wanted {
    /// Nothing.
    pub const NONE: Self = Self {
        microphone: None,
        camera: None,
        quality: PictureQuality::Auto,
        speaker: None,
        picture: Picture::Nothing,
        screen_sound: false,
    };
}

/// What happens to media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaNote {
    /// The first picture of a participant has come.
    PictureArrived,
    /// What there is.
    Listed(DeviceList),
    /// It delivers.
    Opened {
        /// Which kind.
        kind: DeviceKind,
        /// Which one.
        id: String,
        /// It stands in for another, which was chosen and is gone.
        stands_in: bool,
    },
    /// It was closed as wanted.
    Closed {
        /// Which kind.
        kind: DeviceKind,
    },
    /// It does not deliver.
    Failed {
        /// Which kind.
        kind: DeviceKind,
        /// Why.
        error: DeviceError,
    },
    /// How far a recording to listen to is.
    Sample(SampleView),
    /// A screen is open; its first picture is awaited.
    ScreenOpened {
        /// Which.
        share: ShareId,
        /// What it shows.
        target: ScreenTarget,
        /// To open the same again without a dialog.
        token: Option<String>,
    },
    /// What a screen shows has another name or size.
    ScreenChanged {
        /// Which.
        share: ShareId,
        /// What it shows.
        target: ScreenTarget,
    },
    /// The first picture of a screen has come, or one of another size.
    ScreenSized {
        /// Which.
        share: ShareId,
        /// Of its pictures.
        resolution: Resolution,
    },
    /// A screen could not be opened, or is over by itself.
    ScreenEnded {
        /// Which.
        share: ShareId,
        /// Why.
        error: ScreenError,
    },
}

/// What the thread is told, by others and by what it has opened.
pub enum Order {
    /// Open and close until it is so.
    Want(Wanted, Option<Arc<AudioReceivePipeline>>),
    /// Look for devices.
    List,
    /// The device of this kind that was opened as the so manieth has failed.
    Lost(DeviceKind, u64, DeviceError),
    /// Begin to open a screen.
    OpenScreen(ScreenOrder),
    /// Close one, or give up opening it.
    CloseScreen(ShareId),
    /// What has become of opening one.
    ScreenOpened(ShareId, Opened),
    /// What an open one says of itself.
    ScreenReported(ShareId, Result<ScreenTarget, ScreenError>),
    /// Close everything and end.
    Stop,
}

/// The thread. Dropping it closes every device and waits for that.
pub struct Keeper {
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread with nothing open.
    pub fn start(
        devices: Arc<dyn Devices>,
        screens: Arc<dyn Screens>,
        voice: Arc<AudioSendPipeline>,
        track: Track,
        notes: mpsc::UnboundedSender<MediaNote>,
    ) -> Self {
        let (orders, queue) = channel();
        let keeping = Keeping::new(devices, screens, voice, track, orders.clone(), notes);
        let thread = std::thread::Builder::new()
            .name("devices".into())
            .spawn(move || keeping.run(&queue))
            .inspect_err(|error| tracing::error!(%error, "no thread for devices"))
            .ok();
        Self { orders, thread }
    }

    /// Changes what is to be open; `playout` is what the speaker plays, if anything.
    pub fn want(&self, wanted: Wanted, playout: Option<Arc<AudioReceivePipeline>>) {
        self.order(Order::Want(wanted, playout));
    }

    /// Looks for devices.
    pub fn list(&self) {
        self.order(Order::List);
    }

    /// Begins to open a screen; what becomes of it comes as notes.
    pub fn open_screen(&self, order: ScreenOrder) {
        self.order(Order::OpenScreen(order));
    }

    /// Closes a screen, or gives up opening it.
    pub fn close_screen(&self, share: ShareId) {
        self.order(Order::CloseScreen(share));
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            tracing::error!("the thread for devices has ended");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The devices of one kind.
pub fn entries(list: &DeviceList, kind: DeviceKind) -> &[DeviceEntry] {
    match kind {
        DeviceKind::Microphone => &list.microphones,
        DeviceKind::Speaker | DeviceKind::Ringer => &list.speakers,
        DeviceKind::Camera => &list.cameras,
    }
}

#[cfg(test)]
mod tests;
