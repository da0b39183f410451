//! The one picture track: what is encoded for it, one source at a time. A source begins with a key
//! frame of its own encoder, and nothing of the one before comes after that; no negotiation.

use super::outlets::Outlets;
use super::own_view::OwnView;
use crate::ports::{Tile, TilePicture, Tiles};
use std::sync::Arc;
use tincan_call::{Picture, ShareId};
use tincan_media::codec::h264::{Content, EncodeError};
use tincan_media::device::CameraFormat;
use tincan_media::encoded::EncodedVideo;
use tincan_media::frame::VideoFrame;
use tincan_media::ladder::{Ladder, PictureQuality, Rung};
use tincan_media::mailbox::NewestOut;
use tincan_media::pipeline::video_send::{VideoSend, VideoSendPipeline, VideoTap};
use tincan_proto::units::Resolution;

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
            Picture::Nothing | Picture::Paused => None,
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
    quality: PictureQuality,
}

impl Track {
    /// A track without a source.
    pub fn new(outlets: Arc<Outlets>, tiles: Arc<dyn Tiles>) -> Self {
        Self { outlets, tiles, source: None, quality: PictureQuality::default() }
    }

    /// Where its pictures come from now.
    pub fn source(&self) -> Option<Source> {
        self.source
    }

    /// What the camera's pictures are sent in, at most.
    pub fn quality(&self) -> PictureQuality {
        self.quality
    }

    /// Sends the next camera's pictures in this, at most.
    pub fn set_quality(&mut self, quality: PictureQuality) {
        self.quality = quality;
    }

    /// What a camera is asked for.
    pub fn camera_format(&self) -> CameraFormat {
        let top = self.quality.top();
        CameraFormat { resolution: top.bounds, rate: top.rate }
    }

    /// In which size the camera's pictures came last, and the rung that they were sent on.
    pub fn delivered(&self) -> Option<(Resolution, Rung)> {
        let encoded = self.outlets.encoded().filter(|_| self.source == Some(Source::Camera))?;
        Some((encoded.came?, encoded.rung?))
    }

    /// Takes the pictures of the same source from here from now on.
    pub fn go_on_with(&self, frames: NewestOut<VideoFrame>) {
        self.outlets.go_on_with(frames);
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
        let (outlets, tiles) = (self.outlets.clone(), self.tiles.clone());
        let rate = Box::new({
            let outlets = outlets.clone();
            move || outlets.allowance()
        });
        let send =
            |content, ladder, tap: Option<VideoTap>| VideoSend { content, ladder, rate, tap };
        let (encoder, own_view) = match source {
            Source::Camera => {
                let sink = Box::new(move |picture: EncodedVideo| {
                    outlets.send_video(source, &picture);
                    let (annex_b, key) = (picture.annex_b, picture.key);
                    tiles.push(&Tile::Own, TilePicture { annex_b, key });
                });
                let send = send(Content::Camera, Ladder::camera(self.quality), None);
                (VideoSendPipeline::start(frames, send, sink)?, None)
            }
            Source::Screen(_) => {
                let mut view = OwnView::new(tiles)?;
                let key = view.key();
                let tap = Box::new(move |frame: &VideoFrame| view.show(frame));
                let sink = Box::new(move |picture| outlets.send_video(source, &picture));
                let send = send(Content::Screen, Ladder::screen(), Some(tap));
                (VideoSendPipeline::start(frames, send, sink)?, Some(key))
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
