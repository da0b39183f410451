//! The encoders, each on one thread and at one rate, without key frames but the first.

use crate::clips::ffmpeg;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tincan_media::codec::h264::{Content, EncoderSettings, H264Decoder, H264Encoder};
use tincan_media::frame::VideoFrame;
use tincan_media::ladder::Rung;
use tincan_proto::units::{Bitrate, Resolution};

/// What an encoder made.
pub struct Coded {
    /// The brightness of each picture after decoding.
    pub shown: Vec<Vec<u8>>,
    /// Of all pictures.
    pub bytes: u64,
    /// For all pictures; reading them is left out.
    pub cpu: Duration,
}

/// An encoder.
#[derive(Clone, Copy)]
pub enum Encoder {
    Tincan,
    X264Ultrafast,
    X264Veryfast,
    Vp8,
}

impl Encoder {
    /// All.
    pub const ALL: [Self; 4] = [Self::Tincan, Self::X264Ultrafast, Self::X264Veryfast, Self::Vp8];

    /// What tables call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tincan => "Tincan (OpenH264)",
            Self::X264Ultrafast => "x264 ultrafast",
            Self::X264Veryfast => "x264 veryfast",
            Self::Vp8 => "libvpx VP8",
        }
    }

    /// Encodes the pictures, which lie in `raw`, too.
    pub fn encode(
        self,
        frames: &[VideoFrame],
        raw: &Path,
        rung: Rung,
        rate: Bitrate,
        scratch: &Path,
    ) -> Result<Coded> {
        let x264 = |preset| {
            let call = ["-tune", "zerolatency", "-profile:v", "baseline"];
            [&["-c:v", "libx264", "-preset", preset][..], &call[..]].concat()
        };
        let options = match self {
            Self::Tincan => return ours(frames, rung, rate),
            Self::X264Ultrafast => x264("ultrafast"),
            Self::X264Veryfast => x264("veryfast"),
            // As browsers set it for calls.
            Self::Vp8 => vec![
                "-c:v",
                "libvpx",
                "-deadline",
                "realtime",
                "-cpu-used",
                "8",
                "-lag-in-frames",
                "0",
                "-auto-alt-ref",
                "0",
                "-drop-threshold",
                "0",
                "-static-thresh",
                "1",
            ],
        };
        theirs(&options, raw, rung, rate, scratch)
    }
}

fn ours(frames: &[VideoFrame], rung: Rung, bitrate: Bitrate) -> Result<Coded> {
    let mut encoder = H264Encoder::new(EncoderSettings {
        resolution: rung.bounds,
        rate: rung.rate,
        bitrate,
        content: Content::Camera,
    })?;
    let mut decoder = H264Decoder::new()?;
    let mut coded = Coded { shown: Vec::new(), bytes: 0, cpu: Duration::ZERO };
    for frame in frames {
        let before = own_time()?;
        let unit = encoder.encode(frame, false)?.context("skipping is off")?;
        coded.cpu += own_time()?.saturating_sub(before);
        coded.bytes += unit.annex_b.len() as u64;
        let shown = decoder.decode(&unit.annex_b)?.context("one in, one out")?;
        coded.shown.push(shown.y().to_vec());
    }
    Ok(coded)
}

/// Processor time of this thread.
fn own_time() -> Result<Duration> {
    let figures = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let spent = figures.split(' ').next().context("no figures")?;
    Ok(Duration::from_nanos(spent.parse()?))
}

fn theirs(
    options: &[&str],
    raw: &Path,
    rung: Rung,
    rate: Bitrate,
    scratch: &Path,
) -> Result<Coded> {
    let output = scratch.join("coded.mkv");
    let target = rate.bps().to_string();
    let mut encode = reading(raw, rung);
    encode
        .args(options)
        .args(["-threads", "1", "-g", "9999", "-b:v", &target, "-maxrate", &target])
        .args(["-bufsize", &target])
        .arg(&output);
    let spent = spent_by(encode)?;
    let mut only_read = reading(raw, rung);
    only_read.args(["-c:v", "wrapped_avframe", "-f", "null", "-"]);
    let cpu = spent.saturating_sub(spent_by(only_read)?);
    let decoded = ffmpeg()
        .arg("-i")
        .arg(&output)
        .args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-"])
        .stdout(Stdio::piped())
        .output()
        .context("while starting ffmpeg")?;
    let area = rung.bounds.area();
    let pictures = decoded.stdout.chunks_exact(area * 3 / 2);
    Ok(Coded {
        shown: pictures.map(|picture| picture[..area].to_vec()).collect(),
        bytes: packets(&output)?,
        cpu,
    })
}

/// ffmpeg that reads the raw pictures and tells what it has spent.
fn reading(raw: &Path, rung: Rung) -> Command {
    let Resolution { width, height } = rung.bounds;
    let mut command = Command::new("ffmpeg");
    command
        .args(["-hide_banner", "-nostdin", "-y", "-benchmark", "-f", "rawvideo"])
        .args(["-pix_fmt", "yuv420p", "-s", &format!("{width}x{height}")])
        .args(["-r", &rung.rate.fps().to_string(), "-i"])
        .arg(raw);
    command
}

fn spent_by(mut command: Command) -> Result<Duration> {
    let output = command.output().context("while starting ffmpeg")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ffmpeg: {said}");
    let figure = |name: &str| -> Result<f64> {
        let (_, after) = said.rsplit_once(name).with_context(|| format!("no {name} in {said}"))?;
        let number = after.split(|c: char| c != '.' && !c.is_ascii_digit()).next();
        Ok(number.unwrap_or_default().parse()?)
    };
    Ok(Duration::from_secs_f64(figure("utime=")? + figure("stime=")?))
}

/// The bytes of all pictures in a file, without the container's.
fn packets(file: &Path) -> Result<u64> {
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "packet=size", "-of", "csv=p=0"])
        .arg(file)
        .output()
        .context("while starting ffprobe")?;
    let sizes = String::from_utf8_lossy(&probe.stdout);
    let sizes = sizes.lines().map(|line| line.trim_end_matches(',').parse::<u64>());
    Ok(sizes.collect::<Result<Vec<_>, _>>().context("while reading sizes")?.iter().sum())
}
