//! Prints what each step costs, in microseconds of CPU, next to a peer that does the same:
//! `cargo run --release -p tincan-media --example media_bench`.

#![allow(clippy::print_stdout, reason = "it prints a table")]

use std::hint::black_box;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use tincan_media::audio::{AudioBlock, BLOCK_SAMPLES, SILENCE, StereoBlock};
use tincan_media::codec::annex_b::AvccWriter;
use tincan_media::codec::h264::{Content, EncoderSettings, H264Decoder, H264Encoder};
use tincan_media::codec::opus::{FRAME_SAMPLES, OpusDecoder, OpusEncoder, OpusSettings};
use tincan_media::device::CameraFormat;
use tincan_media::encoded::RtpPayload;
use tincan_media::frame::VideoFrame;
use tincan_media::ladder::{Ladder, PictureQuality};
use tincan_media::mailbox::newest;
use tincan_media::mixer::Mixer;
use tincan_media::pipeline::audio_receive::AudioReceivePipeline;
use tincan_media::pipeline::audio_send::{AudioSendPipeline, AudioSendSettings};
use tincan_media::pipeline::video_receive::{Delivery, VideoReceivePipeline, VideoReceiveSinks};
use tincan_media::pipeline::video_send::{VideoSend, VideoSendPipeline};
use tincan_media::process::chain::{CaptureChain, ChainSettings};
use tincan_media::process::convert::{PixelFormat, to_i420};
use tincan_media::process::resample::Resampler;
use tincan_media::process::scale::scale;
use tincan_media::process::voice::VoiceDetector;
use tincan_media::rtp::frame_assembler::FrameAssembler;
use tincan_media::rtp::h264_packetizer::{MAX_PAYLOAD, packetize};
use tincan_media::synthetic::picture::{Picture, Stamp, Style, read_stamp};
use tincan_media::synthetic::test_picture::TestPicture;
use tincan_media::synthetic::tone::{BeepDetector, BeepMicrophone, wall_millis};
use tincan_proto::units::{Bitrate, FrameRate, Resolution, UnixMillis};

fn main() -> anyhow::Result<()> {
    for (size, kbps) in [(Resolution::VGA, 1_500), (Resolution::new(1280, 720), 2_500)] {
        pictures(size, kbps)?;
    }
    sound()?;
    call()
}

/// CPU time of this thread: other work on the machine does not count.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    nanos.map_or(Duration::ZERO, Duration::from_nanos)
}

/// Runs something often and prints the mean of CPU time and the median of wall time.
fn measure(name: &str, times: u64, mut run: impl FnMut(u64)) {
    (0..times / 10 + 1).for_each(&mut run);
    let mut walls = Vec::with_capacity(times as usize);
    let before = cpu();
    for n in 0..times {
        let start = Instant::now();
        run(n);
        walls.push(start.elapsed());
    }
    let mean = (cpu() - before).as_secs_f64() * 1e6 / times as f64;
    walls.sort();
    let median = walls[walls.len() / 2].as_secs_f64() * 1e6;
    println!("{name:42} CPU {mean:8.1} us   wall, median {median:8.1} us");
}

