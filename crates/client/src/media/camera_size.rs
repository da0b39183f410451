//! In which size the camera is opened: the one that is sent, once that has settled, so that no more
//! comes over the cable, is unpacked and scaled than goes out.

use std::time::{Duration, Instant};
use tincan_media::device::CameraFormat;
use tincan_media::ladder::Rung;
use tincan_proto::units::Resolution;

/// A smaller size pays off slowly, and opening stops the pictures for a moment: only for one that
/// stays.
const SMALLER_AFTER: Duration = Duration::from_secs(20);
/// A larger one is seen at once, but the ladder may not hold it.
const LARGER_AFTER: Duration = Duration::from_millis(1500);
/// A size is another one from so many percent on: sizes of cameras and of rungs seldom meet.
const ANOTHER: u64 = 20;

/// What an open camera was asked for, and what it had better be.
#[derive(Clone, Debug)]
pub struct CameraSize {
    asked: CameraFormat,
    /// Which way the pictures that are sent differ from what was asked for, and since when.
    differs: Option<(Way, Instant)>,
    /// What did not work.
    refused: Vec<Resolution>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Smaller,
    Larger,
}

impl CameraSize {
    /// A camera that was just opened so.
    pub fn opened(asked: CameraFormat) -> Self {
        Self { asked, differs: None, refused: Vec::new() }
    }

    /// What it was asked for.
    pub fn asked(&self) -> CameraFormat {
        self.asked
    }

    /// It was opened anew.
    pub fn reopened(&mut self, asked: CameraFormat) {
        (self.asked, self.differs) = (asked, None);
    }

    /// It could not be opened so.
    pub fn refused(&mut self, format: CameraFormat) {
        self.refused.push(format.resolution);
        self.differs = None;
    }

    /// It delivers pictures of this size, and they are sent on this rung: what to open it as, if in
    /// another size.
    pub fn look(&mut self, now: Instant, delivers: Resolution, rung: Rung) -> Option<CameraFormat> {
        let sent = shaped(delivers, rung.bounds);
        // A camera that had no such size is not asked for it again.
        let way = if is_larger(delivers, sent) && is_larger(self.asked.resolution, sent) {
            Way::Smaller
        } else if is_larger(sent, delivers) && is_larger(sent, self.asked.resolution) {
            Way::Larger
        } else {
            self.differs = None;
            return None;
        };
        let since = match self.differs {
            Some((before, since)) if before == way => since,
            _ => self.differs.insert((way, now)).1,
        };
        let patience = match way {
            Way::Smaller => SMALLER_AFTER,
            Way::Larger => LARGER_AFTER,
        };
        let due = now >= since + patience && !self.refused.contains(&sent);
        due.then_some(CameraFormat { resolution: sent, rate: rung.rate })
    }
}

/// Larger by more than a little, both ways.
fn is_larger(one: Resolution, other: Resolution) -> bool {
    let by_far = |one: u32, other: u32| u64::from(one) * 100 > u64::from(other) * (100 + ANOTHER);
    by_far(one.width, other.width) && by_far(one.height, other.height)
}

/// The largest size of this shape with even sides within the bounds.
fn shaped(shape: Resolution, bounds: Resolution) -> Resolution {
    let by = |side: u32, length: u32, of: u32| {
        u32::try_from(u64::from(side) * u64::from(length) / u64::from(of.max(1))).unwrap_or(side)
    };
    let height = by(bounds.width, shape.height, shape.width);
    let size = if height <= bounds.height {
        Resolution::new(bounds.width, height)
    } else {
        Resolution::new(by(bounds.height, shape.width, shape.height), bounds.height)
    };
    size.even()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincan_media::ladder::PictureQuality;
    use tincan_proto::units::FrameRate;

    const LOW: Rung = PictureQuality::Low.top();
    const MEDIUM: Rung = PictureQuality::Medium.top();
    const HIGH: Rung = PictureQuality::High.top();
    const HD: Resolution = Resolution::new(1280, 720);

    fn as_rung(rung: Rung) -> CameraFormat {
        CameraFormat { resolution: rung.bounds, rate: rung.rate }
    }

    struct Course {
        size: CameraSize,
        now: Instant,
    }

    impl Course {
        fn opened(rung: Rung) -> Self {
            Self { size: CameraSize::opened(as_rung(rung)), now: Instant::now() }
        }

        /// Looks once a second until it is to be opened anew.
        fn run(&mut self, seconds: u64, delivers: Resolution, rung: Rung) -> Option<CameraFormat> {
            (0..seconds).find_map(|_| {
                self.now += Duration::from_secs(1);
                self.size.look(self.now, delivers, rung)
            })
        }
    }

    #[test]
    fn a_rung_that_stays_is_what_the_camera_is_opened_for_and_its_shape_is_kept() {
        for (delivers, wide, high) in [
            (HD, 640, 360),
            (Resolution::new(960, 720), 640, 480),
            (Resolution::new(720, 1280), 270, 480),
        ] {
            let mut course = Course::opened(HIGH);
            assert_eq!(course.run(20, delivers, MEDIUM), None, "it may be for a moment");
            let format = course.run(2, delivers, MEDIUM).expect("it stays");
            assert_eq!(format.resolution, Resolution::new(wide, high));
            assert_eq!(format.rate, MEDIUM.rate);
        }
    }

    #[test]
    fn a_rung_that_comes_and_goes_changes_nothing() {
        let mut course = Course::opened(HIGH);
        for _ in 0..20 {
            assert_eq!(course.run(15, HD, LOW), None);
            assert_eq!(course.run(3, HD, HIGH), None);
        }
    }

    #[test]
    fn a_larger_rung_is_opened_soon() {
        let mut course = Course::opened(HIGH);
        let small = course.run(30, HD, LOW).expect("it stays");
        course.size.reopened(small);
        assert_eq!(course.run(60, small.resolution, LOW), None, "it is what is wanted");
        assert_eq!(course.run(1, small.resolution, HIGH), None);
        let large = course.run(3, small.resolution, HIGH).map(|format| format.resolution);
        assert_eq!(large, Some(HD));
    }

    #[test]
    fn a_camera_with_one_size_is_asked_once() {
        let mut course = Course::opened(HIGH);
        assert_eq!(course.run(60, Resolution::VGA, HIGH), None, "it has no larger one");
        let small = course.run(60, Resolution::VGA, LOW).expect("it may have a smaller one");
        course.size.reopened(small);
        assert_eq!(course.run(600, Resolution::VGA, LOW), None, "it has none");
        assert!(course.run(10, Resolution::VGA, HIGH).is_some(), "what is larger is tried");
    }

    #[test]
    fn what_was_refused_is_not_asked_for_again() {
        let mut course = Course::opened(HIGH);
        let small = course.run(60, HD, LOW).expect("it stays");
        course.size.refused(small);
        assert_eq!(course.run(600, HD, LOW), None);
        assert!(course.run(60, HD, MEDIUM).is_some(), "another one is");
    }

    #[test]
    fn sizes_that_nearly_meet_are_left_alone() {
        let mut course = Course::opened(MEDIUM);
        assert_eq!(course.run(600, Resolution::new(720, 576), MEDIUM), None);
        assert_eq!(course.run(600, Resolution::new(641, 479), MEDIUM), None);
        assert_eq!(course.run(600, Resolution::new(1, 1), MEDIUM), None, "no shape at all");
        let rate = FrameRate::from_fps(30);
        assert_eq!(course.run(600, Resolution::VGA, Rung { rate, ..MEDIUM }), None);
    }
}
