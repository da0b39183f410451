import { beforeEach, describe, expect, test } from 'vitest';
import type { Chunk, Decoder, DecoderConfiguration, DecoderEvents, Picture } from '../src/lib/video/decoder';
import { KEY_REQUEST_INTERVAL_MS, MOST_WAITING, WATCHDOG_MS, WebCodecsPlayer } from '../src/lib/video/webcodecs-player';
import { accessUnit, avcC, parsed } from './video-messages';

class FakePicture implements Picture {
  closed = 0;
  constructor(readonly timestamp: number) {}
  close(): void {
    this.closed += 1;
  }
}

class FakeDecoder implements Decoder {
  waiting = 0;
  configurations: DecoderConfiguration[] = [];
  chunks: Chunk[] = [];
  closed = false;
  failsToDecode = false;
  constructor(readonly events: DecoderEvents<FakePicture>) {}
  configure(configuration: DecoderConfiguration): void {
    this.configurations.push(configuration);
  }
  decode(chunk: Chunk): void {
    if (this.failsToDecode) throw new Error('InvalidStateError');
    this.chunks.push(chunk);
  }
  close(): void {
    this.closed = true;
  }
  /** Answers the newest chunk. */
  answer(): FakePicture {
    const picture = new FakePicture(this.chunks.at(-1)?.timestampUs ?? 0);
    this.events.output(picture);
    return picture;
  }
}

let now = 0;
let decoders: FakeDecoder[] = [];
let keyRequests = 0;
let ready = 0;
let gaveUp = 0;
let player: WebCodecsPlayer<FakePicture>;
let seq = 0;

beforeEach(() => {
  now = 10_000;
  decoders = [];
  keyRequests = 0;
  ready = 0;
  gaveUp = 0;
  seq = 0;
  player = new WebCodecsPlayer<FakePicture>({
    createDecoder: (events) => {
      const decoder = new FakeDecoder(events);
      decoders.push(decoder);
      return decoder;
    },
    now: () => now,
    requestKey: () => (keyRequests += 1),
    pictureReady: () => (ready += 1),
    giveUp: () => (gaveUp += 1),
  });
  player.socketOpened();
});

const decoder = (): FakeDecoder => {
  const last = decoders.at(-1);
  if (!last) throw new Error('no decoder');
  return last;
};
const key = (level?: number): void => {
  player.push(parsed({ seq: seq++, key: true, configuration: avcC(level), timestampUs: seq * 33_333 }));
};
const delta = (): void => {
  player.push(parsed({ seq: seq++, timestampUs: seq * 33_333 }));
};
const fed = (): number => decoders.reduce((sum, one) => sum + one.chunks.length, 0);

describe('feeding', () => {
  test('deltas are dropped, and a key frame is asked for, until there is one', () => {
    delta();
    delta();
    expect(decoders).toHaveLength(0);
    expect(keyRequests).toBe(1);
    key();
    delta();
    expect(decoder().chunks.map((chunk) => chunk.key)).toEqual([true, false]);
  });

  test('the decoder is configured before the first key frame, with description and size', () => {
    key();
    expect(decoder().configurations).toEqual([{ codec: 'avc1.42C01E', description: avcC(), codedWidth: 64, codedHeight: 64 }]);
  });

  test('it is configured anew only when the parameter sets have changed', () => {
    key();
    key();
    expect(decoder().configurations).toHaveLength(1);
    key(0x1f);
    expect(decoder().configurations.map(({ codec }) => codec)).toEqual(['avc1.42C01E', 'avc1.42C01F']);
    expect(decoders).toHaveLength(1);
  });

  test('a changed configuration waits for its key frame', () => {
    key();
    player.push(parsed({ seq: seq++, configuration: avcC(0x1f) }));
    expect(decoder().configurations).toHaveLength(1);
  });

  test('a key frame with unknown parameter sets is not fed', () => {
    player.push(parsed({ seq: seq++, key: true }));
    expect(fed()).toBe(0);
    expect(keyRequests).toBe(1);
  });

  test('a gap in the sequence drops deltas until a key frame', () => {
    key();
    seq += 1;
    delta();
    delta();
    expect(fed()).toBe(1);
    expect(keyRequests).toBe(1);
    key();
    expect(fed()).toBe(2);
  });

  test('a key frame right after a gap is fed', () => {
    key();
    seq += 3;
    key();
    expect(fed()).toBe(2);
    expect(keyRequests).toBe(0);
  });

  test('what is no whole access unit is not fed and breaks the chain', () => {
    key();
    player.push(parsed({ seq: seq++, payload: new Uint8Array(0) }));
    player.push(parsed({ seq: seq++, payload: accessUnit().subarray(0, 5) }));
    delta();
    expect(fed()).toBe(1);
    expect(keyRequests).toBe(1);
  });

  test('when the decoder is behind deltas go, key frames stay', () => {
    key();
    decoder().waiting = MOST_WAITING;
    delta();
    expect(fed()).toBe(1);
    key();
    expect(fed()).toBe(2);
  });

  test('timestamps rise strictly, over a new socket too', () => {
    key();
    delta();
    player.socketOpened();
    seq = 0;
    key();
    delta();
    player.push(parsed({ seq: seq++, timestampUs: 0 }));
    const stamps = decoder().chunks.map((chunk) => chunk.timestampUs);
    expect(stamps).toHaveLength(5);
    expect(stamps).toEqual([...new Set(stamps)].sort((a, b) => a - b));
  });

  test('a new socket starts with a key frame', () => {
    key();
    player.socketOpened();
    seq = 100;
    delta();
    expect(fed()).toBe(1);
  });
});

