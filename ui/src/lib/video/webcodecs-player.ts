// Decides what to feed to the decoder, when to ask for a key frame, when to build the decoder
// anew and when to give up on it. It knows neither the socket nor the canvas.

import type { Decoder, DecoderFactory, Picture } from './decoder';
import { codecString, isAccessUnit, nextSeq, sameBytes, type VideoMessage } from './protocol';

/** Key frames are expensive for the far side and everybody in between. */
export const KEY_REQUEST_INTERVAL_MS = 500;
/** Some decoders swallow damage in silence; a healthy one answers in under 20 ms. */
export const WATCHDOG_MS = 500;
/** So many rebuilds within the window mean that the decoder does not work here. */
export const REBUILDS_BEFORE_FALLBACK = 3;
export const REBUILD_WINDOW_MS = 10_000;
/** More chunks than this in the decoder is a lag that people notice: skip to a key frame. */
export const MOST_WAITING = 8;
/** Step over a clock that went back, about one frame. */
const TIMESTAMP_STEP_US = 33_333;
/** Some pipelines count in nanoseconds or ticks and round on the way. */
const TIMESTAMP_ROUNDING_US = 1000;

export interface PlayerPorts<P extends Picture> {
  createDecoder: DecoderFactory<P>;
  /** Monotonic milliseconds. */
  now(): number;
  requestKey(): void;
  /** A picture waits in `take`. */
  pictureReady(): void;
  /** This player is of no use any more. */
  giveUp(): void;
}

export class WebCodecsPlayer<P extends Picture> {
  readonly #ports: PlayerPorts<P>;
  #decoder: Decoder | null = null;
  /** Callbacks of a decoder that was replaced carry an old generation. */
  #generation = 0;
  #configuration: Uint8Array<ArrayBuffer> | null = null;
  #configured: Uint8Array<ArrayBuffer> | null = null;
  #needKey = true;
  #expectedSeq: number | null = null;
  #lastTimestamp = -1;
  #timestampOffset = 0;
  #unansweredSince: number | null = null;
  #misses = 0;
  #rebuilds: number[] = [];
  #keyRequestedAt = -Infinity;
  #pending: P | null = null;
  #hidden = false;
  #closed = false;

  constructor(ports: PlayerPorts<P>) {
    this.#ports = ports;
  }

  /** A new socket: its sequence starts anew and its first pictures may be deltas. */
  socketOpened(): void {
    this.#expectedSeq = null;
    this.#needKey = true;
  }

  /** One message from the socket. */
  push(message: VideoMessage): void {
    if (this.#closed) return;
    const expected = this.#expectedSeq;
    this.#expectedSeq = nextSeq(message.seq);
    // The decoder gives no sign of loss, only garbage until the next IDR.
    if (expected !== null && expected !== message.seq) this.#needKey = true;
    if (message.configuration) this.#configuration = message.configuration;
    if (this.#hidden) return;
    if (!isAccessUnit(message.payload)) {
      this.#loseTrack();
      return;
    }
    if (!message.key && (this.#needKey || this.#isBehind())) {
      this.#loseTrack();
      return;
    }
    this.#feed(message);
  }

  /** The newest picture; the caller closes it. */
  take(): P | null {
    const picture = this.#pending;
    this.#pending = null;
    return picture;
  }

  /** The timestamp with which a picture of the newest socket was sent. */
  sentTimestamp(picture: P): number {
    return Math.max(0, Math.round(picture.timestamp - this.#timestampOffset));
  }

  /** To be called a few times a second while the page is visible. */
  watch(): void {
    if (this.#closed || this.#hidden || this.#unansweredSince === null) return;
    if (this.#ports.now() - this.#unansweredSince < WATCHDOG_MS) return;
    this.#unansweredSince = null;
    this.#misses += 1;
    if (this.#misses >= 2) this.#rebuild();
    else this.#loseTrack();
  }

  /** Nothing is drawn while hidden, so nothing is decoded. */
  hide(): void {
    this.#hidden = true;
    this.#needKey = true;
    this.#unansweredSince = null;
    this.take()?.close();
  }

  show(): void {
    this.#hidden = false;
  }

  close(): void {
    this.#closed = true;
    this.#dropDecoder();
    this.take()?.close();
  }

  #isBehind(): boolean {
    return (this.#decoder?.waiting ?? 0) >= MOST_WAITING;
  }

  #loseTrack(): void {
    this.#needKey = true;
    const now = this.#ports.now();
    if (now - this.#keyRequestedAt < KEY_REQUEST_INTERVAL_MS) return;
    this.#keyRequestedAt = now;
    this.#ports.requestKey();
  }

  #feed(message: VideoMessage): void {
    try {
      if (message.key && !this.#configureFor(message)) {
        this.#loseTrack();
        return;
      }
      const timestampUs = this.#stamp(message.timestampUs);
      this.#decoder?.decode({ key: message.key, timestampUs, data: message.payload });
      this.#needKey = false;
      this.#unansweredSince ??= this.#ports.now();
    } catch {
      this.#rebuild();
    }
  }

  /** False while the parameter sets are unknown. */
  #configureFor(message: VideoMessage): boolean {
    const description = this.#configuration;
    const codec = description && codecString(description);
    if (!description || !codec) return false;
    this.#decoder ??= this.#createDecoder();
    // Without this the picture keeps its first size for ever.
    if (!this.#configured || !sameBytes(this.#configured, description)) {
      this.#decoder.configure({
        codec,
        description,
        codedWidth: message.width,
        codedHeight: message.height,
      });
      this.#configured = description;
    }
    return true;
  }

  /** Rises over the life of the player, over reconnects too. */
  #stamp(timestampUs: number): number {
    if (timestampUs + this.#timestampOffset <= this.#lastTimestamp) {
      this.#timestampOffset = this.#lastTimestamp + TIMESTAMP_STEP_US - timestampUs;
    }
    this.#lastTimestamp = timestampUs + this.#timestampOffset;
    return this.#lastTimestamp;
  }

  #createDecoder(): Decoder {
    const generation = ++this.#generation;
    return this.#ports.createDecoder({
      output: (picture) => {
        if (this.#closed || this.#hidden || generation !== this.#generation) picture.close();
        else this.#accept(picture);
      },
      error: () => {
        if (!this.#closed && generation === this.#generation) this.#rebuild();
      },
    });
  }

  #accept(picture: P): void {
    this.#misses = 0;
    const newest = picture.timestamp + TIMESTAMP_ROUNDING_US >= this.#lastTimestamp;
    this.#unansweredSince = newest ? null : this.#ports.now();
    this.#pending?.close();
    this.#pending = picture;
    this.#ports.pictureReady();
  }

  #rebuild(): void {
    const now = this.#ports.now();
    this.#dropDecoder();
    this.#rebuilds = this.#rebuilds.filter((at) => now - at < REBUILD_WINDOW_MS);
    this.#rebuilds.push(now);
    if (this.#rebuilds.length >= REBUILDS_BEFORE_FALLBACK) {
      this.close();
      this.#ports.giveUp();
    } else {
      this.#loseTrack();
    }
  }

  #dropDecoder(): void {
    this.#generation += 1;
    this.#decoder?.close();
    this.#decoder = null;
    this.#configured = null;
    this.#unansweredSince = null;
    this.#misses = 0;
  }
}
