// What the player needs of WebCodecs, as interfaces, so that it can be tested without it.

/** A decoded picture that holds memory until it is closed. */
export interface Picture {
  readonly timestamp: number;
  close(): void;
}

export interface Chunk {
  key: boolean;
  timestampUs: number;
  data: Uint8Array<ArrayBuffer>;
}

export interface DecoderConfiguration {
  codec: string;
  description: Uint8Array<ArrayBuffer>;
  codedWidth: number;
  codedHeight: number;
}

export interface Decoder {
  /** Chunks that wait inside. */
  readonly waiting: number;
  configure(configuration: DecoderConfiguration): void;
  decode(chunk: Chunk): void;
  close(): void;
}

export interface DecoderEvents<P extends Picture> {
  output(picture: P): void;
  error(): void;
}

export type DecoderFactory<P extends Picture> = (events: DecoderEvents<P>) => Decoder;

/** The browser's own decoder. */
export function webCodecsDecoder(events: DecoderEvents<VideoFrame>): Decoder {
  const inner = new VideoDecoder({
    output: (frame) => { events.output(frame); },
    error: () => { events.error(); },
  });
  return {
    get waiting() {
      return inner.decodeQueueSize;
    },
    configure(configuration) {
      // Without optimizeForLatency the last picture before a new configuration gets lost.
      inner.configure({ ...configuration, optimizeForLatency: true });
    },
    decode({ key, timestampUs, data }) {
      inner.decode(new EncodedVideoChunk({ type: key ? 'key' : 'delta', timestamp: timestampUs, data }));
    },
    close() {
      // A decoder that failed is closed already and would throw.
      if (inner.state !== 'closed') inner.close();
    },
  };
}
