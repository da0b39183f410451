// Keys for every program: how they are recorded, written and told.

import type { ShortcutAction } from '../lib/bindings/ShortcutAction';
import type { Shortcuts } from '../lib/bindings/Shortcuts';

export const ACTIONS: readonly ShortcutAction[] = ['mute', 'talk', 'hangUp', 'share'];

/** `incomplete`: only modifiers so far. `bare`: it would take a key from all programs. */
export type Recorded = { kind: 'keys'; accelerator: string } | { kind: 'incomplete' } | { kind: 'bare' };

const MODIFIERS: readonly string[] = ['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'CapsLock', 'NumLock', 'Fn', 'OS', 'Super', 'Hyper', 'Dead', 'Unidentified', 'Process'];

/** The name of a key by its place, so that Shift and layouts do not change it. */
function keyName({ code, key }: KeyboardEvent): string | null {
  if (MODIFIERS.includes(key)) return null;
  const plain = /^(?:Key([A-Z])|Digit([0-9])|(F[0-9]{1,2}))$/.exec(code);
  return plain?.[1] ?? plain?.[2] ?? plain?.[3] ?? (code === '' ? null : code);
}

/** What a press of keys stands for, such as `Control+Shift+M`. */
export function record(event: KeyboardEvent): Recorded {
  const name = keyName(event);
  if (name === null) return { kind: 'incomplete' };
  const held = [
    event.ctrlKey && 'Control',
    event.altKey && 'Alt',
    event.shiftKey && 'Shift',
    event.metaKey && 'Super',
  ].filter((modifier) => modifier !== false);
  const strong = held.some((modifier) => modifier !== 'Shift') || /^F[0-9]+$/.test(name);
  return strong ? { kind: 'keys', accelerator: [...held, name].join('+') } : { kind: 'bare' };
}

/** The action that has these keys already, if another has. */
export function clash(shortcuts: Shortcuts, action: ShortcutAction, accelerator: string): ShortcutAction | null {
  const same = (other: ShortcutAction): boolean => shortcuts[other].toLowerCase() === accelerator.toLowerCase();
  return ACTIONS.find((other) => other !== action && same(other)) ?? null;
}

/** As it is printed on keys. */
export function shownKeys(accelerator: string): string[] {
  return accelerator === '' ? [] : accelerator.split('+').map((part) => (part === 'Control' ? 'Ctrl' : part));
}
