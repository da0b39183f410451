//! How large somebody's picture is drawn here, and when that is worth telling them: a larger one at
//! once, a smaller or hidden one when it has stayed so, and a little more or less not at all.

use std::time::{Duration, Instant};
use tincan_proto::View;

/// A picture that is drawn smaller or not at all is told of after this: windows come and go, and
/// each change costs a key frame there.
const SETTLED: Duration = Duration::from_millis(1500);
/// Sizes are alike within this many percent.
const ALIKE: u64 = 10;

/// What is drawn, and what was told of it.
#[derive(Clone, Debug, Default)]
pub struct Drawing {
    drawn: View,
    told: View,
    /// It has been smaller than what was told for so long.
    smaller_since: Option<Instant>,
}

impl Drawing {
    /// Windows draw it so from now on.
    pub fn draw(&mut self, now: Instant, view: View) {
        if view == self.drawn {
            return;
        }
        self.drawn = view;
        if alike(self.drawn, self.told) {
            self.smaller_since = None;
        } else if self.drawn.or(self.told) != self.told {
            // It is larger, at least one way.
            (self.told, self.smaller_since) = (self.drawn, None);
        } else {
            self.smaller_since.get_or_insert(now);
        }
    }

    /// What is to be told now.
    pub fn told(&mut self, now: Instant) -> View {
        if self.deadline().is_some_and(|at| at <= now) {
            (self.told, self.smaller_since) = (self.drawn, None);
        }
        self.told
    }

    /// When something else is to be told, if nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        self.smaller_since.map(|since| since + SETTLED)
    }
}

fn alike(one: View, two: View) -> bool {
    let near = |a: u32, b: u32| u64::from(a.abs_diff(b)) * 100 <= u64::from(a.max(b)) * ALIKE;
    match (one, two) {
        (View::Drawn(one), View::Drawn(two)) => {
            near(one.width, two.width) && near(one.height, two.height)
        }
        (one, two) => one == two,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincan_proto::units::Resolution;

    fn drawn(width: u32, height: u32) -> View {
        View::Drawn(Resolution::new(width, height))
    }

    struct Course {
        drawing: Drawing,
        now: Instant,
    }

    impl Course {
        fn new() -> Self {
            Self { drawing: Drawing::default(), now: Instant::now() }
        }

        fn draws(&mut self, view: View) -> View {
            self.drawing.draw(self.now, view);
            self.drawing.told(self.now)
        }

        fn after(&mut self, millis: u64) -> View {
            self.now += Duration::from_millis(millis);
            self.drawing.told(self.now)
        }
    }

    #[test]
    fn a_smaller_picture_is_told_when_it_has_stayed_so_and_a_larger_one_at_once() {
        let mut course = Course::new();
        assert_eq!(course.draws(drawn(1280, 720)), View::Any);
        assert_eq!(course.after(1500), drawn(1280, 720));
        assert_eq!(course.draws(drawn(320, 180)), drawn(1280, 720));
        assert_eq!(course.after(1499), drawn(1280, 720));
        assert_eq!(course.after(1), drawn(320, 180));
        assert_eq!(course.draws(drawn(640, 360)), drawn(640, 360));
    }

    #[test]
    fn a_window_that_is_hidden_for_a_moment_changes_nothing() {
        let mut course = Course::new();
        course.draws(drawn(1280, 720));
        course.after(2000);
        course.draws(View::Hidden);
        course.after(1000);
        assert_eq!(course.draws(drawn(1280, 720)), drawn(1280, 720));
        assert_eq!(course.drawing.deadline(), None);
        course.draws(View::Hidden);
        assert_eq!(course.after(1500), View::Hidden);
        assert_eq!(course.draws(drawn(1280, 720)), drawn(1280, 720), "shown at once");
    }

    #[test]
    fn a_little_more_or_less_is_not_told() {
        let mut course = Course::new();
        course.draws(drawn(1000, 600));
        course.after(2000);
        for width in [950, 1050, 1090, 920] {
            course.draws(drawn(width, 600));
            assert_eq!(course.after(5000), drawn(1000, 600), "{width}");
        }
        assert_eq!(course.draws(drawn(1200, 600)), drawn(1200, 600));
    }

    #[test]
    fn the_last_of_several_smaller_sizes_counts_from_the_first() {
        let mut course = Course::new();
        course.draws(drawn(1000, 600));
        course.after(2000);
        for n in 1..8 {
            course.draws(drawn(1000 - 100 * n, 600));
            course.after(200);
        }
        assert_eq!(course.after(299), drawn(1000, 600));
        assert_eq!(course.after(1), drawn(300, 600));
    }
}
