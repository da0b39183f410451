//! The one loop that owns the app's state. Intents, the server's messages, connections and
//! devices come in as messages; what follows from them is decided by the engine and carried
//! out here, in order.

mod calls;
mod check;
mod devices;
mod echo;
mod figures;
mod intents;
mod microphone_watch;
mod people;
mod recordings;
mod screens;
mod session;
mod snapshot;
mod sounds;
mod talk;

use crate::key_store::{self, KeyPlace, KeyStoreError};
use crate::media::{MediaNote, MediaSession, Sounder};
use crate::network::{Clocks, NetworkWatch, SleepWatch};
use crate::ports::{LocalServer, Tiles, Ui, Viewers};
use crate::profile::{Preferences, Profile};
use crate::recorder::Recording;
use crate::screen_list::Listing;
use crate::view::{Intent, IntentError, IntentErrorCode, NoticeKind, Snapshot};
use calls::Calls;
pub use calls::ConnectionReport;
use check::{Check, CheckNote};
use devices::DeviceState;
use microphone_watch::MicrophoneWatch;
use people::People;
use recordings::Recordings;
use screens::ScreenState;
use session::Session;
use snapshot::Notices;
use std::sync::Arc;
use std::time::{Duration, Instant};
use talk::HeldKey;
use tincan_call::{Input, PeerKey};
use tincan_media::device::Devices;
use tincan_media::screen::Screens;
use tincan_media::tones::Tone;
use tincan_peer_connection::PeerEvent;
use tincan_proto::{AccountName, CallId, IdentityKey, View};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// How often levels are pushed.
const LEVELS: Duration = Duration::from_millis(100);
/// How often figures are pushed, in levels.
const STATS_EVERY: u32 = 10;
/// How often the pictures that came are counted, in levels.
const PICTURES_EVERY: u32 = 2;

/// What the controller is made of.
pub struct ClientConfig {
    /// Where everything about this person is kept.
    pub profile: Profile,
    /// Microphones, speakers, cameras.
    pub devices: Arc<dyn Devices>,
    /// Monitors and windows to share.
    pub screens: Arc<dyn Screens>,
    /// Where pictures go.
    pub tiles: Arc<dyn Tiles>,
    /// Where the state goes.
    pub ui: Arc<dyn Ui>,
    /// The server inside the app.
    pub local_server: Arc<dyn LocalServer>,
    /// Ask the system's keyring first.
    pub use_keyring: bool,
    /// Sign in as this on first start, without asking.
    pub name: Option<String>,
    /// Use this server instead of the one inside the app.
    pub server: Option<String>,
    /// Ask these to become contacts, and accept their requests.
    pub contacts: Vec<AccountName>,
}

enum Message {
    Intent(Intent, oneshot::Sender<Result<(), IntentError>>),
    Snapshot(oneshot::Sender<Box<Snapshot>>),
    Connections(oneshot::Sender<Vec<ConnectionReport>>),
    Recording(CallId, oneshot::Sender<Option<Box<Recording>>>),
    KeyFrameNeeded(String),
    Drawn(String, View),
    Shown(String, Option<Duration>),
    Peer(PeerKey, PeerEvent),
    Check(u32, CheckNote),
    ScreensListed(Listing),
    ServerPlaced(Result<crate::ports::LocalServerPlace, String>),
    Shutdown(oneshot::Sender<()>),
}

/// The running controller. Dropping it ends everything without last words.
pub struct Client {
    handle: ClientHandle,
    task: JoinHandle<()>,
}

impl Client {
    /// Starts the controller. Must run on tokio.
    ///
    /// # Errors
    /// In words, if not even media can be set up.
    pub async fn start(config: ClientConfig) -> Result<Self, String> {
        let (messages, inbox) = mpsc::unbounded_channel();
        let handle = ClientHandle { messages: messages.clone() };
        let controller = Controller::new(config, messages).await?;
        let task = tokio::spawn(controller.run(inbox));
        Ok(Self { handle, task })
    }

    /// The way to talk to it.
    pub fn handle(&self) -> ClientHandle {
        self.handle.clone()
    }

    /// Ends calls, says good-bye to the server and closes devices.
    pub async fn shutdown(self) {
        let (reply, done) = oneshot::channel();
        if self.handle.messages.send(Message::Shutdown(reply)).is_ok() {
            let _ = done.await;
        }
        let _ = self.task.await;
    }
}

