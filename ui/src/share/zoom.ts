// Where on a shared screen one looks when it is shown at its actual size.

import type { Resolution } from '../lib/bindings/Resolution';

export interface Point {
  x: number;
  y: number;
}

const clamp = (value: number): number => Math.min(1, Math.max(0, value));

/** The picture's place under a point of the box that it is fitted into, as shares from 0 to 1. */
export function placeAt(point: Point, box: Resolution, picture: Resolution): Point {
  const scale = Math.min(box.width / picture.width, box.height / picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  return {
    x: clamp((point.x - (box.width - width) / 2) / width),
    y: clamp((point.y - (box.height - height) / 2) / height),
  };
}

/** How far to scroll so that a place of what is shown, which begins at `origin`, comes to lie under a point of the box. */
export function scrollTo(place: Point, point: Point, shown: Resolution, origin: Point): Point {
  return {
    x: Math.max(0, origin.x + place.x * shown.width - point.x),
    y: Math.max(0, origin.y + place.y * shown.height - point.y),
  };
}

/** The size in CSS pixels at which one pixel of the picture is one of the screen's. */
export function actualSize({ width, height }: Resolution, pixelRatio: number): Resolution {
  return { width: width / pixelRatio, height: height / pixelRatio };
}
