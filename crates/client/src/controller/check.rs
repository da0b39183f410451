//! Checks the connection for a person who asks: a task of its own, one at a time.

use super::{Controller, Message};
use crate::view::{CheckResult, CheckStep, ConnectionCheckView};
use tincan_connectivity::Findings;
use tokio::task::JoinHandle;

/// The check that runs or has run last.
#[derive(Default)]
pub struct Check {
    view: Option<ConnectionCheckView>,
    task: Option<JoinHandle<()>>,
    /// Counts checks, so that what an earlier one still says falls on the floor.
    number: u32,
}

/// What the task of a check says.
pub enum CheckNote {
    /// A part is done.
    Progress(CheckStep),
    /// All is.
    Ended(Box<Findings>),
}

impl Check {
    pub fn view(&self) -> Option<ConnectionCheckView> {
        self.view.clone()
    }

    /// Stops and forgets.
    pub fn cancel(&mut self) {
        self.number = self.number.wrapping_add(1);
        self.view = None;
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl Controller {
    /// Begins a check with the servers that calls would use; an earlier one is forgotten.
    pub(super) fn check_connection(&mut self) {
        self.check.cancel();
        let mut servers = self.preferences.settings.ice_servers.clone();
        servers.extend(self.session.ice.servers.iter().cloned());
        let (messages, number) = (self.messages.clone(), self.check.number);
        // The controller may be gone: then nobody is left to tell.
        let tell = move |note| drop(messages.send(Message::Check(number, note)));
        self.check.view = Some(ConnectionCheckView::begun());
        self.check.task = Some(tokio::spawn(async move {
            let progress = |step: tincan_connectivity::Step| tell(CheckNote::Progress(step.into()));
            let found = tincan_connectivity::check(&servers, progress).await;
            tell(CheckNote::Ended(Box::new(found)));
        }));
    }

    pub(super) fn hear_check(&mut self, number: u32, note: CheckNote) {
        if number != self.check.number {
            return;
        }
        match (note, &mut self.check.view) {
            (CheckNote::Progress(step), Some(ConnectionCheckView::Running { done, .. })) => {
                done.push(step);
            }
            (CheckNote::Progress(_), _) => {}
            (CheckNote::Ended(found), view) => {
                tracing::info!(verdict = ?tincan_connectivity::verdict(&found), "checked");
                *view = Some(ConnectionCheckView::Done {
                    result: Box::new(CheckResult::from(&*found)),
                });
                self.check.task = None;
            }
        }
        self.changed = true;
    }
}
