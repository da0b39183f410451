//! A private PipeWire server without sound cards. A virtual cable is a sink whose monitor
//! repeats what is played into it: what one program plays, another one records.

use crate::process::{Owned, is_inner, run_inner, wait_until};
use anyhow::{Context, Result, ensure};
use std::f32::consts::TAU;
use std::fs::File;
use std::io::{Read, Write};
use std::ops::Deref;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Samples a second, everywhere in this module. Sound is mono `f32`.
pub const SAMPLE_RATE: u32 = 48_000;
/// With these set to 1, a machine without the packages fails tests instead of skipping them.
const REQUIRED: &str = "TINCAN_REQUIRE_SOUND_SERVER";
/// The server starts in half a second; on a loaded machine in some.
const STARTING: Duration = Duration::from_secs(30);
/// What PulseAudio demands of a cookie, and all that PipeWire looks at.
const COOKIE: usize = 256;
/// How long a test with a server of its own may take.
pub const INNER: Duration = Duration::from_secs(120);
/// A device with two sides.
const STEREO: &str = "channel_map=front-left,front-right";
/// For what the server does at once.
const SOON: Duration = Duration::from_secs(10);

/// A running server. Dropping it ends its processes and removes its folder.
pub struct SoundServer {
    sound: Sound,
    // In the order in which they are to end.
    processes: Vec<Owned>,
    folder: PathBuf,
}

/// Access to a server, from the process that started it or from one with its environment.
#[derive(Clone, Debug)]
pub struct Sound {
    env: Vec<(String, String)>,
}

/// A virtual cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cable {
    /// The name of its sink.
    pub sink: String,
    /// The name of its source.
    pub monitor: String,
    module: String,
}

impl SoundServer {
    /// Starts a server of its own, beside any other on this machine.
    ///
    /// # Errors
    /// A package is missing (`dbus pipewire pipewire-pulse wireplumber pulseaudio-utils`), or
    /// the server does not come up.
    pub fn start() -> Result<Self> {
        let folder = private_folder()?;
        let runtime = folder.to_str().context("a folder that is no text")?.to_owned();
        let within = |name: &str| format!("{runtime}/{name}");
        let env = [
            ("XDG_RUNTIME_DIR", runtime.clone()),
            ("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", within("bus"))),
            ("PULSE_SERVER", format!("unix:{}", within("pulse/native"))),
            ("PULSE_COOKIE", within("cookie")),
            // No settings of this machine's user, and no memory of where streams went before.
            ("XDG_CONFIG_HOME", within("config")),
            ("XDG_STATE_HOME", within("state")),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let mut server = Self { sound: Sound { env }, processes: Vec::new(), folder };
        std::fs::write(server.folder.join("cookie"), [7; COOKIE])?;
        server.run("dbus-daemon", &["--session", "--nofork", "--nopidfile", "--nosyslog"])?;
        server.run("pipewire", &[])?;
        server.run("wireplumber", &[])?;
        server.run("pipewire-pulse", &[])?;
        wait_until(STARTING, "the sound server answers", || {
            Ok(server.sound.command("pactl").arg("info").output()?.status.success())
        })?;
        Ok(server)
    }

    /// Starts a server, or says why the test is skipped.
    ///
    /// # Panics
    /// If it does not start although `TINCAN_REQUIRE_SOUND_SERVER=1` demands it.
    pub fn start_or_skip() -> Option<Self> {
        let started = Self::start();
        assert!(
            started.is_ok() || std::env::var(REQUIRED).as_deref() != Ok("1"),
            "no sound server: {:?}",
            started.err()
        );
        started.inspect_err(|error| eprintln!("skipped, no sound server: {error:#}")).ok()
    }

    fn run(&mut self, program: &str, arguments: &[&str]) -> Result<()> {
        let log = File::create(self.folder.join(format!("{program}.log")))?;
        let mut command = self.sound.command(program);
        command.args(arguments);
        let bus = self.folder.join("bus");
        if program == "dbus-daemon" {
            command.arg(format!("--address=unix:path={}", bus.display()));
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.processes.insert(0, Owned::start(&mut command)?);
        let socket = match program {
            "dbus-daemon" => bus,
            "pipewire" => self.folder.join("pipewire-0"),
            "pipewire-pulse" => self.folder.join("pulse/native"),
            _ => return Ok(()),
        };
        wait_until(STARTING, &format!("{program} listens"), || Ok(socket.exists()))
    }

    /// Ends the part that programs talk to, as if it had crashed.
    pub fn crash(&mut self) {
        self.processes.clear();
    }
}

impl Deref for SoundServer {
    type Target = Sound;

