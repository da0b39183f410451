// Keys that work in the window, those of a call except while somebody types.

import type { CallView } from '../lib/bindings/CallView';
import type { Intent } from '../lib/bindings/Intent';

export const SHORTCUTS = { microphone: 'M', talk: 'Space', camera: 'V', pause: 'Shift+V', share: 'S', pip: 'P', fullScreen: 'F', zoom: 'Z', hangUp: 'Ctrl+Shift+H', settings: 'Ctrl+,' } as const;

/** The same for assistive technology (`aria-keyshortcuts`). */
export const ARIA_SHORTCUTS = { ...SHORTCUTS, hangUp: 'Control+Shift+H', settings: 'Control+,' } as const;

/** What a key asks of this window, not of the call. */
export type WindowAction = { type: 'toggleShare' } | { type: 'togglePip' } | { type: 'toggleFullScreen' };

export function isTyping(event: KeyboardEvent): boolean {
  const { target } = event;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.tagName === 'TEXTAREA' || target.tagName === 'SELECT') return true;
  return target instanceof HTMLInputElement && target.type !== 'radio' && target.type !== 'checkbox';
}

/** A key pressed alone, in lower case; none while somebody types. */
export function plainKey(event: KeyboardEvent): string | null {
  const held = event.repeat || event.altKey || event.metaKey || event.ctrlKey || event.shiftKey;
  return held || isTyping(event) ? null : event.key.toLowerCase();
}

/** Whether the camera's picture is for the others: what is paused is switched on again, not off. */
export function isSeen({ camera, paused }: CallView): boolean {
  return camera.on && !paused;
}

/** What a key asks for in a call, if anything. */
export function callShortcut(event: KeyboardEvent, call: CallView): Intent | WindowAction | null {
  const { ctrlKey, shiftKey, altKey, metaKey, repeat } = event;
  if (ctrlKey && shiftKey && !altKey && !metaKey && !repeat && event.key.toLowerCase() === 'h') return { type: 'hangUp' };
  const shiftAlone = shiftKey && !ctrlKey && !altKey && !metaKey && !repeat && !isTyping(event);
  if (shiftAlone && event.key.toLowerCase() === 'v' && call.camera.on) return { type: 'pauseCamera', on: !call.paused };
  switch (plainKey(event)) {
    case 'm':
      return { type: 'setMicrophone', on: !call.microphone.on };
    case 'v':
      return { type: 'setCamera', on: !isSeen(call) };
    case 's':
      return { type: 'toggleShare' };
    case 'p':
      return { type: 'togglePip' };
    case 'f':
      return { type: 'toggleFullScreen' };
    default:
      return null;
  }
}
