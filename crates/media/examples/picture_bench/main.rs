//! Measures what encoders leave of pictures at each rung of the ladder, and what they cost: ours as
//! the app sets it, beside ffmpeg's set for calls. `cargo xtask bench picture` runs it.
#![allow(clippy::print_stdout, reason = "a command line program talks on standard output")]

mod clips;
mod encoders;

use anyhow::{Context, Result};
use clips::Clip;
use encoders::{Coded, Encoder};
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;
use tincan_media::frame::VideoFrame;
use tincan_media::ladder::{PictureQuality, Rung};
use tincan_proto::units::{Bitrate, Resolution};
use tincan_test_support::likeness::{psnr, ssim};
use tincan_test_support::place::Scratch;

/// The ladder's rungs that a person can choose.
const RUNGS: [PictureQuality; 4] =
    [PictureQuality::Low, PictureQuality::Medium, PictureQuality::High, PictureQuality::Hd];

/// A clip at a rung and a rate, by one encoder.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    clip: &'static str,
    width: u32,
    height: u32,
    fps: u32,
    target_kbps: u32,
    encoder: &'static str,
    /// What came out.
    kbps: f64,
    /// Of brightness, the mean of all pictures.
    psnr: f64,
    ssim: f64,
    /// The worst picture in twenty.
    psnr_p5: f64,
    /// Processor time of one picture.
    cpu_ms: f64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let from = arguments.next().context("name the folder with the clips")?;
    let to = arguments.next().context("name the folder for the tables")?;
    let scratch = Scratch::new("picture-bench")?;
    let mut all = Vec::new();
    for quality in RUNGS {
        let rung = quality.top();
        for clip in Clip::ALL.iter().filter(|clip| clip.suits(rung.bounds)) {
            let raw = scratch.path().join("raw.yuv");
            let frames = clip.pictures(&from, rung, &raw)?;
            for rate in rates(rung) {
                for encoder in Encoder::ALL {
                    let coded = encoder
                        .encode(&frames, &raw, rung, rate, scratch.path())
                        .with_context(|| format!("while encoding with {}", encoder.name()))?;
                    let measured = judge(clip.name, rung, rate, encoder, &frames, &coded)?;
                    println!("{}", line(&measured));
                    all.push(measured);
                }
            }
        }
    }
    std::fs::create_dir_all(&to).with_context(|| format!("while making {to:?}"))?;
    std::fs::write(to.join("picture.md"), table(&all))?;
    std::fs::write(to.join("picture.json"), serde_json::to_vec_pretty(&all)?)?;
    println!("\n{}", table(&all));
    Ok(())
}

/// With just enough for the rung, and with so much that more makes it no better. The smallest has no
/// least: it is measured with what low data leaves.
fn rates(rung: Rung) -> [Bitrate; 2] {
    let enough = match rung.enough.bps() {
        0 => PictureQuality::LowData.top().most,
        _ => rung.enough,
    };
    [enough, rung.most]
}

fn judge(
    clip: &'static str,
    rung: Rung,
    target: Bitrate,
    encoder: Encoder,
    frames: &[VideoFrame],
    coded: &Coded,
) -> Result<Measured> {
    let Resolution { width, height } = rung.bounds;
    anyhow::ensure!(
        coded.shown.len() == frames.len(),
        "{} made {} pictures of {}",
        encoder.name(),
        coded.shown.len(),
        frames.len()
    );
    let count = frames.len() as f64;
    let pairs = || frames.iter().zip(&coded.shown);
    let mut ratios: Vec<f64> = pairs().map(|(frame, shown)| psnr(frame.y(), shown)).collect();
    let likeness = pairs().map(|(frame, shown)| ssim(frame.y(), shown, width as usize));
    let ssim = likeness.sum::<f64>() / count;
    let psnr = ratios.iter().sum::<f64>() / count;
    ratios.sort_by(f64::total_cmp);
    Ok(Measured {
        clip,
        width,
        height,
        fps: rung.rate.fps(),
        target_kbps: target.bps() / 1000,
        encoder: encoder.name(),
        kbps: coded.bytes as f64 * 8.0 * f64::from(rung.rate.fps()) / count / 1000.0,
        psnr,
        ssim,
        psnr_p5: ratios[ratios.len() / 20],
        cpu_ms: coded.cpu.as_secs_f64() * 1000.0 / count,
    })
}

fn table(all: &[Measured]) -> String {
    let mut table = String::from(
        "| clip | size | target kbit/s | encoder | kbit/s | PSNR dB | worst 5 % | SSIM | CPU ms a picture |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for measured in all {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{}", line(measured));
    }
    table
}

fn line(it: &Measured) -> String {
    format!(
        "| {} | {}x{}@{} | {} | {} | {:.0} | {:.1} | {:.1} | {:.4} | {:.2} |",
        it.clip,
        it.width,
        it.height,
        it.fps,
        it.target_kbps,
        it.encoder,
        it.kbps,
        it.psnr,
        it.psnr_p5,
        it.ssim,
        it.cpu_ms
    )
}
