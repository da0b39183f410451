// Whether a shared screen brings its sound along.

import type { Intent } from '../lib/bindings/Intent';
import type { Snapshot } from '../lib/bindings/Snapshot';

/** A switch that is the same in the picker, in the menu and for the tray. */
export interface ShareSound {
  readonly on: boolean;
  set(on: boolean): void;
}

/** `null` where the sound of programs cannot be taken. */
export function shareSound({ screens, settings }: Snapshot, send: (intent: Intent) => void): ShareSound | null {
  if (!screens.hasSound) return null;
  const set = (on: boolean): void => { send({ type: 'updateSettings', settings: { ...settings, shareSound: on } }); };
  return { on: settings.shareSound, set };
}