    fn deref(&self) -> &Sound {
        &self.sound
    }
}

impl Drop for SoundServer {
    fn drop(&mut self) {
        self.processes.clear();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Sound {
    /// The server that this process's environment names.
    pub fn from_env() -> Self {
        Self { env: Vec::new() }
    }

    /// What a child process needs to find this server.
    pub fn env(&self) -> Vec<(String, String)> {
        self.env.clone()
    }

    /// Lays a cable.
    ///
    /// # Errors
    /// The server does not make it.
    pub fn cable(&self, name: &str) -> Result<Cable> {
        let module = self.pactl(&[
            "load-module",
            "module-null-sink",
            &format!("sink_name={name}"),
            &format!("sink_properties=device.description={name}"),
        ])?;
        let cable = Cable {
            sink: name.into(),
            monitor: format!("{name}.monitor"),
            module: module.trim().into(),
        };
        wait_until(SOON, "the cable is there", || {
            Ok(self.has("sinks", &cable.sink)? && self.has("sources", &cable.monitor)?)
        })?;
        Ok(cable)
    }

    /// Makes a microphone that hears what is played into a cable. Unlike the cable's own monitor it
    /// is no loopback in the eyes of browsers, which leave those out.
    ///
    /// # Errors
    /// The server does not make it.
    pub fn microphone(&self, name: &str, cable: &Cable) -> Result<Cable> {
        let module = self.pactl(&[
            "load-module",
            "module-null-sink",
            "media.class=Audio/Source/Virtual",
            &format!("sink_name={name}"),
            &format!("sink_properties=device.description={name}"),
            STEREO,
        ])?;
        wait_until(SOON, "the microphone is there", || self.has("sources", name))?;
        for side in ["FL", "FR"] {
            self.link(&format!("{}:monitor_{side}", cable.sink), &format!("{name}:input_{side}"))?;
        }
        let (sink, monitor) = (cable.sink.clone(), name.to_owned());
        Ok(Cable { sink, monitor, module: module.trim().into() })
    }

    /// Leads one port of the server into another, without any delay.
    fn link(&self, from: &str, to: &str) -> Result<()> {
        // Ports come a moment after their device.
        wait_until(SOON, "ports are linked", || {
            Ok(self.command("pw-link").args([from, to]).output()?.status.success())
        })
    }

    /// Removes a cable, as if a device were unplugged.
    ///
    /// # Errors
    /// The server does not remove it.
    pub fn unplug(&self, cable: &Cable) -> Result<()> {
        self.pactl(&["unload-module", &cable.module])?;
        wait_until(SOON, "the cable is gone", || Ok(!self.has("sinks", &cable.sink)?))
    }

    /// Makes a cable the system's choice for both directions.
    ///
    /// # Errors
    /// The server refuses.
    pub fn make_default(&self, speaker: &Cable, microphone: &Cable) -> Result<()> {
        // The session manager offers the setting a moment after the server is there.
        wait_until(SOON, "defaults may be chosen", || {
            Ok(self.pactl(&["set-default-sink", &speaker.sink]).is_ok())
        })?;
        self.pactl(&["set-default-source", &microphone.monitor])?;
        wait_until(SOON, "the default is changed", || {
            let info = self.pactl(&["info"])?;
            Ok(info.contains(&format!("Default Sink: {}\n", speaker.sink))
                && info.contains(&format!("Default Source: {}\n", microphone.monitor)))
        })
    }

    /// How many programs play and how many record.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn streams(&self) -> Result<(usize, usize)> {
        let playing = self.pactl(&["list", "short", "sink-inputs"])?.lines().count();
        let recording = self.pactl(&["list", "short", "source-outputs"])?.lines().count();
        Ok((playing, recording))
    }

    /// Plays `samples` into a cable and returns when they are through.
    ///
    /// # Errors
    /// The player fails.
    pub fn play(&self, cable: &Cable, samples: &[f32]) -> Result<()> {
        let mut command = self.streamer("--playback", &cable.sink, 1);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut player = Owned::start(&mut command)?;
        let mut pipe = player.child().stdin.take().context("no pipe")?;
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        pipe.write_all(&bytes).context("while playing")?;
        drop(pipe);
        let status = player.finish(SOON)?;
        ensure!(status.success(), "the player failed: {status}");
        Ok(())
    }

    /// Begins to record what a cable carries.
    ///
    /// # Errors
    /// The recorder cannot be started or does not get through to the server.
    pub fn record(&self, cable: &Cable) -> Result<Recording> {
        self.record_channels(cable, 1)
    }

    fn record_channels(&self, cable: &Cable, channels: u32) -> Result<Recording> {
        let before = self.streams()?.1;
        let mut command = self.streamer("--record", &cable.monitor, channels);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut recorder = Owned::start(&mut command)?;
        let mut pipe = recorder.child().stdout.take().context("no pipe")?;
        let read = Arc::<AtomicUsize>::default();
        let so_far = read.clone();
        let reader = std::thread::spawn(move || {
            let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
            while let Ok(length @ 1..) = pipe.read(&mut piece) {
                bytes.extend_from_slice(&piece[..length]);
                so_far.store(bytes.len(), Ordering::Relaxed);
            }
            bytes
        });
        wait_until(SOON, "the recorder is connected", || Ok(self.streams()?.1 > before))?;
        Ok(Recording { recorder, reader, read })
    }

    /// Begins to record what two cables carry, sample beside sample.
    ///
    /// # Errors
    /// The recorder cannot be started or does not get through to the server.
    pub fn record_both(&self, one: &Cable, other: &Cable) -> Result<RecordingOfTwo> {
        let name = format!("{}-beside-{}", one.sink, other.sink);
        let sink = format!("sink_name={name}");
        let module = self.pactl(&["load-module", "module-null-sink", &sink, STEREO])?;
        let (sink, monitor) = (name.clone(), format!("{name}.monitor"));
        let both = Cable { sink, monitor, module: module.trim().into() };
        wait_until(SOON, "the recorder's cable is there", || self.has("sources", &both.monitor))?;
        for (cable, side) in [(one, "FL"), (other, "FR")] {
            self.link(&format!("{}:monitor_FL", cable.sink), &format!("{name}:playback_{side}"))?;
        }
        let recording = self.record_channels(&both, 2)?;
        Ok(RecordingOfTwo { recording, sound: self.clone(), cable: both })
    }

    /// Plays raw samples from a file into a cable, by a program that this process is no parent of.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn play_apart(&self, cable: &Cable, file: &Path) -> Result<Apart> {
        let mut player = self.streamer("--playback", &cable.sink, 1);
        player.arg(file);
        // The shell ends at once, and its child passes to the system's first process.
        let mut shell = self.command("sh");
        shell.args(["-c", "\"$0\" \"$@\" >/dev/null 2>&1 & echo $!"]);
        shell.arg(player.get_program()).args(player.get_args());
        let output = shell.output().context("while starting a player")?;
        let process = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        ensure!(output.status.success() && !process.is_empty(), "no player: {output:?}");
        Ok(Apart { process })
    }

