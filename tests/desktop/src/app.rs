//! One running app: its window, its driver, its D-Bus session and its data folder.

use crate::notifications::{Capabilities, NotificationServer};
use crate::place;
use crate::portal::ShortcutPortal;
use crate::running::{Mark, Running, signal};
use crate::tray::TrayHost;
use crate::webdriver::Driver;
use crate::window::{SOON, Window};
use crate::{Room, eventually};
use anyhow::{Context, Result};
use fantoccini::wd;
use serde_json::json;
use std::ffi::OsString;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tincan_test_support::wayland::Rig;

/// The size of each window.
const SIZE: (u32, u32) = (960, 640);
/// A session bus that starts no service by itself: what it started would outlive the test.
const BUS: &str = r#"<busconfig>
<type>session</type>
<listen>unix:tmpdir=/tmp</listen>
<policy context="default">
<allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/>
<allow own="*"/>
</policy>
</busconfig>"#;
/// How long the session bus may take to tell its address.
const BUS_START: Duration = Duration::from_secs(10);

/// How an app is to be started.
#[derive(Debug)]
pub struct Options {
    name: String,
    display: String,
    home: PathBuf,
    output: PathBuf,
    program: Option<PathBuf>,
    arguments: Vec<String>,
    environment: Vec<(OsString, OsString)>,
    place: (u32, u32),
    bus: Option<String>,
    notifications: Option<Capabilities>,
    tray: bool,
    shortcut_portal: bool,
    hidden: bool,
    link: Option<String>,
}

impl Options {
    pub(crate) fn new(name: &str, display: &str, home: PathBuf, output: PathBuf) -> Self {
        Self {
            name: name.into(),
            display: display.into(),
            home,
            output,
            program: None,
            arguments: Vec::new(),
            environment: Vec::new(),
            place: (0, 0),
            bus: None,
            notifications: None,
            tray: false,
            shortcut_portal: false,
            hidden: false,
            link: None,
        }
    }

    /// Runs this program instead of the one beside the tests.
    pub fn program(mut self, program: &Path) -> Self {
        self.program = Some(program.to_path_buf());
        self
    }

    /// Signs in under the app's name without asking.
    pub fn signed_in(self) -> Self {
        let name = self.name.clone();
        self.argument("--name", &name)
    }

    /// Asks for this contact, and accepts when they ask.
    pub fn contact(self, name: &str) -> Self {
        self.argument("--contact", name)
    }

    /// Has the server of this app listen here.
    pub fn listen(self, address: &str) -> Self {
        self.argument("--listen", address)
    }

    /// Uses the server there.
    pub fn server(self, address: &str) -> Self {
        self.argument("--server", address)
    }

    /// Puts it into a room with a microphone and a speaker; without one it has neither.
    pub fn room(self, room: &Room) -> Self {
        self.environment(room.env())
    }

    /// Adds variables to the app's environment.
    pub fn environment<K: Into<OsString>, V: Into<OsString>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.environment
            .extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Puts the window there on the screen: column and row, from 0.
    pub fn place(mut self, column: u32, row: u32) -> Self {
        self.place = (column, row);
        self
    }

    /// Runs it in the session of a Wayland desktop, whose X server is this screen.
    pub fn in_wayland_session(mut self, rig: &Rig) -> Self {
        self.bus = Some(rig.bus());
        self.environment([("XDG_SESSION_TYPE", "wayland"), ("XDG_CURRENT_DESKTOP", "sway")])
    }

    /// Puts a notification server on its session bus.
    pub fn notifications(mut self, capabilities: Capabilities) -> Self {
        self.notifications = Some(capabilities);
        self
    }

    /// Has its desktop show tray icons.
    pub fn tray(mut self) -> Self {
        self.tray = true;
        self
    }

    /// Runs it in a Wayland session that hands shortcuts on, whose X server is this screen.
    pub fn shortcut_portal(mut self) -> Self {
        self.shortcut_portal = true;
        self.environment([("XDG_SESSION_TYPE", "wayland")])
    }

    /// Starts it without a window, as the session does.
    pub fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Starts it with a link, as a desktop does.
    pub fn link(mut self, link: &str) -> Self {
        self.link = Some(link.to_owned());
        self
    }

