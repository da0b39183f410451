// What the window needs from the app behind it, whoever that is.

import type { ShortcutAction } from '../bindings/ShortcutAction';
import type { AboutView } from '../bindings/AboutView';
import type { Intent } from '../bindings/Intent';
import type { IntentError } from '../bindings/IntentError';
import type { IntentErrorCode } from '../bindings/IntentErrorCode';
import type { Levels } from '../bindings/Levels';
import type { Recording } from '../bindings/Recording';
import type { RecordingFormat } from '../bindings/RecordingFormat';
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

/** Which of the app's windows a page is in. */
export type WindowLabel = 'main' | 'pip' | 'incoming';

/** What a `tincan://` link asks for. */
export interface Link {
  kind: 'call' | 'invite';
  name: string;
  /** Absent: the one that the person is signed in at. */
  server: string | null;
}

/** What is asked of the desktop, not of a call. */
export interface Shell {
  openPip(): Promise<void>;
  closePip(): Promise<void>;
  openMain(): Promise<void>;
  closeIncoming(): Promise<void>;
  /** Moves this window along with the pointer until the button is let go. */
  startDragging(): Promise<void>;
  about(): Promise<AboutView>;
  /** Keys that are wanted are another program's. */
  onShortcutsTaken(listener: (taken: ShortcutAction[]) => void): Promise<Stop>;
  onPip(listener: (open: boolean) => void): Promise<Stop>;
  onLink(listener: (link: Link) => void): Promise<Stop>;
  /** Something that was asked for outside this page was not carried out. */
  onRefused(listener: (code: IntentErrorCode) => void): Promise<Stop>;
}

export interface Backend {
  readonly label: WindowLabel;
  readonly shell: Shell;
  snapshot(): Promise<Snapshot>;
  onSnapshot(listener: (snapshot: Snapshot) => void): Promise<Stop>;
  onLevels(listener: (levels: Levels) => void): Promise<Stop>;
  /** Rejects with an {@link IntentError}. */
  dispatch(intent: Intent): Promise<void>;
  /** What was recorded of a call, the current one included. */
  recording(call: string): Promise<Recording | null>;
  /** Saves that where the person finds it, and tells where; null if it could not be saved. */
  saveRecording(call: string, format: RecordingFormat): Promise<string | null>;
  /** Finds out once how this window takes its pictures, and tells the app. */
  chooseVideoMode(): Promise<VideoMode>;
  /** Plays a tile on a canvas until stopped. */
  playTile(request: TileRequest): Stop;
}

/** Whether something caught is what `dispatch` rejects with. */
export function isIntentError(error: unknown): error is IntentError {
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error;
}
