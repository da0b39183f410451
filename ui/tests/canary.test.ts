import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CANARY_TIMEOUT_MS, decodesCanary, forcedMode } from '../src/lib/video/canary';
import type { Chunk, Decoder, DecoderEvents, Picture } from '../src/lib/video/decoder';
import { isAccessUnit } from '../src/lib/video/protocol';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function trial(act: (events: DecoderEvents<Picture>, chunk: Chunk) => void): { answer: Promise<boolean>; closed: () => number } {
  let closed = 0;
  const answer = decodesCanary((events: DecoderEvents<Picture>): Decoder => ({
    waiting: 0,
    configure: () => undefined,
    decode: (chunk) => { act(events, chunk); },
    close: () => (closed += 1),
  }));
  return { answer, closed: () => closed };
}

test('a picture in time says yes, and nothing stays open', async () => {
  const picture = { timestamp: 0, close: vi.fn() };
  const { answer, closed } = trial((events, chunk) => {
    expect(isAccessUnit(chunk.data)).toBe(true);
    events.output(picture);
  });
  expect(await answer).toBe(true);
  await Promise.resolve();
  expect(picture.close).toHaveBeenCalledOnce();
  expect(closed()).toBe(1);
});

test('an error says no', async () => {
  expect(await trial((events) => { events.error(); }).answer).toBe(false);
});

test('a decoder that throws says no', async () => {
  const { answer } = trial(() => {
    throw new Error('NotSupportedError');
  });
  expect(await answer).toBe(false);
});

test('silence says no after the time is up', async () => {
  const { answer } = trial(() => undefined);
  await vi.advanceTimersByTimeAsync(CANARY_TIMEOUT_MS);
  expect(await answer).toBe(false);
});

test('the address and the storage force a mode, the address first', () => {
  expect(forcedMode({ search: '', stored: null })).toBeNull();
  expect(forcedMode({ search: '', stored: 'i420' })).toBe('i420');
  expect(forcedMode({ search: '?video=i420', stored: null })).toBe('i420');
  expect(forcedMode({ search: '?video=h264', stored: 'i420' })).toBe('h264');
  expect(forcedMode({ search: '?video=nonsense', stored: null })).toBeNull();
});
