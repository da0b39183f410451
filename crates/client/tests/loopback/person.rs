//! A person with an app but no window: looks at snapshots and at pictures' stamps.

use crate::camera::Camera;
use crate::desktop::{Desktop, DesktopScreens};
use crate::room::Room;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tincan_client::controller::{Client, ClientConfig, ConnectionReport};
use tincan_client::ports::{
    Happening, LocalServer, LocalServerPlace, Tile, TilePicture, Tiles, Ui, Viewers,
};
use tincan_client::profile::Profile;
use tincan_client::view::{Intent, IntentError, Levels, SessionView, Snapshot};
use tincan_devices::SystemDevices;
use tincan_media::codec::annex_b::{NalType, nal_units};
use tincan_media::codec::h264::H264Decoder;
use tincan_media::codec::sps;
use tincan_media::device::{
    CameraFormat, DeviceError, DeviceList, DeviceReport, Devices, MicrophoneSink, OpenDevice,
    SpeakerSource,
};
use tincan_media::frame::VideoFrame;
use tincan_media::ladder::PictureQuality;
use tincan_media::mailbox::NewestIn;
use tincan_media::screen::ScreenAccess;
use tincan_media::synthetic::picture::{Stamp, read_stamp};
use tincan_proto::units::Resolution;
use tincan_proto::{AccountName, IdentityKey, View};
use tincan_server::ice::RelayChoice;
use tincan_server::{Database, Server, ServerConfig};
use tokio::sync::watch;

/// Long enough for a busy machine; only failures wait for it.
const PATIENCE: Duration = Duration::from_secs(40);

/// A server and a folder for everyone's profiles.
pub struct World {
    server: Option<Server>,
    address: SocketAddr,
    offers_echo: bool,
    relays: bool,
    folder: tempfile::TempDir,
    strangers: AtomicU64,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = "127.0.0.1:0".parse().expect("an address");
        let (offers_echo, relays, strangers) = (false, true, AtomicU64::new(0));
        let mut world = Self { server: None, address, offers_echo, relays, folder, strangers };
        world.start_server().await;
        world
    }

    /// One whose server offers the echo contact.
    pub async fn with_echo() -> Self {
        let mut world = Self::new().await;
        world.stop_server().await;
        world.offers_echo = true;
        world.start_server().await;
        world
    }

    /// One whose server has no relay.
    pub async fn without_relay() -> Self {
        let mut world = Self::new().await;
        world.stop_server().await;
        world.relays = false;
        world.start_server().await;
        world
    }

    /// Starts the server, on the database of the one before if there was one.
    pub async fn start_server(&mut self) {
        let database = Database::File(self.folder.path().join("server.sqlite"));
        let echo = self.offers_echo.then_some(Duration::from_secs(2));
        let mut config = ServerConfig { echo, ..ServerConfig::new(self.address, database) };
        if !self.relays {
            config.relay = RelayChoice::None;
        }
        let server = Server::start(config).await.expect("a server");
        self.address = server.local_addr();
        self.server = Some(server);
    }

    pub async fn stop_server(&mut self) {
        self.server.take().expect("it runs").shutdown().await;
    }

    /// Somebody who has signed in and asks others to be contacts.
    pub async fn person(&self, name: &str, contacts: &[&str]) -> Person {
        self.person_in(None, name, contacts).await
    }

    async fn person_in(&self, room: Option<Around>, name: &str, contacts: &[&str]) -> Person {
        let folder = self.folder.path().join(name);
        let desktop = Desktop::new(ScreenAccess::Listed);
        let given = Given { name: Some(name), contacts, server: None, room };
        let person = Person::at(desktop, folder, given, self.address()).await;
        person.wait("online", |s| matches!(s.session, SessionView::Online { .. })).await;
        person
    }

    /// An app that was just installed.
    pub async fn nobody(&self) -> Person {
        let n = self.strangers.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.path().join(format!("stranger-{n}"));
        Person::start(folder, None, &[], self.address()).await
    }

    /// Somebody whose desktop lets them choose by a dialog of its own.
    pub async fn person_with_dialog(&self, name: &str, contacts: &[&str]) -> Person {
        let (folder, desktop) =
            (self.folder.path().join(name), Desktop::new(ScreenAccess::SystemDialog));
        let given = Given { name: Some(name), contacts, server: None, room: None };
        let person = Person::at(desktop, folder, given, self.address()).await;
        person.wait("online", |s| matches!(s.session, SessionView::Online { .. })).await;
        person
    }

    /// Two contacts.
    pub async fn acquainted(&self) -> (Person, Person) {
        self.acquainted_in(None, None).await
    }

    /// Two contacts in rooms with a microphone and a speaker.
    pub async fn acquainted_in(
        &self,
        alices: Option<Arc<Room>>,
        bobs: Option<Arc<Room>>,
    ) -> (Person, Person) {
        let (alices, bobs) = (alices.map(Around::Room), bobs.map(Around::Room));
        self.acquainted_around(alices, bobs).await
    }

    /// Two contacts, wherever they are.
    pub async fn acquainted_around(
        &self,
        alices: Option<Around>,
        bobs: Option<Around>,
    ) -> (Person, Person) {
        let alice = self.person_in(alices, "alice", &[]).await;
        let bob = self.person_in(bobs, "bob", &["alice"]).await;
        alice.intend(Intent::AddContact { name: "bob".into() }).await;
        for person in [&alice, &bob] {
            person.wait("a contact", |s| s.contacts.len() == 1).await;
        }
        (alice, bob)
    }

    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

