//! What all who look mean for the next picture. Pure; the time is an argument.

use std::time::{Duration, Instant};
use tincan_media::ladder::Allowance;

/// Whoever is behind for so long is stuck: the others do not wait for them any longer.
const STUCK_AFTER: Duration = Duration::from_millis(500);

/// Since when what is sent to somebody only waits.
#[derive(Debug, Default)]
pub struct Waiting(Option<Instant>);

impl Waiting {
    /// Notes whether it waits; returns whether that has been so for long.
    pub fn note(&mut self, now: Instant, behind: bool) -> bool {
        if !behind {
            self.0 = None;
            return false;
        }
        let since = *self.0.get_or_insert(now);
        now.saturating_duration_since(since) > STUCK_AFTER
    }
}

/// Somebody who looks.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// What their way and their view allow.
    pub allowance: Allowance,
    /// A picture would only wait.
    pub behind: bool,
    /// It may be so, which is not known: nothing has been reported for a moment.
    pub overdue: bool,
    /// One or the other has been so for long.
    pub stuck: bool,
}

/// What a picture may count on that `own` sees, too; none if it would only wait. And whether those who
/// are stuck are left out of it: not if nobody else looks, whose pictures would then be for nobody.
pub fn together(own: Allowance, looking: &[Standing]) -> (Option<Allowance>, bool) {
    let leave_out = looking.iter().any(|one| !one.stuck);
    // What may be is no reason to keep pictures from those to whom all is well.
    let wait = looking.iter().all(|one| one.behind || one.overdue);
    let mut sent = looking.iter().filter(|one| !(leave_out && one.stuck));
    let all = sent.try_fold(own, |all, one| {
        let Allowance { rate, view, silent } = one.allowance;
        let (rate, view) = (all.rate.min(rate), all.view.or(view));
        let all = Allowance { rate, view, silent: all.silent || silent };
        (!one.behind && !wait).then_some(all)
    });
    (all, leave_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincan_proto::View;
    use tincan_proto::units::Bitrate;

    const OWN: Allowance =
        Allowance { rate: Bitrate::from_bps(u32::MAX), view: View::Hidden, silent: false };

    fn standing(kbps: u32, behind: bool, stuck: bool) -> Standing {
        let allowance = Allowance::from(Bitrate::from_kbps(kbps));
        Standing { allowance, behind, overdue: false, stuck }
    }

    #[test]
    fn pictures_wait_for_overdue_reports_only_if_all_are_overdue() {
        let overdue = Standing { overdue: true, ..standing(900, false, false) };
        assert_eq!(together(OWN, &[overdue]).0, None);
        assert_eq!(together(OWN, &[overdue, standing(60, true, true)]).0, None);
        assert!(together(OWN, &[overdue, standing(900, false, false)]).0.is_some());
    }

    #[test]
    fn whose_way_is_stuck_stops_nobody_else_s_picture() {
        let free = standing(900, false, false);
        let (all, left_out) = together(OWN, &[free, standing(60, true, true)]);
        assert_eq!(all.map(|all| all.rate), Some(Bitrate::from_kbps(900)));
        assert!(left_out);
        let (all, left_out) = together(OWN, &[standing(60, true, true)]);
        assert_eq!((all, left_out), (None, false), "there is nobody else");
    }

    #[test]
    fn for_a_moment_all_wait_for_the_slowest() {
        let (all, _) = together(OWN, &[standing(900, false, false), standing(60, true, false)]);
        assert_eq!(all, None);
        let (all, _) = together(OWN, &[standing(900, false, false), standing(60, false, false)]);
        assert_eq!(all.map(|all| all.rate), Some(Bitrate::from_kbps(60)));
    }

    #[test]
    fn being_behind_for_half_a_second_is_being_stuck() {
        let (mut waiting, start) = (Waiting::default(), Instant::now());
        assert!(!waiting.note(start, true));
        assert!(!waiting.note(start + STUCK_AFTER, true));
        let later = start + STUCK_AFTER + Duration::from_millis(1);
        assert!(waiting.note(later, true));
        assert!(!waiting.note(later, false));
        assert!(!waiting.note(later, true), "from now on");
    }
}
