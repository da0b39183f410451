//! What this person sees of a screen that they share: small and slow, by an encoder of its own.
//! The window would otherwise decode and draw as much as the far side's does.

use crate::ports::{Tile, TilePicture, Tiles};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tincan_media::codec::h264::{Content, EncodeError, EncoderSettings, H264Encoder};
use tincan_media::frame::VideoFrame;
use tincan_media::process::scale::{fit, scale};
use tincan_proto::units::{Bitrate, FrameRate, Resolution};

/// The tile is no larger than half of this, on a display of two pixels a point.
const BOUNDS: Resolution = Resolution::new(480, 300);
/// Pictures are at least so far apart.
const PAUSE: Duration = Duration::from_millis(120);
/// Enough for sharp edges at this size.
const RATE: Bitrate = Bitrate::from_kbps(600);

/// Asks for a key frame of the own view.
#[derive(Clone, Debug, Default)]
pub struct OwnViewKey(Arc<AtomicBool>);

impl OwnViewKey {
    /// The next picture is a key frame.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The view.
pub struct OwnView {
    encoder: H264Encoder,
    tiles: Arc<dyn Tiles>,
    key: OwnViewKey,
    shown: Option<Instant>,
}

impl OwnView {
    /// A view in the own tile.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn new(tiles: Arc<dyn Tiles>) -> Result<Self, EncodeError> {
        let encoder = H264Encoder::new(EncoderSettings {
            resolution: BOUNDS,
            rate: FrameRate::from_fps(8),
            bitrate: RATE,
            content: Content::Camera,
        })?;
        Ok(Self { encoder, tiles, key: OwnViewKey::default(), shown: None })
    }

    /// To ask for key frames with.
    pub fn key(&self) -> OwnViewKey {
        self.key.clone()
    }

    /// Shows a picture, unless another one was shown a moment ago.
    pub fn show(&mut self, frame: &VideoFrame) {
        let now = Instant::now();
        if self.shown.is_some_and(|shown| now < shown + PAUSE) {
            return;
        }
        self.shown = Some(now);
        let small = match scale(frame, fit(frame.resolution(), BOUNDS)) {
            Ok(small) => small,
            Err(error) => return tracing::warn!(%error, "the own view misses a picture"),
        };
        let key = self.key.0.swap(false, Ordering::Relaxed);
        match self.encoder.encode(&small, key) {
            Ok(Some(coded)) => {
                let (annex_b, key) = (coded.annex_b, coded.key);
                self.tiles.push(&Tile::Own, TilePicture { annex_b, key });
            }
            // The one asked for was skipped: the next will be it.
            Ok(None) if key => self.key.request(),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the own view misses a picture"),
        }
    }
}
