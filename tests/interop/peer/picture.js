// The test picture, as `tincan_media::synthetic::picture` paints it: a barcode that tells when it was
// made, above noise with an ellipse that moves.
'use strict';

const STAMP_COLUMNS = 16;
const STAMP_ROWS = 2;
const TILE = 256;
const GRAINS = 8;
const ROW = 2 * TILE;

/** Milliseconds since the epoch, finer than `Date.now()`: aligned to it once. */
const wall = (() => {
  const before = Date.now();
  let now = before;
  while (now === before) now = Date.now();
  const origin = now - performance.now();
  return () => origin + performance.now();
})();

const checkOf = (time) => ((time ^ (time >> 8) ^ (time >> 16)) & 0xff) ^ 0x5a;

function stampOf(time) {
  const low = Math.round(time) % 0x1000000;
  return (low * 256 + checkOf(low)) >>> 0;
}

/** The whole time of a stamp that was read at `now`, or -1 if it makes no sense. */
function timeOf(stamp, now) {
  const low = stamp >>> 8;
  if (checkOf(low) !== (stamp & 0xff)) return -1;
  const time = Math.floor(now / 0x1000000) * 0x1000000 + low;
  return time > now + 1000 ? time - 0x1000000 : time;
}

/** Value noise over a torus of `cells` by `cells`. */
function noise(cells, random) {
  const grid = Float32Array.from({ length: cells * cells }, random);
  return (x, y) => {
    const [across, down] = [(x * cells) / TILE, (y * cells) / TILE];
    const [left, top] = [Math.floor(across), Math.floor(down)];
    const [right, bottom] = [(left + 1) % cells, (top + 1) % cells];
    const [a, b] = [across - left, down - top];
    const above = grid[top * cells + left] * (1 - a) + grid[top * cells + right] * a;
    const below = grid[bottom * cells + left] * (1 - a) + grid[bottom * cells + right] * a;
    return above * (1 - b) + below * b;
  };
}

/** Tiles that differ in their grain. Rows are doubled, so that from any start there is a whole one. */
const tiles = (() => {
  let state = 12345;
  const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 4294967296;
  };
  const layers = [
    [110, noise(8, random)],
    [50, noise(32, random)],
    [25, noise(128, random)],
  ];
  const base = new Float32Array(TILE * TILE);
  for (let at = 0; at < base.length; at += 1) {
    const [x, y] = [at % TILE, Math.floor(at / TILE)];
    base[at] = layers.reduce((sum, [amplitude, value]) => sum + amplitude * value(x, y), 40);
  }
  return Array.from({ length: GRAINS }, () => {
    const tile = new Uint8Array(TILE * ROW);
    base.forEach((value, at) => {
      const luma = Math.max(16, Math.min(235, value + random() * 8 - 4));
      const place = Math.floor(at / TILE) * ROW + (at % TILE);
      tile[place] = luma;
      tile[place + TILE] = luma;
    });
    return tile;
  });
})();

/** Paints the luma of the picture with this number, made at `time`. */
function paint(luma, width, height, count, time) {
  const tile = tiles[(count * 5) % GRAINS];
  const run = (y, from, length, right, down) => {
    const row = ((y + down) % TILE) * ROW;
    for (let done = 0; done < length;) {
      const start = (from + done + right) % TILE;
      const part = Math.min(length - done, TILE);
      luma.set(tile.subarray(row + start, row + start + part), y * width + from + done);
      done += part;
    }
  };
  const [middle, centre] = [width / 2, height * 0.58];
  for (let y = 0; y < height; y += 1) {
    run(y, 0, width, 0, 0);
    const rest = 1 - ((y - centre) / (height * 0.36)) ** 2;
    if (rest <= 0) continue;
    const half = Math.round(width * 0.22 * Math.sqrt(rest));
    run(y, Math.round(middle - half), 2 * half, 3 * count, 2 * count);
  }
  const stamp = stampOf(time);
  const [across, down] = [width / STAMP_COLUMNS, Math.floor(height / 12)];
  for (let bit = 0; bit < 32; bit += 1) {
    const white = (stamp >>> (31 - bit)) & 1;
    const column = bit % STAMP_COLUMNS;
    const [left, right] = [Math.floor(column * across), Math.floor((column + 1) * across)];
    const top = Math.floor(bit / STAMP_COLUMNS) * down;
    for (let y = top; y < top + down; y += 1) luma.fill(white ? 235 : 16, y * width + left, y * width + right);
  }
}

/** Reads the stamp from luma of the picture's top: two rows of blocks, `stride` bytes a line. */
function readStamp(luma, offset, stride, width, height) {
  const [across, down] = [width / STAMP_COLUMNS, Math.floor(height / 12)];
  let stamp = 0;
  for (let bit = 0; bit < 32; bit += 1) {
    const column = bit % STAMP_COLUMNS;
    const row = Math.floor(bit / STAMP_COLUMNS);
    // The middle of a block: its edges are smeared by the codec.
    const [left, right] = [Math.floor((column + 0.3) * across), Math.floor((column + 0.7) * across)];
    const [top, bottom] = [Math.floor((row + 0.3) * down), Math.floor((row + 0.7) * down)];
    let sum = 0;
    for (let y = top; y <= bottom; y += 1)
      for (let x = left; x <= right; x += 1) sum += luma[offset + y * stride + x];
    const mean = sum / ((bottom - top + 1) * (right - left + 1));
    stamp = stamp * 2 + (mean > 125 ? 1 : 0);
  }
  return stamp >>> 0;
}

/** A track of test pictures. */
function startPicture({ w, h, fps }) {
  const frame = new Uint8Array((w * h * 3) / 2).fill(128, w * h);
  const track = new MediaStreamTrackGenerator({ kind: 'video' });
  const writer = track.writable.getWriter();
  const source = { track, drawn: 0, stop: () => { over = true; track.stop(); } };
  let over = false;
  let begin = wall();
  let count = 0;
  const draw = () => {
    if (over) return;
    const time = wall();
    paint(frame, w, h, count, time);
    const picture = new VideoFrame(frame, {
      format: 'I420',
      codedWidth: w,
      codedHeight: h,
      timestamp: Math.round(time * 1000),
    });
    writer.write(picture).catch(() => picture.close());
    source.drawn += 1;
    count += 1;
    // A source that falls behind by more than a picture begins to count anew.
    if (begin + (count * 1000) / fps < time - 1000 / fps) begin = time - ((count - 1) * 1000) / fps;
    setTimeout(draw, Math.max(0, begin + (count * 1000) / fps - wall()));
  };
  draw();
  return source;
}

/** Tells of each decoded picture of a track: when it came, when it was made, how large it is. */
function watchPictures(track, tell) {
  const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 4 }).readable.getReader();
  const watch = async () => {
    for (;;) {
      const { value: picture, done } = await reader.read();
      if (done) return;
      const now = wall();
      const { x, y, width, height } = picture.visibleRect;
      const rows = Math.floor(height / 12) * STAMP_ROWS;
      // Even, as the chroma has half of the lines.
      const rect = { x, y, width: width & ~1, height: (rows + 1) & ~1 };
      const bytes = new Uint8Array(picture.allocationSize({ rect }));
      const [luma] = await picture.copyTo(bytes, { rect });
      picture.close();
      const stamp = readStamp(bytes, luma.offset, luma.stride, width, height);
      tell([now, timeOf(stamp, now), width, height]);
    }
  };
  // The track ends with its call.
  watch().catch(() => {});
}
