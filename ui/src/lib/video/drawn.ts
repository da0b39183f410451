// How large a picture is drawn: the far side sends no larger one.

export interface Size {
  width: number;
  height: number;
}

/** More than any display has; the socket takes no larger numbers. */
const MOST = 65_535;

/** The size of `picture` in `box`, both in pixels of the display. */
export function drawnSize(box: Size, picture: Size, fit: string): Size {
  const across = box.width / picture.width;
  const down = box.height / picture.height;
  const scale = fit === 'cover' ? Math.max(across, down) : Math.min(across, down);
  const side = (length: number): number => Math.min(MOST, Math.round(length * scale));
  return { width: side(picture.width), height: side(picture.height) };
}

/** The same of a canvas that shows a picture; before there is one, as large as it may become. */
export function drawnOn(canvas: HTMLCanvasElement, hasPicture: boolean): Size {
  const { width, height } = canvas.getBoundingClientRect();
  const box = { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
  if (!hasPicture || canvas.width === 0 || canvas.height === 0) return box;
  return drawnSize(box, canvas, getComputedStyle(canvas).objectFit);
}
