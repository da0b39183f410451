// What the window needs from the app behind it, whoever that is.

import type { Intent } from '../bindings/Intent';
import type { IntentError } from '../bindings/IntentError';
import type { Levels } from '../bindings/Levels';
import type { Snapshot } from '../bindings/Snapshot';
import type { VideoMode } from '../video/protocol';

export type Stop = () => void;

export interface TileRequest {
  canvas: HTMLCanvasElement;
  tile: string;
  mode: VideoMode;
  /** Called once if this mode does not work here. */
  onGiveUp: () => void;
}

export interface Backend {
  snapshot(): Promise<Snapshot>;
  onSnapshot(listener: (snapshot: Snapshot) => void): Promise<Stop>;
  onLevels(listener: (levels: Levels) => void): Promise<Stop>;
  /** Rejects with an {@link IntentError}. */
  dispatch(intent: Intent): Promise<void>;
  /** Finds out once how this window takes its pictures, and tells the app. */
  chooseVideoMode(): Promise<VideoMode>;
  /** Plays a tile on a canvas until stopped. */
  playTile(request: TileRequest): Stop;
}

/** Whether something caught is what `dispatch` rejects with. */
export function isIntentError(error: unknown): error is IntentError {
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error;
}
