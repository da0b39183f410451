//! Camera pictures to I420 (BT.601, limited range), and I420 to a smaller I420.

use crate::frame::VideoFrame;
use std::time::Instant;
use tincan_proto::units::Resolution;
use yuv::{
    YuvConversionMode, YuvError, YuvPackedImage, YuvPlanarImageMut, YuvRange, YuvStandardMatrix,
};

/// How a camera lays its pixels out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// Packed 4:2:2: Y U Y V.
    Yuyv,
    /// Planar Y, then U and V in turn.
    Nv12,
    /// The planes Y, U and V.
    I420,
    /// Three bytes a pixel.
    Rgb,
    /// Four bytes a pixel, blue first.
    Bgra,
    /// Four bytes a pixel, red first.
    Rgba,
}

impl PixelFormat {
    /// Bytes of a picture without padding.
    pub const fn bytes(self, resolution: Resolution) -> usize {
        match self {
            Self::Yuyv => resolution.area() * 2,
            Self::Nv12 | Self::I420 => resolution.area() * 3 / 2,
            Self::Rgb => resolution.area() * 3,
            Self::Bgra | Self::Rgba => resolution.area() * 4,
        }
    }

    /// Bytes from one line to the next without padding (of the first plane).
    pub const fn stride(self, width: u32) -> u32 {
        match self {
            Self::Yuyv => width.saturating_mul(2),
            Self::Nv12 | Self::I420 => width,
            Self::Rgb => width.saturating_mul(3),
            Self::Bgra | Self::Rgba => width.saturating_mul(4),
        }
    }
}

/// Why bytes are not a picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// A side is odd or zero.
    #[error("a picture of {0} has no even sides")]
    Size(Resolution),
    /// Fewer bytes than the size needs.
    #[error("{got} bytes are too few for {resolution}")]
    Length {
        /// The size claimed.
        resolution: Resolution,
        /// Bytes given.
        got: usize,
    },
    /// The library refused.
    #[error("the picture cannot be converted: {0}")]
    Refused(String),
}

/// Converts a picture without padding between its lines.
///
/// # Errors
/// [`ConvertError`].
pub fn to_i420(
    format: PixelFormat,
    bytes: &[u8],
    resolution: Resolution,
    captured: Instant,
) -> Result<VideoFrame, ConvertError> {
    let got = bytes.len();
    if got < format.bytes(resolution) {
        return Err(ConvertError::Length { resolution, got });
    }
    to_i420_strided(format, bytes, format.stride(resolution.width), resolution, captured)
}

/// Converts a picture whose lines are `stride` bytes apart. Where planes follow each other
/// (NV12, I420) they have the same number of padding bytes in proportion.
///
/// # Errors
/// [`ConvertError`].
pub fn to_i420_strided(
    format: PixelFormat,
    bytes: &[u8],
    stride: u32,
    resolution: Resolution,
    captured: Instant,
) -> Result<VideoFrame, ConvertError> {
    let (width, height) = (resolution.width, resolution.height);
    let Some(padding) = stride.checked_sub(format.stride(width)) else {
        return Err(ConvertError::Length { resolution, got: bytes.len() });
    };
    let (stride_bytes, lines) = (stride as usize, height as usize);
    let needed = match format {
        PixelFormat::I420 => stride_bytes * lines * 3 / 2,
        PixelFormat::Nv12 => (stride_bytes * lines * 3 / 2).saturating_sub(padding as usize),
        PixelFormat::Yuyv | PixelFormat::Rgb | PixelFormat::Bgra | PixelFormat::Rgba => {
            (stride_bytes * lines).saturating_sub(padding as usize)
        }
    };
    if bytes.len() < needed {
        return Err(ConvertError::Length { resolution, got: bytes.len() });
    }
    let mut result = Ok(());
    let frame = VideoFrame::paint(resolution, captured, |planes| {
        result = convert(format, bytes, stride, (width, height), planes);
    })
    .map_err(|_| ConvertError::Size(resolution))?;
    result.map_err(|e| ConvertError::Refused(e.to_string()))?;
    Ok(frame)
}

fn convert(
    format: PixelFormat,
    bytes: &[u8],
    stride: u32,
    (width, height): (u32, u32),
    planes: &mut [u8],
) -> Result<(), YuvError> {
    let area = width as usize * height as usize;
    let (y, uv) = planes.split_at_mut(area);
    let (u, v) = uv.split_at_mut(area / 4);
    if let PixelFormat::I420 | PixelFormat::Nv12 = format {
        let (luma, chroma) = bytes.split_at(stride as usize * height as usize);
        copy_lines(y, luma, width as usize, stride as usize);
        if format == PixelFormat::Nv12 {
            split_chroma(u, v, chroma, width as usize, stride as usize);
        } else {
            let (half, from) = (width as usize / 2, stride as usize / 2);
            let (from_u, from_v) = chroma.split_at(from * height as usize / 2);
            copy_lines(u, from_u, half, from);
            copy_lines(v, from_v, half, from);
        }
        return Ok(());
    }
    let mut image = YuvPlanarImageMut {
        y_plane: yuv::BufferStoreMut::Borrowed(y),
        y_stride: width,
        u_plane: yuv::BufferStoreMut::Borrowed(u),
        u_stride: width / 2,
        v_plane: yuv::BufferStoreMut::Borrowed(v),
        v_stride: width / 2,
        width,
        height,
    };
    let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt601);
    let mode = YuvConversionMode::Balanced;
    match format {
        PixelFormat::Yuyv => yuv::yuyv422_to_yuv420(
            &mut image,
            &YuvPackedImage { yuy: bytes, yuy_stride: stride, width, height },
        ),
        PixelFormat::Rgb => yuv::rgb_to_yuv420(&mut image, bytes, stride, range, matrix, mode),
        PixelFormat::Bgra => yuv::bgra_to_yuv420(&mut image, bytes, stride, range, matrix, mode),
        PixelFormat::Rgba => yuv::rgba_to_yuv420(&mut image, bytes, stride, range, matrix, mode),
        PixelFormat::Nv12 | PixelFormat::I420 => Ok(()),
    }
}