/// What an app is told when it is started.
struct Given<'a> {
    name: Option<&'a str>,
    contacts: &'a [&'a str],
    server: Option<String>,
    room: Option<Around>,
}

/// Where a person is.
pub enum Around {
    Room(Arc<Room>),
    /// What the system has, as the app sees it.
    System(SystemDevices),
}

pub struct Person {
    client: Client,
    snapshots: watch::Receiver<Option<Snapshot>>,
    levels: Arc<Mutex<Levels>>,
    pictures: Arc<Pictures>,
    happenings: Arc<Mutex<Vec<Happening>>>,
    devices: Arc<Hardware>,
    pub desktop: Arc<Desktop>,
    folder: PathBuf,
    server: String,
}

impl Person {
    async fn start(folder: PathBuf, name: Option<&str>, contacts: &[&str], server: String) -> Self {
        let given = Given { name, contacts, server: None, room: None };
        Self::at(Desktop::new(ScreenAccess::Listed), folder, given, server).await
    }

    async fn at(desktop: Arc<Desktop>, folder: PathBuf, given: Given<'_>, server: String) -> Self {
        let (shown, snapshots) = watch::channel(None);
        let happenings = Arc::<Mutex<Vec<Happening>>>::default();
        let pictures = Arc::<Pictures>::default();
        let levels = Arc::<Mutex<Levels>>::default();
        let devices = Arc::new(Hardware {
            asked: AtomicU64::new(0),
            room: given.room,
            camera: Camera::default(),
        });
        let profile = Profile::open("test", &folder).expect("a profile");
        let mut preferences = profile.preferences();
        // Two people code and decode in one process.
        preferences.settings.picture_quality = PictureQuality::Medium;
        profile.keep_preferences(&preferences).expect("kept");
        let config = ClientConfig {
            profile,
            devices: devices.clone(),
            screens: Arc::new(DesktopScreens(desktop.clone())),
            tiles: pictures.clone(),
            ui: Arc::new(Screen { shown, levels: levels.clone(), happenings: happenings.clone() }),
            local_server: Arc::new(Elsewhere(server.clone())),
            use_keyring: false,
            name: given.name.map(str::to_owned),
            server: given.server,
            contacts: given.contacts.iter().map(|name| name.parse().expect("a name")).collect(),
        };
        let client = Client::start(config).await.expect("a client");
        Self { client, snapshots, levels, pictures, happenings, devices, desktop, folder, server }
    }

    /// Stops the app, puts another key in place of the one first seen, and starts it again.
    pub async fn restart_believing_in_another_key_of(self, name: &str) -> Self {
        let Self { client, folder, server, .. } = self;
        client.shutdown().await;
        let profile = Profile::open("test", &folder).expect("a profile");
        let mut pins = profile.pinned_keys();
        let name: AccountName = name.parse().expect("a name");
        let other = IdentityKey::from_bytes(&[9; 32]).public();
        assert!(pins.insert(name, other).is_some(), "the key was pinned");
        profile.keep_pinned_keys(&pins).expect("kept");
        let person = Self::start(folder, None, &[], server).await;
        person.wait("online", |s| matches!(s.session, SessionView::Online { .. })).await;
        person
    }

    /// Stops the app and starts it again with the address of another server.
    pub async fn restart_at(self, world: &World) -> Self {
        let Self { client, folder, server, desktop, .. } = self;
        client.shutdown().await;
        let given = Given { name: None, contacts: &[], server: Some(world.address()), room: None };
        let person = Self::at(desktop, folder, given, server).await;
        person.wait("online", |s| matches!(s.session, SessionView::Online { .. })).await;
        person
    }