/// Talks to the controller. Cheap to clone.
#[derive(Clone)]
pub struct ClientHandle {
    messages: mpsc::UnboundedSender<Message>,
}

impl ClientHandle {
    /// Carries out what a person asks for, or says why not.
    ///
    /// # Errors
    /// See [`IntentErrorCode`].
    pub async fn dispatch(&self, intent: Intent) -> Result<(), IntentError> {
        let (reply, answer) = oneshot::channel();
        let _ = self.messages.send(Message::Intent(intent, reply));
        answer.await.unwrap_or_else(|_| Err(refuse(IntentErrorCode::Closing, "the app is closing")))
    }

    /// The state now; none once the app is closing.
    pub async fn snapshot(&self) -> Option<Snapshot> {
        let (reply, answer) = oneshot::channel();
        let _ = self.messages.send(Message::Snapshot(reply));
        answer.await.ok().map(|snapshot| *snapshot)
    }
}

impl ClientHandle {
    /// What was recorded of a call, the current one included.
    pub async fn recording(&self, call: CallId) -> Option<Recording> {
        let (reply, answer) = oneshot::channel();
        let _ = self.messages.send(Message::Recording(call, reply));
        answer.await.ok().flatten().map(|recording| *recording)
    }

    /// The connections that there are, those of ringing calls included: for diagnostics.
    pub async fn connections(&self) -> Vec<ConnectionReport> {
        let (reply, answer) = oneshot::channel();
        let _ = self.messages.send(Message::Connections(reply));
        answer.await.unwrap_or_default()
    }
}

impl Viewers for ClientHandle {
    fn key_frame_needed(&self, tile: &str) {
        let _ = self.messages.send(Message::KeyFrameNeeded(tile.to_owned()));
    }

    fn drawn(&self, tile: &str, view: View) {
        let _ = self.messages.send(Message::Drawn(tile.to_owned(), view));
    }

    fn shown(&self, tile: &str, after: Option<Duration>) {
        let _ = self.messages.send(Message::Shown(tile.to_owned(), after));
    }
}

fn refuse(code: IntentErrorCode, message: impl Into<String>) -> IntentError {
    IntentError { code, message: message.into() }
}

struct Controller {
    profile: Profile,
    preferences: Preferences,
    key: Result<Arc<IdentityKey>, String>,
    ui: Arc<dyn Ui>,
    local_server: Arc<dyn LocalServer>,
    messages: mpsc::UnboundedSender<Message>,
    session: Session,
    people: People,
    calls: Calls,
    check: Check,
    devices: DeviceState,
    screens: ScreenState,
    media: MediaSession,
    sounder: Sounder,
    /// What is heard for as long as things stand as they do.
    sounding: Option<Tone>,
    media_notes: mpsc::UnboundedReceiver<MediaNote>,
    notices: Notices,
    talk: HeldKey,
    microphone_watch: MicrophoneWatch,
    recordings: Recordings,
    network: NetworkWatch,
    sleep: SleepWatch,
    revision: u32,
    changed: bool,
}