    /// The same by a child of this process.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn play_file(&self, cable: &Cable, file: &Path) -> Result<Owned> {
        let mut player = self.streamer("--playback", &cable.sink, 1);
        Owned::start(player.arg(file).stdin(Stdio::null()).stdout(Stdio::null()))
    }

    fn streamer(&self, direction: &str, device: &str, channels: u32) -> Command {
        let mut command = self.command("pacat");
        command.args([direction, "--raw", "--format=float32le", "--latency-msec=20"]);
        command.args([format!("--channels={channels}"), format!("--rate={SAMPLE_RATE}")]);
        command.arg(format!("--device={device}"));
        command
    }

    /// Whether a list of the server (`sinks`, `sources`) has this name in it.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn has(&self, list: &str, name: &str) -> Result<bool> {
        let listed = self.pactl(&["list", "short", list])?;
        Ok(listed.lines().any(|line| line.split('\t').nth(1) == Some(name)))
    }

    fn pactl(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command("pactl").args(arguments).output().context("pactl")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pactl {arguments:?}: {said}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.envs(self.env.iter().cloned()).env("LC_ALL", "C");
        command
    }
}

/// A program that is no child of this process. Dropping it ends it.
pub struct Apart {
    process: String,
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(&self.process).status();
    }
}

/// A recording that runs. Dropping it ends it.
pub struct Recording {
    recorder: Owned,
    reader: JoinHandle<Vec<u8>>,
    read: Arc<AtomicUsize>,
}

