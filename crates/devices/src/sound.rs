//! The sound system: which of its interfaces is used, what devices it has, and what its errors
//! mean for us.

mod choice;
#[cfg(target_os = "linux")]
mod cookie;
mod device_thread;
#[cfg(target_os = "linux")]
pub(crate) mod programs;

pub(crate) use choice::{Shape, choose};
pub(crate) use device_thread::{Wires, open};

use crate::listing::told_apart;
use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{DeviceDirection, ErrorKind, HostId};
use tincan_media::device::{DeviceEntry, DeviceError};

/// Which way the sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Into the computer.
    Microphone,
    /// Out of it.
    Speaker,
}

/// Sound devices at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SoundDevices {
    /// Microphones; what only repeats a speaker's sound comes last.
    pub(crate) microphones: Vec<DeviceEntry>,
    /// Speakers.
    pub(crate) speakers: Vec<DeviceEntry>,
}

/// Looks again and again over one connection: cpal leaves a thread behind for each new one.
#[derive(Default)]
pub(crate) struct Look {
    host: Option<cpal::Host>,
}

impl Look {
    /// What there is; `None` if the system cannot be asked.
    pub(crate) fn look(&mut self) -> Option<SoundDevices> {
        // Where a sound server appears later, it takes over.
        self.host.take_if(|host| host.id() == fallback_host());
        let mut fresh = self.host.is_none();
        loop {
            let host = match &mut self.host {
                Some(host) => host,
                none => none.insert(connect()?),
            };
            match devices_of(host) {
                Ok(devices) => return Some(devices),
                Err(error) => {
                    tracing::debug!(%error, fresh, "sound devices could not be listed");
                    self.host = None;
                    if fresh {
                        return None;
                    }
                    fresh = true;
                }
            }
        }
    }
}

/// Connects to the sound system: on Linux to the PulseAudio or PipeWire server if it answers,
/// else to ALSA, where cpal's loop costs a whole core on a PipeWire desktop.
pub(crate) fn connect() -> Option<cpal::Host> {
    #[cfg(target_os = "linux")]
    {
        hush_alsa();
        cookie::provide();
        match cpal::host_from_id(HostId::PulseAudio) {
            Ok(host) => return Some(host),
            Err(error) => tracing::debug!(%error, "no sound server"),
        }
    }
    cpal::host_from_id(fallback_host())
        .inspect_err(|error| tracing::warn!(%error, "no sound system"))
        .ok()
}

fn fallback_host() -> HostId {
    #[cfg(target_os = "linux")]
    {
        HostId::Alsa
    }
    #[cfg(not(target_os = "linux"))]
    {
        cpal::default_host().id()
    }
}

/// What PulseAudio adds to a sink's name for the source that repeats what it plays.
const MONITOR: &str = ".monitor";

/// Keeps what ALSA prints to stderr about absent cards and plugins, for this thread.
#[cfg(target_os = "linux")]
fn hush_alsa() {
    // The handler that is replaced frees what it gathered.
    let _ = alsa::Output::local_error_handler();
}

/// Finds the device to open: the one with this id, else the one that the system would use.
pub(crate) fn find(
    host: &cpal::Host,
    side: Side,
    id: Option<&str>,
) -> Result<cpal::Device, DeviceError> {
    let device = match id {
        Some(wanted) => host
            .devices()
            .map_err(|error| while_opening(&error))?
            .find(|device| has_side(device, side) && id_of(device).as_deref() == Some(wanted)),
        None => default_device(host, side).filter(|device| {
            let speaker = default_device(host, Side::Speaker).as_ref().and_then(id_of);
            !id_of(device).is_some_and(|id| hears(&id, speaker.as_deref()))
        }),
    };
    device.filter(|device| !is_dummy(device)).ok_or(DeviceError::Missing)
}

/// The id by which a device is known to the app.
pub(crate) fn id_of(device: &cpal::Device) -> Option<String> {
    device.id().ok().map(|id| id.to_string())
}

/// What an error means when it comes from opening.
pub(crate) fn while_opening(error: &cpal::Error) -> DeviceError {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => DeviceError::Missing,
        ErrorKind::DeviceBusy | ErrorKind::ResourceExhausted => DeviceError::Busy(text),
        ErrorKind::PermissionDenied => DeviceError::Refused(text),
        ErrorKind::StreamInvalidated => DeviceError::Lost(text),
        _ => DeviceError::Unsupported(text),
    }
}

/// What an error means while a stream runs; `None` if it goes on. A lost buffer (`Xrun`) is
/// heard as a click and nothing more.
pub(crate) fn while_running(error: &cpal::Error) -> Option<DeviceError> {
    match error.kind() {
        ErrorKind::DeviceNotAvailable
        | ErrorKind::StreamInvalidated
        | ErrorKind::HostUnavailable => Some(DeviceError::Lost(error.to_string())),
        ErrorKind::PermissionDenied => Some(DeviceError::Refused(error.to_string())),
        _ => None,
    }
}

fn devices_of(host: &cpal::Host) -> Result<SoundDevices, cpal::Error> {
    let all: Vec<cpal::Device> = host.devices()?.filter(|device| !is_dummy(device)).collect();
    let ids: Vec<String> = all.iter().filter_map(id_of).collect();
    let listed = |side| {
        let default = default_device(host, side).as_ref().and_then(id_of);
        let entries = all
            .iter()
            .filter(|device| has_side(device, side))
            .filter_map(|device| entry(device, default.as_deref()))
            .filter(|entry| is_real_card(&entry.id, &ids));
        let (monitors, devices): (Vec<_>, Vec<_>) = entries.partition(|e| is_monitor(&e.id));
        told_apart(devices.into_iter().chain(monitors).collect())
    };
    Ok(SoundDevices { microphones: listed(Side::Microphone), speakers: listed(Side::Speaker) })
}

