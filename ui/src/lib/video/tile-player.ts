// One tile: its socket with reconnects, drawing on animation frames, and silence while hidden.

import type { VideoEndpoint } from '../bindings/VideoEndpoint';
import { drawnOn, type Size } from './drawn';
import { parseMessage, tileUrl, type PageMessage, type VideoMode } from './protocol';
import { createScreen, type Screen, type ScreenFactory } from './screen';

export const RECONNECT_MIN_MS = 250;
export const RECONNECT_MAX_MS = 4000;
/** How often the watchdog looks and the figures on the canvas are written. */
export const WATCH_INTERVAL_MS = 250;
/** How often the app is told when a picture was drawn. */
export const SHOWN_INTERVAL_MS = 500;

/** What of the browser a tile uses, to be replaced in tests. */
export interface Surroundings {
  openSocket(url: string): WebSocket;
  createScreen: ScreenFactory;
  now(): number;
  page: Pick<Document, 'visibilityState' | 'addEventListener' | 'removeEventListener'>;
  requestFrame(callback: () => void): number;
  cancelFrame(id: number): void;
  /** How large the canvas's picture is drawn, in pixels of the display. */
  drawnOn(canvas: HTMLCanvasElement, hasPicture: boolean): Size;
}

export interface TileOptions {
  canvas: HTMLCanvasElement;
  tile: string;
  mode: VideoMode;
  endpoint(): Promise<VideoEndpoint>;
  /** Called once when this mode does not work here. */
  onGiveUp(): void;
}

export const browser = (): Surroundings => ({
  openSocket: (url) => new WebSocket(url),
  createScreen,
  now: () => performance.now(),
  page: document,
  requestFrame: (callback) => requestAnimationFrame(callback),
  cancelFrame: (id) => { cancelAnimationFrame(id); },
  drawnOn,
});

export class TilePlayer {
  readonly #options: TileOptions;
  readonly #around: Surroundings;
  readonly #screen: Screen;
  readonly #watch: ReturnType<typeof setInterval>;
  #socket: WebSocket | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryIn = RECONNECT_MIN_MS;
  #frameRequest: number | null = null;
  #drawn = 0;
  /** What was said last on this socket of how large it is. */
  #told = '';
  #shownToldAt = -Infinity;
  #closed = false;

  constructor(options: TileOptions, around: Surroundings = browser()) {
    this.#options = options;
    this.#around = around;
    this.#screen = around.createScreen(options.canvas, options.mode, {
      now: () => around.now(),
      credit: () => { this.#say('credit'); },
      requestKey: () => { this.#say('key'); },
      pictureReady: () => { this.#drawSoon(); },
      giveUp: () => { options.onGiveUp(); },
    });
    options.canvas.dataset.mode = this.#screen.label;
    options.canvas.dataset.frames = '0';
    around.page.addEventListener('visibilitychange', this.#visibilityChanged);
    if (this.#isHidden) this.#screen.hide();
    this.#watch = setInterval(() => { this.#look(); }, WATCH_INTERVAL_MS);
    void this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    if (this.#frameRequest !== null) this.#around.cancelFrame(this.#frameRequest);
    this.#around.page.removeEventListener('visibilitychange', this.#visibilityChanged);
    this.#socket?.close();
    this.#screen.close();
  }

  get #isHidden(): boolean {
    return this.#around.page.visibilityState === 'hidden';
  }

  async #connect(): Promise<void> {
    let endpoint: VideoEndpoint;
    try {
      endpoint = await this.#options.endpoint();
    } catch {
      this.#reconnectLater();
      return;
    }
    if (this.#closed) return;
    const { tile, mode } = this.#options;
    const socket = this.#around.openSocket(tileUrl(endpoint, tile, mode));
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onopen = () => {
      this.#screen.socketOpened();
      this.#told = '';
      if (this.#isHidden) this.#say('pause');
      this.#tellSize();
    };
    socket.onmessage = (event: MessageEvent<unknown>) => { this.#receive(event.data); };
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#reconnectLater();
    };
  }

  #reconnectLater(): void {
    if (this.#closed) return;
    this.#retry = setTimeout(() => void this.#connect(), this.#retryIn);
    this.#retryIn = Math.min(this.#retryIn * 2, RECONNECT_MAX_MS);
  }

  #receive(data: unknown): void {
    if (this.#closed || !(data instanceof ArrayBuffer)) return;
    this.#retryIn = RECONNECT_MIN_MS;
    const message = parseMessage(data);
    if (message?.mode === this.#options.mode) this.#screen.push(message);
    // What cannot be read must not use up the credit.
    else this.#say('credit');
  }

  #say(message: PageMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  #tellSize(): void {
    const { width, height } = this.#around.drawnOn(this.#options.canvas, this.#drawn > 0);
    const size = `drawn ${width} ${height}` as const;
    if (size === this.#told || this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#told = size;
    this.#say(size);
  }

  /** Any number of pictures between two animation frames is one drawing. */
  #drawSoon(): void {
    this.#frameRequest ??= this.#around.requestFrame(() => {
      this.#frameRequest = null;
      const sent = this.#closed ? null : this.#screen.draw();
      if (sent !== null) this.#tellDrawn(sent);
    });
  }

  #tellDrawn(sent: number): void {
    this.#drawn += 1;
    const now = this.#around.now();
    if (now - this.#shownToldAt < SHOWN_INTERVAL_MS) return;
    this.#shownToldAt = now;
    this.#say(`shown ${sent}`);
  }

  readonly #visibilityChanged = (): void => {
    if (this.#isHidden) {
      this.#screen.hide();
      this.#say('pause');
    } else {
      this.#screen.show();
      this.#tellSize();
      this.#say('resume');
    }
  };

  #look(): void {
    const { canvas } = this.#options;
    canvas.dataset.frames = String(this.#drawn);
    canvas.dataset.width = String(canvas.width);
    canvas.dataset.height = String(canvas.height);
    // Page timers slow down while hidden; the watchdog would only raise false alarms.
    if (this.#isHidden) return;
    this.#screen.watch();
    this.#tellSize();
  }
}
