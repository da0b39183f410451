//! Which size and how many pictures a second are sent: by what the person wants, the way carries, the
//! processor manages and the others see. Pure; the time is an argument.

use crate::congestion::SendBudget;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use tincan_proto::View;
use tincan_proto::units::{Bitrate, FrameRate, Resolution};
use ts_rs::TS;

/// What the person wants to be seen in, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum PictureQuality {
    /// As good as it goes.
    #[default]
    Auto,
    /// 300 kbit a second in all, sound included.
    LowData,
    /// 320 x 240, 15 a second.
    Low,
    /// 640 x 480, 24 a second.
    Medium,
    /// 1280 x 720, 30 a second.
    High,
    /// 1920 x 1080, 30 a second.
    Hd,
}

/// A size, a rate of pictures, and what they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Pictures fit into this and keep their shape.
    pub bounds: Resolution,
    /// Pictures a second.
    pub rate: FrameRate,
    /// With less they are better smaller.
    pub least: Bitrate,
    /// From here on they are better this large.
    pub enough: Bitrate,
    /// More makes them no better.
    pub most: Bitrate,
}

/// What keeps pictures smaller than the person wants (W3C `qualityLimitationReason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limitation {
    /// `bandwidth`: the way carries less than the next rung needs.
    Rate {
        /// That.
        needs: Bitrate,
    },
    /// `cpu`: the processor did not manage the next rung.
    Processor,
}

const fn rung(width: u32, height: u32, fps: u32, kbps: [u32; 3]) -> Rung {
    let [least, enough, most] = kbps;
    Rung {
        bounds: Resolution::new(width, height),
        rate: FrameRate::from_fps(fps),
        least: Bitrate::from_kbps(least),
        enough: Bitrate::from_kbps(enough),
        most: Bitrate::from_kbps(most),
    }
}

/// From the smallest to the largest.
const RUNGS: [Rung; 4] = [
    rung(320, 240, 15, [0, 0, 350]),
    rung(640, 480, 24, [170, 260, 1_500]),
    rung(1280, 720, 30, [600, 950, 3_000]),
    rung(1920, 1080, 30, [1_700, 2_400, 6_000]),
];

/// Sound, pictures and headers together, of who saves data.
const FRUGAL_IN_ALL: Bitrate = Bitrate::from_kbps(300);
/// What is left of that for sound.
const FRUGAL_SOUND: Bitrate = Bitrate::from_kbps(150);
/// The smallest, with the other half.
const FRUGAL: Rung = rung(320, 240, 15, [0, 0, 150]);

impl PictureQuality {
    /// The largest rung. Whoever wants more than 720p says so: it costs the processor three times as
    /// much.
    pub const fn top(self) -> Rung {
        match self {
            Self::LowData => FRUGAL,
            Self::Low => RUNGS[0],
            Self::Medium => RUNGS[1],
            Self::Auto | Self::High => RUNGS[2],
            Self::Hd => RUNGS[3],
        }
    }
}

impl PictureQuality {
    /// What may be sent to somebody in all, who takes so much of pictures if they said so; none: as much
    /// as goes.
    pub fn most_in_all(self, taken: Option<Bitrate>) -> Option<Bitrate> {
        let own = (self == Self::LowData).then_some(FRUGAL_IN_ALL);
        let theirs = taken
            .map(|pictures| Bitrate::from_bps(pictures.bps().saturating_add(FRUGAL_SOUND.bps())));
        own.into_iter().chain(theirs).min()
    }

    /// What the others may send all together; none: as much as goes.
    pub const fn most_incoming(self) -> Option<Bitrate> {
        match self {
            Self::LowData => Some(FRUGAL.most),
            Self::Auto | Self::Low | Self::Medium | Self::High | Self::Hd => None,
        }
    }
}

/// What a screen is sent in: text stays legible when it moves less smoothly.
const SCREEN: Rung = rung(1920, 1080, 30, [0, 0, 2_500]);
/// Pictures of a screen a second while the way carries less than so many kilobits a second.
const SCREEN_RATES: [(u32, u32); 3] = [(150, 5), (400, 10), (900, 15)];

