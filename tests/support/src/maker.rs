//! Whose programs take part in a call.

/// Who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Maker {
    /// Ours.
    Tincan,
    /// Debian's Chromium.
    Chromium,
}

impl Maker {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tincan => "Tincan",
            Self::Chromium => "Chromium",
        }
    }

    /// The program that takes a side of a call without a window.
    pub const fn peer(self) -> &'static str {
        match self {
            Self::Tincan => "tincan-peer",
            Self::Chromium => "tincan-chromium-peer",
        }
    }
}
