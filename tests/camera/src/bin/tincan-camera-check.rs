//! Opens the only camera of a machine in every way that can go right or wrong, and says what
//! came of it. Written for the kernel's virtual camera `vivid`, whose faults can be switched
//! on; the test runs it in a virtual machine.

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    checks::all()
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod checks {
    use anyhow::{Context, Result, bail, ensure};
    use std::process::Command;
    use std::sync::mpsc::{Receiver, sync_channel};
    use std::time::{Duration, Instant};
    use tincan_camera_tests::node;
    use tincan_devices::SystemDevices;
    use tincan_media::device::{
        CAMERA_OPENING, CameraFormat, DeviceEntry, DeviceError, Devices, OpenDevice,
    };
    use tincan_media::frame::VideoFrame;
    use tincan_media::mailbox::{NewestOut, Taken, newest};
    use tincan_proto::units::{FrameRate, Resolution};

    /// Under emulation everything takes its time.
    const PATIENCE: Duration = Duration::from_secs(20);
    /// Tells the program that it is another one that wants the camera.
    const OTHER: &str = "other";

    type Failures = Receiver<DeviceError>;

    /// Runs all checks.
    pub fn all() -> Result<()> {
        if std::env::args().nth(1).as_deref() == Some(OTHER) {
            return other_program();
        }
        let devices = SystemDevices::new();
        let cameras = devices.list().cameras;
        say(&format!("cameras: {cameras:?}"));
        ensure!(cameras.len() == 1 && cameras[0].default, "one camera, not {}", cameras.len());
        let id = cameras[0].id.clone();

        pictures(&devices, &id, Resolution::VGA, Resolution::VGA)?;
        // It offers that at a few pictures a second: smoother ones are preferred.
        let large = Resolution::new(1280, 720);
        pictures(&devices, &id, large, Resolution::new(640, 360))?;
        listed(&cameras[0])?;
        // What it does not offer gives the nearest.
        pictures(&devices, &id, Resolution::new(322, 182), Resolution::new(320, 180))?;
        missing(&devices)?;
        taken_and_released(&devices, &id)?;
        stalled(&devices, &id)?;
        pictures(&devices, &id, Resolution::VGA, Resolution::VGA)?;
        unplugged(&devices, &id)?;
        say("all checks passed");
        Ok(())
    }

    /// What it offers is told without opening it.
    fn listed(camera: &DeviceEntry) -> Result<()> {
        let largest = camera.formats.first().context("no format is listed")?;
        ensure!(largest.resolution.area() >= Resolution::new(1280, 720).area(), "{largest:?}");
        let vga = camera.formats.iter().find(|format| format.resolution == Resolution::VGA);
        let vga = vga.context("640x480 is not listed")?;
        ensure!((15..=30).contains(&vga.rate.fps()), "{vga:?}");
        Ok(())
    }

    fn say(what: &str) {
        eprintln!("camera_check: {what}");
    }

    struct Opened {
        camera: Box<dyn OpenDevice>,
        frames: NewestOut<VideoFrame>,
        failures: Failures,
    }

    fn open(devices: &SystemDevices, id: &str, size: Resolution) -> Result<Opened, DeviceError> {
        let (put, frames) = newest();
        let (fail, failures) = sync_channel(4);
        let report = Box::new(move |state: Result<(), DeviceError>| {
            if let Err(error) = state {
                let _ = fail.try_send(error);
            }
        });
        let format = CameraFormat { resolution: size, rate: FrameRate::from_fps(25) };
        let camera = devices.open_camera(Some(id), format, CAMERA_OPENING, put, report)?;
        Ok(Opened { camera, frames, failures })
    }

    fn pictures(
        devices: &SystemDevices,
        id: &str,
        asked: Resolution,
        expected: Resolution,
    ) -> Result<()> {
        let begun = Instant::now();
        let opened = open(devices, id, asked)?;
        ensure!(opened.camera.id() == id, "opened {}", opened.camera.id());
        let opening = begun.elapsed();
        let begun = Instant::now();
        let mut distinct: Vec<VideoFrame> = Vec::new();
        let mut taken = 0;
        while distinct.len() < 10 {
            let Taken::Value(frame) = opened.frames.take(PATIENCE) else {
                bail!("no more pictures after {taken}");
            };
            taken += 1;
            ensure!(frame.resolution() == expected, "{} came", frame.resolution());
            ensure!(frame.y().iter().any(|&y| y < 60), "a picture without dark");
            ensure!(frame.y().iter().any(|&y| y > 150), "a picture without light");
            ensure!(frame.u().iter().any(|&u| u.abs_diff(128) > 30), "a picture without colour");
            // Compared, not hashed: that is the quickest in an emulated machine.
            if distinct.iter().all(|other| other.i420() != frame.i420()) {
                distinct.push(frame);
            }
            ensure!(begun.elapsed() < PATIENCE, "{} distinct pictures", distinct.len());
        }
        let rate = f64::from(taken) / begun.elapsed().as_secs_f64();
        ensure!(node::open_here()? > 0, "no descriptor is open");
        drop(opened.camera);
        ensure!(node::open_here()? == 0, "it is still open");
        ensure!(opened.frames.take(Duration::from_secs(1)).is_end(), "pictures after closing");
        ensure!(opened.failures.try_recv().is_err(), "a failure was reported");
        say(&format!("{expected}: open after {opening:?}, {taken} pictures, {rate:.1} a second"));
        Ok(())
    }

    fn missing(devices: &SystemDevices) -> Result<()> {
        let error = open(devices, "camera:/dev/video9", Resolution::VGA).err();
        ensure!(error == Some(DeviceError::Missing), "{error:?}");
        say("what is not there is missing");
        Ok(())
    }

    /// Another program cannot have the camera while it is open here, and can afterwards.
    fn taken_and_released(devices: &SystemDevices, id: &str) -> Result<()> {
        let opened = open(devices, id, Resolution::VGA)?;
        let said = run_other()?;
        ensure!(said.starts_with("busy"), "the other program: {said}");
        drop(opened);
        let said = run_other()?;
        ensure!(said.starts_with("open"), "the other program: {said}");
        say("a camera in use is busy, and free as soon as it is closed");
        Ok(())
    }

    fn run_other() -> Result<String> {
        let output = Command::new(std::env::current_exe()?).arg(OTHER).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let answer = said.lines().find_map(|line| line.strip_prefix("camera_check: "));
        Ok(answer.with_context(|| format!("it said: {said}"))?.to_owned())
    }

    fn other_program() -> Result<()> {
        let devices = SystemDevices::new();
        let camera = devices.list().cameras.pop().context("no camera")?;
        match open(&devices, &camera.id, Resolution::VGA) {
            Ok(_) => say("open"),
            Err(DeviceError::Busy(why)) => say(&format!("busy: {why}")),
            Err(other) => say(&format!("failed: {other:?}")),
        }
        Ok(())
    }

    /// A camera that delivers nothing any more is lost, and closing it returns.
    fn stalled(devices: &SystemDevices, id: &str) -> Result<()> {
        let opened = open(devices, id, Resolution::VGA)?;
        node::drop_pictures(100)?;
        let begun = Instant::now();
        let failure = opened.failures.recv_timeout(PATIENCE).context("no report")?;
        let noticed = begun.elapsed();
        ensure!(matches!(failure, DeviceError::Lost(_)), "{failure:?}");
        let begun = Instant::now();
        drop(opened.camera);
        let closing = begun.elapsed();
        ensure!(closing < PATIENCE / 4, "closing took {closing:?}");
        node::drop_pictures(0)?;
        // The thread in the driver lets go once the driver returns.
        let begun = Instant::now();
        while let Err(error) = open(devices, id, Resolution::VGA) {
            ensure!(begun.elapsed() < PATIENCE, "still {error:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
        say(&format!("a stall is noticed after {noticed:?}, closing takes {closing:?}"));
        Ok(())
    }

    fn unplugged(devices: &SystemDevices, id: &str) -> Result<()> {
        let opened = open(devices, id, Resolution::VGA)?;
        node::unplug()?;
        let begun = Instant::now();
        let failure = opened.failures.recv_timeout(PATIENCE).context("no report")?;
        ensure!(matches!(failure, DeviceError::Lost(_)), "{failure:?}");
        say(&format!("unplugging is noticed after {:?}: {failure}", begun.elapsed()));
        drop(opened.camera);
        // `vivid` is plugged in again as soon as nobody has it open.
        pictures(devices, id, Resolution::VGA, Resolution::VGA)
    }

    trait IsEnd {
        fn is_end(&self) -> bool;
    }

    impl IsEnd for Taken<VideoFrame> {
        /// Closed, perhaps after a last picture that nobody had taken.
        fn is_end(&self) -> bool {
            !matches!(self, Taken::Timeout)
        }
    }
}
