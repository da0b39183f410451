//! How loud sound is, for meters and for RFC 6464.

/// The level at which a meter shows nothing.
const METER_FLOOR_DBFS: f32 = -60.0;

/// How loud a piece of sound is.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Level {
    rms: f32,
}

impl Level {
    /// Of some samples: the root of their mean square. A full-scale sine has 0.707.
    pub fn of(samples: &[f32]) -> Self {
        if samples.is_empty() {
            return Self::default();
        }
        let squares: f32 = samples.iter().map(|x| x * x).sum();
        Self { rms: (squares / samples.len() as f32).sqrt() }
    }

    /// Of a root mean square.
    pub const fn from_rms(rms: f32) -> Self {
        Self { rms }
    }

    /// The root mean square, 0 to 1.
    pub const fn rms(self) -> f32 {
        self.rms
    }

    /// Decibels to full scale: 0 is the loudest, silence is -127.
    pub fn dbfs(self) -> f32 {
        (20.0 * self.rms.max(1e-9).log10()).clamp(-127.0, 0.0)
    }

    /// Decibels below overload as RFC 6464 sends them: 0 loudest, 127 silence.
    pub fn dbov(self) -> u8 {
        -self.dbfs().round() as u8
    }

    /// From 0 (-60 dBFS and less) to 1 (full scale), even in decibels.
    pub fn meter(self) -> f32 {
        (1.0 - self.dbfs() / METER_FLOOR_DBFS).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_agree_at_their_ends_and_in_between() {
        let silence = Level::of(&[0.0; 480]);
        assert_eq!((silence.dbov(), silence.meter()), (127, 0.0));
        let full = Level::of(&[1.0, -1.0]);
        assert_eq!((full.dbov(), full.meter(), full.dbfs()), (0, 1.0, 0.0));
        let middle = Level::from_rms(0.0316228);
        assert_eq!(middle.dbov(), 30);
        assert!((middle.meter() - 0.5).abs() < 0.001);
        assert_eq!(Level::of(&[]), Level::default());
    }

    #[test]
    fn overload_is_not_louder_than_full_scale() {
        assert_eq!(Level::from_rms(4.0).dbov(), 0);
        assert_eq!(Level::from_rms(4.0).meter(), 1.0);
    }
}
