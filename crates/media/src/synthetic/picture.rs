//! The test picture: a noise tile with fresh grain in every frame and an ellipse of it that
//! moves, under a barcode that tells when the picture was made. The measuring harness paints
//! the same luma.

use crate::frame::{FrameError, VideoFrame};
use crate::synthetic::tile::{GRAINS, ROW, TILE, TILES};
use std::sync::{Arc, LazyLock};
use std::time::Instant;
use tincan_proto::units::{Resolution, UnixMillis};

/// Blocks of the barcode in a row; there are two rows.
const BLOCKS: usize = 16;
const WHITE: u8 = 235;
const BLACK: u8 = 16;

/// When a picture was made: milliseconds of the wall clock, modulo 2^24 (4.6 hours).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(u32);

impl Stamp {
    /// Of a time since the Unix epoch.
    pub const fn from_unix_millis(millis: u64) -> Self {
        Self((millis & 0xff_ffff) as u32)
    }

    /// The stamp's milliseconds, under 2^24.
    pub const fn millis(self) -> u32 {
        self.0
    }

    /// The full time, for a stamp made within the 4.6 hours before `now` (plus a second of
    /// difference between clocks).
    pub fn resolve(self, now: UnixMillis) -> UnixMillis {
        let latest = now.0 + 1000;
        let age = (latest & 0xff_ffff).wrapping_sub(u64::from(self.0)) & 0xff_ffff;
        UnixMillis(latest.saturating_sub(age))
    }

    /// 24 bits of time and the check byte over them.
    fn bits(self) -> u32 {
        self.0 << 8 | check(self.0)
    }

    fn from_bits(bits: u32) -> Option<Self> {
        let stamp = bits >> 8;
        (check(stamp) == bits & 0xff).then_some(Self(stamp))
    }
}

fn check(stamp: u32) -> u32 {
    (stamp ^ stamp >> 8 ^ stamp >> 16) & 0xff ^ 0x5a
}

/// The chroma of the picture; the luma is always the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// None, as the measuring harness paints.
    Grey,
    /// A gradient that people like to look at.
    Colour,
}

/// Paints the test picture in one size.
#[derive(Debug)]
pub struct Picture {
    resolution: Resolution,
    chroma: Arc<[u8]>,
}

impl Picture {
    /// A painter.
    ///
    /// # Errors
    /// [`FrameError::OddSize`].
    pub fn new(resolution: Resolution, style: Style) -> Result<Self, FrameError> {
        if resolution.area() == 0 || resolution.even() != resolution {
            return Err(FrameError::OddSize(resolution));
        }
        LazyLock::force(&TILES);
        Ok(Self { resolution, chroma: chroma(resolution, style) })
    }

    /// Paints the `n`th picture.
    pub fn paint(&mut self, n: u64, stamp: Stamp) -> VideoFrame {
        VideoFrame::paint(self.resolution, Instant::now(), |planes| {
            let (y, uv) = planes.split_at_mut(self.resolution.area());
            paint_luma(y, self.resolution, n);
            paint_stamp(y, self.resolution, stamp);
            uv.copy_from_slice(&self.chroma);
        })
        .expect("the size was checked when the painter was made")
    }
}

/// Reads the barcode of a picture, also of a scaled one. `None` where its check fails.
pub fn read_stamp(y: &[u8], resolution: Resolution) -> Option<Stamp> {
    let (width, height) = (resolution.width as usize, resolution.height as usize);
    let (block_width, block_height) = (width as f64 / BLOCKS as f64, height / 12);
    let mut bits = 0;
    for block in 0..2 * BLOCKS {
        let (column, row) = ((block % BLOCKS) as f64, (block / BLOCKS) as f64);
        let x = (column + 0.3) * block_width;
        let x = x as usize..=(x + 0.4 * block_width) as usize;
        let top = (row + 0.3) * block_height as f64;
        let (mut sum, mut count) = (0, 0);
        for line in top as usize..=(top + 0.4 * block_height as f64) as usize {
            let pixels = y.get(line * width..(line + 1) * width)?.get(x.clone())?;
            sum += pixels.iter().map(|&pixel| u32::from(pixel)).sum::<u32>();
            count += pixels.len() as u32;
        }
        bits = bits << 1 | u32::from(sum > 125 * count);
    }
    Stamp::from_bits(bits)
}

pub(super) fn paint_stamp(y: &mut [u8], resolution: Resolution, stamp: Stamp) {
    let (width, height) = (resolution.width as usize, resolution.height as usize);
    let (bits, block_height) = (stamp.bits(), height / 12);
    for row in 0..2 {
        let (before, lines) = y.split_at_mut((row * block_height + 1).min(height) * width);
        let line = &mut before[row * block_height * width..];
        for block in 0..BLOCKS {
            let set = bits >> (31 - row * BLOCKS - block) & 1 == 1;
            line[block * width / BLOCKS..(block + 1) * width / BLOCKS].fill(if set {
                WHITE
            } else {
                BLACK
            });
        }
        for copy in lines.chunks_exact_mut(width).take(block_height.saturating_sub(1)) {
            copy.copy_from_slice(line);
        }
    }
}

