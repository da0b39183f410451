//! Watches whether a participant's pictures arrive, and decides what to do if they do not: ask
//! for a key frame, negotiate anew, and at last say so.

use std::time::{Duration, Instant};

/// How long after connecting nothing is expected yet: a camera takes its time to open, and the
/// first key frame to arrive.
const FIRST_PICTURE: Duration = Duration::from_secs(3);
/// How long pictures may stay away before each step.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same for a screen, on which nothing may happen: it is repeated once a second.
const SCREEN_PATIENCE: Duration = Duration::from_secs(4);
/// How long a new negotiation has to help before the person is told.
const NEGOTIATION_HELPS: Duration = Duration::from_secs(4);

/// What is to be expected of a participant now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// They send no picture.
    Nothing,
    /// They may send one, but the connection is not up.
    Later,
    /// Pictures in quick succession.
    Pictures,
    /// A picture now and then.
    Screen,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Ask for a key frame: the decoder may have lost the thread.
    RequestKeyFrame,
    /// Negotiate anew.
    Negotiate {
        /// Packets arrive, so that the path is not what is wrong.
        packets: bool,
    },
    /// Say on both sides that no picture arrives.
    Tell,
    /// Pictures are back, or none is expected any more: what was said is no longer true.
    Withdraw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tried {
    Nothing,
    KeyFrame,
    Negotiation,
    Told,
}

/// The watch over one participant's pictures.
#[derive(Clone, Debug)]
pub struct FrameWatch {
    /// Pictures are overdue from here on; none while none are expected.
    since: Option<Instant>,
    pictures: u64,
    packets: u64,
    packets_came: bool,
    tried: Tried,
}

impl Default for FrameWatch {
    fn default() -> Self {
        Self { since: None, pictures: 0, packets: 0, packets_came: false, tried: Tried::Nothing }
    }
}

impl FrameWatch {
    /// Pictures have come over the connection that is counted.
    pub fn has_begun(&self) -> bool {
        self.pictures > 0
    }

    /// Another connection is counted from now on.
    pub fn count_anew(&mut self) {
        (self.pictures, self.packets) = (0, 0);
    }

    /// Takes what has come so far, counted since the connection was made.
    pub fn observe(
        &mut self,
        now: Instant,
        expected: Expected,
        pictures: u64,
        packets: u64,
    ) -> Option<Remedy> {
        // A new connection counts from nought.
        let came = pictures != self.pictures && pictures > 0;
        self.packets_came |= packets != self.packets && packets > 0;
        (self.pictures, self.packets) = (pictures, packets);
        match expected {
            Expected::Nothing => {
                self.since = None;
                return self.begin_anew();
            }
            Expected::Later => {
                self.since = None;
                return None;
            }
            Expected::Pictures | Expected::Screen => {}
        }
        let patience = if expected == Expected::Screen { SCREEN_PATIENCE } else { PATIENCE };
        if came {
            self.since = Some(now);
            return self.begin_anew();
        }
        let grace = FIRST_PICTURE.saturating_sub(PATIENCE);
        let since = *self.since.get_or_insert(now + grace);
        let quiet = now.saturating_duration_since(since);
        let (patience, next, remedy) = match self.tried {
            Tried::Nothing => (patience, Tried::KeyFrame, Remedy::RequestKeyFrame),
            Tried::KeyFrame => {
                let packets = self.packets_came;
                (patience, Tried::Negotiation, Remedy::Negotiate { packets })
            }
            Tried::Negotiation => (NEGOTIATION_HELPS, Tried::Told, Remedy::Tell),
            Tried::Told => return None,
        };
        if quiet < patience {
            return None;
        }
        self.since = Some(now);
        self.tried = next;
        self.packets_came = false;
        Some(remedy)
    }

    fn begin_anew(&mut self) -> Option<Remedy> {
        let told = std::mem::replace(&mut self.tried, Tried::Nothing) == Tried::Told;
        self.packets_came = false;
        told.then_some(Remedy::Withdraw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observes four times a second for `seconds`, with packets but no pictures.
    fn starve(watch: &mut FrameWatch, now: &mut Instant, seconds: u64) -> Vec<Remedy> {
        let mut remedies = Vec::new();
        for _ in 0..seconds * 4 {
            *now += Duration::from_millis(250);
            let packets = watch.packets + 10;
            remedies.extend(watch.observe(*now, Expected::Pictures, watch.pictures, packets));
        }
        remedies
    }

    #[test]
    fn missing_pictures_are_asked_for_then_negotiated_then_told_and_nothing_is_done_twice() {
        let (mut watch, mut now) = (FrameWatch::default(), Instant::now());
        assert_eq!(starve(&mut watch, &mut now, 3), [], "the first pictures have their time");
        assert_eq!(starve(&mut watch, &mut now, 2), [Remedy::RequestKeyFrame]);
        assert_eq!(starve(&mut watch, &mut now, 2), [Remedy::Negotiate { packets: true }]);
        assert_eq!(starve(&mut watch, &mut now, 60), [Remedy::Tell]);
        let back = watch.observe(now, Expected::Pictures, 1, 99_999);
        assert_eq!(back, Some(Remedy::Withdraw));
        assert_eq!(starve(&mut watch, &mut now, 1), []);
        assert_eq!(starve(&mut watch, &mut now, 1), [Remedy::RequestKeyFrame]);
    }

    #[test]
    fn a_camera_that_is_off_and_a_connection_that_is_down_are_not_missed() {
        let (mut watch, mut now) = (FrameWatch::default(), Instant::now());
        for expected in [Expected::Nothing, Expected::Later] {
            for _ in 0..100 {
                now += Duration::from_millis(250);
                assert_eq!(watch.observe(now, expected, 0, 0), None);
            }
            assert_eq!(starve(&mut watch, &mut now, 3), []);
        }
    }

    #[test]
    fn a_still_screen_is_not_missed_and_a_lost_one_is() {
        let (mut watch, mut now) = (FrameWatch::default(), Instant::now());
        for pictures in 1..30 {
            // Each repetition may be late by as much as one more takes.
            for _ in 0..8 {
                now += Duration::from_millis(250);
                assert_eq!(watch.observe(now, Expected::Screen, pictures, pictures), None);
            }
        }
        now += Duration::from_secs(4);
        let lost = watch.observe(now, Expected::Screen, 29, 29);
        assert_eq!(lost, Some(Remedy::RequestKeyFrame));
    }

    #[test]
    fn an_interruption_does_not_make_it_forget_what_it_has_tried() {
        let (mut watch, mut now) = (FrameWatch::default(), Instant::now());
        starve(&mut watch, &mut now, 7);
        assert_eq!(watch.observe(now, Expected::Later, 0, 0), None);
        assert_eq!(starve(&mut watch, &mut now, 6), [Remedy::Tell], "no second negotiation");
        assert_eq!(watch.observe(now, Expected::Nothing, 0, 0), Some(Remedy::Withdraw));
    }
}
