//! What the parts of the chain do, for meters.

/// Share of the past that stays with each block: half is gone after about 350 ms.
const FADE: f32 = 0.98;

/// What the parts did lately, in decibels; absent where a part is off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ChainMeters {
    /// Echo taken out while the speaker could be heard (echo return loss enhancement, if nobody
    /// speaks here).
    pub echo_db: Option<f32>,
    /// Noise taken out.
    pub noise_db: Option<f32>,
    /// Gain applied to the voice.
    pub gain_db: Option<f32>,
    /// How much later the microphone hears what the speaker was given.
    pub delay_ms: Option<u32>,
}

/// The ratio of two powers over the last moments.
#[derive(Clone, Copy, Default)]
pub(super) struct Ratio {
    before: f32,
    after: f32,
}

impl Ratio {
    pub fn add(&mut self, before: f32, after: f32) {
        self.before = FADE * self.before + before;
        self.after = FADE * self.after + after;
    }

    /// After to before; 0 before anything was heard.
    pub fn db(&self) -> f32 {
        if self.before <= 0.0 {
            return 0.0;
        }
        (10.0 * (self.after / self.before).max(1e-9).log10()).clamp(-90.0, 60.0)
    }
}
