use super::*;
use std::sync::Mutex;
use tincan_media::audio::StereoBlock;
use tincan_media::device::{CameraFormat, DeviceError, DeviceList, MicrophoneSink};
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestIn;

/// Generous: some tones are waited for, and the machine may be loaded.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_ring_goes_on_after_what_is_played_once() {
    let (sounder, speakers) = started();
    sounder.last(Some((Tone::Ring, Some("ringer".into()))));
    assert_eq!(next(&speakers).id, "ringer");
    sounder.play(Tone::Ended, None);
    assert_eq!(next(&speakers).id, "default");
    assert_eq!(next(&speakers).id, "ringer");
}

#[test]
fn a_ring_goes_on_after_somebody_heard_themselves() {
    let (sounder, speakers) = started();
    sounder.last(Some((Tone::Ring, None)));
    next(&speakers);
    // The microphone of this machine does not open; the ring is back at once.
    sounder.sample(None, None);
    next(&speakers);
    sounder.play(Tone::Trial, None);
    next(&speakers);
    sounder.stop_sample();
    next(&speakers);
}

#[test]
fn a_ring_that_ends_does_not_cut_off_what_is_played_once() {
    let (sounder, speakers) = started();
    sounder.last(Some((Tone::Knock, None)));
    next(&speakers);
    sounder.play(Tone::Connected, None);
    let mut connected = next(&speakers);
    sounder.last(None);
    let mut loudest = 0.0f32;
    for _ in 0..20 {
        let mut block = StereoBlock::SILENCE;
        (connected.source)(&mut block);
        loudest = block.left.iter().fold(loudest, |most, x| most.max(x.abs()));
    }
    assert!(loudest > 0.01, "it is silent");
    assert!(speakers.recv_timeout(Duration::from_secs(2)).is_err(), "nothing lasts any more");
}

#[test]
fn a_ring_moves_on_when_its_device_is_lost() {
    let (sounder, speakers) = started();
    sounder.last(Some((Tone::Ring, None)));
    let first = next(&speakers);
    let second = {
        (first.report)(Err(DeviceError::Lost("unplugged".into())));
        next(&speakers)
    };
    // What the first says once more is of no interest: it is replaced.
    (first.report)(Err(DeviceError::Lost("unplugged".into())));
    assert!(speakers.recv_timeout(Duration::from_millis(300)).is_err());
    (second.report)(Err(DeviceError::Lost("unplugged".into())));
    next(&speakers);
}

#[test]
fn a_ring_that_no_device_plays_is_tried_again() {
    let (opened, speakers) = channel();
    let devices = Fake { opened: Mutex::new(opened), refusals: Mutex::new(3) };
    let (notes, _heard) = tokio::sync::mpsc::unbounded_channel();
    let sounder = Sounder::start(Arc::new(devices), notes);
    sounder.last(Some((Tone::Ring, None)));
    next(&speakers);
}

struct Opened {
    id: String,
    source: SpeakerSource,
    report: DeviceReport,
}

fn started() -> (Sounder, Receiver<Opened>) {
    let (opened, speakers) = channel();
    let devices = Fake { opened: Mutex::new(opened), refusals: Mutex::new(0) };
    let (notes, _heard) = tokio::sync::mpsc::unbounded_channel();
    (Sounder::start(Arc::new(devices), notes), speakers)
}

fn next(speakers: &Receiver<Opened>) -> Opened {
    speakers.recv_timeout(PATIENCE).expect("a speaker is opened")
}

struct Fake {
    opened: Mutex<Sender<Opened>>,
    refusals: Mutex<u32>,
}

struct Open;

impl OpenDevice for Open {
    fn id(&self) -> &str {
        ""
    }
}

impl Devices for Fake {
    fn list(&self) -> DeviceList {
        DeviceList::default()
    }

    fn open_microphone(
        &self,
        _: Option<&str>,
        _: MicrophoneSink,
        _: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        Err(DeviceError::Missing)
    }

    fn open_speaker(
        &self,
        id: Option<&str>,
        source: SpeakerSource,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        let mut refusals = self.refusals.lock().expect("no test panics in it");
        if *refusals > 0 {
            *refusals -= 1;
            return Err(DeviceError::Missing);
        }
        let id = id.unwrap_or("default").to_owned();
        let _ = self.opened.lock().expect("no test panics").send(Opened { id, source, report });
        Ok(Box::new(Open))
    }

    fn open_camera(
        &self,
        _: Option<&str>,
        _: CameraFormat,
        _: Duration,
        _: NewestIn<VideoFrame>,
        _: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        Err(DeviceError::Missing)
    }
}