    pub fn name(&self) -> AccountName {
        let SessionView::Online { name, .. } = self.look(|s| s.session.clone()) else {
            panic!("not signed in")
        };
        name
    }

    pub async fn intend(&self, intent: Intent) {
        let said = format!("{intent:?}");
        self.try_intend(intent).await.unwrap_or_else(|error| panic!("{said}: {error:?}"));
    }

    pub async fn try_intend(&self, intent: Intent) -> Result<(), IntentError> {
        self.client.handle().dispatch(intent).await
    }

    /// How loud the other person is here, from 0 to 1.
    pub fn hears(&self) -> f32 {
        let levels = self.levels.lock().expect("no panic");
        levels.participants.first().map_or(0.0, |participant| participant.level)
    }

    pub fn look<T>(&self, at: impl FnOnce(&Snapshot) -> T) -> T {
        at(self.snapshots.borrow().as_ref().expect("a snapshot"))
    }

    /// Waits until a snapshot shows it.
    pub async fn wait(&self, what: &str, shows: impl Fn(&Snapshot) -> bool) {
        let mut snapshots = self.snapshots.clone();
        let found = snapshots.wait_for(|s| s.as_ref().is_some_and(&shows));
        let found = tokio::time::timeout(PATIENCE, found).await.is_ok();
        assert!(found, "waited in vain: {what}\n{:#?}", self.snapshots.borrow());
    }

