//! The one picture track: what is encoded for it, one source at a time. A source begins with a key
//! frame of its own encoder, and nothing of the one before comes after that; no negotiation.

use super::outlets::Outlets;
use super::own_view::OwnView;
use crate::ports::{Tile, TilePicture, Tiles};
use std::sync::Arc;
use tincan_call::{Picture, ShareId};
use tincan_media::codec::h264::{Content, EncodeError, EncoderSettings};
use tincan_media::device::CameraFormat;
use tincan_media::encoded::EncodedVideo;
use tincan_media::frame::VideoFrame;
use tincan_media::mailbox::NewestOut;
use tincan_media::pipeline::video_send::VideoSendPipeline;
use tincan_proto::units::{Bitrate, FrameRate, Resolution};

/// What cameras are asked for.
pub const CAMERA: CameraFormat =
    CameraFormat { resolution: Resolution::VGA, rate: FrameRate::from_fps(30) };
/// The rate of a camera's pictures until it adapts to the network.
const CAMERA_RATE: Bitrate = Bitrate::from_kbps(1_500);
/// The same of a screen's: text scrolls legibly, and a still screen takes next to none of it.
const SCREEN_RATE: Bitrate = Bitrate::from_kbps(2_500);
/// The most that a screen is taken in.
const SCREEN: CameraFormat =
    CameraFormat { resolution: Resolution::new(1920, 1080), rate: FrameRate::from_fps(30) };

/// Where pictures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The camera.
    Camera,
    /// A screen.
    Screen(ShareId),
}

impl Source {
    /// Where this picture comes from.
    pub fn of(picture: Picture) -> Option<Self> {
        match picture {
            Picture::Nothing => None,
            Picture::Camera => Some(Self::Camera),
            Picture::Screen(share) => Some(Self::Screen(share)),
        }
    }
}

/// The track.
pub struct Track {
    outlets: Arc<Outlets>,
    tiles: Arc<dyn Tiles>,
    source: Option<Source>,
}

impl Track {
    /// A track without a source.
    pub fn new(outlets: Arc<Outlets>, tiles: Arc<dyn Tiles>) -> Self {
        Self { outlets, tiles, source: None }
    }

    /// Where its pictures come from now.
    pub fn source(&self) -> Option<Source> {
        self.source
    }

    /// Takes pictures from another source from now on.
    ///
    /// # Errors
    /// [`EncodeError`]; it has no source then.
    pub fn carry(
        &mut self,
        source: Source,
        frames: NewestOut<VideoFrame>,
    ) -> Result<(), EncodeError> {
        // The one before is silent first.
        self.outlets.set_encoder(None, None);
        self.source = None;
        let (format, bitrate, content) = match source {
            Source::Camera => (CAMERA, CAMERA_RATE, Content::Camera),
            Source::Screen(_) => (SCREEN, SCREEN_RATE, Content::Screen),
        };
        let settings =
            EncoderSettings { resolution: format.resolution, rate: format.rate, bitrate, content };
        let (outlets, tiles) = (self.outlets.clone(), self.tiles.clone());
        let rate = Box::new({
            let outlets = outlets.clone();
            move || outlets.video_rate()
        });
        let (encoder, own_view) = match source {
            Source::Camera => {
                let sink = Box::new(move |picture: EncodedVideo| {
                    outlets.send_video(source, &picture);
                    let (annex_b, key) = (picture.annex_b, picture.key);
                    tiles.push(&Tile::Own, TilePicture { annex_b, key });
                });
                (VideoSendPipeline::start(frames, settings, rate, sink)?, None)
            }
            Source::Screen(_) => {
                let mut view = OwnView::new(tiles)?;
                let key = view.key();
                let tap = Box::new(move |frame: &VideoFrame| view.show(frame));
                let sink = Box::new(move |picture| outlets.send_video(source, &picture));
                (VideoSendPipeline::with_tap(frames, settings, Some(tap), rate, sink)?, Some(key))
            }
        };
        self.outlets.set_encoder(Some(encoder), own_view);
        self.source = Some(source);
        Ok(())
    }

    /// Ends a source, unless another one has taken its place.
    pub fn end(&mut self, source: Source) {
        if self.source == Some(source) {
            self.outlets.set_encoder(None, None);
            self.source = None;
            self.tiles.close(&Tile::Own);
        }
    }
}
