//! Pictures before the encoder and after the decoder: planar 4:2:0, limited range, even sides.

use std::sync::Arc;
use std::time::Instant;
use tincan_proto::units::Resolution;

/// An uncompressed picture: the planes Y, U and V (I420), tightly packed in one buffer of
/// `width * height * 3 / 2` bytes. Cheap to clone.
#[derive(Clone)]
pub struct VideoFrame {
    resolution: Resolution,
    data: Arc<[u8]>,
    captured: Instant,
}

/// Why bytes are not a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A side is odd or zero.
    #[error("a 4:2:0 picture has even sides, not {0}")]
    OddSize(Resolution),
    /// The buffer has not `width * height * 3 / 2` bytes.
    #[error("{got} bytes are no I420 picture of {resolution}")]
    Length {
        /// The size claimed.
        resolution: Resolution,
        /// Bytes given.
        got: usize,
    },
}

impl VideoFrame {
    /// Wraps I420 planes taken at `captured`.
    ///
    /// # Errors
    /// See [`FrameError`].
    pub fn new(
        resolution: Resolution,
        data: impl Into<Arc<[u8]>>,
        captured: Instant,
    ) -> Result<Self, FrameError> {
        let data = data.into();
        if resolution.area() == 0 || resolution.even() != resolution {
            return Err(FrameError::OddSize(resolution));
        }
        if data.len() != resolution.area() * 3 / 2 {
            return Err(FrameError::Length { resolution, got: data.len() });
        }
        Ok(Self { resolution, data, captured })
    }

    /// Makes a picture by letting `paint` fill its planes (Y, U, V in one zeroed buffer),
    /// without a copy.
    ///
    /// # Errors
    /// [`FrameError::OddSize`].
    pub fn paint(
        resolution: Resolution,
        captured: Instant,
        paint: impl FnOnce(&mut [u8]),
    ) -> Result<Self, FrameError> {
        if resolution.area() == 0 || resolution.even() != resolution {
            return Err(FrameError::OddSize(resolution));
        }
        let mut data: Arc<[u8]> = std::iter::repeat_n(0, resolution.area() * 3 / 2).collect();
        if let Some(planes) = Arc::get_mut(&mut data) {
            paint(planes);
        }
        Ok(Self { resolution, data, captured })
    }

    /// The same picture with another time.
    #[must_use]
    pub fn at(self, captured: Instant) -> Self {
        Self { captured, ..self }
    }

    /// Size in pixels.
    pub fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// When it was taken (or decoded), by the monotonic clock.
    pub fn captured(&self) -> Instant {
        self.captured
    }

    /// All three planes, Y then U then V.
    pub fn i420(&self) -> &[u8] {
        &self.data
    }

    /// Brightness, `width * height` bytes.
    pub fn y(&self) -> &[u8] {
        &self.data[..self.resolution.area()]
    }

    /// Blue difference, a quarter of that.
    pub fn u(&self) -> &[u8] {
        let area = self.resolution.area();
        &self.data[area..area * 5 / 4]
    }

    /// Red difference, as many.
    pub fn v(&self) -> &[u8] {
        &self.data[self.resolution.area() * 5 / 4..]
    }
}

impl std::fmt::Debug for VideoFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VideoFrame({})", self.resolution)
    }
}
