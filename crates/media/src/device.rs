//! The ports to devices: what the app may ask of microphones, speakers and cameras.
//! `tincan-devices` implements them for real hardware; `synthetic` for the test picture.

use crate::audio::StereoBlock;
use crate::frame::VideoFrame;
use crate::mailbox::NewestIn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tincan_proto::units::{FrameRate, Resolution};

/// A camera may take so long from opening to its first picture; most take up to two seconds.
pub const CAMERA_OPENING: Duration = Duration::from_secs(6);

/// A device that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceEntry {
    /// Stable across starts and replugging where the system allows it.
    pub id: String,
    /// For people; unique within its list.
    pub name: String,
    /// The one that the system would use.
    pub default: bool,
    /// What a camera offers, each size once at its highest rate, the largest first. Empty where it
    /// does not tell, and for other devices.
    pub formats: Vec<CameraFormat>,
}

/// All devices of the machine at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceList {
    /// Microphones.
    pub microphones: Vec<DeviceEntry>,
    /// Speakers.
    pub speakers: Vec<DeviceEntry>,
    /// Cameras.
    pub cameras: Vec<DeviceEntry>,
}

/// Why a device does not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// There is none, or none with this id.
    #[error("there is no such device")]
    Missing,
    /// Another program uses it.
    #[error("the device is in use by another program: {0}")]
    Busy(String),
    /// The system does not allow it.
    #[error("the system refuses the device: {0}")]
    Refused(String),
    /// It was unplugged or stopped delivering.
    #[error("the device was lost: {0}")]
    Lost(String),
    /// It has no format that we can use.
    #[error("the device cannot be used: {0}")]
    Unsupported(String),
}

/// What an open device reports of itself while it runs. Called from the device's thread,
/// at most once for `Err`; it delivers nothing after that.
pub type DeviceReport = Box<dyn Fn(Result<(), DeviceError>) + Send + Sync>;

/// An open device. Dropping it closes the device before it returns.
pub trait OpenDevice: Send {
    /// The id of the device that was opened.
    fn id(&self) -> &str;

    /// How long sound takes in it.
    fn delay(&self) -> DeviceDelay {
        DeviceDelay::default()
    }
}

/// A longer delay than this is an error of whoever tells it.
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// How long sound takes inside of a device and the system's part before it, as the system tells it;
/// nothing where it does not. Written by the device's callbacks, read whenever; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct DeviceDelay(Arc<AtomicU64>);

impl DeviceDelay {
    /// The system tells it anew. One thread alone may do so.
    pub fn note(&self, told: Duration) {
        // What systems tell goes up and down with their buffers.
        let micros = told.min(LONGEST_DELAY).as_micros() as u64;
        let before = self.0.load(Ordering::Relaxed);
        let next = if before == 0 { micros } else { (before * 15 + micros) / 16 };
        self.0.store(next, Ordering::Relaxed);
    }

    /// As it has been lately.
    pub fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// Takes blocks from a microphone; one with a single channel has it on both sides. Called on the audio thread: it must not allocate, lock,
/// log or wait.
pub type MicrophoneSink = Box<dyn FnMut(&StereoBlock) + Send>;

/// Fills blocks for a speaker. Called on the audio thread, with the same prohibitions.
pub type SpeakerSource = Box<dyn FnMut(&mut StereoBlock) + Send>;

/// What a camera is asked for; it delivers the nearest that it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CameraFormat {
    /// Wanted size.
    pub resolution: Resolution,
    /// Wanted rate.
    pub rate: FrameRate,
}

/// The devices of a machine.
pub trait Devices: Send + Sync {
    /// Looks at what there is. May take some hundred milliseconds: never on an async thread.
    fn list(&self) -> DeviceList;

    /// Opens a microphone (`None`: the system's choice) and delivers to `sink`.
    ///
    /// # Errors
    /// [`DeviceError`]; later failures come through `report`.
    fn open_microphone(
        &self,
        id: Option<&str>,
        sink: MicrophoneSink,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError>;

    /// Opens a speaker (`None`: the system's choice) and plays what `source` fills in.
    ///
    /// # Errors
    /// [`DeviceError`]; later failures come through `report`.
    fn open_speaker(
        &self,
        id: Option<&str>,
        source: SpeakerSource,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError>;

    /// Opens a camera (`None`: the first), whose first picture is to come `within` this, and puts its
    /// pictures into `sink`.
    ///
    /// # Errors
    /// [`DeviceError`]; later failures come through `report`.
    fn open_camera(
        &self,
        id: Option<&str>,
        format: CameraFormat,
        within: Duration,
        sink: NewestIn<VideoFrame>,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError>;
}
