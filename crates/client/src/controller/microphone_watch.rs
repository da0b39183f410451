//! Whether the microphone delivers nothing, or is so loud that it is cut off.

use tincan_media::process::level::Level;
use tincan_proto::MicrophoneHealth;

/// The quietest room is louder: what lies below is a microphone that is switched off, in dBFS.
const NOTHING_DBFS: f32 = -85.0;
/// Speech as loud as this, on average over a block, is cut off at its peaks, in dBFS.
const CUT_OFF_DBFS: f32 = -5.0;
/// So many looks in a row (8 s) of nothing are silence.
const SILENT_AFTER: u32 = 80;
/// A look that is too loud counts for so many looks (20 s)...
const LOUD_FOR: u32 = 200;
/// ...and so many of them are too many.
const TOO_LOUD: u32 = 15;

/// Looks ten times a second.
#[derive(Clone, Debug, Default)]
pub struct MicrophoneWatch {
    looks: u32,
    nothing: u32,
    loud: u32,
}

impl MicrophoneWatch {
    /// Takes how loud it is before processing; none while it is muted.
    pub fn look(&mut self, level: Option<Level>) {
        let Some(level) = level else {
            *self = Self::default();
            return;
        };
        self.looks = self.looks.saturating_add(1);
        self.nothing = if level.dbfs() < NOTHING_DBFS { self.nothing.saturating_add(1) } else { 0 };
        if level.dbfs() > CUT_OFF_DBFS {
            self.loud = (self.loud + 1).min(2 * TOO_LOUD);
        } else if self.looks.is_multiple_of(LOUD_FOR / TOO_LOUD) {
            self.loud = self.loud.saturating_sub(1);
        }
    }

    /// How it sounds.
    pub const fn health(&self) -> MicrophoneHealth {
        if self.looks == 0 {
            MicrophoneHealth::Off
        } else if self.nothing >= SILENT_AFTER {
            MicrophoneHealth::Silent
        } else if self.loud >= TOO_LOUD {
            MicrophoneHealth::Clipping
        } else {
            MicrophoneHealth::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(looks: &[(u32, f32)]) -> MicrophoneHealth {
        let mut watch = MicrophoneWatch::default();
        for (times, rms) in looks {
            for _ in 0..*times {
                watch.look(Some(Level::from_rms(*rms)));
            }
        }
        watch.health()
    }

    #[test]
    fn only_a_long_nothing_is_silence() {
        assert_eq!(after(&[(79, 0.0)]), MicrophoneHealth::Good);
        assert_eq!(after(&[(80, 0.0)]), MicrophoneHealth::Silent);
        assert_eq!(after(&[(80, 0.0), (1, 0.0005)]), MicrophoneHealth::Good, "a quiet room");
    }

    #[test]
    fn a_loud_word_is_no_clipping_and_shouting_on_is() {
        assert_eq!(after(&[(8, 0.7), (40, 0.05)]), MicrophoneHealth::Good);
        let shouting = [(8, 0.7), (10, 0.05), (8, 0.7)];
        assert_eq!(after(&shouting), MicrophoneHealth::Clipping);
        let later = [&shouting[..], &[(260, 0.05)]].concat();
        assert_eq!(after(&later), MicrophoneHealth::Good);
    }

    #[test]
    fn a_muted_microphone_is_neither() {
        let mut watch = MicrophoneWatch::default();
        for _ in 0..100 {
            watch.look(Some(Level::from_rms(0.0)));
        }
        watch.look(None);
        assert_eq!(watch.health(), MicrophoneHealth::Off);
    }
}