fn pictures(size: Resolution, kbps: u32) -> anyhow::Result<()> {
    println!("-- {size}, {kbps} kbit/s");
    let mut picture = Picture::new(size, Style::Grey)?;
    let stamp = Stamp::from_unix_millis(123_456);
    measure("paint", 300, |n| _ = black_box(picture.paint(n, stamp)));
    let start = Instant::now();
    let frames: Vec<VideoFrame> = (0..300)
        .map(|n| {
            let stamp = Stamp::from_unix_millis(n * 33);
            picture.paint(n, stamp).at(start + Duration::from_millis(n * 33))
        })
        .collect();
    measure("read the stamp", 300, |n| {
        let frame = &frames[n as usize];
        black_box(read_stamp(frame.y(), size));
    });

    let settings = EncoderSettings {
        resolution: size,
        bitrate: Bitrate::from_kbps(kbps),
        ..EncoderSettings::default()
    };
    let mut encoder = H264Encoder::new(settings)?;
    let mut coded = Vec::new();
    measure("encode", 300, |n| {
        if let Ok(Some(unit)) = encoder.encode(&frames[n as usize], false) {
            coded.push(unit.annex_b);
        }
    });
    let mut decoder = H264Decoder::new()?;
    let mut at = 0;
    measure("decode", coded.len() as u64 * 10 / 11 - 2, |_| {
        let _ = black_box(decoder.decode(&coded[at]));
        at += 1;
    });
    let mut writer = AvccWriter::new();
    measure("lengths for start codes", 300, |n| _ = black_box(writer.write(&coded[n as usize])));
    measure("packetize", 300, |n| _ = black_box(packetize(&coded[n as usize], MAX_PAYLOAD)));
    let mut assembler = FrameAssembler::new();
    let (mut sequence, mut timestamp, mut unit) = (0, 0, 0);
    measure("assemble", 300, |_| {
        let payloads = packetize(&coded[unit % coded.len()], MAX_PAYLOAD);
        (timestamp, unit) = (timestamp + 3000, unit + 1);
        let count = payloads.len();
        for (i, payload) in payloads.into_iter().enumerate() {
            let arrived = Instant::now();
            let marker = i + 1 == count;
            let packet = RtpPayload {
                sequence,
                timestamp,
                marker,
                ssrc: 1,
                payload,
                arrived,
                sound: Default::default(),
            };
            sequence = sequence.wrapping_add(1);
            black_box(assembler.push(packet, arrived));
        }
    });

    let rgba = vec![77; size.area() * 4];
    let yuyv = vec![77; size.area() * 2];
    let now = Instant::now();
    measure("RGBA to I420", 200, |_| _ = black_box(to_i420(PixelFormat::Rgba, &rgba, size, now)));
    let sides = (size.width as usize, size.height as usize);
    let mut peer = openh264::formats::YUVBuffer::new(sides.0, sides.1);
    measure("RGBA to I420, openh264's own", 200, |_| {
        peer.read_rgba8(openh264::formats::RgbaSliceU8::new(&rgba, sides));
    });
    measure("YUYV to I420", 200, |_| _ = black_box(to_i420(PixelFormat::Yuyv, &yuyv, size, now)));
    let target = Resolution::new(size.width * 3 / 4, size.height * 3 / 4);
    measure("scale to three quarters", 200, |n| _ = black_box(scale(&frames[n as usize], target)));
    let target = Resolution::new(size.width / 2, size.height / 2);
    measure("scale to a half", 200, |n| _ = black_box(scale(&frames[n as usize], target)));
    Ok(())
}

fn sound() -> anyhow::Result<()> {
    println!("-- sound; a block is 10 ms, a frame 20 ms");
    let voice: Vec<f32> = (0..48_000 * 4)
        .map(|i| {
            let t = i as f32 / 48_000.0;
            let open = (t * 14.0).sin().max(0.0);
            let buzz: f32 = (1..20)
                .map(|h| (t * std::f32::consts::TAU * 130.0 * h as f32).sin() / h as f32)
                .sum();
            0.1 * open * buzz
        })
        .collect();
    let block = |n: u64| -> AudioBlock {
        let at = n as usize * BLOCK_SAMPLES % (voice.len() - BLOCK_SAMPLES);
        std::array::from_fn(|i| voice[at + i])
    };
    let frame = |n: u64| -> [f32; FRAME_SAMPLES] {
        let at = n as usize * FRAME_SAMPLES % (voice.len() - FRAME_SAMPLES);
        std::array::from_fn(|i| voice[at + i])
    };
    for complexity in [5, 9] {
        let mut encoder = OpusEncoder::new(OpusSettings { complexity, ..Default::default() })?;
        measure(&format!("Opus encode a frame, complexity {complexity}"), 400, |n| {
            _ = black_box(encoder.encode(&frame(n)));
        });
    }
    let mut encoder = OpusEncoder::new(OpusSettings::default())?;
    let packets: Vec<_> =
        (0..400).filter_map(|n| encoder.encode(&frame(n)).ok().flatten()).collect();
    let mut decoder = OpusDecoder::new()?;
    let mut pcm = Vec::new();
    measure("Opus decode a frame", packets.len() as u64, |n| {
        pcm.clear();
        _ = black_box(decoder.decode(&packets[n as usize], &mut pcm));
    });
    for (name, settings) in [
        (
            "echo canceller, a block",
            ChainSettings { echo_cancellation: true, ..ChainSettings::NONE },
        ),
        ("all processing, a block", ChainSettings::ALL),
    ] {
        let mut chain = CaptureChain::new(settings);
        measure(name, 800, |n| {
            chain.render(&block(n));
            chain.capture(&mut block(n + 7));
        });
    }
    let mut detector = VoiceDetector::new();
    measure("voice detection, a block", 800, |n| _ = black_box(detector.listen(&block(n))));
    let mut resampler = Resampler::from_device(44_100)?;
    let mut out = Vec::with_capacity(4096);
    measure("44.1 to 48 kHz, a block", 800, |n| {
        out.clear();
        resampler.push(&block(n)[..441], &mut out);
    });
    let mut mixer = Mixer::default();
    measure("mix four voices, a block", 800, |n| {
        (0..4).for_each(|voice| mixer.add(&StereoBlock::both(block(n + voice)), 1.0));
        black_box(mixer.take());
    });
    black_box(SILENCE);
    Ok(())
}