/// The way carries enough for a larger rung for so long before it is taken ...
const RISE_AFTER: Duration = Duration::from_millis(900);
/// ... and in the first seconds for so long.
const RISE_FIRST: Duration = Duration::from_millis(250);
const FIRST: Duration = Duration::from_secs(6);
/// It carries too little for so long before a smaller one is.
const FALL_AFTER: Duration = Duration::from_millis(700);
/// A rung that was left is not taken again before this, and doubly so when it was held for less than
/// [`HELD`].
const PAUSE: Duration = Duration::from_secs(4);
const LONGEST_PAUSE: Duration = Duration::from_secs(32);
const HELD: Duration = Duration::from_secs(12);
/// Encoding may take this share of the time between pictures ...
const BUSY: f64 = 0.7;
/// ... and not for longer than this.
const BUSY_FOR: Duration = Duration::from_secs(2);
/// A rung that the processor did not manage is tried again after this, and after twice as long each time
/// that it does not manage it again, up to [`MOST_TIRED`].
const TIRED: Duration = Duration::from_secs(45);
const MOST_TIRED: Duration = Duration::from_secs(6 * 60);

/// A picture may be drawn so many times larger than it is ...
const STRETCHED: f64 = 1.3;
/// ... and so many times before a larger one is taken again.
const STRETCHED_MOST: f64 = 1.5;

/// What the next picture may count on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Bits a second.
    pub rate: Bitrate,
    /// How large it is seen at most.
    pub view: View,
    /// The rate is for finding out when the way is back, and says nothing of what it carries.
    pub silent: bool,
}

impl From<Bitrate> for Allowance {
    /// It may be seen in any size.
    fn from(rate: Bitrate) -> Self {
        Self { rate, view: View::Any, silent: false }
    }
}

impl From<SendBudget> for Allowance {
    /// It may be seen in any size.
    fn from(budget: SendBudget) -> Self {
        Self { rate: budget.video, view: View::Any, silent: budget.silent }
    }
}

/// Where a source stands.
#[derive(Debug)]
pub struct Ladder {
    rungs: Vec<Rung>,
    screen: bool,
    at: usize,
    begun: Option<Instant>,
    taken: Option<Instant>,
    /// Since when more or less would fit.
    rising: Option<Instant>,
    falling: Option<Instant>,
    busy: Option<Instant>,
    /// Not before this ...
    rise_not_before: Option<Instant>,
    pause: Duration,
    /// ... and no higher until this.
    tired: Option<(usize, Instant)>,
    tired_for: Duration,
    /// Nobody sees more than this.
    seen: usize,
    /// They see more than they did, and have not been sent it yet.
    lifted: bool,
}

impl Ladder {
    /// For a camera up to what the person wants.
    pub fn camera(quality: PictureQuality) -> Self {
        Self::up_to(quality.top())
    }

    /// For a camera up to this.
    pub fn up_to(top: Rung) -> Self {
        let smaller = RUNGS.into_iter().filter(|rung| rung.bounds.area() < top.bounds.area());
        Self::of(smaller.chain([top]).collect(), false)
    }

    /// For a screen.
    pub fn screen() -> Self {
        Self::of(vec![SCREEN], true)
    }

    fn of(rungs: Vec<Rung>, screen: bool) -> Self {
        Self {
            seen: rungs.len() - 1,
            lifted: false,
            rungs,
            screen,
            at: 0,
            begun: None,
            taken: None,
            rising: None,
            falling: None,
            busy: None,
            rise_not_before: None,
            pause: PAUSE,
            tired: None,
            tired_for: TIRED,
        }
    }

    /// The largest rung.
    pub fn top(&self) -> Rung {
        self.rungs[self.rungs.len() - 1]
    }

    /// The rung for the next picture, with this to count on, when one takes `encoding` of late.
    pub fn step(&mut self, now: Instant, allowed: Allowance, encoding: Duration) -> Rung {
        let Allowance { rate, view, silent } = allowed;
        self.look(view);
        if self.begun.is_none() {
            self.begun = Some(now);
            self.at = self.fitting(rate, |rung| rung.enough).min(self.seen);
            self.taken = Some(now);
        }
        self.watch_processor(now, encoding);
        let fits = self.fitting(rate, |rung| rung.enough).min(self.highest(now));
        let bears = self.fitting(rate, |rung| rung.least).min(self.highest(now));
        if self.seen < self.at {
            // Nothing was wrong with the larger one: it may be back at any time.
            self.take(now, bears);
        } else if silent {
            (self.rising, self.falling) = (None, None);
        } else if bears < self.at {
            self.rising = None;
            let since = *self.falling.get_or_insert(now);
            // What the processor does not manage has been waited for already.
            if now - since >= FALL_AFTER || self.highest(now) < self.at {
                self.fall(now, bears);
            }
        } else if fits > self.at && self.rise_not_before.is_none_or(|at| now >= at) {
            self.falling = None;
            let since = *self.rising.get_or_insert(now);
            let first = self.begun.is_some_and(|begun| now - begun < FIRST);
            let patience = if first { RISE_FIRST } else { RISE_AFTER };
            if std::mem::take(&mut self.lifted) || now - since >= patience {
                self.take(now, fits);
            }
        } else {
            (self.rising, self.falling, self.lifted) = (None, None, false);
        }
        let mut rung = self.rungs[self.at];
        if self.screen {
            let kbps = rate.bps() / 1000;
            let slow = SCREEN_RATES.iter().find(|(below, _)| kbps < *below);
            rung.rate = slow.map_or(rung.rate, |(_, fps)| FrameRate::from_fps(*fps));
        }
        rung
    }

