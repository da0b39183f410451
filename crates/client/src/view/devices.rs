//! Microphones, speakers and cameras to choose from.

use serde::{Deserialize, Serialize};
use tincan_proto::units::Resolution;
use ts_rs::TS;

/// What a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum DeviceKind {
    /// Takes sound.
    Microphone,
    /// Plays sound.
    Speaker,
    /// Takes pictures.
    Camera,
    /// Rings.
    Ringer,
}

/// A device that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DeviceView {
    /// Stable across starts.
    pub id: String,
    /// For people.
    pub name: String,
    /// The test picture, not a camera.
    pub synthetic: bool,
    /// The largest that a camera delivers smoothly, where it tells.
    pub best: Option<CameraView>,
}

/// What a camera delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CameraView {
    /// Its largest pictures.
    pub resolution: Resolution,
    /// So many of them a second.
    pub fps: u32,
}

/// Devices of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DeviceChoice {
    /// What there is.
    pub available: Vec<DeviceView>,
    /// The id that the person pinned; absent: follow the system.
    pub chosen: Option<String>,
    /// The id in use, or that would be used.
    pub current: Option<String>,
}

/// All devices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DevicesView {
    /// Microphones.
    pub microphones: DeviceChoice,
    /// Speakers.
    pub speakers: DeviceChoice,
    /// What rings: speakers.
    pub ringers: DeviceChoice,
    /// Cameras, the test picture last.
    pub cameras: DeviceChoice,
    /// The settings page listens to the microphone for its meter.
    pub testing_microphone: bool,
    /// The microphone is recorded to be played back.
    pub sample: SampleView,
    /// The settings page shows the camera under the tile `self`.
    pub previewing_camera: bool,
}

/// A short recording that the person listens to, to hear how they sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum SampleView {
    /// There is none.
    #[default]
    Off,
    /// The microphone is recorded.
    Recording,
    /// It is played back.
    Playing,
}

/// Why a device does not deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum DeviceProblem {
    /// There is none.
    Missing,
    /// Another program uses it.
    Busy,
    /// The system does not allow it.
    Refused,
    /// It was unplugged or stopped delivering.
    Lost,
    /// It works in no way that we know.
    Unsupported,
}
