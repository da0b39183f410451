// Builds messages as the app sends them.

import { HEADER_BYTES, parseMessage, type VideoMessage } from '../src/lib/video/protocol';

interface Parts {
  seq?: number;
  kind?: number;
  key?: boolean;
  configuration?: Uint8Array;
  width?: number;
  height?: number;
  timestampUs?: number;
  payload?: Uint8Array;
}

/** A configuration record; `level` tells one from another. */
export const avcC = (level = 0x1e): Uint8Array => new Uint8Array([1, 0x42, 0xc0, level, 0xff, 0xe0, 0]);

/** One IDR slice. */
export const accessUnit = (): Uint8Array => new Uint8Array([0, 0, 0, 3, 0x65, 1, 2]);

export function message(parts: Parts): ArrayBuffer {
  const { seq = 0, kind = 1, key = false, configuration, width = 64, height = 64, timestampUs = 0, payload = accessUnit() } = parts;
  const configured = configuration?.byteLength ?? 0;
  const bytes = new Uint8Array(HEADER_BYTES + configured + payload.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, seq, true);
  view.setUint8(4, kind);
  view.setUint8(5, (key ? 1 : 0) | (configuration ? 2 : 0));
  view.setUint16(6, configured, true);
  view.setUint16(8, width, true);
  view.setUint16(10, height, true);
  view.setBigUint64(16, BigInt(timestampUs), true);
  if (configuration) bytes.set(configuration, HEADER_BYTES);
  bytes.set(payload, HEADER_BYTES + configured);
  return bytes.buffer;
}

export function parsed(parts: Parts): VideoMessage {
  const read = parseMessage(message(parts));
  if (!read) throw new Error('not a message');
  return read;
}
