//! What follows from devices that come and go.

use super::keeping::Keeping;
use super::{MediaNote, entries};
use crate::view::DeviceKind;
use std::time::{Duration, Instant};
use tincan_media::device::{DeviceEntry, DeviceList};
use tincan_media::synthetic::test_picture::TEST_PICTURE_ID;

/// How often is looked, while devices are open, for others that come and go.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A chosen device that was listed, but could not be opened for all that, is tried so much later
/// again: what stands in for it falls silent meanwhile.
const BACK_AGAIN: Duration = Duration::from_secs(10);

impl Keeping {
    /// Looks now and then, while devices are open, for others that come and go. One that is
    /// back after another has stood in for it takes its place again.
    pub(super) fn look_around(&mut self) {
        if self.slots.is_empty() || Instant::now() < self.look {
            return;
        }
        let list = self.devices.list();
        if self.see(list) {
            self.tell(MediaNote::Listed(self.seen.clone()));
        }
    }

    /// Does what follows from what there is now. Returns whether that is something else.
    pub(super) fn see(&mut self, list: DeviceList) -> bool {
        let now = Instant::now();
        self.look = now + LOOK_EVERY;
        let before = std::mem::replace(&mut self.seen, list);
        let changed = self.seen != before;
        let mut back = Vec::new();
        for (kind, slot) in &mut self.slots {
            let listed = entries(&self.seen, *kind);
            let changed = listed != entries(&before, *kind);
            if changed && slot.open.is_none() {
                // The only one may be back.
                slot.try_again = None;
            }
            let there = |id: &String| listed.iter().any(|entry| entry.id == *id);
            let better = match &slot.choice {
                Some(chosen) if slot.stands_in && there(chosen) => {
                    self.back_at.get(kind).is_none_or(|at| *at <= now)
                }
                Some(chosen) => {
                    if !there(chosen) {
                        self.back_at.remove(kind);
                    }
                    false
                }
                // The system's own would not open: another may.
                None if slot.stands_in => {
                    let default = |list: &[DeviceEntry]| {
                        list.iter().find(|entry| entry.default).map(|entry| entry.id.clone())
                    };
                    changed
                        && default(listed) != default(entries(&before, *kind))
                        && self.back_at.get(kind).is_none_or(|at| *at <= now)
                }
                // The test picture, which nobody chose, is for want of a camera.
                None => {
                    let open = slot.open.as_ref().map(|open| open.id());
                    open == Some(TEST_PICTURE_ID) && !listed.is_empty()
                }
            };
            if better {
                back.push(*kind);
            }
        }
        for kind in back {
            self.back_at.insert(kind, now + BACK_AGAIN);
            self.close(kind);
        }
        self.follow_system(changed);
        changed
    }

    /// Tells when the system's choice is gone, whose stream a sound server moves elsewhere by itself,
    /// and when it is back. Right after a change the system may not have chosen yet.
    fn follow_system(&mut self, changed: bool) {
        let mut moved = Vec::new();
        for (&kind, slot) in &mut self.slots {
            let Some(open) = &slot.open else { continue };
            if kind == DeviceKind::Camera || slot.choice.is_some() || slot.stands_in {
                continue;
            }
            let listed = entries(&self.seen, kind);
            let there = |id: &str| listed.iter().any(|entry| entry.id == id);
            let default = listed.iter().find(|entry| entry.default);
            let default = default.or_else(|| listed.first().filter(|_| !changed));
            let gone = slot.gone.as_deref().unwrap_or(open.id());
            let stands_in = match (&slot.gone, there(gone)) {
                (None, true) | (Some(_), false) => continue,
                (None, false) => true,
                (Some(_), true) => false,
            };
            let Some(default) = default else { continue };
            slot.gone = stands_in.then(|| gone.to_owned());
            moved.push(MediaNote::Opened { kind, id: default.id.clone(), stands_in });
        }
        for note in moved {
            self.tell(note);
        }
    }
}
