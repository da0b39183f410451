//! What the parts of the shell have in common: the state that each of them follows, and the way
//! to ask for something. Tray, notifications and windows are functions of this state; none of
//! them tells another what to do.

use crate::links::Link;
use crate::notifications::NotificationSupport;
use crate::shortcuts::{Deed, ShortcutAccess};
use crate::windows::main::MainWindow;
use crate::windows::{self, main, pip};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tauri::{AppHandle, Emitter, EventTarget, Manager};
use tincan_client::controller::ClientHandle;
use tincan_client::ports::{Happening, Ui};
use tincan_client::view::{Intent, IntentErrorCode, Levels, Settings, Snapshot};
use tincan_proto::signalling::CallMedia;
use tincan_proto::{AccountName, CallId};
use tokio::sync::{mpsc, watch};

/// So many missed calls are kept in mind until the person has looked; older ones are in the
/// history alone.
const MISSED: usize = 8;

/// A call that nobody answered here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedCall {
    /// Which.
    pub call: CallId,
    /// Who called.
    pub from: AccountName,
    /// As it was offered.
    pub media: CallMedia,
}

/// All that the shell's parts go by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The controller's last word; none before the first.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Calls that were missed since the person last looked at the main window.
    pub missed: Vec<MissedCall>,
    /// How the main window stands.
    pub main: MainWindow,
    /// The desktop shows tray icons.
    pub tray_host: bool,
    /// What the desktop's notifications can do.
    pub notifications: NotificationSupport,
    /// Who has the last word on keys that work in every program.
    pub shortcuts: ShortcutAccess,
    /// What has no key since another program has it.
    pub shortcuts_taken: Vec<Deed>,
    /// The app ends.
    pub closing: bool,
}

impl State {
    /// What the person has set.
    pub fn settings(&self) -> Option<&Settings> {
        self.snapshot.as_ref().map(|snapshot| &snapshot.settings)
    }

    /// There is a call, or one rings.
    pub fn busy(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|s| s.call.is_some() || !s.incoming.is_empty())
    }

    /// The calls that ring.
    pub fn ringing(&self) -> Vec<CallId> {
        let calls = self.snapshot.iter().flat_map(|snapshot| &snapshot.incoming);
        calls.map(|incoming| incoming.call).collect()
    }

    /// The call is one that has been connected and has not ended.
    pub fn talking(&self) -> bool {
        let call = self.snapshot.as_ref().and_then(|snapshot| snapshot.call.as_ref());
        call.is_some_and(|call| call.connected_at.is_some())
    }
}

/// The state and the ways out.
pub struct Shell {
    app: AppHandle,
    state: watch::Sender<State>,
    client: OnceLock<ClientHandle>,
    pip: mpsc::Sender<pip::Asked>,
    link: Mutex<WaitingLink>,
    wayland: bool,
}

/// A link that came before the page could hear of it.
#[derive(Default)]
struct WaitingLink {
    page_listens: bool,
    link: Option<Link>,
}

impl Shell {
    /// For `app`, on the main thread; requests for the picture-in-picture window go to `pip`.
    pub fn new(app: AppHandle, pip: mpsc::Sender<pip::Asked>) -> Arc<Self> {
        Arc::new(Self {
            app,
            state: watch::Sender::default(),
            client: OnceLock::new(),
            pip,
            link: Mutex::default(),
            wayland: windows::is_wayland(),
        })
    }

    /// Whether the windows are a Wayland compositor's, which neither keeps a window above others
    /// nor lets programs take keys while they do not have the focus.
    pub fn on_wayland(&self) -> bool {
        self.wayland
    }

    /// The app.
    pub fn app(&self) -> &AppHandle {
        &self.app
    }

    /// The state as it changes.
    pub fn follow(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// The state now.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Changes the state and wakes who follows it, if it is another one then.
    pub fn change(&self, change: impl FnOnce(&mut State)) {
        self.state.send_if_modified(|state| {
            let before = state.clone();
            change(state);
            *state != before
        });
    }

    /// Whom intents go to from now on.
    pub fn connect(&self, client: ClientHandle) {
        // A second one is never made.
        let _ = self.client.set(client);
    }

    /// Asks for something on behalf of the person; the main window tells if it is not carried out.
    pub fn dispatch(&self, intent: Intent) {
        let Some(client) = self.client.get().cloned() else { return };
        let app = self.app.clone();
        tauri::async_runtime::spawn(async move {
            if let Err(error) = client.dispatch(intent).await {
                tracing::info!(code = ?error.code, "not carried out: {}", error.message);
                if let Some(shell) = app.try_state::<Arc<Self>>() {
                    shell.tell_refused(error.code);
                }
            }
        });
    }

    /// Has the main window come and say why something was not carried out that was asked for
    /// elsewhere.
    pub fn tell_refused(&self, code: IntentErrorCode) {
        main::show(self, None);
        let target = EventTarget::webview_window(main::LABEL);
        log_failure("refused", self.app.emit_to(target, "refused", code));
    }

    /// Asks for the picture-in-picture window to come or to go.
    pub fn ask_pip(&self, asked: pip::Asked) {
        if let Err(error) = self.pip.try_send(asked) {
            tracing::debug!(%error, "a request for picture-in-picture is dropped");
        }
    }

    /// Shows the main window with what a link asks for, as soon as its page is there.
    pub fn open_link(&self, link: Link) {
        main::show(self, None);
        let mut waiting = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.link = Some(link);
        self.hand_over(&mut waiting);
    }

    /// The main window's page has begun to listen.
    pub fn page_listens(&self) {
        let mut waiting = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.page_listens = true;
        self.hand_over(&mut waiting);
    }

    fn hand_over(&self, waiting: &mut WaitingLink) {
        if waiting.page_listens
            && let Some(link) = waiting.link.take()
        {
            let target = EventTarget::webview_window(main::LABEL);
            log_failure("link", self.app.emit_to(target, "link", link));
        }
    }

    /// Tells all windows.
    pub fn emit<T: serde::Serialize + Clone>(&self, event: &str, payload: &T) {
        log_failure(event, self.app.emit(event, payload));
    }
}

fn log_failure(event: &str, emitted: tauri::Result<()>) {
    if let Err(error) = emitted {
        tracing::debug!(%error, event, "the windows were not told");
    }
}

impl Ui for Shell {
    fn show(&self, snapshot: &Snapshot) {
        self.emit("snapshot", snapshot);
        let snapshot = Arc::new(snapshot.clone());
        self.change(|state| state.snapshot = Some(snapshot));
    }

    fn show_levels(&self, levels: &Levels) {
        self.emit("levels", levels);
    }

    fn happened(&self, happening: &Happening) {
        match happening {
            Happening::RingStarted { .. } => main::call_for_attention(self, true),
            Happening::RingStopped { .. } => main::call_for_attention(self, false),
            Happening::CallMissed { call, from, media } => self.change(|state| {
                if !state.main.in_front() {
                    state.missed.truncate(MISSED - 1);
                    let missed = MissedCall { call: *call, from: from.clone(), media: *media };
                    state.missed.insert(0, missed);
                }
            }),
        }
    }
}
