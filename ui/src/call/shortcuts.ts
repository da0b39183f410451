// Keys that work anywhere in a call, except while somebody types.

import type { CallView } from '../lib/bindings/CallView';
import type { Intent } from '../lib/bindings/Intent';

export const SHORTCUTS = { microphone: 'M', camera: 'V', hangUp: 'Ctrl+Shift+H' } as const;

/** The same for assistive technology (`aria-keyshortcuts`). */
export const ARIA_SHORTCUTS = { microphone: 'M', camera: 'V', hangUp: 'Control+Shift+H' } as const;

function isTyping(event: KeyboardEvent): boolean {
  const { target } = event;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.tagName === 'TEXTAREA' || target.tagName === 'SELECT') return true;
  return target instanceof HTMLInputElement && target.type !== 'radio' && target.type !== 'checkbox';
}

/** What a key asks for in a call, if anything. */
export function callShortcut(event: KeyboardEvent, call: CallView): Intent | null {
  if (event.repeat || event.altKey || event.metaKey || isTyping(event)) return null;
  const key = event.key.toLowerCase();
  if (event.ctrlKey) return event.shiftKey && key === 'h' ? { type: 'hangUp' } : null;
  if (event.shiftKey) return null;
  if (key === 'm') return { type: 'setMicrophone', on: !call.microphone.on };
  if (key === 'v') return { type: 'setCamera', on: !call.camera.on };
  return null;
}