    /// How large the picture is seen changes what the largest rung is that is of any use.
    fn look(&mut self, view: View) {
        let before = self.seen;
        let useful = self.useful(view, STRETCHED);
        if useful < before || self.useful(view, STRETCHED_MOST) > before {
            self.seen = useful;
        }
        self.lifted |= self.seen > before;
    }

    /// The smallest rung whose pictures are drawn at most so many times larger than they are.
    fn useful(&self, view: View, stretched: f64) -> usize {
        let last = self.rungs.len() - 1;
        match view {
            View::Hidden => 0,
            View::Any => last,
            View::Drawn(size) => {
                let fills = |side: u32, drawn: u32| f64::from(side) * stretched >= f64::from(drawn);
                let fits = |rung: &Rung| {
                    fills(rung.bounds.width, size.width) && fills(rung.bounds.height, size.height)
                };
                self.rungs.iter().position(fits).unwrap_or(last)
            }
        }
    }

    /// What keeps it from the next rung, when `rate` is to count on; nothing if it may be taken, or
    /// was left a short time ago.
    pub fn limitation(&self, now: Instant, rate: Bitrate) -> Option<Limitation> {
        let needs = self.rungs.get(self.at + 1).filter(|_| self.at < self.seen)?.enough;
        // A processor that is tired does not matter where the way carries no more anyway.
        if rate < needs {
            Some(Limitation::Rate { needs })
        } else {
            (self.highest(now) <= self.at).then_some(Limitation::Processor)
        }
    }

    fn fitting(&self, rate: Bitrate, needs: fn(&Rung) -> Bitrate) -> usize {
        self.rungs.iter().rposition(|rung| needs(rung) <= rate).unwrap_or(0)
    }

    fn highest(&self, now: Instant) -> usize {
        match self.tired {
            Some((at, until)) if now < until => at.min(self.seen),
            _ => self.seen,
        }
    }

    fn take(&mut self, now: Instant, at: usize) {
        self.at = at;
        self.taken = Some(now);
        (self.rising, self.falling, self.busy) = (None, None, None);
    }

    fn fall(&mut self, now: Instant, to: usize) {
        let held = self.taken.map_or(Duration::ZERO, |taken| now - taken);
        self.pause = if held < HELD { (self.pause * 2).min(LONGEST_PAUSE) } else { PAUSE };
        self.rise_not_before = Some(now + self.pause);
        self.take(now, to);
    }

