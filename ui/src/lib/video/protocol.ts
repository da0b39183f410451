// The page's side of the video socket: one binary message is a little-endian header of
// 32 bytes, the configuration record if there is one, and one picture.

import type { VideoEndpoint } from '../bindings/VideoEndpoint';

export const HEADER_BYTES = 32;

/** How pictures travel: encoded for WebCodecs, or as planes for WebGL. */
export type VideoMode = 'h264' | 'i420';

/**
 * What the page may say; each is one text message. `drawn` is followed by width and height in pixels of the display, `shown` by
 * the timestamp of a picture.
 */
export type PageMessage =
  'credit' | 'key' | 'pause' | 'resume' | `drawn ${number} ${number}` | `shown ${number}`;

/** One picture as it came from the socket. The byte arrays view the message's buffer. */
export interface VideoMessage {
  /** One more than the message before on the same socket; a gap is a loss. */
  seq: number;
  mode: VideoMode;
  /** It decodes without any before it, and its parameter sets are known. */
  key: boolean;
  /** The avcC record, if the message carries one. */
  configuration: Uint8Array<ArrayBuffer> | null;
  width: number;
  height: number;
  timestampUs: number;
  /** When it was sent, by the machine's clock. */
  sentUs: number;
  payload: Uint8Array<ArrayBuffer>;
}

/** Reads one message; null if it is none. */
export function parseMessage(buffer: ArrayBuffer): VideoMessage | null {
  if (buffer.byteLength < HEADER_BYTES) return null;
  const view = new DataView(buffer);
  const kind = view.getUint8(4);
  const flags = view.getUint8(5);
  const configurationLength = view.getUint16(6, true);
  const payloadAt = HEADER_BYTES + configurationLength;
  if ((kind !== 1 && kind !== 2) || payloadAt > buffer.byteLength) return null;
  const width = view.getUint16(8, true);
  const height = view.getUint16(10, true);
  const payload = new Uint8Array(buffer, payloadAt);
  if (kind === 2 && !isI420(payload.byteLength, width, height)) return null;
  const configured = (flags & 2) !== 0 && configurationLength > 0;
  return {
    seq: view.getUint32(0, true),
    mode: kind === 1 ? 'h264' : 'i420',
    key: (flags & 1) !== 0,
    configuration: configured ? new Uint8Array(buffer, HEADER_BYTES, configurationLength) : null,
    width,
    height,
    timestampUs: Number(view.getBigUint64(16, true)),
    sentUs: Number(view.getBigUint64(24, true)),
    payload,
  };
}

function isI420(bytes: number, width: number, height: number): boolean {
  return width > 0 && height > 0 && width % 2 === 0 && height % 2 === 0 && bytes === (width * height * 3) / 2;
}

/** The sequence number that follows. */
export function nextSeq(seq: number): number {
  return (seq + 1) >>> 0;
}

/** The codec string of an avcC record: profile, compatibility and level in hexadecimal. */
export function codecString(avcC: Uint8Array): string | null {
  if (avcC.byteLength < 7 || avcC[0] !== 1) return null;
  const hex = (at: number): string => (avcC[at] ?? 0).toString(16).padStart(2, '0').toUpperCase();
  return `avc1.${hex(1)}${hex(2)}${hex(3)}`;
}

const NAL_SLICE = 1;
const NAL_IDR = 5;

/**
 * Whether the bytes are whole AVCC units (4-byte lengths) with a coded slice among them. Less
 * than that closes the decoder of some platforms.
 */
export function isAccessUnit(payload: Uint8Array): boolean {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  let at = 0;
  let coded = false;
  while (at < payload.byteLength) {
    if (at + 4 > payload.byteLength) return false;
    const length = view.getUint32(at);
    const end = at + 4 + length;
    if (length < 2 || end > payload.byteLength) return false;
    const type = view.getUint8(at + 4) & 31;
    if (type >= NAL_SLICE && type <= NAL_IDR) coded = true;
    at = end;
  }
  return coded;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, at) => byte === b[at]);
}

/** The address of one tile's socket. */
export function tileUrl(endpoint: VideoEndpoint, tile: string, mode: VideoMode): string {
  const token = encodeURIComponent(endpoint.token);
  return `${endpoint.url}/video?token=${token}&tile=${encodeURIComponent(tile)}&mode=${mode}`;
}
