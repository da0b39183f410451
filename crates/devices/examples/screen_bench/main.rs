//! Measures the capture of an X screen beside ffmpeg's, and what codecs leave of text; prints
//! tables. `cargo xtask bench screen` runs it.
#![allow(clippy::print_stdout, reason = "a command line program talks on standard output")]

#[cfg(target_os = "linux")]
mod quality;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("Screens are captured on Linux alone.");
}

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    bench::run()
}

#[cfg(target_os = "linux")]
mod bench {
    use super::quality;
    use anyhow::{Context, Result, ensure};
    use std::process::Command;
    use std::sync::Arc;
    use std::time::{Duration, Instant};
    use tincan_devices::x11_screens;
    use tincan_media::codec::h264::Content;
    use tincan_media::frame::VideoFrame;
    use tincan_media::mailbox::{Taken, newest};
    use tincan_media::screen::ScreenChoice;
    use tincan_test_support::page::{Page, Scrolling, Server};

    /// How long each capture is measured.
    const SPAN: Duration = Duration::from_secs(5);
    const ROUNDS: usize = 3;
    const FPS: u32 = 30;
    const KBPS: u32 = 1_500;
    /// Pictures that are encoded: two seconds of scrolling, and a second without a change.
    const SCROLLED: usize = 60;
    const STILL: usize = 30;

    pub fn run() -> Result<()> {
        let server = Server::start()?;
        let display = server.display.as_str();
        let page = Arc::new(Page::on(display)?);
        println!("Capture of 1920x1080, {ROUNDS} rounds of {} s", SPAN.as_secs());
        println!("| what | pictures/s | CPU ms a picture | CPU of a core |\n|---|---|---|---|");
        let (mut ours, mut theirs, mut still) = (Sum::default(), Sum::default(), Sum::default());
        let (mut i420, mut frames) = (Sum::default(), Vec::new());
        for _ in 0..ROUNDS {
            still.add(capture(display, &mut Vec::new(), 0)?);
            let _scrolling = Scrolling::start(&page);
            theirs.add(x11grab(display, &[])?);
            ours.add(capture(display, &mut frames, SCROLLED)?);
            i420.add(x11grab(display, &["-pix_fmt", "yuv420p"])?);
        }
        ours.print("Tincan, scrolling text, to I420");
        theirs.print("ffmpeg x11grab, as it is (BGRx)");
        i420.print("ffmpeg x11grab, to I420");
        still.print("Tincan, a screen without change");
        let ratio = |of: &Sum| ours.ms() / of.ms();
        println!(
            "Tincan to x11grab: {:.2} as it is, {:.2} to I420\n",
            ratio(&theirs),
            ratio(&i420)
        );

        frames.truncate(SCROLLED);
        let last = frames.last().context("no pictures")?.clone();
        frames.extend(std::iter::repeat_n(last, STILL));
        println!("Text at {KBPS} kbit/s and {FPS} pictures/s, two seconds scrolled, one still");
        println!(
            "| encoder | first picture | then kbit/s | PSNR | SSIM | PSNR still | SSIM still | ms a picture |\n\
             |---|---|---|---|---|---|---|---|"
        );
        for (name, made) in [
            ("OpenH264, screen", quality::ours(Content::Screen, &frames, KBPS, FPS)),
            ("OpenH264, camera", quality::ours(Content::Camera, &frames, KBPS, FPS)),
            ("x264 veryfast, zerolatency", quality::x264(&frames, KBPS, FPS)),
        ] {
            let it = made.with_context(|| format!("while encoding with {name}"))?;
            println!(
                "| {name} | {:.0} kB | {:.0} | {:.1} dB | {:.4} | {:.1} dB | {:.4} | {:.1} |",
                it.first, it.kbps, it.psnr, it.ssim, it.still_psnr, it.still_ssim, it.ms
            );
        }
        Ok(())
    }

    /// Pictures, processor time and time that passed.
    #[derive(Default)]
    struct Sum {
        pictures: u64,
        cpu: Duration,
        span: Duration,
    }

    impl Sum {
        fn add(&mut self, other: Self) {
            self.pictures += other.pictures;
            self.cpu += other.cpu;
            self.span += other.span;
        }

        fn ms(&self) -> f64 {
            self.cpu.as_secs_f64() * 1000.0 / (self.pictures as f64).max(1.0)
        }

        fn print(&self, what: &str) {
            let span = self.span.as_secs_f64();
            println!(
                "| {what} | {:.1} | {:.2} | {:.2} % |",
                self.pictures as f64 / span,
                self.ms(),
                self.cpu.as_secs_f64() / span * 100.0
            );
        }
    }

    /// Captures as the app does; keeps as many pictures as are wanted.
    fn capture(display: &str, kept: &mut Vec<VideoFrame>, wanted: usize) -> Result<Sum> {
        let screens = x11_screens(Some(display.to_owned()));
        let monitor = screens.list()?.into_iter().next().context("no monitor")?;
        let (sink, frames) = newest();
        let choice = ScreenChoice::Target(monitor.id);
        let _open = screens.open(&choice, None, sink, Box::new(|_| {}))?;
        ensure!(matches!(frames.take(SPAN), Taken::Value(_)), "no picture came");
        let (began, cpu) = (Instant::now(), capturing()?);
        let mut pictures = 0;
        while let Some(left) = SPAN.checked_sub(began.elapsed()) {
            if let Taken::Value(frame) = frames.take(left) {
                pictures += 1;
                if kept.len() < wanted {
                    kept.push(frame);
                }
            }
        }
        Ok(Sum { pictures, cpu: capturing()?.saturating_sub(cpu), span: began.elapsed() })
    }

    /// The processor time of the thread that captures.
    fn capturing() -> Result<Duration> {
        for task in std::fs::read_dir("/proc/self/task")? {
            let task = task?.path();
            if std::fs::read_to_string(task.join("comm"))?.trim() == "screen" {
                let figures = std::fs::read_to_string(task.join("schedstat"))?;
                let spent = figures.split(' ').next().context("no figures")?;
                return Ok(Duration::from_nanos(spent.parse()?));
            }
        }
        anyhow::bail!("nothing is captured")
    }

    fn x11grab(display: &str, format: &[&str]) -> Result<Sum> {
        let (rate, seconds) = (FPS.to_string(), SPAN.as_secs().to_string());
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-hide_banner", "-benchmark", "-f", "x11grab", "-framerate", &rate])
            .args(["-video_size", "1920x1080", "-draw_mouse", "1", "-i", display])
            .args(["-t", &seconds])
            .args(format)
            .args(["-c:v", "wrapped_avframe", "-threads", "1", "-f", "null", "-"])
            .output()
            .context("while starting ffmpeg")?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "ffmpeg: {said}");
        let figure = |name: &str| -> Result<f64> {
            let (_, after) =
                said.rsplit_once(name).with_context(|| format!("no {name} in {said}"))?;
            let number = after.trim_start().split(|c: char| c != '.' && !c.is_ascii_digit()).next();
            Ok(number.unwrap_or_default().parse()?)
        };
        Ok(Sum {
            pictures: figure("frame=")? as u64,
            cpu: Duration::from_secs_f64(figure("utime=")? + figure("stime=")?),
            span: SPAN,
        })
    }
}