    fn argument(mut self, name: &str, value: &str) -> Self {
        self.arguments.extend([name.to_owned(), value.to_owned()]);
        self
    }

    /// Starts it and waits for its page.
    pub async fn start(self) -> Result<App> {
        let name = self.name.clone();
        self.start_named().await.with_context(|| format!("while starting {name}'s app"))
    }

    async fn start_named(self) -> Result<App> {
        let program = match self.program {
            Some(program) => program,
            None => place::program("tincan")?,
        };
        let data = self.home.join("tincan");
        prefer_small_pictures(&data.join("profiles").join(&self.name))?;
        let mut arguments = vec!["--profile".to_owned(), self.name.clone()];
        arguments.extend(["--data-dir".to_owned(), data.display().to_string()]);
        arguments.extend(self.arguments);

        let mark = Mark::new(&self.name);
        let mut environment: Vec<(OsString, OsString)> = vec![
            ("DISPLAY".into(), self.display.into()),
            ("GDK_BACKEND".into(), "x11".into()),
            // No accessibility bus here, and nothing of this to be stored.
            ("NO_AT_BRIDGE".into(), "1".into()),
            ("GSETTINGS_BACKEND".into(), "memory".into()),
            ("TAURI_WEBVIEW_AUTOMATION".into(), "true".into()),
            // Without a GPU this renderer costs three times as much.
            ("WEBKIT_DISABLE_DMABUF_RENDERER".into(), "1".into()),
            // Nothing listens there: this machine's own devices are none of a test's business.
            ("PULSE_SERVER".into(), format!("unix:{}/no-sound", self.home.display()).into()),
        ];
        for folder in ["DATA_HOME", "CONFIG_HOME", "CACHE_HOME", "STATE_HOME", "RUNTIME_DIR"] {
            std::fs::create_dir_all(self.home.join(folder))?;
            environment.push((format!("XDG_{folder}").into(), self.home.join(folder).into()));
        }
        // The caller's come last and win.
        environment.extend(self.environment);

        let (bus, address) = match self.bus {
            Some(address) => (None, address),
            None => {
                let config = self.home.join("bus.conf");
                std::fs::write(&config, BUS)?;
                let mut daemon = Command::new("dbus-daemon");
                daemon.arg("--config-file").arg(&config).args(["--nofork", "--print-address=1"]);
                daemon.envs(environment.clone());
                mark.put_on(&mut daemon);
                let mut bus = Running::start(&format!("{}-bus", self.name), daemon, &self.output)?;
                let address =
                    bus.first_line(BUS_START).context("while starting a D-Bus session")?;
                (Some(bus), address)
            }
        };
        // What a desktop has is there before the programs that use it.
        let notifications = match self.notifications {
            Some(capabilities) => Some(NotificationServer::start(&address, capabilities).await?),
            None => None,
        };
        let tray = if self.tray { Some(TrayHost::start(&address).await?) } else { None };
        let portal = match self.shortcut_portal {
            true => Some(ShortcutPortal::start(&address).await?),
            false => None,
        };
        environment.push(("DBUS_SESSION_BUS_ADDRESS".into(), address.into()));

        let mut command = Command::new("WebKitWebDriver");
        command.arg("--host=127.0.0.1").envs(environment.clone());
        command.env_remove("WAYLAND_DISPLAY");
        mark.put_on(&mut command);
        let driver = Driver::start(&self.name, command, &self.output).await?;
        let rest = Rest {
            program,
            arguments,
            environment,
            mark,
            notifications,
            tray,
            portal,
            output: self.output,
            _driver: driver,
            _bus: bus,
            home: self.home,
        };
        let mut arguments = rest.arguments.clone();
        arguments.extend(self.hidden.then(|| "--hidden".to_owned()));
        arguments.extend(self.link);
        let client = rest._driver.session(session_of(&rest.program, &arguments)).await?;
        if !self.hidden {
            let (column, row) = self.place;
            // Best effort: without a window manager it stays where it is.
            let _ = client
                .set_window_rect(column * (SIZE.0 + 10), row * (SIZE.1 + 30), SIZE.0, SIZE.1)
                .await;
        }
        Ok(App { window: Window::new(&self.name, client), rest })
    }
}

