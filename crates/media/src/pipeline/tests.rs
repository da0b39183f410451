//! The pipelines with synthetic devices, end to end in one process.

use crate::audio::{BLOCK_SAMPLES, SILENCE, StereoBlock};
use crate::codec::h264::Content;
use crate::codec::opus::OpusSettings;
use crate::device::CameraFormat;
use crate::encoded::{EncodedAudio, EncodedVideo, RtpPayload};
use crate::frame::VideoFrame;
use crate::ladder::{Ladder, Rung};
use crate::mailbox::newest;
use crate::pipeline::audio_receive::AudioReceivePipeline;
use crate::pipeline::audio_send::{AudioSendPipeline, AudioSendSettings};
use crate::pipeline::video_receive::{Delivery, VideoReceivePipeline, VideoReceiveSinks};
use crate::pipeline::video_send::{VideoRate, VideoSend, VideoSendPipeline};
use crate::process::chain::ChainSettings;
use crate::process::testing::Voice;
use crate::rtp::frame_assembler::EncodedUnit;
use crate::rtp::h264_packetizer::{MAX_PAYLOAD, packetize};
use crate::synthetic::picture::{Picture, Stamp, Style, read_stamp};
use crate::synthetic::test_picture::TestPicture;
use crate::synthetic::tone::{BeepDetector, BeepMicrophone, wall_millis};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tincan_proto::units::{Bitrate, FrameRate, Resolution};

const PATIENCE: Duration = Duration::from_secs(10);
const SMALL: Resolution = Resolution::new(320, 240);
const FORMAT: CameraFormat = CameraFormat { resolution: SMALL, rate: FrameRate::from_fps(60) };

/// As it comes, at half a megabit.
fn send(rate: VideoRate) -> VideoSend {
    let none = Bitrate::from_kbps(0);
    let most = Bitrate::from_kbps(500);
    let (bounds, rate_of) = (Resolution::new(640, 480), FORMAT.rate);
    let rung = Rung { bounds, rate: rate_of, least: none, enough: none, most };
    VideoSend { content: Content::Camera, ladder: Ladder::up_to(rung), rate, tap: None }
}

