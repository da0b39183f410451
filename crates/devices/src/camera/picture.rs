//! From a camera's bytes to I420 of limited range. Bytes that do not fit are dropped and
//! counted: cameras send torn pictures while they start and when a cable is bad.

use super::format::Pixels;
use std::time::Instant;
use tincan_media::frame::VideoFrame;
use tincan_proto::units::Resolution;
use yuv::{BufferStoreMut, YuvPackedImage, YuvPlanarImageMut};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// Converts the pictures of one camera.
pub(super) struct Converter {
    pixels: Pixels,
    size: Resolution,
    even: Resolution,
    decoded: Vec<u8>,
    ranges: Ranges,
    unreadable: u64,
}

impl Converter {
    /// For pictures of this kind and size; odd sides lose their last row or column.
    pub(super) fn new(pixels: Pixels, size: Resolution) -> Self {
        let ranges = Ranges::new();
        Self { pixels, size, even: size.even(), decoded: Vec::new(), ranges, unreadable: 0 }
    }

    /// How many pictures were dropped.
    pub(super) fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// Converts one picture; `None` if it is torn.
    pub(super) fn convert(&mut self, bytes: &[u8], captured: Instant) -> Option<VideoFrame> {
        let mut i420 = vec![0; self.even.area() * 3 / 2];
        let done = match self.pixels {
            Pixels::Yuyv => self.yuyv(bytes, &mut i420),
            Pixels::Nv12 => self.nv12(bytes, &mut i420),
            Pixels::Mjpeg => self.jpeg(bytes, &mut i420),
        };
        let frame = done.and_then(|()| VideoFrame::new(self.even, i420, captured).ok());
        self.unreadable += u64::from(frame.is_none());
        frame
    }

    fn yuyv(&self, bytes: &[u8], i420: &mut [u8]) -> Option<()> {
        let stride = self.size.width.next_multiple_of(2) * 2;
        let packed = YuvPackedImage {
            yuy: bytes.get(..stride as usize * self.even.height as usize)?,
            yuy_stride: stride,
            width: self.even.width,
            height: self.even.height,
        };
        let (y, u, v) = planes(i420, self.even);
        let half = self.even.width / 2;
        let mut planar = YuvPlanarImageMut {
            y_plane: BufferStoreMut::Borrowed(y),
            y_stride: self.even.width,
            u_plane: BufferStoreMut::Borrowed(u),
            u_stride: half,
            v_plane: BufferStoreMut::Borrowed(v),
            v_stride: half,
            width: self.even.width,
            height: self.even.height,
        };
        yuv::yuyv422_to_yuv420(&mut planar, &packed).ok()
    }

    fn nv12(&self, bytes: &[u8], i420: &mut [u8]) -> Option<()> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let even = self.even.width as usize;
        let colour_stride = width.next_multiple_of(2);
        let (brightness, colours) = bytes.split_at_checked(width * height)?;
        let colours = colours.get(..colour_stride * (height / 2))?;
        let (y, u, v) = planes(i420, self.even);
        for (to, from) in y.chunks_exact_mut(even).zip(brightness.chunks_exact(width)) {
            to.copy_from_slice(&from[..even]);
        }
        let rows = u.chunks_exact_mut(even / 2).zip(v.chunks_exact_mut(even / 2));
        for ((u, v), from) in rows.zip(colours.chunks_exact(colour_stride)) {
            for ((u, v), pair) in u.iter_mut().zip(v).zip(from.chunks_exact(2)) {
                (*u, *v) = (pair[0], pair[1]);
            }
        }
        Some(())
    }

    fn jpeg(&mut self, bytes: &[u8], i420: &mut [u8]) -> Option<()> {
        let options = DecoderOptions::default()
            .set_max_width(self.size.width as usize)
            .set_max_height(self.size.height as usize)
            .jpeg_set_out_colorspace(ColorSpace::YCbCr);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().ok()?;
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        if decoder.dimensions()? != (width, height) {
            return None;
        }
        let length = decoder.output_buffer_size()?;
        if length != width * height * 3 {
            return None;
        }
        self.decoded.resize(length, 0);
        decoder.decode_into(&mut self.decoded).ok()?;
        self.subsample(i420);
        Some(())
    }

    /// From interleaved full-range YCbCr 4:4:4 to planes of limited range 4:2:0.
    fn subsample(&self, i420: &mut [u8]) {
        let even = self.even.width as usize;
        let stride = self.size.width as usize * 3;
        let (y, u, v) = planes(i420, self.even);
        let colours = u.chunks_exact_mut(even / 2).zip(v.chunks_exact_mut(even / 2));
        let rows = y.chunks_exact_mut(2 * even).zip(self.decoded.chunks_exact(2 * stride));
        for ((y, from), (u, v)) in rows.zip(colours) {
            let (upper, lower) = from.split_at(stride);
            let (y_upper, y_lower) = y.split_at_mut(even);
            for (y, pixel) in y_upper.iter_mut().zip(upper.chunks_exact(3)) {
                *y = self.ranges.brightness[pixel[0] as usize];
            }
            for (y, pixel) in y_lower.iter_mut().zip(lower.chunks_exact(3)) {
                *y = self.ranges.brightness[pixel[0] as usize];
            }
            let squares = upper.chunks_exact(6).zip(lower.chunks_exact(6));
            for ((u, v), (a, b)) in u.iter_mut().zip(v).zip(squares) {
                let mean = |n: usize| {
                    let sum: u16 = [a[n], a[n + 3], b[n], b[n + 3]].map(u16::from).iter().sum();
                    usize::from((sum + 2) / 4)
                };
                *u = self.ranges.colour[mean(1)];
                *v = self.ranges.colour[mean(2)];
            }
        }
    }
}

fn planes(i420: &mut [u8], size: Resolution) -> (&mut [u8], &mut [u8], &mut [u8]) {
    let (y, colours) = i420.split_at_mut(size.area());
    let (u, v) = colours.split_at_mut(size.area() / 4);
    (y, u, v)
}

/// From the full range of JPEG (JFIF 1.02: 0 to 255) to the limited range of video (BT.601:
/// 16 to 235 and 16 to 240).
struct Ranges {
    brightness: [u8; 256],
    colour: [u8; 256],
}

impl Ranges {
    fn new() -> Self {
        let scaled = |low: u32, span: u32| {
            std::array::from_fn(|full| (low + (full as u32 * span + 127) / 255) as u8)
        };
        Self { brightness: scaled(16, 219), colour: scaled(16, 224) }
    }
}

#[cfg(test)]
mod tests;
