//! Pictures small enough for a list of screens, as PNG files.

use crate::frame::VideoFrame;
use crate::process::convert::{PixelFormat, to_rgba};
use crate::process::scale::{fit, scale};
use crate::screen::{ScreenError, THUMBNAIL, Thumbnail};

/// Makes the thumbnail of a picture; a small picture keeps its size.
///
/// # Errors
/// [`ScreenError::Unsupported`] where the picture cannot be coded.
pub fn thumbnail(frame: &VideoFrame) -> Result<Thumbnail, ScreenError> {
    let resolution = fit(frame.resolution(), THUMBNAIL);
    let small = scale(frame, resolution).map_err(unusable)?;
    let mut rgba = vec![0; PixelFormat::Rgba.bytes(resolution)];
    to_rgba(&small, &mut rgba).map_err(unusable)?;
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, resolution.width, resolution.height);
    encoder.set_color(png::ColorType::Rgb);
    // A list is looked at for seconds: the time to make it counts for more than its bytes.
    encoder.set_compression(png::Compression::Fast);
    let rgb: Vec<u8> = rgba.chunks_exact(4).flat_map(|pixel| &pixel[..3]).copied().collect();
    let mut writer = encoder.write_header().map_err(unusable)?;
    writer.write_image_data(&rgb).map_err(unusable)?;
    writer.finish().map_err(unusable)?;
    Ok(Thumbnail { resolution, png })
}

fn unusable(error: impl std::fmt::Display) -> ScreenError {
    ScreenError::Unsupported(format!("no thumbnail: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tincan_proto::units::Resolution;

    #[test]
    fn a_thumbnail_keeps_the_shape_and_the_colours() {
        let red = VideoFrame::paint(Resolution::new(1920, 1080), Instant::now(), |planes| {
            let (y, uv) = planes.split_at_mut(1920 * 1080);
            y.fill(81);
            let (u, v) = uv.split_at_mut(1920 * 1080 / 4);
            u.fill(90);
            v.fill(240);
        })
        .unwrap();
        let thumbnail = thumbnail(&red).unwrap();
        assert_eq!(thumbnail.resolution, Resolution::new(320, 180));
        let file = std::io::Cursor::new(&thumbnail.png);
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (320, 180));
        assert!(
            pixels.chunks(3).all(|p| p[0] > 245 && p[1] < 10 && p[2] < 10),
            "{:?}",
            &pixels[..3]
        );
    }
}