fn raw_audio() -> AudioSendSettings {
    AudioSendSettings { processing: ChainSettings::NONE, ..Default::default() }
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A way that carries everything.
fn any() -> VideoRate {
    Box::new(|| Some(Bitrate::from_kbps(100_000).into()))
}

fn coded_video() -> (VideoSendPipeline, crate::mailbox::NewestIn<VideoFrame>, Receiver<EncodedVideo>)
{
    let (sink, frames) = newest();
    let (out, coded) = channel();
    let pipeline =
        VideoSendPipeline::start(frames, send(any()), Box::new(move |coded| _ = out.send(coded)))
            .unwrap();
    (pipeline, sink, coded)
}

/// Makes RTP packets of coded pictures and of coded sound.
#[derive(Default)]
struct Network {
    sequence: u16,
    timestamp: u32,
}

impl Network {
    fn video(&mut self, coded: &EncodedVideo) -> Vec<RtpPayload> {
        self.timestamp = self.timestamp.wrapping_add(3000);
        let payloads = packetize(&coded.annex_b, MAX_PAYLOAD);
        let count = payloads.len();
        let packet = |(i, payload)| self.packet(payload, i + 1 == count);
        payloads.into_iter().enumerate().map(packet).collect()
    }

    fn audio(&mut self, coded: EncodedAudio) -> RtpPayload {
        self.timestamp = (coded.at.as_millis() * 48) as u32;
        self.packet(coded.payload, false)
    }

    fn packet(&mut self, payload: bytes::Bytes, marker: bool) -> RtpPayload {
        self.sequence = self.sequence.wrapping_add(1);
        RtpPayload {
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker,
            ssrc: 5,
            payload,
            arrived: Instant::now(),
            sound: Default::default(),
        }
    }
}

#[test]
fn the_test_picture_arrives_with_its_stamp() {
    let (pipeline, sink, coded) = coded_video();
    let _camera = TestPicture::start(FORMAT, Style::Colour, sink).unwrap();
    let (units, unit) = channel::<EncodedUnit>();
    let (frames, frame) = channel();
    let receive = VideoReceivePipeline::start(
        Delivery::Both,
        VideoReceiveSinks {
            coded: Box::new(move |unit| _ = units.send(unit)),
            decoded: Box::new(move |frame| _ = frames.send(frame)),
            ..Default::default()
        },
    )
    .unwrap();
    let mut network = Network::default();
    let mut last = None;
    for n in 0..20 {
        let coded = coded.recv_timeout(PATIENCE).unwrap();
        assert_eq!(coded.key, n == 0);
        network.video(&coded).into_iter().for_each(|packet| receive.push(packet));
        assert_eq!(unit.recv_timeout(PATIENCE).unwrap().annex_b, coded.annex_b);
        let shown = frame.recv_timeout(PATIENCE).unwrap();
        let stamp = read_stamp(shown.y(), shown.resolution()).expect("the stamp is readable");
        assert!(last < Some(stamp.millis()) || stamp.millis() < 1000, "stamps rise");
        last = Some(stamp.millis());
    }
    until("the counts", || receive.statistics().decoded == 20);
    assert_eq!(receive.statistics().assembled.frames, 20);
    assert_eq!(receive.statistics().requests, 0, "the first key frame is awaited, not asked for");
    assert!(pipeline.statistics().frames >= 20);
}

#[test]
fn requested_key_frames_come_but_not_in_bursts() {
    let (pipeline, sink, coded) = coded_video();
    let _camera = TestPicture::start(FORMAT, Style::Grey, sink).unwrap();
    let mut keys = Vec::new();
    let end = Instant::now() + Duration::from_millis(900);
    while Instant::now() < end {
        pipeline.request_key_frame();
        let coded = coded.recv_timeout(PATIENCE).unwrap();
        if coded.key {
            keys.push(coded.captured);
        }
    }
    assert!(keys.len() >= 2, "{} key frames", keys.len());
    // The first may be lost, so that two soon follow it: after 30 and another 60 ms. The pace counts
    // from encoding, the capture time is a little before that.
    let is_close = |pair: &[Instant]| pair[1] - pair[0] < Duration::from_millis(100);
    assert!(!keys.windows(2).skip(2).any(is_close), "{keys:?}");
}

#[test]
fn another_source_begins_with_a_key_frame_and_a_still_one_answers_requests() {
    let (pipeline, sink, coded) = coded_video();
    let mut picture = Picture::new(SMALL, Style::Grey).unwrap();
    sink.put(picture.paint(0, Stamp::from_unix_millis(0)));
    assert!(coded.recv_timeout(PATIENCE).unwrap().key);
    sink.put(picture.paint(1, Stamp::from_unix_millis(1)));
    assert!(!coded.recv_timeout(PATIENCE).unwrap().key);
    // Another size, and nothing after its first picture.
    let (other, frames) = newest();
    pipeline.set_source(frames);
    let size = Resolution::new(160, 120);
    other.put(Picture::new(size, Style::Grey).unwrap().paint(0, Stamp::from_unix_millis(2)));
    let first = coded.recv_timeout(PATIENCE).unwrap();
    assert_eq!((first.key, first.resolution), (true, size));
    pipeline.request_key_frame();
    let repeated = coded.recv_timeout(PATIENCE).unwrap();
    assert!(repeated.key && repeated.captured > first.captured);
    drop((sink, other));
    assert!(coded.recv_timeout(Duration::from_millis(100)).is_err(), "no frames, nothing sent");
}

#[test]
fn who_just_came_sees_the_last_picture_at_once_and_in_its_order() {
    let (pipeline, sink, coded) = coded_video();
    let mut picture = Picture::new(SMALL, Style::Grey).unwrap();
    sink.put(picture.paint(0, Stamp::from_unix_millis(0)));
    assert!(coded.recv_timeout(PATIENCE).unwrap().key);
    sink.put(picture.paint(1, Stamp::from_unix_millis(1)));
    let last = coded.recv_timeout(PATIENCE).unwrap();
    assert!(!last.key);
    // The camera shows nothing new, and a key frame was made a moment ago.
    pipeline.begin();
    let begun = coded.recv_timeout(PATIENCE).unwrap();
    assert!(begun.key && begun.captured > last.captured);
    sink.put(picture.paint(2, Stamp::from_unix_millis(2)));
    let next = coded.recv_timeout(PATIENCE).unwrap();
    assert!(!next.key && next.captured > begun.captured);
}

#[test]
fn a_loss_asks_for_a_key_frame_until_one_comes() {
    let (pipeline, sink, coded) = coded_video();
    let _camera = TestPicture::start(FORMAT, Style::Grey, sink).unwrap();
    let (frames, frame) = channel();
    let (requests, request) = channel();
    let receive = VideoReceivePipeline::start(
        Delivery::Decoded,
        VideoReceiveSinks {
            decoded: Box::new(move |frame| _ = frames.send(frame)),
            key_frame_needed: Box::new(move || _ = requests.send(Instant::now())),
            ..Default::default()
        },
    )
    .unwrap();
    let mut network = Network::default();
    let mut pass = |drop_first: bool| {
        let packets = network.video(&coded.recv_timeout(PATIENCE).unwrap());
        packets.into_iter().skip(usize::from(drop_first)).for_each(|packet| receive.push(packet));
    };
    (0..5).for_each(|_| pass(false));
    (0..5).for_each(|_| _ = frame.recv_timeout(PATIENCE).unwrap());
    pass(true);
    let asked = loop {
        pass(false);
        if let Ok(asked) = request.try_recv() {
            break asked;
        }
    };
    while frame.try_recv().is_ok() {}
    // No answer: asked again, no sooner than half a second later.
    let again = loop {
        pass(false);
        if let Ok(again) = request.try_recv() {
            break again;
        }
    };
    assert!(again - asked >= Duration::from_millis(300), "{:?}", again - asked);
    assert!(frame.try_recv().is_err(), "the picture freezes");
    pipeline.request_key_frame();
    until("the picture's return", || {
        pass(false);
        frame.try_recv().is_ok()
    });
    assert!(receive.statistics().assembled.lost >= 1);
}

/// A call of one voice: the sending pipeline straight into a receiving one.
fn audio_call(
    settings: AudioSendSettings,
) -> (
    AudioSendPipeline,
    AudioReceivePipeline,
    std::sync::Arc<crate::pipeline::audio_receive::AudioReceiver>,
) {
    let receive = AudioReceivePipeline::start();
    let receiver = std::sync::Arc::new(receive.add("far"));
    let theirs = receiver.clone();
    let mut network = Network::default();
    let send = AudioSendPipeline::start(
        settings,
        Box::new(move |coded| theirs.push(network.audio(coded))),
    )
    .unwrap();
    (send, receive, receiver)
}

#[test]
fn the_beep_is_heard_at_the_far_end_soon_after_its_second() {
    let (send, receive, receiver) = audio_call(raw_audio());
    let (heard, beeps) = channel();
    let mut detector = BeepDetector::default();
    receive.set_tap(Some(Box::new(move |block| {
        if let Some(beep) = detector.listen(&block.left, wall_millis()) {
            let _ = heard.send(beep);
        }
    })));
    let _microphone = BeepMicrophone::start(send.microphone());
    let beep = beeps.recv_timeout(PATIENCE).expect("a beep each second");
    // Frame of 20 ms, codec and jitter buffer; a busy machine adds to it.
    assert!(beep % 1000.0 > 5.0, "heard before it was made: {}", beep % 1000.0);
    until("statistics", || receiver.statistics().jitter.packets > 40);
    assert_eq!(receiver.statistics().overflowed, 0);
    assert!(receiver.statistics().energy > 0.0);
}

/// Speaks into the pipeline as a device would, on a thread of its own.
fn speak(mut sink: crate::device::MicrophoneSink) -> crate::pipeline::worker::Worker {
    crate::pipeline::worker::Worker::spawn("speaker of the test", move |stop| {
        let mut voice = Voice::new(0.2);
        let mut block = SILENCE;
        let mut due = Instant::now();
        while !stop.is_set() {
            voice.fill(&mut block);
            sink(&StereoBlock::both(block));
            due += Duration::from_millis(10);
            stop.wait_until(due);
        }
    })
}

#[test]
fn muted_sends_nothing_and_still_tells_that_one_speaks() {
    let settings = AudioSendSettings { muted: true, ..raw_audio() };
    let (send, _receive, receiver) = audio_call(settings);
    let _voice = speak(send.microphone());
    until("speaking while muted", || send.levels().speaking && send.levels().level.meter() > 0.1);
    assert_eq!((send.levels().packets, receiver.statistics().jitter.packets), (0, 0));
    send.set_muted(false);
    until("speaking at the far end", || receiver.is_speaking() && receiver.level().meter() > 0.1);
    send.set_muted(true);
    until("silence at the far end", || !receiver.is_speaking() && receiver.level().rms() == 0.0);
    let (sent, lost) = (send.levels().packets, receiver.statistics().jitter.lost);
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!((send.levels().packets, lost), (sent, 0));
    assert_eq!(send.settings().opus, OpusSettings::default());
}

#[test]
fn another_microphone_takes_over_and_a_closed_one_is_silent() {
    let (send, _receive, receiver) = audio_call(raw_audio());
    let first = speak(send.microphone());
    until("the first", || receiver.statistics().jitter.packets > 3);
    let second = speak(send.microphone());
    drop(first);
    let before = receiver.statistics().jitter.packets;
    until("the second", || receiver.statistics().jitter.packets > before + 5);
    assert_eq!(receiver.statistics().jitter.lost, 0);
    drop(second);
    until("silence", || send.levels().level.rms() == 0.0 && !send.levels().speaking);
}

#[test]
fn a_speaker_plays_every_block_in_order_and_paces_the_mixer() {
    let (send, receive, receiver) = audio_call(raw_audio());
    let mut speaker = receive.speaker();
    let _voice = speak(send.microphone());
    let mut loud = 0;
    let mut block = StereoBlock::SILENCE;
    let deadline = Instant::now() + PATIENCE;
    while loud < 20 {
        assert!(Instant::now() < deadline, "nothing is played");
        speaker(&mut block);
        loud += u32::from(block.left.iter().any(|x| x.abs() > 0.05));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(receive.speaker_statistics().blocks >= 20);
    // The device stops without a word: levels and statistics go on by the clock.
    let before = receiver.statistics().duration;
    until("going on without the speaker", || receiver.statistics().duration > before + 0.2);
    drop(speaker);
    let before = receiver.statistics().duration;
    until("going on with no speaker", || receiver.statistics().duration > before + 0.2);
}

#[test]
fn the_echo_of_the_speaker_is_cancelled_through_both_pipelines() {
    let processing = ChainSettings { echo_cancellation: true, ..ChainSettings::NONE };
    let settings = AudioSendSettings { processing, muted: true, ..Default::default() };
    // The far voice comes from a pipeline of its own; the near microphone hears the speaker only.
    let (far, receive, _receiver) = audio_call(raw_audio());
    let near = AudioSendPipeline::start(settings, Box::new(|_| ())).unwrap();
    receive.set_reference(near.render_reference());
    let (mut speaker, mut microphone) = (receive.speaker(), near.microphone());
    let _voice = speak(far.microphone());
    let mut played = std::collections::VecDeque::from(vec![SILENCE; 4]);
    let (mut heard, mut left) = (0.0, 0.0);
    let mut due = Instant::now();
    for n in 0..450 {
        let mut block = StereoBlock::SILENCE;
        speaker(&mut block);
        played.push_back(block.left.map(|x| 0.5 * x));
        let echo = played.pop_front().unwrap();
        microphone(&StereoBlock::both(echo));
        due += Duration::from_millis(10);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if n >= 350 {
            heard += echo.iter().map(|x| x * x).sum::<f32>() / BLOCK_SAMPLES as f32;
            left += near.levels().level.rms().powi(2);
        }
    }
    let residue = 10.0 * (left / heard).max(1e-9).log10();
    assert!(heard > 0.0 && residue < -10.0, "{residue:.1} dB of the echo are left");
}

#[test]
fn voices_come_and_go() {
    let receive = AudioReceivePipeline::start();
    let voices: Vec<_> = (0..5).map(|n| receive.add(&format!("voice {n}"))).collect();
    voices.iter().for_each(|voice| voice.set_volume(0.5));
    drop(voices);
    let one = receive.add("one");
    let (seen, blocks) = channel();
    receive.set_tap(Some(Box::new(move |block| _ = seen.send(block.left[0]))));
    (0..3).for_each(|_| assert_eq!(blocks.recv_timeout(PATIENCE).unwrap(), 0.0));
    drop(receive);
    one.push(Network::default().packet(bytes::Bytes::new(), false));
}

#[test]
fn a_sink_may_drop_its_own_pipeline() {
    let (sink, frames) = newest();
    let slot = std::sync::Arc::new(std::sync::Mutex::new(None::<VideoSendPipeline>));
    let theirs = slot.clone();
    let (done, dropped) = channel();
    let pipeline = VideoSendPipeline::start(
        frames,
        send(any()),
        Box::new(move |_| {
            drop(theirs.lock().unwrap().take());
            let _ = done.send(());
        }),
    )
    .unwrap();
    *slot.lock().unwrap() = Some(pipeline);
    sink.put(Picture::new(SMALL, Style::Grey).unwrap().paint(0, Stamp::from_unix_millis(0)));
    dropped.recv_timeout(PATIENCE).expect("no deadlock");
}

#[test]
fn pictures_wait_while_they_would_come_too_late_and_the_newest_one_goes() {
    let (sink, frames) = newest();
    let (out, coded) = channel();
    let open = Arc::new(AtomicBool::new(false));
    let rate = Box::new({
        let open = open.clone();
        move || open.load(Ordering::Relaxed).then(|| Bitrate::from_kbps(300).into())
    });
    let sink_of = Box::new(move |coded| _ = out.send(coded));
    let pipeline = VideoSendPipeline::start(frames, send(rate), sink_of).unwrap();
    let mut taken = Instant::now();
    for count in 0..3 {
        let picture =
            Picture::new(SMALL, Style::Grey).unwrap().paint(count, Stamp::from_unix_millis(0));
        taken = picture.captured();
        sink.put(picture);
        until("it is held", || pipeline.statistics().held > count);
    }
    assert_eq!(pipeline.statistics().frames, 0);
    open.store(true, Ordering::Relaxed);
    let first = coded.recv_timeout(PATIENCE).expect("a picture");
    assert!(first.key);
    assert_eq!(first.captured, taken, "the newest one");
}