fn session_of(program: &Path, arguments: &[String]) -> wd::Capabilities {
    let mut capabilities = wd::Capabilities::new();
    capabilities.insert("browserName".into(), json!("wry"));
    capabilities
        .insert("webkitgtk:browserOptions".into(), json!({ "binary": program, "args": arguments }));
    capabilities
}

/// A running app; ended when dropped.
#[derive(Debug)]
pub struct App {
    window: Window,
    rest: Rest,
}

/// What stands behind the window.
#[derive(Debug)]
struct Rest {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(OsString, OsString)>,
    mark: Mark,
    notifications: Option<NotificationServer>,
    tray: Option<TrayHost>,
    portal: Option<ShortcutPortal>,
    output: PathBuf,
    _driver: Driver,
    _bus: Option<Running>,
    home: PathBuf,
}

impl Drop for Rest {
    fn drop(&mut self) {
        // The app outlives its driver, and WebKit's processes may outlive the app.
        signal("KILL", &self.mark.processes());
    }
}

impl Deref for App {
    type Target = Window;

    fn deref(&self) -> &Window {
        &self.window
    }
}

/// What a profile keeps of preferences.
const PREFERENCES: &str = "preferences.json";

/// Two apps and their windows share the machine's processor.
fn prefer_small_pictures(profile: &Path) -> Result<()> {
    let file = profile.join(PREFERENCES);
    if file.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(profile).with_context(|| format!("while making {profile:?}"))?;
    let preferences = serde_json::json!({ "settings": { "pictureQuality": "medium" } });
    std::fs::write(&file, preferences.to_string()).with_context(|| format!("writing {file:?}"))
}

impl App {
    /// The app's process id.
    pub fn id(&self) -> Result<u32> {
        self.rest.mark.process_of(&self.rest.program).context("the app has no process any more")
    }

    /// The notification server of its desktop.
    pub fn notifications(&self) -> Result<&NotificationServer> {
        self.rest.notifications.as_ref().context("started without a notification server")
    }

    /// The tray of its desktop.
    pub fn tray(&self) -> Result<&TrayHost> {
        self.rest.tray.as_ref().context("started without a tray")
    }

    /// What hands shortcuts on on its desktop.
    pub fn portal(&self) -> Result<&ShortcutPortal> {
        self.rest.portal.as_ref().context("started without a portal")
    }

    /// A folder of the app's home, such as `CONFIG_HOME`.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.rest.home.join(name)
    }

    /// Starts the program once more, as a desktop does for a link, and waits until it has handed
    /// over and ended.
    pub async fn start_again(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.rest.program);
        command.args(&self.rest.arguments).args(arguments);
        command.envs(self.rest.environment.clone()).env_remove("WAYLAND_DISPLAY");
        self.rest.mark.put_on(&mut command);
        let mut second =
            Running::start(&format!("{}-again", self.name()), command, &self.rest.output)?;
        eventually("the second start has ended", SOON, async || {
            Ok(second.still_there().is_err().then_some(()))
        })
        .await
    }

    /// The ids of the app's process and of all that it started.
    pub fn processes(&self) -> Vec<u32> {
        self.rest.mark.processes()
    }

    /// Stops the app where it stands, as a machine that hangs would.
    pub fn freeze(&self) -> Result<()> {
        signal("STOP", &[self.id()?]);
        Ok(())
    }

    /// Lets a frozen app go on.
    pub fn thaw(&self) -> Result<()> {
        signal("CONT", &[self.id()?]);
        Ok(())
    }

    /// Ends the app as a power cut would, and waits until it is gone.
    pub async fn kill(&self) -> Result<()> {
        signal("KILL", &[self.id()?]);
        eventually("the app is gone", SOON, async || Ok(self.id().is_err().then_some(()))).await
    }

    /// Asks the app to end, as the session's end would; true if it did within ten seconds.
    pub async fn quit(&self) -> Result<bool> {
        signal("TERM", &[self.id()?]);
        let gone =
            eventually("the app is gone", SOON, async || Ok(self.id().is_err().then_some(())));
        Ok(gone.await.is_ok())
    }
}
