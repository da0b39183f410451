//! Reads the frame stamp back from the canvas that a tile is drawn on.
//!
//! The test picture's top sixth holds 32 blocks: 24 bits of its time in milliseconds since the
//! epoch, and 8 bits check. A picture that came the whole way shows a valid and recent one.

use crate::eventually;
use crate::window::Window;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

const READ: &str = include_str!("canvas.js");

/// Tells the colour of a canvas at a place that is given as a share of its width and height.
const PIXEL: &str = "
    const [selector, x, y] = arguments;
    const canvas = document.querySelector(selector);
    if (!canvas || canvas.width < 2) return null;
    const scratch = document.createElement('canvas');
    scratch.width = canvas.width;
    scratch.height = canvas.height;
    const pen = scratch.getContext('2d');
    pen.drawImage(canvas, 0, 0);
    return Array.from(pen.getImageData(canvas.width * x, canvas.height * y, 1, 1).data);";

/// Tells how many lines a canvas's picture has.
const LINES: &str = "return document.querySelector(arguments[0])?.height ?? null;";

/// The tile of the other side's picture.
pub const REMOTE: &str = "canvas[data-testid=\"tile\"][data-tile^=\"remote:\"]";
/// The tile of one's own picture.
pub const OWN: &str = "canvas[data-testid=\"tile\"][data-tile=\"self\"]";

/// What a canvas shows at one moment.
#[derive(Clone, Debug, Deserialize)]
pub struct Shown {
    /// The stamp: milliseconds since the epoch, modulo 2^24.
    pub stamp: u32,
    /// How long ago the stamp was made.
    pub age_ms: f64,
    /// Pictures drawn so far, as the page counts them.
    pub frames: u64,
    /// How the page decodes: `webcodecs` or `webgl`.
    pub mode: String,
    /// Of the canvas, in pixels.
    pub width: u32,
    /// Of the canvas, in pixels.
    pub height: u32,
}

/// A canvas watched for a while.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The first look.
    pub first: Shown,
    /// The last look.
    pub last: Shown,
    /// How many different valid stamps were seen.
    pub stamps: usize,
    /// Ages of all looks in milliseconds, ascending.
    pub ages_ms: Vec<f64>,
}

impl Watched {
    /// The median time from making a picture to finding it on the canvas, in milliseconds.
    pub fn typical_age_ms(&self) -> f64 {
        self.ages_ms.get(self.ages_ms.len() / 2).copied().unwrap_or_default()
    }
}

/// Reads one valid stamp; an error says what is wrong with the picture.
pub async fn read(window: &Window, tile: &str) -> Result<Shown> {
    let answer = window.script_async(READ, vec![json!(tile)]).await?;
    if let Some(problem) = answer["problem"].as_str() {
        anyhow::bail!("{}: {tile}: {problem}", window.name());
    }
    serde_json::from_value(answer).context("while reading what the canvas shows")
}

/// Waits until a canvas shows `stamps` different valid stamps, each newer than the one before.
pub async fn watch(window: &Window, tile: &str, stamps: usize, limit: Duration) -> Result<Watched> {
    let mut seen: Vec<Shown> = Vec::new();
    let what = format!("{}: {stamps} moving pictures on {tile}", window.name());
    eventually(&what, limit, async || {
        let shown = read(window, tile).await?;
        match seen.last() {
            Some(last) if last.stamp == shown.stamp => {}
            Some(last) => {
                ensure!(is_newer(shown.stamp, last.stamp), "the picture went back in time");
                seen.push(shown);
            }
            None => seen.push(shown),
        }
        Ok((seen.len() >= stamps).then_some(()))
    })
    .await?;
    let mut ages_ms: Vec<f64> = seen.iter().map(|shown| shown.age_ms).collect();
    ages_ms.sort_by(f64::total_cmp);
    let first = seen.first().cloned().context("there is at least one")?;
    // The page brings its count up to date now and then.
    let last = eventually(&format!("{}: pictures are counted", window.name()), limit, async || {
        let shown = read(window, tile).await?;
        Ok((shown.frames > first.frames).then_some(shown))
    })
    .await?;
    Ok(Watched { first, last, stamps: seen.len(), ages_ms })
}

/// Waits until a tile's picture has as many lines as are wanted.
pub async fn has_lines(
    window: &Window,
    tile: &str,
    wanted: impl Fn(u32) -> bool,
    limit: Duration,
) -> Result<()> {
    let mut last = None;
    let seen = eventually("the picture has as many lines", limit, async || {
        let lines = window.script(LINES, vec![json!(tile)]).await?;
        last = lines.as_u64().and_then(|lines| u32::try_from(lines).ok());
        Ok(last.is_some_and(&wanted).then_some(()))
    });
    seen.await.with_context(|| format!("{}: {tile} has {last:?} lines", window.name()))
}

/// The colour of a tile at a place that is given as a share of its width and height: red, green and
/// blue.
pub async fn colour(window: &Window, tile: &str, [x, y]: [f64; 2]) -> Result<[u8; 3]> {
    let pixel = window.script(PIXEL, vec![json!(tile), json!(x), json!(y)]).await?;
    let pixel: Option<Vec<u8>> = serde_json::from_value(pixel)?;
    let pixel = pixel.context("there is no picture")?;
    let colours = pixel.first_chunk().context("a pixel of fewer than three colours")?;
    Ok(*colours)
}

/// Whether a colour is another one that coding has turned a little.
pub fn is_near(colour: [u8; 3], wanted: [u8; 3]) -> bool {
    colour.iter().zip(wanted).all(|(is, wanted)| is.abs_diff(wanted) < 48)
}

/// Waits until a tile has a colour at a place that is given as a share of its width and height.
pub async fn shows_colour(
    window: &Window,
    tile: &str,
    place: [f64; 2],
    wanted: [u8; 3],
    limit: Duration,
) -> Result<()> {
    let mut last = None;
    let seen = eventually("the picture has the colour", limit, async || {
        let now = last.insert(colour(window, tile, place).await?);
        Ok(is_near(*now, wanted).then_some(()))
    });
    seen.await.with_context(|| format!("{wanted:?} at {place:?}; it is {last:?}"))
}

/// Whether a stamp was made after another, less than half of its range (2.3 h) ago.
fn is_newer(this: u32, other: u32) -> bool {
    let distance = this.wrapping_sub(other) & 0xff_ffff;
    distance != 0 && distance < 0x80_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_newer_across_the_end_of_their_range() {
        assert!(is_newer(5, 3));
        assert!(!is_newer(3, 5));
        assert!(!is_newer(3, 3));
        assert!(is_newer(2, 0xff_fffe));
        assert!(!is_newer(0xff_fffe, 2));
    }
}
