//! What waits for one viewer. Coded pictures queue, since each needs the one before; when a
//! page falls behind they are thrown away up to the next key frame. Decoded pictures do not
//! queue: the newest wins.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tincan_media::codec::annex_b::Avcc;
use tincan_media::frame::VideoFrame;
use tincan_proto::View;
use tincan_proto::units::Resolution;
use tokio::sync::Notify;

/// Half a second of pictures. A page that is further behind is better served by a fresh start.
const CODED_WAITING: usize = 15;
/// Coded pictures on the way to a page that has not confirmed them.
const CODED_CREDIT: u32 = 6;
/// Decoded ones: one drawn, one on the way.
const DECODED_CREDIT: u32 = 2;

/// What a viewer can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// H.264.
    Coded,
    /// I420.
    Decoded,
}

/// A picture for a viewer.
#[derive(Clone)]
pub enum Waiting {
    /// H.264.
    Coded(Arc<Avcc>),
    /// I420.
    Decoded(VideoFrame),
}

struct State {
    waiting: VecDeque<Waiting>,
    credit: u32,
    needs_key: bool,
    paused: bool,
    /// How large the viewer draws it, once it has said so.
    drawn: Option<Resolution>,
}

/// One viewer's queue.
pub struct Queue {
    mode: Mode,
    state: Mutex<State>,
    changed: Notify,
}

impl Queue {
    /// An empty one that begins with a key frame.
    pub fn new(mode: Mode) -> Self {
        let credit = match mode {
            Mode::Coded => CODED_CREDIT,
            Mode::Decoded => DECODED_CREDIT,
        };
        let state =
            State { waiting: VecDeque::new(), credit, needs_key: true, paused: false, drawn: None };
        Self { mode, state: Mutex::new(state), changed: Notify::new() }
    }

    /// What the viewer can take.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Nobody looks.
    pub fn paused(&self) -> bool {
        self.state().paused
    }

    /// How it is seen by this viewer; none before they have said so.
    pub fn view(&self) -> Option<View> {
        let State { paused, drawn, .. } = *self.state();
        match drawn {
            _ if paused => Some(View::Hidden),
            Some(size) if size.area() == 0 => Some(View::Hidden),
            size => size.map(View::Drawn),
        }
    }

    /// The viewer draws it so large from now on.
    pub fn draw(&self, size: Resolution) {
        self.state().drawn = Some(size);
    }

    /// Queues a coded picture; true if the viewer now needs a key frame.
    pub fn put_coded(&self, unit: &Arc<Avcc>) -> bool {
        let mut state = self.state();
        if state.needs_key && !unit.key {
            return true;
        }
        if state.waiting.len() >= CODED_WAITING {
            state.waiting.clear();
            state.needs_key = !unit.key;
            if state.needs_key {
                return true;
            }
        }
        state.needs_key = false;
        state.waiting.push_back(Waiting::Coded(unit.clone()));
        drop(state);
        self.changed.notify_one();
        false
    }

    /// Puts a decoded picture in place of the one that waits.
    pub fn put_decoded(&self, frame: VideoFrame) {
        let mut state = self.state();
        state.waiting.clear();
        state.waiting.push_back(Waiting::Decoded(frame));
        drop(state);
        self.changed.notify_one();
    }

    /// The next picture that the page has credit for.
    pub async fn next(&self) -> Waiting {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                if state.credit > 0
                    && !state.paused
                    && let Some(waiting) = state.waiting.pop_front()
                {
                    state.credit -= 1;
                    return waiting;
                }
            }
            changed.await;
        }
    }

    /// The page has taken one in.
    pub fn credit(&self) {
        let most = match self.mode {
            Mode::Coded => CODED_CREDIT,
            Mode::Decoded => DECODED_CREDIT,
        };
        let mut state = self.state();
        state.credit = (state.credit + 1).min(most);
        drop(state);
        self.changed.notify_one();
    }

    /// Throws away what waits and begins anew with a key frame.
    pub fn await_key_frame(&self) {
        let mut state = self.state();
        state.waiting.clear();
        state.needs_key = true;
    }

    /// Stops or goes on.
    pub fn set_paused(&self, paused: bool) {
        self.await_key_frame();
        self.state().paused = paused;
        self.changed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn unit(key: bool) -> Arc<Avcc> {
        Arc::new(Avcc {
            key,
            configuration: None,
            payload: Bytes::from_static(&[0, 0, 0, 1, 0x65]),
            resolution: Resolution::VGA,
        })
    }

    #[test]
    fn a_viewer_begins_with_a_key_frame() {
        let queue = Queue::new(Mode::Coded);
        assert!(queue.put_coded(&unit(false)), "asks for one");
        assert!(!queue.put_coded(&unit(true)));
        assert!(!queue.put_coded(&unit(false)));
        assert_eq!(queue.state().waiting.len(), 2);
    }

    #[test]
    fn a_page_that_falls_behind_starts_afresh_and_memory_stays_bounded() {
        let queue = Queue::new(Mode::Coded);
        queue.put_coded(&unit(true));
        let starved = (0..1000).filter(|_| queue.put_coded(&unit(false))).count();
        assert!(starved > 900);
        assert!(queue.state().waiting.is_empty(), "nothing undecodable is kept");
        assert!(!queue.put_coded(&unit(true)));
        assert_eq!(queue.state().waiting.len(), 1);
    }

    #[tokio::test]
    async fn no_more_pictures_are_on_the_way_than_the_page_has_credit_for() {
        let queue = Queue::new(Mode::Coded);
        queue.put_coded(&unit(true));
        for _ in 1..CODED_WAITING {
            queue.put_coded(&unit(false));
        }
        let patience = std::time::Duration::from_millis(20);
        let mut sent = 0;
        while tokio::time::timeout(patience, queue.next()).await.is_ok() {
            sent += 1;
        }
        assert_eq!(sent, CODED_CREDIT);
        queue.credit();
        assert!(tokio::time::timeout(patience, queue.next()).await.is_ok());
    }
}