test('key frames are asked for at most twice a second', () => {
  delta();
  now += KEY_REQUEST_INTERVAL_MS - 1;
  delta();
  expect(keyRequests).toBe(1);
  now += 1;
  delta();
  expect(keyRequests).toBe(2);
});

describe('pictures', () => {
  test('only the newest waits, and the one replaced is closed', () => {
    key();
    const first = decoder().answer();
    delta();
    const second = decoder().answer();
    expect(first.closed).toBe(1);
    expect(player.take()).toBe(second);
    expect(second.closed).toBe(0);
    expect(player.take()).toBeNull();
    expect(ready).toBe(2);
  });

  test('that come late, hidden or after the end are closed', () => {
    key();
    const { events } = decoder();
    const waiting = decoder().answer();
    player.hide();
    const hidden = decoder().answer();
    player.close();
    const late = new FakePicture(1);
    events.output(late);
    expect([waiting.closed, hidden.closed, late.closed]).toEqual([1, 1, 1]);
    expect(decoder().closed).toBe(true);
  });

  test('of a decoder that was replaced are closed and not shown', () => {
    key();
    const old = decoder();
    old.events.error();
    key();
    const late = new FakePicture(5);
    old.events.output(late);
    old.events.error();
    expect(late.closed).toBe(1);
    expect(player.take()).toBeNull();
    expect(decoders).toHaveLength(2);
  });
});

describe('errors', () => {
  test('rebuild the decoder at the next key frame', () => {
    key();
    decoder().events.error();
    expect(decoder().closed).toBe(true);
    expect(keyRequests).toBe(1);
    delta();
    key();
    expect(decoders).toHaveLength(2);
    expect(decoder().configurations).toHaveLength(1);
    expect(decoder().chunks).toHaveLength(1);
  });

  test('thrown while feeding are caught and do the same', () => {
    key();
    decoder().failsToDecode = true;
    delta();
    expect(keyRequests).toBe(1);
    key();
    expect(decoders).toHaveLength(2);
  });

  test('three within ten seconds end in the fallback, once', () => {
    for (let n = 0; n < 3; n += 1) {
      key();
      decoder().events.error();
      now += 4000;
    }
    key();
    expect(gaveUp).toBe(1);
    expect(decoders).toHaveLength(3);
  });

  test('three over a longer time do not', () => {
    for (let n = 0; n < 4; n += 1) {
      key();
      decoder().events.error();
      now += 6000;
    }
    expect(gaveUp).toBe(0);
  });
});

describe('the watchdog', () => {
  const wait = (ms: number): void => {
    now += ms;
    player.watch();
  };

  test('asks for a key frame when nothing comes out for half a second', () => {
    key();
    wait(WATCHDOG_MS - 1);
    expect(keyRequests).toBe(0);
    wait(1);
    expect(keyRequests).toBe(1);
    delta();
    expect(fed(), 'deltas wait for the key frame').toBe(1);
  });

  test('rebuilds at the second miss in a row', () => {
    key();
    wait(WATCHDOG_MS);
    key();
    expect(decoders).toHaveLength(1);
    wait(WATCHDOG_MS);
    expect(decoder().closed).toBe(true);
    key();
    expect(decoders).toHaveLength(2);
  });

  test('forgets a miss once a picture comes', () => {
    key();
    wait(WATCHDOG_MS);
    key();
    decoder().answer();
    delta();
    wait(WATCHDOG_MS);
    expect(decoder().closed).toBe(false);
  });

  test('is quiet when every chunk was answered, and when nothing was fed', () => {
    wait(WATCHDOG_MS);
    key();
    decoder().answer();
    wait(10 * WATCHDOG_MS);
    expect(keyRequests).toBe(0);
  });

  test('is quiet while hidden', () => {
    key();
    player.hide();
    wait(10 * WATCHDOG_MS);
    expect(keyRequests).toBe(0);
  });
});

test('hidden nothing is decoded; shown again it waits for a key frame', () => {
  key();
  player.hide();
  key();
  expect(fed()).toBe(1);
  player.show();
  delta();
  expect(fed()).toBe(1);
  key();
  expect(fed()).toBe(2);
});