fn copy_lines(to: &mut [u8], from: &[u8], width: usize, stride: usize) {
    for (to, from) in to.chunks_exact_mut(width).zip(from.chunks(stride)) {
        to.copy_from_slice(&from[..width]);
    }
}

fn split_chroma(u: &mut [u8], v: &mut [u8], chroma: &[u8], width: usize, stride: usize) {
    let half = width / 2;
    let lines = u.chunks_exact_mut(half).zip(v.chunks_exact_mut(half)).zip(chroma.chunks(stride));
    for ((u, v), pairs) in lines {
        for ((u, v), pair) in u.iter_mut().zip(v).zip(pairs.chunks_exact(2)) {
            (*u, *v) = (pair[0], pair[1]);
        }
    }
}

/// Converts a picture to RGBA, for windows that cannot decode.
///
/// # Errors
/// [`ConvertError::Length`] if `rgba` has not four bytes for each pixel.
pub fn to_rgba(frame: &VideoFrame, rgba: &mut [u8]) -> Result<(), ConvertError> {
    let resolution = frame.resolution();
    let width = resolution.width;
    if rgba.len() != resolution.area() * 4 {
        return Err(ConvertError::Length { resolution, got: rgba.len() });
    }
    let image = yuv::YuvPlanarImage {
        y_plane: frame.y(),
        y_stride: width,
        u_plane: frame.u(),
        u_stride: width / 2,
        v_plane: frame.v(),
        v_stride: width / 2,
        width,
        height: resolution.height,
    };
    yuv::yuv420_to_rgba(&image, rgba, width * 4, YuvRange::Limited, YuvStandardMatrix::Bt601)
        .map_err(|e| ConvertError::Refused(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Resolution = Resolution::new(64, 16);

    /// One colour in each format, with `padding` bytes behind each line.
    fn plain(format: PixelFormat, padding: usize) -> Vec<u8> {
        let (width, height) = (SIZE.width as usize, SIZE.height as usize);
        let line = |pixels: &[u8], count: usize| {
            let mut line = pixels.repeat(count);
            line.extend(vec![0xee; padding]);
            line
        };
        match format {
            PixelFormat::Yuyv => line(&[81, 90, 81, 240], width / 2).repeat(height),
            PixelFormat::Nv12 => {
                let mut all = line(&[81], width).repeat(height);
                all.extend(line(&[90, 240], width / 2).repeat(height / 2));
                all
            }
            PixelFormat::I420 => {
                let mut all = vec![81; width * height];
                all.extend(vec![90; width * height / 4]);
                all.extend(vec![240; width * height / 4]);
                all
            }
            PixelFormat::Rgb => line(&[255, 0, 0], width).repeat(height),
            PixelFormat::Bgra => line(&[0, 0, 255, 255], width).repeat(height),
            PixelFormat::Rgba => line(&[255, 0, 0, 255], width).repeat(height),
        }
    }

    const FORMATS: [PixelFormat; 6] = [
        PixelFormat::Yuyv,
        PixelFormat::Nv12,
        PixelFormat::I420,
        PixelFormat::Rgb,
        PixelFormat::Bgra,
        PixelFormat::Rgba,
    ];

    #[test]
    fn red_is_red_in_every_format_and_back() {
        for format in FORMATS {
            let frame = to_i420(format, &plain(format, 0), SIZE, Instant::now()).unwrap();
            let near = |plane: &[u8], value: u8| plane.iter().all(|x| x.abs_diff(value) <= 2);
            assert!(near(frame.y(), 81), "{format:?} {}", frame.y()[0]);
            assert!(near(frame.u(), 90), "{format:?} {}", frame.u()[0]);
            assert!(near(frame.v(), 240), "{format:?} {}", frame.v()[0]);
            let mut rgba = vec![0; SIZE.area() * 4];
            to_rgba(&frame, &mut rgba).unwrap();
            assert!(rgba[0] > 250 && rgba[1] < 6 && rgba[2] < 6, "{:?}", &rgba[..4]);
        }
    }

    #[test]
    fn padded_lines_are_understood() {
        for format in FORMATS.into_iter().filter(|format| *format != PixelFormat::I420) {
            let stride = format.stride(SIZE.width) + 32;
            let bytes = plain(format, 32);
            let padded = to_i420_strided(format, &bytes, stride, SIZE, Instant::now()).unwrap();
            let tight = to_i420(format, &plain(format, 0), SIZE, Instant::now()).unwrap();
            assert_eq!(padded.i420(), tight.i420(), "{format:?}");
        }
    }

    #[test]
    fn short_buffers_and_odd_sizes_are_refused() {
        for format in FORMATS {
            let bytes = plain(format, 0);
            let short = to_i420(format, &bytes[1..], SIZE, Instant::now());
            assert!(matches!(short, Err(ConvertError::Length { .. })), "{format:?}");
            let odd = Resolution::new(63, 16);
            let result = to_i420(format, &bytes, odd, Instant::now());
            assert_eq!(result.err(), Some(ConvertError::Size(odd)), "{format:?}");
        }
    }
}
