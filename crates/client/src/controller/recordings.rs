//! Records calls and keeps what was recorded.

use super::Controller;
use super::session::unix_now;
use crate::profile::Profile;
use crate::recorder::store::Store;
use crate::recorder::{Recorder, Recording};
use crate::view::Snapshot;
use std::time::{Duration, Instant};
use tincan_proto::CallId;
use tokio::task::JoinHandle;

/// How often the current call's recording is kept: what is lost if the app does not come to its end.
const KEEP_EVERY: Duration = Duration::from_secs(60);

/// The recorder, and what it has kept.
pub struct Recordings {
    recorder: Recorder,
    store: Store,
    list: Vec<CallId>,
    kept: Instant,
    /// The last one on its way to the disk.
    writing: Option<JoinHandle<()>>,
}

impl Recordings {
    /// Those of a profile.
    pub fn of(profile: &Profile) -> Self {
        let store = Store::of(profile);
        let list = store.list();
        Self { recorder: Recorder::default(), store, list, kept: Instant::now(), writing: None }
    }

    /// Of which calls, newest first.
    pub fn list(&self) -> &[CallId] {
        &self.list
    }

    /// Of one call.
    pub fn find(&self, call: CallId) -> Option<Recording> {
        let current = self.recorder.current().filter(|recording| recording.call == call);
        current.cloned().or_else(|| self.store.open(call))
    }

    /// Waits until everything is on the disk.
    pub async fn finish(&mut self) {
        if let Some(writing) = self.writing.take()
            && writing.await.is_err()
        {
            tracing::warn!("a recording was not kept");
        }
    }

    fn keep(&mut self, recording: Recording) {
        self.kept = Instant::now();
        let (store, before) = (self.store.clone(), self.writing.take());
        self.writing = Some(tokio::spawn(async move {
            if let Some(before) = before {
                // It has told of its own failure.
                let _ = before.await;
            }
            let kept = tokio::task::spawn_blocking(move || store.keep(&recording)).await;
            if let Ok(Err(error)) = kept {
                tracing::warn!(%error, "a recording was not kept");
            }
        }));
    }
}

impl Controller {
    /// Takes down what a snapshot says of the call.
    pub(super) fn record(&mut self, snapshot: &Snapshot) {
        let (call, ended) = (snapshot.call.as_ref(), snapshot.ended.as_ref());
        let recordings = &mut self.recordings;
        if let Some(recording) = recordings.recorder.look(unix_now(), call, ended) {
            recordings.list.retain(|call| *call != recording.call);
            recordings.list.insert(0, recording.call);
            recordings.keep(recording);
            self.changed = true;
        } else if recordings.kept.elapsed() > KEEP_EVERY
            && let Some(current) = recordings.recorder.current().cloned()
        {
            recordings.keep(current);
        }
    }
}
