//! The pointer's picture, and how it is laid over an image.

use super::display::{Display, Fault};
use tincan_proto::units::Resolution;
use x11rb::protocol::xfixes;

/// What the pointer looks like.
pub(super) struct Cursor {
    size: (i32, i32),
    /// Which of its pixels points.
    hot: (i32, i32),
    /// Alpha, red, green and blue from the highest byte, multiplied by alpha (as XFixes has it).
    pixels: Vec<u32>,
}

impl Cursor {
    /// Asks the server. `None`: it does not tell.
    pub(super) fn read(display: &Display) -> Result<Option<Self>, Fault> {
        if !display.extensions.cursor {
            return Ok(None);
        }
        let image = xfixes::get_cursor_image(&display.connection)?.reply()?;
        Ok(Some(Self {
            size: (image.width.into(), image.height.into()),
            hot: (image.xhot.into(), image.yhot.into()),
            pixels: image.cursor_image,
        }))
    }

    /// Whether a pointer here can be seen in a picture of this size.
    pub(super) fn is_within(&self, (x, y): (i32, i32), size: Resolution) -> bool {
        let (left, top) = (x - self.hot.0, y - self.hot.1);
        left < size.width as i32
            && top < size.height as i32
            && left + self.size.0 > 0
            && top + self.size.1 > 0
    }

    /// Lays it over an image of four bytes a pixel, blue first, without padding.
    pub(super) fn blend(&self, image: &mut [u8], size: Resolution, (x, y): (i32, i32)) {
        let (left, top) = (x - self.hot.0, y - self.hot.1);
        let (width, height) = (size.width as i32, size.height as i32);
        let columns = self.size.0.max(1) as usize;
        for (line, row) in (top..).zip(self.pixels.chunks_exact(columns)) {
            if !(0..height).contains(&line) {
                continue;
            }
            let start = (line * width) as usize * 4;
            let Some(image) = image.get_mut(start..start + width as usize * 4) else { return };
            for (column, &pixel) in (left..).zip(row) {
                if (0..width).contains(&column) {
                    let at = column as usize * 4;
                    over(&mut image[at..at + 3], pixel);
                }
            }
        }
    }
}

fn over(under: &mut [u8], pixel: u32) {
    let [blue, green, red, alpha] = pixel.to_le_bytes();
    if alpha == 0 {
        return;
    }
    for (under, over) in under.iter_mut().zip([blue, green, red]) {
        let left = (u32::from(*under) * u32::from(255 - alpha) + 127) / 255;
        *under = over.saturating_add(left as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Resolution = Resolution::new(8, 6);

    fn cursor() -> Cursor {
        // Two by two: red, half of white, nothing, black.
        let pixels = vec![0xffff_0000, 0x8080_8080, 0, 0xff00_0000];
        Cursor { size: (2, 2), hot: (1, 0), pixels }
    }

    fn blended(at: (i32, i32)) -> Vec<(usize, [u8; 3])> {
        let mut image = vec![100; SIZE.area() * 4];
        cursor().blend(&mut image, SIZE, at);
        let pixels = image.chunks(4).map(|pixel| [pixel[0], pixel[1], pixel[2]]);
        pixels.enumerate().filter(|(_, pixel)| *pixel != [100; 3]).collect()
    }

    #[test]
    fn its_hot_spot_is_where_the_pointer_is() {
        assert_eq!(blended((4, 3)), [(27, [0, 0, 255]), (28, [178; 3]), (36, [0; 3])]);
    }

    #[test]
    fn what_sticks_out_is_cut_off() {
        assert_eq!(blended((0, 0)), [(0, [178; 3]), (8, [0; 3])]);
        assert_eq!(blended((8, 5)), [(47, [0, 0, 255])]);
        for outside in [(-1, 0), (9, 0), (0, -2), (0, 6), (-40, 900)] {
            assert_eq!(blended(outside), []);
            assert!(!cursor().is_within(outside, SIZE), "{outside:?}");
        }
        assert!(cursor().is_within((0, -1), SIZE) && cursor().is_within((8, 5), SIZE));
    }
}
