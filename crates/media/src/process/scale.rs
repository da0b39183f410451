//! Pictures made smaller, for an encoder on a lower rung than the camera.

use crate::frame::{FrameError, VideoFrame};
use tincan_proto::units::Resolution;

/// Scales a picture to `target`. Halves it while it is twice as large or more, then interpolates
/// between four pixels.
///
/// # Errors
/// [`FrameError::OddSize`] of the target.
pub fn scale(frame: &VideoFrame, target: Resolution) -> Result<VideoFrame, FrameError> {
    if frame.resolution() == target {
        return Ok(frame.clone());
    }
    let planes = [frame.y(), frame.u(), frame.v()];
    VideoFrame::paint(target, frame.captured(), |out| {
        let mut rest = out;
        for (i, plane) in planes.into_iter().enumerate() {
            let part = if i == 0 { 1 } else { 2 };
            let from = (frame.resolution().width / part, frame.resolution().height / part);
            let to = (target.width / part, target.height / part);
            let (now, after) =
                std::mem::take(&mut rest).split_at_mut(to.0 as usize * to.1 as usize);
            rest = after;
            scale_plane(plane, size(from), now, size(to));
        }
    })
}

/// The largest size with even sides that fits into `bounds` and keeps the shape; never larger
/// than `size`.
pub fn fit(size: Resolution, bounds: Resolution) -> Resolution {
    if size.width <= bounds.width && size.height <= bounds.height {
        return size.even();
    }
    let (width, height) = (u64::from(size.width), u64::from(size.height));
    let by_width = height * u64::from(bounds.width) / width.max(1);
    let fitted = if by_width <= u64::from(bounds.height) {
        Resolution::new(bounds.width, by_width as u32)
    } else {
        let by_height = width * u64::from(bounds.height) / height.max(1);
        Resolution::new(by_height as u32, bounds.height)
    };
    Resolution::new(fitted.width.max(2), fitted.height.max(2)).even()
}

fn size((width, height): (u32, u32)) -> (usize, usize) {
    (width as usize, height as usize)
}

fn scale_plane(
    plane: &[u8],
    (mut width, mut height): (usize, usize),
    out: &mut [u8],
    to: (usize, usize),
) {
    let mut halved: Option<Vec<u8>> = None;
    while width >= 2 * to.0 && height >= 2 * to.1 {
        let from = halved.as_deref().unwrap_or(plane);
        halved = Some(halve(from, width, height));
        (width, height) = (width / 2, height / 2);
    }
    let from = halved.as_deref().unwrap_or(plane);
    if (width, height) == to {
        out.copy_from_slice(from);
    } else {
        interpolate(from, (width, height), out, to);
    }
}

fn halve(plane: &[u8], width: usize, height: usize) -> Vec<u8> {
    let half = width / 2;
    let mut out = vec![0; half * (height / 2)];
    for (to, pair) in out.chunks_exact_mut(half).zip(plane.chunks_exact(2 * width)) {
        let (top, bottom) = pair.split_at(width);
        for ((to, a), b) in to.iter_mut().zip(top.chunks_exact(2)).zip(bottom.chunks_exact(2)) {
            let sum = u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1]);
            *to = ((sum + 2) / 4) as u8;
        }
    }
    out
}

/// Two neighbours and the weight of the second in 128ths, for each place of the output.
fn places(from: usize, to: usize) -> Vec<(usize, usize, u16)> {
    let step = from as f32 / to as f32;
    (0..to)
        .map(|i| {
            let at = ((i as f32 + 0.5) * step - 0.5).clamp(0.0, (from - 1) as f32);
            let first = at as usize;
            (first, (first + 1).min(from - 1), ((at - first as f32) * 128.0) as u16)
        })
        .collect()
}

fn interpolate(plane: &[u8], from: (usize, usize), out: &mut [u8], to: (usize, usize)) {
    let columns = places(from.0, to.0);
    let mut blended = vec![0u16; from.0];
    for (line, (top, bottom, weight)) in out.chunks_exact_mut(to.0).zip(places(from.1, to.1)) {
        let (a, b) = (&plane[top * from.0..][..from.0], &plane[bottom * from.0..][..from.0]);
        for ((to, &a), &b) in blended.iter_mut().zip(a).zip(b) {
            *to = u16::from(a) * (128 - weight) + u16::from(b) * weight;
        }
        for (pixel, &(left, right, weight)) in line.iter_mut().zip(&columns) {
            let (weight, left, right) =
                (u32::from(weight), u32::from(blended[left]), u32::from(blended[right]));
            *pixel = ((left * (128 - weight) + right * weight + 8192) >> 14) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::picture::{Picture, Stamp, Style, read_stamp};

    #[test]
    fn a_smaller_picture_shows_the_same() {
        let stamp = Stamp::from_unix_millis(0xa5_5a_3c);
        let mut picture = Picture::new(Resolution::new(1280, 720), Style::Colour).unwrap();
        let frame = picture.paint(3, stamp);
        let mean = |plane: &[u8]| {
            plane.iter().map(|&x| u64::from(x)).sum::<u64>() as f64 / plane.len() as f64
        };
        for (width, height) in [(960, 540), (640, 360), (480, 270), (320, 180), (854, 480)] {
            let small = scale(&frame, Resolution::new(width, height)).unwrap();
            assert_eq!(small.resolution(), Resolution::new(width, height));
            assert_eq!(read_stamp(small.y(), small.resolution()), Some(stamp));
            for (a, b) in [(frame.y(), small.y()), (frame.u(), small.u()), (frame.v(), small.v())] {
                assert!((mean(a) - mean(b)).abs() < 1.5, "{width}x{height}");
            }
        }
    }

    #[test]
    fn sizes_fit_with_their_shape() {
        let hd = Resolution::new(1280, 720);
        assert_eq!(fit(hd, Resolution::VGA), Resolution::new(640, 360));
        assert_eq!(fit(Resolution::VGA, hd), Resolution::VGA);
        assert_eq!(
            fit(Resolution::new(301, 999), Resolution::new(200, 200)),
            Resolution::new(60, 200)
        );
        assert_eq!(fit(Resolution::new(5000, 1), Resolution::VGA), Resolution::new(640, 2));
    }
}