/// A whole headless side: test picture and beep out, and the same back in, for ten seconds.
fn call() -> anyhow::Result<()> {
    println!("-- a headless side, 640x480 at 30, in and out");
    let format = CameraFormat { resolution: Resolution::VGA, rate: FrameRate::from_fps(30) };
    let (sink, frames) = newest();
    let (shown_at, shown) = channel();
    let receive = VideoReceivePipeline::start(
        Delivery::Decoded,
        VideoReceiveSinks {
            decoded: Box::new(move |frame| {
                if let Some(stamp) = read_stamp(frame.y(), frame.resolution()) {
                    let now = wall_millis();
                    let made = stamp.resolve(UnixMillis(now as u64));
                    let _ = shown_at.send(now - made.0 as f64);
                }
            }),
            ..VideoReceiveSinks::default()
        },
    )?;
    let (coded_at, coded) = channel();
    let (mut sequence, mut timestamp) = (0u16, 0u32);
    let send = VideoSendPipeline::start(
        frames,
        VideoSend {
            content: Content::Camera,
            ladder: Ladder::camera(PictureQuality::Medium),
            rate: Box::new(|| Some(EncoderSettings::default().bitrate.into())),
            tap: None,
        },
        Box::new(move |unit| {
            let _ = coded_at.send(unit.captured.elapsed().as_secs_f64() * 1000.0);
            timestamp = timestamp.wrapping_add(3000);
            let payloads = packetize(&unit.annex_b, MAX_PAYLOAD);
            let count = payloads.len();
            for (i, payload) in payloads.into_iter().enumerate() {
                sequence = sequence.wrapping_add(1);
                let (marker, arrived) = (i + 1 == count, Instant::now());
                let packet = RtpPayload {
                    sequence,
                    timestamp,
                    marker,
                    ssrc: 1,
                    payload,
                    arrived,
                    sound: Default::default(),
                };
                receive.push(packet);
            }
        }),
    )?;
    let camera = TestPicture::start(format, Style::Grey, sink)?;
    let mixer = AudioReceivePipeline::start();
    let voice = mixer.add("loop");
    let (heard, beeps) = channel();
    let mut detector = BeepDetector::default();
    mixer.set_tap(Some(Box::new(move |block| {
        if let Some(beep) = detector.listen(&block.left, wall_millis()) {
            let _ = heard.send(beep % 1000.0);
        }
    })));
    let (mut sequence, mut timestamp) = (0u16, 0u32);
    let settings =
        AudioSendSettings { processing: ChainSettings::NONE, ..AudioSendSettings::default() };
    let microphone = AudioSendPipeline::start(
        settings,
        Box::new(move |coded| {
            sequence = sequence.wrapping_add(1);
            timestamp = timestamp.wrapping_add(960);
            let (payload, arrived) = (coded.payload, Instant::now());
            let marker = false;
            voice.push(RtpPayload {
                sequence,
                timestamp,
                marker,
                ssrc: 2,
                payload,
                arrived,
                sound: Default::default(),
            });
        }),
    )?;
    let beep = BeepMicrophone::start(microphone.microphone());
    std::thread::sleep(Duration::from_secs(2));
    let (before, start) = (process_cpu(), Instant::now());
    std::thread::sleep(Duration::from_secs(10));
    let share = (process_cpu() - before).as_secs_f64() / start.elapsed().as_secs_f64();
    println!("{:42} {:5.1} % of a core", "CPU", share * 100.0);
    percentiles("painted to encoded", coded.try_iter().collect());
    percentiles("stamped to decoded", shown.try_iter().collect());
    percentiles("beep to mixed", beeps.try_iter().collect());
    drop((camera, beep, send, microphone));
    Ok(())
}

/// CPU time of all threads that live.
fn process_cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = tasks.filter_map(|task| {
        let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

fn percentiles(name: &str, mut millis: Vec<f64>) {
    millis.sort_by(f64::total_cmp);
    let at = |share: usize| millis.get(millis.len() * share / 100).copied().unwrap_or(f64::NAN);
    let (half, most, count) = (at(50), at(95), millis.len());
    println!("{name:42} p50 {half:6.1} ms   p95 {most:6.1} ms   of {count}");
}