fn entry(device: &cpal::Device, default: Option<&str>) -> Option<DeviceEntry> {
    let id = id_of(device)?;
    let name = device.description().map(|it| it.name().to_owned()).unwrap_or_default();
    Some(DeviceEntry { default: default == Some(&id), id, name, formats: Vec::new() })
}

fn default_device(host: &cpal::Host, side: Side) -> Option<cpal::Device> {
    match side {
        Side::Microphone => host.default_input_device(),
        Side::Speaker => host.default_output_device(),
    }
}

/// By the description where it says so: asking a device for its formats opens it on some
/// systems, and then one in use would seem to be gone.
fn has_side(device: &cpal::Device, side: Side) -> bool {
    let direction = device.description().map_or(DeviceDirection::Unknown, |it| it.direction());
    match (direction, side) {
        (DeviceDirection::Duplex, _)
        | (DeviceDirection::Input, Side::Microphone)
        | (DeviceDirection::Output, Side::Speaker) => true,
        (DeviceDirection::Input | DeviceDirection::Output, _) => false,
        (_, Side::Microphone) => device.supports_input(),
        (_, Side::Speaker) => device.supports_output(),
    }
}

/// Whether what has this id hears what is played by this speaker: without a microphone, sound servers
/// take the default speaker's monitor for one.
pub(crate) fn hears(id: &str, speaker: Option<&str>) -> bool {
    speaker.is_some_and(|speaker| id.strip_suffix(MONITOR) == Some(speaker))
}

/// A PulseAudio source that repeats what a sink plays.
fn is_monitor(id: &str) -> bool {
    id.starts_with("pulseaudio:") && id.ends_with(MONITOR)
}

/// The sink that a server makes up where there is no sound card at all.
fn is_dummy(device: &cpal::Device) -> bool {
    matches!(
        id_of(device).as_deref(),
        Some("pulseaudio:auto_null" | "pulseaudio:auto_null.monitor")
    )
}

/// ALSA lists each card a dozen times, through plugins of which most cannot be used. Of those
/// we keep the one that converts formats (`plughw`, by the card's name where it has one), and
/// `default` if there is any card.
fn is_real_card(id: &str, all: &[String]) -> bool {
    let Some(pcm) = id.strip_prefix("alsa:") else { return true };
    let named = |id: &str| {
        id.strip_prefix("alsa:plughw:CARD=").is_some_and(|it| !it.starts_with(char::is_numeric))
    };
    if pcm == "default" {
        return all.iter().any(|other| other.starts_with("alsa:plughw:"));
    }
    pcm.starts_with("plughw:") && (named(id) || !all.iter().any(|other| named(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(ids: &[&str]) -> Vec<String> {
        let all: Vec<String> = ids.iter().map(|id| (*id).into()).collect();
        all.iter().filter(|id| is_real_card(id, &all)).cloned().collect()
    }

    #[test]
    fn of_alsa_plugins_one_for_each_card_is_kept() {
        let ids = [
            "alsa:null",
            "alsa:lavrate",
            "alsa:default",
            "alsa:sysdefault:CARD=PCH",
            "alsa:hw:CARD=PCH,DEV=0",
            "alsa:plughw:CARD=PCH,DEV=0",
            "alsa:plughw:CARD=0,DEV=0",
        ];
        assert_eq!(kept(&ids), ["alsa:default", "alsa:plughw:CARD=PCH,DEV=0"]);
    }

    #[test]
    fn without_a_card_alsa_has_nothing() {
        assert_eq!(kept(&["alsa:null", "alsa:default", "alsa:pulse"]), Vec::<String>::new());
    }

    #[test]
    fn cards_without_a_name_are_kept_by_number() {
        assert_eq!(kept(&["alsa:plughw:CARD=1,DEV=0"]), ["alsa:plughw:CARD=1,DEV=0"]);
    }

    #[test]
    fn devices_of_a_server_are_all_real() {
        assert_eq!(kept(&["pulseaudio:cable", "wasapi:{0}"]), ["pulseaudio:cable", "wasapi:{0}"]);
    }

    #[test]
    fn a_lost_buffer_does_not_end_a_stream_but_a_lost_device_does() {
        assert_eq!(while_running(&ErrorKind::Xrun.into()), None);
        assert_eq!(while_running(&ErrorKind::DeviceChanged.into()), None);
        let gone = while_running(&ErrorKind::DeviceNotAvailable.into());
        assert!(matches!(gone, Some(DeviceError::Lost(_))));
    }

    #[test]
    fn errors_of_opening_tell_what_can_be_done() {
        assert_eq!(while_opening(&ErrorKind::HostUnavailable.into()), DeviceError::Missing);
        assert!(matches!(while_opening(&ErrorKind::DeviceBusy.into()), DeviceError::Busy(_)));
        let refused = while_opening(&ErrorKind::PermissionDenied.into());
        assert!(matches!(refused, DeviceError::Refused(_)));
        let format = while_opening(&ErrorKind::UnsupportedConfig.into());
        assert!(matches!(format, DeviceError::Unsupported(_)));
    }
}