    fn watch_processor(&mut self, now: Instant, encoding: Duration) {
        let between = 1.0 / f64::from(self.rungs[self.at].rate.fps().max(1));
        if encoding.as_secs_f64() <= BUSY * between {
            self.busy = None;
            return;
        }
        let since = *self.busy.get_or_insert(now);
        if now - since >= BUSY_FOR && self.at > 0 {
            let again = self.tired.is_some_and(|(at, _)| at == self.at - 1);
            self.tired_for = if again { (self.tired_for * 2).min(MOST_TIRED) } else { TIRED };
            self.tired = Some((self.at - 1, now + self.tired_for));
            self.busy = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::opus::PacketTime;
    use crate::congestion::VoiceForm;
    use crate::congestion::budget::divide;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    const QUICK: Duration = Duration::from_millis(3);

    struct Course {
        ladder: Ladder,
        now: Instant,
        changes: usize,
        view: View,
        silent: bool,
        last: Option<Rung>,
    }

    impl Course {
        fn of(quality: PictureQuality) -> Self {
            let ladder = Ladder::camera(quality);
            let (now, view) = (Instant::now(), View::Any);
            Self { ladder, now, changes: 0, view, silent: false, last: None }
        }

        fn run(&mut self, seconds: f64, encoding: Duration, kbps: impl Fn(f64) -> u32) -> Rung {
            let mut rung = self.ladder.top();
            for picture in 0..(seconds * 30.0) as u32 {
                self.now += Duration::from_millis(33);
                let rate = Bitrate::from_kbps(kbps(f64::from(picture) / 30.0));
                let allowed = Allowance { rate, view: self.view, silent: self.silent };
                rung = self.ladder.step(self.now, allowed, encoding);
                self.changes += usize::from(self.last.is_some_and(|last| last != rung));
                self.last = Some(rung);
            }
            rung
        }
    }

    #[test]
    fn a_wide_way_is_used_within_a_second_and_never_beyond_what_is_wanted() {
        for (quality, height) in [
            (PictureQuality::Auto, 720),
            (PictureQuality::Low, 240),
            (PictureQuality::Medium, 480),
            (PictureQuality::Hd, 1080),
        ] {
            let mut course = Course::of(quality);
            course.run(0.1, QUICK, |_| 500);
            let rung = course.run(0.9, QUICK, |_| 20_000);
            assert_eq!(rung.bounds.height, height, "{quality:?}");
        }
    }

    #[test]
    fn a_cut_way_says_nothing_of_how_large_pictures_may_be() {
        let mut course = Course::of(PictureQuality::Auto);
        assert_eq!(course.run(5.0, QUICK, |_| 3_000).bounds.height, 720);
        course.silent = true;
        assert_eq!(course.run(5.0, QUICK, |_| 60).bounds.height, 720);
        course.silent = false;
        assert_eq!(course.run(5.0, QUICK, |_| 1_500).bounds.height, 720);
        assert_eq!(course.run(1.0, QUICK, |_| 60).bounds.height, 240);
    }

    #[test]
    fn a_narrow_way_makes_pictures_smaller_soon_and_they_stay_so() {
        let mut course = Course::of(PictureQuality::Auto);
        assert_eq!(course.run(10.0, QUICK, |_| 3_000).bounds.height, 720);
        assert_eq!(course.run(1.0, QUICK, |_| 300).bounds.height, 480);
        let before = course.changes;
        assert_eq!(course.run(60.0, QUICK, |_| 300).bounds.height, 480);
        assert_eq!(course.changes, before);
        assert_eq!(course.run(1.0, QUICK, |_| 100).bounds.height, 240);
        assert_eq!(course.run(20.0, QUICK, |_| 3_000).bounds.height, 720);
    }

    #[test]
    fn a_processor_that_is_too_slow_gets_smaller_pictures_for_a_while() {
        let mut course = Course::of(PictureQuality::High);
        let wide = |_| 5_000;
        assert_eq!(course.run(2.0, QUICK, wide).bounds.height, 720);
        assert_eq!(course.run(3.0, Duration::from_millis(28), wide).bounds.height, 480);
        assert_eq!(course.run(30.0, QUICK, wide).bounds.height, 480);
        assert_eq!(course.run(20.0, QUICK, wide).bounds.height, 720, "it is tried again");
    }

    #[test]
    fn a_rung_that_is_never_managed_is_tried_more_and_more_rarely() {
        let mut course = Course::of(PictureQuality::High);
        let slow = |course: &mut Course| {
            let high = course.last.is_some_and(|rung| rung.bounds.height == 720);
            let encoding = if high { Duration::from_millis(28) } else { QUICK };
            course.run(0.1, encoding, |_| 5_000).bounds.height == 720
        };
        // Tenths of a second in ten minutes.
        let high = (0..6_000).filter(|_| slow(&mut course)).count();
        assert!((50..200).contains(&high), "{high} tenths");
        assert!(course.changes < 20, "{}", course.changes);
    }

    #[test]
    fn low_data_keeps_its_word_with_sound_and_headers() {
        let most = PictureQuality::LowData.most_in_all(None).expect("it saves");
        for (copies, packet) in
            (0..=4).flat_map(|n| [PacketTime::Short, PacketTime::Usual].map(|p| (n, p)))
        {
            let form = VoiceForm { copies, packet };
            let (video, voice) = divide(f64::from(most.bps()), 0.0, 0.0, form);
            let pictures = f64::from(video.min(FRUGAL.most).bps()) * 1.06;
            let all = pictures as u32 + form.cost(voice);
            assert!(all <= 300_000, "{copies} copies, {packet:?}: {all}");
        }
        let asked = PictureQuality::Auto.most_in_all(Some(FRUGAL.most));
        assert_eq!(asked, Some(FRUGAL_IN_ALL));
        assert_eq!(PictureQuality::Auto.most_in_all(None), None);
    }

    fn drawn(width: u32, height: u32) -> View {
        View::Drawn(Resolution::new(width, height))
    }

    #[test]
    fn nobody_is_sent_more_than_they_see() {
        for (view, height) in [
            (View::Hidden, 240),
            (drawn(0, 0), 240),
            (drawn(320, 180), 240),
            (drawn(416, 260), 240),
            (drawn(640, 360), 480),
            (drawn(800, 450), 480),
            (drawn(1100, 619), 720),
            (drawn(1920, 1080), 1080),
            (drawn(3840, 2160), 1080),
            (View::Any, 1080),
        ] {
            let mut course = Course::of(PictureQuality::Hd);
            course.view = view;
            assert_eq!(course.run(3.0, QUICK, |_| 20_000).bounds.height, height, "{view:?}");
        }
    }

    #[test]
    fn a_picture_that_is_seen_larger_grows_at_once_if_the_way_carries_it() {
        let mut course = Course::of(PictureQuality::Auto);
        let wide = |_| 5_000;
        course.run(10.0, QUICK, wide);
        for _ in 0..5 {
            course.view = drawn(320, 180);
            assert_eq!(course.run(0.05, QUICK, wide).bounds.height, 240);
            course.view = drawn(1280, 720);
            assert_eq!(course.run(0.05, QUICK, wide).bounds.height, 720, "however often");
        }
        course.view = View::Hidden;
        course.run(10.0, QUICK, |_| 300);
        course.view = View::Any;
        assert_eq!(course.run(10.0, QUICK, |_| 300).bounds.height, 480);
    }

    #[test]
    fn a_window_that_is_resized_a_little_changes_nothing() {
        let mut course = Course::of(PictureQuality::Auto);
        course.view = drawn(800, 450);
        course.run(2.0, QUICK, |_| 5_000);
        course.changes = 0;
        for width in [820, 850, 900, 950, 840, 800, 760, 700] {
            course.view = drawn(width, width * 9 / 16);
            course.run(0.5, QUICK, |_| 5_000);
        }
        assert_eq!(course.changes, 0);
    }

    #[test]
    fn a_screen_keeps_its_size_and_moves_less_smoothly() {
        let (mut ladder, now) = (Ladder::screen(), Instant::now());
        let mut rate = |kbps| {
            let rung = ladder.step(now, Bitrate::from_kbps(kbps).into(), QUICK);
            (rung.bounds.height, rung.rate.fps())
        };
        assert_eq!(rate(2_000), (1080, 30));
        assert_eq!(rate(300), (1080, 10));
        assert_eq!(rate(100), (1080, 5));
    }

    #[test]
    fn no_way_makes_it_flap() {
        for seed in 0..2_000 {
            let mut random = StdRng::seed_from_u64(seed);
            let centre: f64 = random.random_range(100.0..4_000.0);
            let swing: f64 = random.random_range(0.0..0.6);
            let period: f64 = random.random_range(0.3..20.0);
            let mut course = Course::of(PictureQuality::Hd);
            let rate = |t: f64| {
                (centre * (1.0 + swing * (t * std::f64::consts::TAU / period).sin())) as u32
            };
            course.run(20.0, QUICK, rate);
            course.changes = 0;
            course.run(120.0, QUICK, rate);
            assert!(course.changes <= 16, "seed {seed}: {} changes in 2 minutes", course.changes);
        }
    }

    #[test]
    fn it_says_what_keeps_it_from_the_next_rung() {
        let (mut ladder, start) = (Ladder::camera(PictureQuality::High), Instant::now());
        let mut now = start;
        let mut at = |ladder: &mut Ladder, kbps, encoding| {
            now += Duration::from_millis(100);
            let rate = Bitrate::from_kbps(kbps);
            ladder.step(now, rate.into(), encoding);
            ladder.limitation(now, rate)
        };
        let needs = RUNGS[2].enough;
        assert_eq!(at(&mut ladder, 400, QUICK), Some(Limitation::Rate { needs }));
        for _ in 0..20 {
            at(&mut ladder, 3_000, QUICK);
        }
        assert_eq!(at(&mut ladder, 3_000, QUICK), None, "as large as is wanted");
        for _ in 0..40 {
            at(&mut ladder, 3_000, Duration::from_millis(30));
        }
        assert_eq!(at(&mut ladder, 3_000, QUICK), Some(Limitation::Processor));
    }
}