impl Controller {
    async fn new(
        config: ClientConfig,
        messages: mpsc::UnboundedSender<Message>,
    ) -> Result<Self, String> {
        let preferences = config.profile.preferences();
        let (notes, media_notes) = mpsc::unbounded_channel();
        let screens = config.screens;
        let settings = &preferences.settings;
        let sounder = Sounder::start(config.devices.clone(), notes.clone());
        let media =
            MediaSession::start(config.devices, screens.clone(), config.tiles, settings, notes)
                .map_err(|error| error.to_string())?;
        media.list_devices();
        let mut notices = Notices::default();
        let key = load_key(&config.profile, config.use_keyring, &mut notices).await;
        let recordings = Recordings::of(&config.profile);
        let people = People::new(config.profile.pinned_keys(), config.contacts);
        let mut controller = Self {
            session: Session::new(config.profile.account(), config.server),
            devices: DeviceState::new(&preferences),
            screens: ScreenState::new(screens, config.profile.last_share(), messages.clone()),
            profile: config.profile,
            preferences,
            key,
            ui: config.ui,
            local_server: config.local_server,
            messages,
            people,
            calls: Calls::new(rand::random()),
            check: Check::default(),
            media,
            sounder,
            sounding: None,
            media_notes,
            notices,
            talk: HeldKey::default(),
            microphone_watch: MicrophoneWatch::default(),
            recordings,
            network: NetworkWatch::start(),
            sleep: SleepWatch::new(Clocks::now()),
            revision: 0,
            changed: true,
        };
        let hidden = controller.preferences.settings.hide_address;
        controller.step(Input::AddressHidden { on: hidden }).await;
        controller.limit_incoming().await;
        controller.start_session(config.name);
        Ok(controller)
    }

    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) {
        let mut ticks = tokio::time::interval(LEVELS);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut ticked = 0u32;
        let closed = loop {
            if std::mem::take(&mut self.changed) {
                self.revision += 1;
                let snapshot = self.snapshot();
                self.ui.show(&snapshot);
                self.record(&snapshot);
            }
            let deadline = self.calls.deadline();
            tokio::select! {
                message = inbox.recv() => match message {
                    Some(Message::Intent(intent, reply)) => {
                        let result = self.carry_out(intent).await;
                        let _ = reply.send(result);
                    }
                    Some(Message::Snapshot(reply)) => {
                        let _ = reply.send(Box::new(self.snapshot()));
                    }
                    Some(Message::Connections(reply)) => {
                        let _ = reply.send(self.connections().await);
                    }
                    Some(Message::Recording(call, reply)) => {
                        let _ = reply.send(self.recordings.find(call).map(Box::new));
                    }
                    Some(Message::KeyFrameNeeded(tile)) => self.media.key_frame_needed(&tile),
                    Some(Message::Drawn(tile, view)) => self.draw(&tile, view).await,
                    Some(Message::Shown(tile, after)) => self.media.note_drawing(&tile, after),
                    Some(Message::Peer(peer, event)) => self.hear_peer(peer, event).await,
                    Some(Message::Check(number, note)) => self.hear_check(number, note),
                    Some(Message::ScreensListed(listing)) => self.hear_screens(listing),
                    Some(Message::ServerPlaced(place)) => self.connect_to(place),
                    Some(Message::Shutdown(reply)) => break Some(reply),
                    None => break None,
                },
                event = self.session.next_event() => self.hear_server(event).await,
                () = self.network.changed() => self.network_changed().await,
                Some(note) = self.media_notes.recv() => self.hear_media(note).await,
                () = sleep_until(deadline) => self.step(Input::DeadlineReached).await,
                _ = ticks.tick() => {
                    if let Some(levels) = self.media.levels(self.devices.testing_microphone) {
                        self.ui.show_levels(&levels);
                    }
                    self.watch_echo().await;
                    self.watch_microphone();
                    ticked = ticked.wrapping_add(1);
                    if ticked.is_multiple_of(PICTURES_EVERY) {
                        self.count_pictures().await;
                    }
                    if ticked.is_multiple_of(STATS_EVERY) {
                        self.measure().await;
                        self.session.renew_ice_servers();
                        if self.sleep.slept(Clocks::now()) {
                            tracing::info!("the machine has slept");
                            self.network_changed().await;
                        }
                    }
                }
            }
        };
        self.step(Input::SignedOut).await;
        let last = self.snapshot();
        self.record(&last);
        self.recordings.finish().await;
        self.close_peers().await;
        self.session.close().await;
        if let Some(reply) = closed {
            let _ = reply.send(());
        }
    }
}

impl Controller {
    /// Paths and the connection to the server may be gone.
    async fn network_changed(&mut self) {
        self.session.network_changed();
        self.step(Input::AddressesChanged).await;
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

async fn load_key(
    profile: &Profile,
    use_keyring: bool,
    notices: &mut Notices,
) -> Result<Arc<IdentityKey>, String> {
    let profile = profile.clone();
    let load = move || key_store::load_or_create(&profile, use_keyring);
    let loaded: Result<_, KeyStoreError> =
        tokio::task::spawn_blocking(load).await.map_err(|error| error.to_string())?;
    let (key, place) = loaded.map_err(|error| error.to_string())?;
    if place == KeyPlace::File && use_keyring {
        notices.add(NoticeKind::KeyInFile);
    }
    Ok(Arc::new(key))
}
