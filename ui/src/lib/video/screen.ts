// Where pictures are drawn, one kind for each mode.

import { WebCodecsPlayer, type PlayerPorts } from './webcodecs-player';
import { PlanePlayer, PlaneRenderer } from './webgl-player';
import { webCodecsDecoder } from './decoder';
import type { VideoMessage, VideoMode } from './protocol';

/** What a socket's messages are played with. */
export interface Screen {
  readonly label: 'webcodecs' | 'webgl';
  socketOpened(): void;
  push(message: VideoMessage): void;
  /** Draws the newest picture; its timestamp as it was sent, null if there is none. */
  draw(): number | null;
  watch(): void;
  hide(): void;
  show(): void;
  close(): void;
}

export type ScreenPorts = Omit<PlayerPorts<VideoFrame>, 'createDecoder'> & { credit(): void };

export type ScreenFactory = (canvas: HTMLCanvasElement, mode: VideoMode, ports: ScreenPorts) => Screen;

export const createScreen: ScreenFactory = (canvas, mode, ports) =>
  mode === 'h264' ? decodingScreen(canvas, ports) : planeScreen(canvas, ports);

function decodingScreen(canvas: HTMLCanvasElement, ports: ScreenPorts): Screen {
  // 2d draws decoded pictures at half the cost of WebGL.
  const context = canvas.getContext('2d', { alpha: false });
  if (!context) throw new Error('no 2d canvas');
  const player = new WebCodecsPlayer<VideoFrame>({ ...ports, createDecoder: webCodecsDecoder });
  return {
    label: 'webcodecs',
    socketOpened: () => { player.socketOpened(); },
    push: (message) => {
      player.push(message);
      // Decoding catches up at a thousand pictures a second; lag is cut inside the player.
      ports.credit();
    },
    draw: () => {
      const frame = player.take();
      if (!frame) return null;
      if (canvas.width !== frame.displayWidth) canvas.width = frame.displayWidth;
      if (canvas.height !== frame.displayHeight) canvas.height = frame.displayHeight;
      context.drawImage(frame, 0, 0);
      const sent = player.sentTimestamp(frame);
      frame.close();
      return sent;
    },
    watch: () => { player.watch(); },
    hide: () => { player.hide(); },
    show: () => { player.show(); },
    close: () => { player.close(); },
  };
}

function planeScreen(canvas: HTMLCanvasElement, ports: ScreenPorts): Screen {
  const renderer = new PlaneRenderer(canvas);
  const player = new PlanePlayer(ports);
  return {
    label: 'webgl',
    socketOpened: () => { player.socketOpened(); },
    push: (message) => { player.push(message); },
    draw: () => {
      const message = player.take();
      if (!message) return null;
      renderer.draw(message);
      return message.timestampUs;
    },
    watch: () => undefined,
    hide: () => { player.hide(); },
    show: () => { player.show(); },
    close: () => { renderer.close(); },
  };
}