impl Recording {
    /// Samples so far, of all channels. The recorder's own delay is some 20 ms.
    pub fn length(&self) -> usize {
        self.read.load(Ordering::Relaxed) / 4
    }

    /// Ends it and returns the samples.
    ///
    /// # Errors
    /// Reading them failed.
    pub fn finish(self) -> Result<Vec<f32>> {
        drop(self.recorder);
        let bytes = self.reader.join().ok().context("the reader failed")?;
        let sample = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        Ok(bytes.chunks_exact(4).map(sample).collect())
    }
}

/// A recording of two cables that runs. Dropping it ends it.
pub struct RecordingOfTwo {
    recording: Recording,
    sound: Sound,
    cable: Cable,
}

impl RecordingOfTwo {
    /// Ends it and returns the samples of either.
    ///
    /// # Errors
    /// Reading them failed.
    pub fn finish(self) -> Result<(Vec<f32>, Vec<f32>)> {
        let samples = self.recording.finish()?;
        self.sound.unplug(&self.cable)?;
        Ok(samples.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip())
    }
}

fn private_folder() -> Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Short: the path of a socket has at most 107 bytes.
    let name = format!("tincan-sound-{}-{count}", std::process::id());
    let folder = Path::new("/tmp").join(name);
    std::fs::DirBuilder::new().mode(0o700).create(&folder).context("while making a folder")?;
    Ok(folder)
}

/// Runs `body` of the test of this name in a process that finds a server of its own.
///
/// # Panics
/// The test fails.
pub fn with_server(test: &str, body: impl FnOnce(&Sound)) {
    if is_inner() {
        tracing_subscriber::fmt()
            .with_env_filter("tincan_devices=debug")
            .with_writer(std::io::stderr)
            .init();
        return body(&Sound::from_env());
    }
    let _turn = one_at_a_time();
    if let Some(server) = SoundServer::start_or_skip() {
        match run_inner(test, &server.env(), INNER) {
            Ok(said) => eprintln!("{said}"),
            Err(error) => panic!("{error:#}"),
        }
    }
}

/// Servers in competition for few cores would lose sound. A lock between processes, since
/// some test runners give each test its own.
///
/// # Panics
/// There is no folder for temporary files, or it has no locks.
pub fn one_at_a_time() -> File {
    let path = std::env::temp_dir().join("tincan-devices-tests.lock");
    let lock = File::create(path).expect("a folder for temporary files");
    lock.lock().expect("a file system with locks");
    lock
}

/// An endless tone.
pub fn tone(hertz: f32) -> impl Iterator<Item = f32> {
    (0u32..).map(move |n| 0.5 * (TAU * hertz * n as f32 / SAMPLE_RATE as f32).sin())
}

/// The pitch of what is not silent, and for how many seconds it sounds. By the middle half of
/// the distances between crossings of zero, so that a gap on a loaded machine changes nothing.
pub fn hertz(samples: &[f32]) -> (f32, f32) {
    let crossings = samples.windows(2).enumerate().filter(|(_, it)| it[0] <= 0.0 && it[1] > 0.0);
    let places: Vec<usize> = crossings.map(|(place, _)| place).collect();
    let mut periods: Vec<usize> = places.windows(2).map(|pair| pair[1] - pair[0]).collect();
    periods.sort_unstable();
    let middle = &periods[periods.len() / 4..periods.len() - periods.len() / 4];
    let mean = middle.iter().sum::<usize>() as f32 / middle.len().max(1) as f32;
    let silent = samples.iter().filter(|sample| sample.abs() < 0.001).count();
    let seconds = (samples.len() - silent) as f32 / SAMPLE_RATE as f32;
    (SAMPLE_RATE as f32 / mean.max(1.0), seconds)
}
