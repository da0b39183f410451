//! The noise that the test picture is made of.

use std::sync::LazyLock;

/// Pixels of the tile's side. A power of two.
pub(super) const TILE: usize = 256;
/// Rows are stored twice over, so that a run from any start is in one piece.
pub(super) const ROW: usize = 2 * TILE;
pub(super) const GRAINS: usize = 8;
/// The eight variants of the tile: one value noise, each with grain of its own.
pub(super) static TILES: LazyLock<Vec<Box<[u8]>>> = LazyLock::new(|| {
    let mut random = Random(12_345);
    let grids = [(8, 110.0), (32, 50.0), (128, 25.0)].map(|(cells, amplitude)| {
        let values = (0..cells * cells).map(|_| random.next() as f32).collect::<Vec<_>>();
        (cells, amplitude, values)
    });
    let mut base = Vec::with_capacity(TILE * TILE);
    for y in 0..TILE {
        for x in 0..TILE {
            let noise = grids
                .iter()
                .map(|(cells, amplitude, values)| amplitude * interpolate(values, *cells, x, y));
            base.push(noise.fold(40.0, |sum, part| sum + part) as f32);
        }
    }
    (0..GRAINS)
        .map(|_| {
            let mut tile = vec![0; TILE * ROW].into_boxed_slice();
            for (i, &value) in base.iter().enumerate() {
                let grained = f64::from(value) + random.next() * 8.0 - 4.0;
                let pixel = grained.clamp(16.0, 235.0) as u8;
                let at = i / TILE * ROW + i % TILE;
                tile[at] = pixel;
                tile[at + TILE] = pixel;
            }
            tile
        })
        .collect()
});

fn interpolate(values: &[f32], cells: usize, x: usize, y: usize) -> f64 {
    let (fx, fy) = ((x * cells) as f64 / TILE as f64, (y * cells) as f64 / TILE as f64);
    let (x0, y0) = (fx as usize, fy as usize);
    let (a, b) = (fx - x0 as f64, fy - y0 as f64);
    let (x1, y1) = ((x0 + 1) % cells, (y0 + 1) % cells);
    let at = |x: usize, y: usize| f64::from(values[y * cells + x]);
    (at(x0, y0) * (1.0 - a) + at(x1, y0) * a) * (1.0 - b)
        + (at(x0, y1) * (1.0 - a) + at(x1, y1) * a) * b
}

/// The linear congruential generator of ISO C's example, which the harness uses too.
struct Random(u32);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        f64::from(self.0) / 4_294_967_296.0
    }
}
