//! Lets the app's media take pictures from the only camera of a machine, as a call does, and says what
//! comes of it. Written for the kernel's virtual camera `vivid`; the test runs it in a virtual machine.

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    session::all()
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod session {
    use anyhow::{Context, Result, bail, ensure};
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Child, Command, Stdio};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, Instant};
    use tincan_call::Picture;
    use tincan_camera_tests::node;
    use tincan_client::media::{MediaNote, MediaSession, Wanted};
    use tincan_client::ports::{Tile, TilePicture, Tiles};
    use tincan_client::view::{DeviceKind, Settings};
    use tincan_devices::{SystemDevices, system_screens};
    use tincan_media::device::{CAMERA_OPENING, CameraFormat, DeviceError, Devices};
    use tincan_media::mailbox::newest;
    use tincan_proto::View;
    use tincan_proto::units::{FrameRate, Resolution};
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    /// Under emulation everything takes its time.
    const PATIENCE: Duration = Duration::from_secs(60);
    /// Nothing comes for so long: nothing comes.
    const QUIET: Duration = Duration::from_secs(1);
    const LOOK_EVERY: Duration = Duration::from_millis(50);
    /// Tells the program that it is another one that wants the camera.
    const OTHER: &str = "other";
    /// What that program says once it has it.
    const HELD: &str = "held";

    /// Runs all checks.
    pub fn all() -> Result<()> {
        if std::env::args().nth(1).as_deref() == Some(OTHER) {
            return hold();
        }
        let mut session = Session::start()?;
        session.opened_and_closed()?;
        session.fitted()?;
        session.busy()?;
        session.unplugged()?;
        session.stop()?;
        say("all checks passed");
        Ok(())
    }

    fn say(what: &str) {
        eprintln!("camera_session: {what}");
    }

    /// Counts the pictures that the person sees of themselves.
    #[derive(Default)]
    struct Seen(AtomicU64);

    impl Tiles for Seen {
        fn push(&self, tile: &Tile, _: TilePicture) {
            if *tile == Tile::Own {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }

        fn close(&self, _: &Tile) {}
    }

    struct Session {
        media: MediaSession,
        notes: UnboundedReceiver<MediaNote>,
        seen: Arc<Seen>,
    }

    impl Session {
        fn start() -> Result<Self> {
            let (said, notes) = unbounded_channel();
            let (devices, seen) = (Arc::new(SystemDevices::new()), Arc::<Seen>::default());
            let settings = Settings::default();
            let media =
                MediaSession::start(devices, system_screens(), seen.clone(), &settings, said)?;
            Ok(Self { media, notes, seen })
        }

        fn want(&mut self) {
            let wanted = Wanted { camera: Some(None), picture: Picture::Camera, ..Wanted::NONE };
            self.media.want(wanted, true);
        }

        /// Waits for something to be said of the camera.
        fn hear<T>(&mut self, what: &str, heard: impl Fn(&MediaNote) -> Option<T>) -> Result<T> {
            let deadline = Instant::now() + PATIENCE;
            let mut others = Vec::new();
            while Instant::now() < deadline {
                match self.notes.try_recv() {
                    Ok(note) => match heard(&note) {
                        Some(heard) => return Ok(heard),
                        None => others.push(note),
                    },
                    Err(_) => std::thread::sleep(LOOK_EVERY),
                }
            }
            bail!("waited in vain until {what}; heard {others:?}");
        }

        fn opens(&mut self) -> Result<()> {
            let camera = |note: &MediaNote| match note {
                MediaNote::Opened { kind: DeviceKind::Camera, id, .. } => Some(id.clone()),
                _ => None,
            };
            let id = self.hear("it is open", camera)?;
            ensure!(id.starts_with("camera:"), "{id} was opened");
            self.moves()
        }

        fn fails(&mut self) -> Result<DeviceError> {
            self.hear("it fails", |note| match note {
                MediaNote::Failed { kind: DeviceKind::Camera, error } => Some(error.clone()),
                _ => None,
            })
        }

        /// Waits for pictures.
        fn moves(&self) -> Result<()> {
            let before = self.seen.0.load(Ordering::Relaxed);
            until("pictures come", || Ok(self.seen.0.load(Ordering::Relaxed) > before + 5))
        }

        fn stop(&mut self) -> Result<()> {
            self.media.want(Wanted::NONE, true);
            self.hear("it is closed", |note| {
                matches!(note, MediaNote::Closed { kind: DeviceKind::Camera }).then_some(())
            })?;
            ensure!(node::open_here()? == 0, "a descriptor is left open");
            let before = self.seen.0.load(Ordering::Relaxed);
            std::thread::sleep(QUIET);
            ensure!(self.seen.0.load(Ordering::Relaxed) == before, "pictures of a closed camera");
            Ok(())
        }

        /// The light goes on with the camera and out with it, however often.
        fn opened_and_closed(&mut self) -> Result<()> {
            for _ in 0..2 {
                self.want();
                self.opens()?;
                ensure!(node::open_here()? > 0, "no descriptor is open");
                self.stop()?;
            }
            say("stopped, nothing is left open, and it opens again");
            Ok(())
        }

        /// The camera is opened anew in the size that is seen, once that has settled.
        fn fitted(&mut self) -> Result<()> {
            self.want();
            self.opens()?;
            let large = node::size()?;
            self.media.draw_own(View::Drawn(Resolution::new(208, 117)));
            let begun = Instant::now();
            until("it is opened small", || Ok(node::size()? == (320, 180)))?;
            self.moves()?;
            let small_after = begun.elapsed();
            self.media.draw_own(View::Any);
            let begun = Instant::now();
            until("it is opened large again", || Ok(node::size()? == large))?;
            self.moves()?;
            let large_after = begun.elapsed();
            ensure!(node::open_here()? > 0, "no descriptor is open");
            self.stop()?;
            say(&format!("{large:?}, small after {small_after:?}, large after {large_after:?}"));
            Ok(())
        }

        /// A camera that another program uses is tried again until it is free.
        fn busy(&mut self) -> Result<()> {
            let mut other = Other::start()?;
            self.want();
            let failure = self.fails()?;
            ensure!(matches!(failure, DeviceError::Busy(_)), "{failure:?}");
            // More than one attempt fails meanwhile.
            std::thread::sleep(Duration::from_secs(5));
            other.end()?;
            let begun = Instant::now();
            self.opens()?;
            self.stop()?;
            say(&format!("busy, and back {:?} after it was let go", begun.elapsed()));
            Ok(())
        }

        /// One that is pulled out is back by itself when it is plugged in.
        fn unplugged(&mut self) -> Result<()> {
            self.want();
            self.opens()?;
            node::unplug()?;
            let failure = self.fails()?;
            ensure!(matches!(failure, DeviceError::Lost(_)), "{failure:?}");
            let begun = Instant::now();
            self.opens()?;
            say(&format!("unplugged, and back {:?} after that was told", begun.elapsed()));
            Ok(())
        }
    }

    fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !holds()? {
            ensure!(Instant::now() < deadline, "waited in vain until {what}");
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Another program that has the camera.
    struct Other(Child);

    impl Other {
        /// Comes back once it has the camera: nobody else may ask for it meanwhile, or the other is refused.
        fn start() -> Result<Self> {
            let mut other = Command::new(std::env::current_exe()?);
            other.arg(OTHER).stdout(Stdio::piped());
            let mut other = Self(other.spawn().context("another program")?);
            let output = other.0.stdout.take().context("the other program's output")?;
            let mut said = String::new();
            BufReader::new(output).read_line(&mut said)?;
            ensure!(said.trim_end() == HELD, "the other program said {said:?}");
            Ok(other)
        }

        fn end(&mut self) -> Result<()> {
            self.0.kill().context("while ending the other program")?;
            self.0.wait().map(drop).context("while waiting for its end")
        }
    }

    impl Drop for Other {
        fn drop(&mut self) {
            let _ = self.end();
        }
    }

    const FORMAT: CameraFormat =
        CameraFormat { resolution: Resolution::new(320, 180), rate: FrameRate::from_fps(25) };

    /// Takes pictures until it is ended.
    fn hold() -> Result<()> {
        let (put, _frames) = newest();
        let camera = SystemDevices::new().open_camera(
            None,
            FORMAT,
            CAMERA_OPENING,
            put,
            Box::new(|_| {}),
        )?;
        writeln!(std::io::stdout(), "{HELD}")?;
        loop {
            std::thread::park();
            ensure!(camera.id().starts_with("camera:"), "another one");
        }
    }
}