    /// Waits until something holds that changes without a snapshot.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let waiting = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let held = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(held, "waited in vain: {what}\n{:#?}", self.snapshots.borrow());
    }

    /// Waits until `stamp` was seen in a picture of somebody else's, and returns its size.
    pub async fn wait_for_stamp(&self, stamp: Stamp) -> Resolution {
        let seen = || self.pictures.seen.lock().expect("no panic").get(&stamp.millis()).copied();
        self.until(&format!("{stamp:?}"), || seen().is_some()).await;
        seen().expect("it was seen")
    }

    /// Waits until pictures of this size come from somebody else.
    pub async fn wait_for_size(&self, size: Resolution) {
        let size_now = || *self.pictures.newest_size.lock().expect("no panic");
        self.until(&format!("pictures of {size}"), || size_now() == Some(size)).await;
    }

    /// Draws the other person's picture so from now on.
    pub async fn draws(&self, view: View) {
        let tile = |s: &Snapshot| s.call.as_ref().and_then(|c| c.participants[0].tile.clone());
        self.wait("a tile", |s| tile(s).is_some()).await;
        let tile = self.look(tile).expect("a tile");
        self.client.handle().drawn(&tile, view);
    }

    /// Draws the own picture so from now on.
    pub fn draws_own(&self, view: View) {
        self.client.handle().drawn(&Tile::Own.to_string(), view);
    }

    /// How many pictures this person has seen of themselves.
    pub fn own_pictures(&self) -> u64 {
        self.pictures.own.load(Ordering::Relaxed)
    }

    /// The size of what the others see of this person.
    pub fn own_size(&self) -> Option<Resolution> {
        *self.pictures.own_size.lock().expect("no panic")
    }

    /// What wanted attention so far.
    pub fn happenings(&self) -> Vec<Happening> {
        self.happenings.lock().expect("no panic").clone()
    }

    /// This machine's camera.
    pub fn camera(&self) -> &Camera {
        &self.devices.camera
    }

    /// How often a device was to be opened.
    pub fn devices_asked_for(&self) -> u64 {
        self.devices.asked.load(Ordering::Relaxed)
    }

    pub async fn connections(&self) -> Vec<ConnectionReport> {
        self.client.handle().connections().await
    }

    /// Waits until there is one connection and it is up.
    pub async fn wait_for_connection(&self) -> ConnectionReport {
        self.wait_for_report("a connection", |report| report.connected).await
    }

    /// Waits until there is one connection and neither side's relay is on its way.
    pub async fn wait_for_direct_path(&self) {
        let direct = |report: &ConnectionReport| {
            let path = report.totals.path.as_ref();
            path.is_some_and(|path| path.local != "relay" && path.remote != "relay")
        };
        self.wait_for_report("a direct path", direct).await;
    }

    async fn wait_for_report(
        &self,
        what: &str,
        shows: impl Fn(&ConnectionReport) -> bool,
    ) -> ConnectionReport {
        let waiting = async {
            loop {
                if let [report] = self.connections().await.as_slice()
                    && shows(report)
                {
                    return report.clone();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        found.unwrap_or_else(|_| panic!("waited in vain: {what}"))
    }

    /// Pictures of others with a valid, advancing stamp so far.
    pub fn frames(&self) -> u64 {
        self.pictures.stamped.load(Ordering::Relaxed)
    }

    pub async fn wait_for_frames(&self, frames: u64) {
        self.until("stamped pictures", || self.frames() >= frames).await;
    }
}

/// Decodes what arrives and counts stamps that are newer than the last.
#[derive(Default)]
struct Pictures {
    decoders: Mutex<HashMap<Tile, (H264Decoder, Option<Stamp>)>>,
    stamped: AtomicU64,
    /// Every stamp of the others', by its milliseconds, with the size of its picture.
    seen: Mutex<HashMap<u32, Resolution>>,
    newest_size: Mutex<Option<Resolution>>,
    own_size: Mutex<Option<Resolution>>,
    own: AtomicU64,
}

impl Tiles for Pictures {
    fn push(&self, tile: &Tile, picture: TilePicture) {
        if *tile == Tile::Own {
            self.own.fetch_add(1, Ordering::Relaxed);
            let mut sets =
                nal_units(&picture.annex_b).filter(|nal| NalType::of(nal) == NalType::Sps);
            if let Some(size) = sets.next().and_then(sps::resolution) {
                *self.own_size.lock().expect("no panic") = Some(size);
            }
            return;
        }
        let mut decoders = self.decoders.lock().expect("no panic");
        let (decoder, last) = decoders
            .entry(tile.clone())
            .or_insert_with(|| (H264Decoder::new().expect("a decoder"), None));
        let frame = decoder.decode(&picture.annex_b).expect("nothing is missing");
        let Some(frame) = frame else { return };
        let size = frame.resolution();
        let stamp = read_stamp(frame.y(), size);
        *self.newest_size.lock().expect("no panic") = Some(size);
        if let Some(stamp) = stamp {
            self.seen.lock().expect("no panic").insert(stamp.millis(), size);
        }
        if stamp.is_some() && stamp != *last {
            *last = stamp;
            self.stamped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn close(&self, tile: &Tile) {
        if *tile == Tile::Own {
            *self.own_size.lock().expect("no panic") = None;
        }
        self.decoders.lock().expect("no panic").remove(tile);
    }
}

struct Screen {
    shown: watch::Sender<Option<Snapshot>>,
    levels: Arc<Mutex<Levels>>,
    happenings: Arc<Mutex<Vec<Happening>>>,
}

impl Ui for Screen {
    fn show(&self, snapshot: &Snapshot) {
        self.shown.send_replace(Some(snapshot.clone()));
    }

    fn show_levels(&self, levels: &Levels) {
        *self.levels.lock().expect("no panic") = levels.clone();
    }

    fn happened(&self, happening: &Happening) {
        self.happenings.lock().expect("no panic").push(happening.clone());
    }
}

struct Elsewhere(String);

#[async_trait::async_trait]
impl LocalServer for Elsewhere {
    async fn ensure(&self) -> Result<LocalServerPlace, String> {
        Ok(LocalServerPlace { address: self.0.clone(), hosted_here: false })
    }
}

/// A machine without sound unless it stands in a room, and at first without a camera, which counts who
/// wants to see or hear the person.
struct Hardware {
    asked: AtomicU64,
    room: Option<Around>,
    camera: Camera,
}

impl Devices for Hardware {
    fn list(&self) -> DeviceList {
        let list = match &self.room {
            None => DeviceList::default(),
            Some(Around::Room(_)) => Room::list(),
            Some(Around::System(devices)) => devices.list(),
        };
        DeviceList { cameras: self.camera.list(), ..list }
    }

    fn open_microphone(
        &self,
        id: Option<&str>,
        sink: MicrophoneSink,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.room.as_ref().ok_or(DeviceError::Missing)? {
            Around::Room(room) => Ok(room.microphone(sink)),
            Around::System(devices) => devices.open_microphone(id, sink, report),
        }
    }

    fn open_speaker(
        &self,
        id: Option<&str>,
        source: SpeakerSource,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        // What rings is no secret.
        match self.room.as_ref().ok_or(DeviceError::Missing)? {
            Around::Room(room) => Ok(room.speaker(source)),
            Around::System(devices) => devices.open_speaker(id, source, report),
        }
    }

    fn open_camera(
        &self,
        id: Option<&str>,
        format: CameraFormat,
        _: Duration,
        sink: NewestIn<VideoFrame>,
        report: DeviceReport,
    ) -> Result<Box<dyn OpenDevice>, DeviceError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.camera.open(id, format, sink, report)
    }
}
