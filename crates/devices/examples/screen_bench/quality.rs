//! How much of a text the codecs leave: brightness after coding and decoding, against before.

use anyhow::{Context, Result, ensure};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tincan_media::codec::annex_b::{NalType, nal_units};
use tincan_media::codec::h264::{Content, EncoderSettings, H264Decoder, H264Encoder};
use tincan_media::frame::VideoFrame;
use tincan_proto::units::{Bitrate, FrameRate};
use tincan_test_support::likeness::{psnr, ssim};

/// What one encoder made of the pictures.
pub struct Quality {
    /// The first picture, a key frame, in kilobytes.
    pub first: f64,
    /// The rate of all others: the first alone is more than a second's worth.
    pub kbps: f64,
    /// Of all pictures, on average.
    pub psnr: f64,
    pub ssim: f64,
    /// Of the last one, before which nothing changed for a second.
    pub still_psnr: f64,
    pub still_ssim: f64,
    /// Encoding a picture.
    pub ms: f64,
}

/// OpenH264 as the app uses it.
pub fn ours(content: Content, frames: &[VideoFrame], kbps: u32, fps: u32) -> Result<Quality> {
    let mut encoder = H264Encoder::new(EncoderSettings {
        resolution: frames[0].resolution(),
        rate: FrameRate::from_fps(fps),
        bitrate: Bitrate::from_kbps(kbps),
        content,
    })?;
    let mut decoder = H264Decoder::new()?;
    let (mut sizes, mut spent, mut shown) = (Vec::new(), Duration::ZERO, Vec::new());
    let start = Instant::now();
    for (n, frame) in frames.iter().enumerate() {
        let frame = frame.clone().at(start + FrameRate::from_fps(fps).interval() * n as u32);
        let began = Instant::now();
        let coded = encoder.encode(&frame, false)?.context("skipping is off")?;
        spent += began.elapsed();
        sizes.push(coded.annex_b.len());
        shown.push(decoder.decode(&coded.annex_b)?.context("one in, one out")?.y().to_vec());
    }
    Ok(judge(frames, &shown, &sizes, fps, spent))
}

/// x264 set for calls, by ffmpeg.
pub fn x264(frames: &[VideoFrame], kbps: u32, fps: u32) -> Result<Quality> {
    let folder = tincan_test_support::place::Scratch::new("screen-bench")?;
    let (raw, coded) = (folder.path().join("raw.yuv"), folder.path().join("coded.h264"));
    std::fs::write(&raw, frames.iter().flat_map(|f| f.i420()).copied().collect::<Vec<u8>>())?;
    let size = frames[0].resolution();
    let (rate, target) = (fps.to_string(), format!("{kbps}k"));
    let began = Instant::now();
    let status = ffmpeg()
        .args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", &size.to_string(), "-r", &rate, "-i"])
        .arg(&raw)
        .args(["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"])
        .args(["-profile:v", "baseline", "-threads", "1", "-g", "9999", "-b:v", &target])
        .args(["-maxrate", &target, "-bufsize", &target])
        .arg(&coded)
        .status()?;
    let spent = began.elapsed();
    ensure!(status.success(), "ffmpeg does not encode");
    let mut decode = ffmpeg();
    let decoded = decode.arg("-i").arg(&coded).args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]);
    let decoded = decoded.stdout(Stdio::piped()).output()?.stdout;
    let shown: Vec<_> = decoded
        .chunks_exact(size.area() * 3 / 2)
        .map(|picture| picture[..size.area()].to_vec())
        .collect();
    ensure!(shown.len() == frames.len(), "{} pictures came back", shown.len());
    let coded = std::fs::read(&coded)?;
    Ok(judge(frames, &shown, &sizes(&coded), fps, spent))
}

/// The bytes of each picture of one slice, with what comes before it.
fn sizes(annex_b: &[u8]) -> Vec<usize> {
    let (mut sizes, mut bytes) = (Vec::new(), 0);
    for nal in nal_units(annex_b) {
        bytes += nal.len();
        if matches!(NalType::of(nal), NalType::Idr | NalType::Slice) {
            sizes.push(std::mem::take(&mut bytes));
        }
    }
    sizes
}

fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]);
    command
}

fn judge(
    frames: &[VideoFrame],
    shown: &[Vec<u8>],
    sizes: &[usize],
    fps: u32,
    spent: Duration,
) -> Quality {
    let of = |(frame, shown): (&VideoFrame, &Vec<u8>)| {
        (psnr(frame.y(), shown), ssim(frame.y(), shown, frame.resolution().width as usize))
    };
    let all: Vec<_> = frames.iter().zip(shown).map(of).collect();
    let count = all.len() as f64;
    let (still_psnr, still_ssim) = all[all.len() - 1];
    Quality {
        first: sizes.first().copied().unwrap_or_default() as f64 / 1000.0,
        kbps: sizes.iter().skip(1).sum::<usize>() as f64 * 8.0 * f64::from(fps)
            / (count - 1.0)
            / 1000.0,
        psnr: all.iter().map(|(psnr, _)| psnr).sum::<f64>() / count,
        ssim: all.iter().map(|(_, ssim)| ssim).sum::<f64>() / count,
        still_psnr,
        still_ssim,
        ms: spent.as_secs_f64() * 1000.0 / count,
    }
}
