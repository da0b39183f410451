import { describe, expect, test } from 'vitest';
import { codecString, HEADER_BYTES, isAccessUnit, nextSeq, parseMessage, tileUrl } from '../src/lib/video/protocol';
import { accessUnit, avcC, message } from './video-messages';

describe('a message', () => {
  test('is read with its configuration and payload', () => {
    const configuration = avcC();
    const payload = accessUnit();
    const read = parseMessage(message({ seq: 7, key: true, configuration, width: 640, height: 480, timestampUs: 2 ** 40, payload }));
    expect(read).toMatchObject({ seq: 7, mode: 'h264', key: true, width: 640, height: 480, timestampUs: 2 ** 40 });
    expect(read?.configuration).toEqual(configuration);
    expect(read?.payload).toEqual(payload);
  });

  test('without the configuration flag has none', () => {
    expect(parseMessage(message({}))?.configuration).toBeNull();
  });

  test('that is too short, of another kind or cut inside its configuration is refused', () => {
    expect(parseMessage(new ArrayBuffer(HEADER_BYTES - 1))).toBeNull();
    expect(parseMessage(message({ kind: 3 }))).toBeNull();
    const cut = message({ configuration: avcC(), payload: new Uint8Array(0) });
    expect(parseMessage(cut.slice(0, HEADER_BYTES + 4))).toBeNull();
  });

  test('of planes has exactly the bytes of its size', () => {
    const planes = (bytes: number): ArrayBuffer => message({ kind: 2, width: 4, height: 2, payload: new Uint8Array(bytes) });
    expect(parseMessage(planes(12))?.mode).toBe('i420');
    expect(parseMessage(planes(11))).toBeNull();
    expect(parseMessage(message({ kind: 2, width: 3, height: 2, payload: new Uint8Array(9) }))).toBeNull();
  });
});

test('the sequence wraps at 32 bits', () => {
  expect(nextSeq(0xffffffff)).toBe(0);
});

test('the codec string comes from the configuration', () => {
  expect(codecString(avcC())).toBe('avc1.42C01E');
  expect(codecString(new Uint8Array([0, 1, 2, 3, 4, 5, 6]))).toBeNull();
});

test('an access unit is whole units with a slice among them', () => {
  expect(isAccessUnit(accessUnit())).toBe(true);
  expect(isAccessUnit(new Uint8Array(0))).toBe(false);
  expect(isAccessUnit(new Uint8Array([0, 0, 0]))).toBe(false);
  expect(isAccessUnit(new Uint8Array([0, 0, 0, 9, 0x65, 1]))).toBe(false);
  expect(isAccessUnit(new Uint8Array([0, 0, 0, 2, 0x67, 1])), 'parameter sets only').toBe(false);
});

test('the address names token, tile and mode', () => {
  expect(tileUrl({ url: 'ws://127.0.0.1:9', token: 'a b' }, 'remote:bob/1', 'i420')).toBe(
    'ws://127.0.0.1:9/video?token=a%20b&tile=remote%3Abob%2F1&mode=i420',
  );
});
