//! Units as types, so that a width is never taken for a bit rate.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use ts_rs::TS;

/// A bit rate in bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[ts(as = "u32")]
pub struct Bitrate(u32);

impl Bitrate {
    /// From kilobits (1000 bits) per second.
    pub const fn from_kbps(kbps: u32) -> Self {
        Self(kbps.saturating_mul(1000))
    }

    /// From bits per second.
    pub const fn from_bps(bps: u32) -> Self {
        Self(bps)
    }

    /// Bits per second.
    pub const fn bps(self) -> u32 {
        self.0
    }
}

/// A picture's size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
pub struct Resolution {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Resolution {
    /// 640 x 480.
    pub const VGA: Self = Self { width: 640, height: 480 };

    /// A size in pixels.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// The largest size with even sides that fits inside: 4:2:0 pictures have no odd ones.
    pub const fn even(self) -> Self {
        Self { width: self.width & !1, height: self.height & !1 }
    }

    /// Number of pixels.
    pub const fn area(self) -> usize {
        self.width as usize * self.height as usize
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Pictures per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[ts(as = "u32")]
pub struct FrameRate(u32);

impl FrameRate {
    /// From pictures per second; at least 1.
    pub const fn from_fps(fps: u32) -> Self {
        Self(if fps == 0 { 1 } else { fps })
    }

    /// Pictures per second.
    pub const fn fps(self) -> u32 {
        self.0
    }

    /// The time from one picture to the next.
    pub const fn interval(self) -> Duration {
        Duration::from_nanos(1_000_000_000 / self.0 as u64)
    }
}

/// Milliseconds since the Unix epoch, by the clock of whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[ts(as = "f64")]
pub struct UnixMillis(pub u64);
