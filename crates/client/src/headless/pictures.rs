//! What the headless peer sends of pictures: the test picture, or a page of text as if it shared a
//! screen.

use super::protocol::{ShareLine, VideoLine};
use crate::media::still::StillSource;
use anyhow::Context;
use tincan_media::codec::h264::Content;
use tincan_media::device::CameraFormat;
use tincan_media::frame::VideoFrame;
use tincan_media::ladder::{Ladder, PictureQuality, Rung};
use tincan_media::mailbox::{NewestOut, newest};
use tincan_media::pipeline::video_send::{VideoSend, VideoSendPipeline};
use tincan_media::synthetic::page::Page;
use tincan_media::synthetic::picture::Style;
use tincan_media::synthetic::test_picture::TestPicture;
use tincan_peer_connection::MediaSender;
use tincan_proto::units::{Bitrate, FrameRate, Resolution};

/// Rate of the encoder at 640x480 and 30 pictures a second, which is a browser's; others in proportion to
/// pixels, but no more than the app sends.
const VGA_RATE: Bitrate = Bitrate::from_kbps(1_700);

/// A source and its encoder.
pub struct Pictures {
    pipeline: VideoSendPipeline,
    _source: Source,
}

enum Source {
    Picture { _picture: TestPicture },
    Page { _page: Page, _repeated: StillSource },
}

impl Pictures {
    /// The test picture.
    ///
    /// # Errors
    /// What the encoder or the painter says.
    pub fn test_picture(video: &VideoLine, media: MediaSender) -> anyhow::Result<Self> {
        let format = CameraFormat {
            resolution: Resolution::new(video.w, video.h),
            rate: FrameRate::from_fps(video.fps),
        };
        let app = below(format);
        let vga = in_proportion(VGA_RATE, Resolution::VGA, FrameRate::from_fps(30), format);
        let rate = vga.min(in_proportion(app.most, app.bounds, app.rate, format));
        let rate = video.max_kbps.map(Bitrate::from_kbps).map_or(rate, |most| rate.min(most));
        let (sink, frames) = newest();
        let top = Rung { bounds: format.resolution, rate: format.rate, most: rate, ..app };
        let pipeline = encode(frames, Ladder::up_to(top), Content::Camera, media)?;
        let picture = TestPicture::start(format, Style::Grey, sink)
            .context("while starting the test picture")?;
        Ok(Self { pipeline, _source: Source::Picture { _picture: picture } })
    }

    /// A page of text.
    ///
    /// # Errors
    /// What the encoder or the painter says.
    pub fn page(share: &ShareLine, media: MediaSender) -> anyhow::Result<Self> {
        let format = CameraFormat {
            resolution: Resolution::new(share.w, share.h),
            rate: FrameRate::from_fps(share.fps),
        };
        let (sink, frames) = newest();
        let page = Page::start(format, share.scrolls, sink).context("while starting the page")?;
        let repeated = StillSource::start(frames, |_| {});
        let frames = repeated.pictures();
        let pipeline = encode(frames, Ladder::screen(), Content::Screen, media)?;
        Ok(Self { pipeline, _source: Source::Page { _page: page, _repeated: repeated } })
    }

    /// The encoder.
    pub fn pipeline(&self) -> &VideoSendPipeline {
        &self.pipeline
    }
}

/// What pictures of `format` need, if those of this size and rate need `rate`.
fn in_proportion(
    rate: Bitrate,
    size: Resolution,
    pictures: FrameRate,
    format: CameraFormat,
) -> Bitrate {
    let pixels = |size: Resolution, pictures: FrameRate| {
        size.area() as u64 * u64::from(pictures.fps().max(1))
    };
    let kbps = u64::from(rate.bps()) / 1000 * pixels(format.resolution, format.rate)
        / pixels(size, pictures).max(1);
    Bitrate::from_kbps(kbps.clamp(100, 20_000) as u32)
}

/// The app's rung of this size, or the one below.
fn below(format: CameraFormat) -> Rung {
    let rungs =
        [PictureQuality::Hd, PictureQuality::High, PictureQuality::Medium, PictureQuality::Low]
            .map(PictureQuality::top);
    let fits = |rung: &&Rung| rung.bounds.area() <= format.resolution.area();
    *rungs.iter().find(fits).unwrap_or(&rungs[rungs.len() - 1])
}

fn encode(
    frames: NewestOut<VideoFrame>,
    ladder: Ladder,
    content: Content,
    media: MediaSender,
) -> anyhow::Result<VideoSendPipeline> {
    let rate = Box::new({
        let media = media.clone();
        move || {
            let budget = media.budget();
            (!media.is_behind() && !budget.overdue).then(|| budget.into())
        }
    });
    let sink = Box::new(move |picture| {
        media.send_video(&picture);
    });
    VideoSendPipeline::start(frames, VideoSend { content, ladder, rate, tap: None }, sink)
        .context("while starting the encoder")
}
