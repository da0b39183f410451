import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { drawnSize } from '../src/lib/video/drawn';
import type { Screen, ScreenPorts } from '../src/lib/video/screen';
import { SHOWN_INTERVAL_MS, RECONNECT_MAX_MS, RECONNECT_MIN_MS, TilePlayer, WATCH_INTERVAL_MS, type Surroundings } from '../src/lib/video/tile-player';
import { PlanePlayer } from '../src/lib/video/webgl-player';
import { message, parsed } from './video-messages';

class FakeSocket {
  binaryType = '';
  readyState: number = WebSocket.CONNECTING;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor(readonly url: string) {}
  send(text: string): void {
    this.sent.push(text);
  }
  open(): void {
    this.readyState = WebSocket.OPEN;
    this.onopen?.();
  }
  close(): void {
    this.readyState = WebSocket.CLOSED;
    this.onclose?.();
  }
}

let sockets: FakeSocket[] = [];
let frames: (() => void)[] = [];
let visibility: DocumentVisibilityState = 'visible';
let ports: ScreenPorts;
let calls: string[] = [];
let page: EventTarget;
let canvas: HTMLCanvasElement;
let size = { width: 640, height: 360 };
/** What the page says first. */
const DRAWN = 'drawn 640 360';

function start(onGiveUp = (): void => undefined): TilePlayer {
  const screen: Screen = {
    label: 'webcodecs',
    socketOpened: () => calls.push('socketOpened'),
    push: ({ seq }) => calls.push(`push ${seq}`),
    draw: () => {
      calls.push('draw');
      return 33_000;
    },
    watch: () => calls.push('watch'),
    hide: () => calls.push('hide'),
    show: () => calls.push('show'),
    close: () => calls.push('close'),
  };
  const around: Surroundings = {
    openSocket: (url) => {
      const socket = new FakeSocket(url);
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    createScreen: (_canvas, _mode, given) => {
      ports = given;
      return screen;
    },
    now: () => Date.now(),
    page: Object.assign(page, {}) as unknown as Surroundings['page'],
    requestFrame: (callback) => frames.push(callback),
    cancelFrame: () => undefined,
    drawnOn: () => size,
  };
  const endpoint = { url: 'ws://127.0.0.1:9', token: 't' };
  return new TilePlayer({ canvas, tile: 'self', mode: 'h264', endpoint: () => Promise.resolve(endpoint), onGiveUp }, around);
}

const socket = (): FakeSocket => {
  const last = sockets.at(-1);
  if (!last) throw new Error('no socket');
  return last;
};

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  frames = [];
  calls = [];
  visibility = 'visible';
  size = { width: 640, height: 360 };
  page = new EventTarget();
  Object.defineProperty(page, 'visibilityState', { get: () => visibility });
  canvas = document.createElement('canvas');
});
afterEach(() => vi.useRealTimers());

async function connected(): Promise<TilePlayer> {
  const player = start();
  await vi.advanceTimersByTimeAsync(0);
  socket().open();
  return player;
}

test('it connects with its tile and mode', async () => {
  await connected();
  expect(socket().url).toBe('ws://127.0.0.1:9/video?token=t&tile=self&mode=h264');
  expect(socket().binaryType).toBe('arraybuffer');
  expect(calls).toEqual(['socketOpened']);
});

test('messages go to the screen, and its credit and key requests to the socket', async () => {
  await connected();
  socket().onmessage?.({ data: message({ seq: 4 }) });
  ports.credit();
  ports.requestKey();
  expect(calls).toContain('push 4');
  expect(socket().sent).toEqual([DRAWN, 'credit', 'key']);
});

test('a message that cannot be read gives its credit back', async () => {
  await connected();
  socket().onmessage?.({ data: new ArrayBuffer(3) });
  expect(socket().sent).toEqual([DRAWN, 'credit']);
});

test('any number of pictures between two animation frames is one drawing', async () => {
  await connected();
  ports.pictureReady();
  ports.pictureReady();
  ports.pictureReady();
  expect(frames).toHaveLength(1);
  frames[0]?.();
  expect(calls.filter((call) => call === 'draw')).toHaveLength(1);
  ports.pictureReady();
  expect(frames).toHaveLength(2);
});

test('the app is told when a picture was drawn, twice a second at most', async () => {
  await connected();
  for (let picture = 0; picture < 4; picture++) {
    ports.pictureReady();
    frames.at(-1)?.();
    await vi.advanceTimersByTimeAsync(SHOWN_INTERVAL_MS / 2);
  }
  const told = socket().sent.filter((text) => text.startsWith('shown'));
  expect(told).toEqual(['shown 33000', 'shown 33000']);
});

