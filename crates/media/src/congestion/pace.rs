//! How fast pictures leave, beside what the way carries.

/// At this factor of what the network carries, so that one picture does not delay the next, and so that
/// they probe for more.
const PROBING: f64 = 2.5;
/// Where a way's rate is known to be small: a burst there is a queue that the voice would wait in. Pictures
/// of few packets are no probes anyway.
const NARROW: f64 = 1.4;
/// Where there is nothing to probe for, and bursts would only overflow what others fill.
const CONTESTED: f64 = 1.3;
/// A way that carries up to so many bits a second is narrow ...
const NARROW_TO: f64 = 500_000.0;
/// ... and one that carries so many is not at all.
const WIDE_FROM: f64 = 1_000_000.0;
/// Never slower, in bits a second, while the way's rate is not known: a way that carries less holds a
/// picture's packets itself.
const LEAST: f64 = 600_000.0;
/// Nor slower than this where it is: it may have been taken for what was sent.
const LEAST_NARROW: f64 = 300_000.0;

/// How fast pictures leave, in bits a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// As a rule.
    pub usual: f64,
    /// Those that would come too late else: large ones.
    pub most: f64,
}

/// The pace of pictures where `target` may be sent in all, in bits a second; `way`: what the way carries,
/// if that was seen of late; `contested`: somebody else keeps its queue full.
pub fn pace(target: f64, way: Option<f64>, contested: bool) -> Pace {
    let most = (target * if contested { CONTESTED } else { PROBING }).max(LEAST);
    let Some(way) = way.filter(|_| !contested) else { return Pace { usual: most, most } };
    let wide = ((way - NARROW_TO) / (WIDE_FROM - NARROW_TO)).clamp(0.0, 1.0);
    // A queue that is to run empty is no reason to hold back the picture that is made all the same.
    let usual = way.max(target) * (NARROW + (PROBING - NARROW) * wide);
    Pace { usual: usual.max(LEAST_NARROW), most: most.max(usual) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_probes_but_where_they_would_delay_the_voice() {
        let usual = |target, way, contested| pace(target, way, contested).usual;
        assert_eq!(usual(1e6, None, false), 2.5e6);
        assert_eq!(usual(1e5, None, false), LEAST, "nothing is known");
        assert_eq!(usual(2.7e5, Some(3e5), false), 4.2e5);
        assert_eq!(pace(2.7e5, Some(3e5), false).most, 2.7e5 * PROBING);
        assert_eq!(usual(0.6e5, Some(3e5), false), 4.2e5, "while a queue runs empty");
        assert_eq!(usual(0.8e5, Some(0.8e5), false), LEAST_NARROW);
        assert_eq!(usual(2e6, Some(2e6), false), 5e6);
        assert_eq!(usual(1e6, Some(2e6), true), 1.3e6);
        let between = usual(7e5, Some(7e5), false);
        assert!((1.4 * 7e5..2.5 * 7e5).contains(&between), "{between}");
    }
}