fn paint_luma(y: &mut [u8], resolution: Resolution, n: u64) {
    let (width, height) = (resolution.width as usize, resolution.height as usize);
    let tile = &TILES[(n % GRAINS as u64) as usize * 5 % GRAINS];
    let (dx, dy) = ((n % 256 * 3) as usize, (n % 256 * 2) as usize);
    let (cx, cy) = (width as f64 / 2.0, height as f64 * 0.58);
    let (rx, ry) = (width as f64 * 0.22, height as f64 * 0.36);
    for (line, row) in y.chunks_exact_mut(width).enumerate() {
        copy_run(row, tile, line, 0);
        let inside = 1.0 - ((line as f64 - cy) / ry).powi(2);
        if inside > 0.0 {
            let half = round(rx * inside.sqrt());
            let start = round(cx - half as f64);
            let end = (start + 2 * half).min(width);
            copy_run(&mut row[start..end], tile, line + dy, start + dx);
        }
    }
}

/// As JavaScript rounds, which is how the harness paints.
fn round(x: f64) -> usize {
    (x + 0.5).floor() as usize
}

fn copy_run(out: &mut [u8], tile: &[u8], line: usize, mut x: usize) {
    let row = &tile[line % TILE * ROW..][..ROW];
    for chunk in out.chunks_mut(TILE) {
        x %= TILE;
        chunk.copy_from_slice(&row[x..x + chunk.len()]);
        x += chunk.len();
    }
}

fn chroma(resolution: Resolution, style: Style) -> Arc<[u8]> {
    let (width, height) = (resolution.width as usize / 2, resolution.height as usize / 2);
    let pixels = (0..2).flat_map(|plane| {
        (0..height).flat_map(move |line| (0..width).map(move |x| (plane, line, x)))
    });
    let bars = height / 6;
    pixels
        .map(|(plane, line, x)| {
            let (right, down) = (x as f32 / width as f32, line as f32 / height as f32);
            match (style, plane) {
                (Style::Grey, _) => 128,
                // Black and white, for whoever looks at the barcode.
                (Style::Colour, _) if line < bars => 128,
                // From teal at the top left to violet and warm orange at the bottom right.
                (Style::Colour, 0) => (150.0 - 50.0 * right * down + 14.0 * (1.0 - right)) as u8,
                (Style::Colour, _) => (96.0 + 40.0 * right + 40.0 * down * right) as u8,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back_in_every_size_and_style() {
        for (width, height) in [(640, 480), (1280, 720), (322, 178), (160, 120), (1920, 1080)] {
            for style in [Style::Grey, Style::Colour] {
                let size = Resolution::new(width, height);
                let mut picture = Picture::new(size, style).unwrap();
                for stamp in [0, 1, 0x5a_a5_0f, 0xff_ff_ff] {
                    let stamp = Stamp::from_unix_millis(stamp);
                    let frame = picture.paint(7, stamp);
                    assert_eq!(read_stamp(frame.y(), size), Some(stamp), "{size}");
                }
            }
        }
    }

    #[test]
    fn a_picture_without_barcode_has_no_stamp() {
        let size = Resolution::VGA;
        assert_eq!(read_stamp(&vec![128; size.area()], size), None);
        assert_eq!(read_stamp(&[], size), None);
        let mut picture = Picture::new(size, Style::Grey).unwrap();
        let mut y = picture.paint(0, Stamp::from_unix_millis(5)).y().to_vec();
        y.chunks_mut(640).take(40).for_each(|line| line[..40].fill(WHITE));
        assert_eq!(read_stamp(&y, size), None);
    }

    #[test]
    fn a_stamp_is_resolved_against_the_clock_over_its_wrap() {
        let wrap = 0x123 << 24;
        for (made, now) in [(wrap - 3, wrap + 5), (wrap, wrap), (wrap + 900, wrap + 100)] {
            let stamp = Stamp::from_unix_millis(made);
            assert_eq!(stamp.resolve(UnixMillis(now)), UnixMillis(made));
        }
    }

    #[test]
    fn the_luma_is_that_of_the_measuring_harness() {
        // FNV-1a of what the harness's own painter makes.
        for (size, n, stamp, expected) in [
            (Resolution::VGA, 0, 0, 0x65d6_cdd7_0299_4f77),
            (Resolution::VGA, 7, 123_456, 0xb2b5_87c5_88d2_0fb2),
            (Resolution::VGA, 300, 0xff_ffff, 0x2632_f185_3aad_98e5),
            (Resolution::new(1280, 720), 1001, 99, 0xce68_cca3_f7de_e27c),
        ] {
            let mut picture = Picture::new(size, Style::Grey).unwrap();
            let frame = picture.paint(n, Stamp::from_unix_millis(stamp));
            let hash = frame.y().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &pixel| {
                (hash ^ u64::from(pixel)).wrapping_mul(0x100_0000_01b3)
            });
            assert_eq!(hash, expected, "picture {n} of {size}");
        }
    }

    #[test]
    fn only_the_grain_and_the_ellipse_move() {
        let size = Resolution::VGA;
        let mut picture = Picture::new(size, Style::Grey).unwrap();
        let stamp = Stamp::from_unix_millis(0);
        let (a, b) = (picture.paint(0, stamp), picture.paint(1, stamp));
        let moved = |x: usize, y: usize| a.y()[y * 640 + x].abs_diff(b.y()[y * 640 + x]);
        assert!((0..640).all(|x| moved(x, 470) <= 8), "outside there is grain only");
        let inside: u32 = (200..440).map(|x| u32::from(moved(x, 278))).sum();
        assert!(inside > 240 * 3, "the ellipse stands still");
        assert_eq!(a.u()[0], 128);
    }
}
