//! Real microphones, speakers, cameras and screens behind the ports of `tincan-media`: cpal for
//! sound, nokhwa for cameras, X11 and the desktop's portal for screens. Decides which system interface to use and when a device is lost;
//! knows nothing of calls, codecs or the test picture.

#![deny(unsafe_code)]

mod blocks;
mod camera;
mod listing;
mod microphone;
#[cfg(target_os = "linux")]
mod rtkit;
mod screen;
mod sound;
mod speaker;
mod worker;

pub use screen::system_screens;
#[cfg(target_os = "linux")]
pub use screen::{portal_screens, x11_screens};

use listing::Listing;
use std::sync::Arc;
use std::time::Duration;
use tincan_media::device::{
    CameraFormat, DeviceError, DeviceList, DeviceReport, Devices, MicrophoneSink, OpenDevice,
    SpeakerSource,
};
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestIn;

/// The devices of this machine. Cheap to clone; make one for the process, as it keeps one
/// connection to the sound server for looking around.
#[derive(Clone, Default)]
pub struct SystemDevices {
    listing: Arc<Listing>,
}

impl SystemDevices {
    /// Looks at nothing yet: the first call that needs the system connects to it.
    pub fn new() -> Self {
        #[cfg(target_os = "linux")]
        tincan_media::pipeline::real_time::ask_by(rtkit::ask);
        Self::default()
    }
}

impl Devices for SystemDevices {
    fn list(&self) -> DeviceList {
        self.listing.list()
    }

    fn open_microphone(
        &self,
        id: Option<&str>,
        sink: MicrophoneSink,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        microphone::open(&self.listing, id, sink, report)
    }

    fn open_speaker(
        &self,
        id: Option<&str>,
        source: SpeakerSource,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        speaker::open(&self.listing, id, source, report)
    }

    fn open_camera(
        &self,
        id: Option<&str>,
        format: CameraFormat,
        within: Duration,
        sink: NewestIn<VideoFrame>,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        camera::open(&self.listing, id, format, within, sink, report)
    }
}
