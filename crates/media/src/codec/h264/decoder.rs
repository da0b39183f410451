//! Access units to pictures. Says when a picture cannot be decoded; freezing the view and asking
//! for a key frame is the caller's part.

use super::library::library;
use crate::frame::VideoFrame;
use openh264::decoder::{DecodedYUV, Decoder, DecoderConfig, Flush};
use openh264::formats::YUVSource;
use std::time::Instant;
use tincan_proto::units::Resolution;

/// The largest picture taken from the wire: 4096 x 2304, level 5.1.
const MAX_AREA: usize = 4096 * 2304;

/// Why there is no picture. After any of these nothing decodes until the next key frame.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// OpenH264 could not be set up.
    #[error("the decoder cannot be set up: {0}")]
    Setup(String),
    /// The stream is damaged, or a picture it refers to is missing.
    #[error("the picture cannot be decoded: {0}")]
    Damaged(String),
    /// The picture's size is not one that we show.
    #[error("a picture of {0} is not supported")]
    Size(Resolution),
}

/// An H.264 decoder.
pub struct H264Decoder {
    decoder: Decoder,
}

impl H264Decoder {
    /// Makes a decoder.
    ///
    /// # Errors
    /// [`DecodeError::Setup`].
    pub fn new() -> Result<Self, DecodeError> {
        // Flushing after each picture makes OpenH264 report errors for good streams.
        let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        let library = library().map_err(DecodeError::Setup)?;
        let decoder = Decoder::with_api_config(library, config)
            .map_err(|e| DecodeError::Setup(e.to_string()))?;
        Ok(Self { decoder })
    }

    /// Decodes one access unit with start codes. The picture's time is that of the call.
    /// `None`: the unit held no picture.
    ///
    /// # Errors
    /// [`DecodeError`]: show the last picture on and ask for a key frame.
    pub fn decode(&mut self, annex_b: &[u8]) -> Result<Option<VideoFrame>, DecodeError> {
        if annex_b.is_empty() {
            // To OpenH264 this means the end of the stream.
            return Ok(None);
        }
        let decoded =
            self.decoder.decode(annex_b).map_err(|e| DecodeError::Damaged(e.to_string()))?;
        decoded.map(|picture| copy(&picture)).transpose()
    }
}

fn copy(picture: &DecodedYUV<'_>) -> Result<VideoFrame, DecodeError> {
    let (width, height) = picture.dimensions();
    let (stride_y, stride_uv, _) = picture.strides();
    // Others may crop to odd sides; the last line or column is left out then.
    let resolution = Resolution::new(width as u32, height as u32).even();
    let (width, height) = (resolution.width as usize, resolution.height as usize);
    if width * height > MAX_AREA || stride_y < width || stride_uv < width / 2 {
        return Err(DecodeError::Size(resolution));
    }
    VideoFrame::paint(resolution, Instant::now(), |planes| {
        let (y, uv) = planes.split_at_mut(width * height);
        let (u, v) = uv.split_at_mut(width * height / 4);
        for (to, from, stride, width) in [
            (y, picture.y(), stride_y, width),
            (u, picture.u(), stride_uv, width / 2),
            (v, picture.v(), stride_uv, width / 2),
        ] {
            for (to, from) in to.chunks_exact_mut(width).zip(from.chunks(stride)) {
                to.copy_from_slice(&from[..width]);
            }
        }
    })
    .map_err(|_| DecodeError::Size(resolution))
}