test('the canvas tells how many pictures were drawn', async () => {
  await connected();
  ports.pictureReady();
  frames[0]?.();
  await vi.advanceTimersByTimeAsync(WATCH_INTERVAL_MS);
  expect({ ...canvas.dataset }).toEqual({ mode: 'webcodecs', frames: '1', width: '300', height: '150' });
});

describe('reconnecting', () => {
  test('waits longer each time, and a short time again after a message', async () => {
    await connected();
    socket().close();
    await vi.advanceTimersByTimeAsync(RECONNECT_MIN_MS);
    expect(sockets).toHaveLength(2);
    socket().close();
    await vi.advanceTimersByTimeAsync(RECONNECT_MIN_MS);
    expect(sockets).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(RECONNECT_MIN_MS);
    expect(sockets).toHaveLength(3);
    for (let n = 0; n < 8; n += 1) {
      socket().close();
      await vi.advanceTimersByTimeAsync(RECONNECT_MAX_MS);
    }
    expect(sockets).toHaveLength(11);
    socket().open();
    socket().onmessage?.({ data: message({}) });
    socket().close();
    await vi.advanceTimersByTimeAsync(RECONNECT_MIN_MS);
    expect(sockets).toHaveLength(12);
  });

  test('ends with the player', async () => {
    const player = await connected();
    player.close();
    await vi.advanceTimersByTimeAsync(10 * RECONNECT_MAX_MS);
    expect(sockets).toHaveLength(1);
    expect(calls).toContain('close');
  });
});

test('hidden it pauses and the watchdog rests; visible it resumes', async () => {
  await connected();
  visibility = 'hidden';
  page.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(4 * WATCH_INTERVAL_MS);
  expect(calls).toEqual(['socketOpened', 'hide']);
  visibility = 'visible';
  page.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(WATCH_INTERVAL_MS);
  expect(calls).toEqual(['socketOpened', 'hide', 'show', 'watch']);
  expect(socket().sent).toEqual([DRAWN, 'pause', 'resume']);
});

test('a socket that opens while hidden is paused at once', async () => {
  visibility = 'hidden';
  await connected();
  expect(calls).toEqual(['hide', 'socketOpened']);
  expect(socket().sent).toEqual(['pause', DRAWN]);
});

describe('how large it is drawn', () => {
  const sizes = (): string[] => socket().sent.filter((text) => text.startsWith('drawn'));

  test('is told at each change, and anew on each socket', async () => {
    await connected();
    await vi.advanceTimersByTimeAsync(4 * WATCH_INTERVAL_MS);
    expect(sizes()).toEqual([DRAWN]);
    size = { width: 320, height: 180 };
    await vi.advanceTimersByTimeAsync(WATCH_INTERVAL_MS);
    expect(sizes()).toEqual([DRAWN, 'drawn 320 180']);
    socket().close();
    await vi.advanceTimersByTimeAsync(RECONNECT_MIN_MS);
    socket().open();
    expect(sizes()).toEqual(['drawn 320 180']);
  });

  test('is told before it is seen again', async () => {
    await connected();
    visibility = 'hidden';
    page.dispatchEvent(new Event('visibilitychange'));
    size = { width: 1280, height: 720 };
    await vi.advanceTimersByTimeAsync(4 * WATCH_INTERVAL_MS);
    expect(sizes()).toEqual([DRAWN]);
    visibility = 'visible';
    page.dispatchEvent(new Event('visibilitychange'));
    expect(socket().sent).toEqual([DRAWN, 'pause', 'drawn 1280 720', 'resume']);
  });

  test.each([
    ['contain', { width: 1000, height: 1000 }, { width: 1000, height: 563 }],
    ['contain', { width: 320, height: 90 }, { width: 160, height: 90 }],
    ['cover', { width: 1000, height: 1000 }, { width: 1778, height: 1000 }],
    ['cover', { width: 200_000, height: 1 }, { width: 65_535, height: 65_535 }],
  ])('%s in %o is %o', (fit, box, drawn) => {
    expect(drawnSize(box, { width: 1280, height: 720 }, fit)).toEqual(drawn);
  });
});

describe('planes', () => {
  test('give each credit back once: when drawn or when replaced', () => {
    let credits = 0;
    const player = new PlanePlayer({ credit: () => (credits += 1), pictureReady: () => undefined });
    const planes = (seq: number): void => {
      player.push(parsed({ seq, kind: 2, width: 2, height: 2, payload: new Uint8Array(6) }));
    };
    planes(0);
    expect(credits).toBe(0);
    planes(1);
    expect(credits).toBe(1);
    expect(player.take()?.seq).toBe(1);
    expect(credits).toBe(2);
    expect(player.take()).toBeNull();
    expect(credits).toBe(2);
    player.hide();
    planes(2);
    expect(credits).toBe(3);
    expect(player.take()).toBeNull();
  });
});
