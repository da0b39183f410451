// The desktop's side of the made-up app: it keeps what was asked for.

import type { AboutView } from '../bindings/AboutView';
import type { IntentErrorCode } from '../bindings/IntentErrorCode';
import type { ShortcutAction } from '../bindings/ShortcutAction';
import type { Link, Shell, Stop } from './backend';
import { abouts } from './fixtures/shells';

export type ShellCall = 'openPip' | 'closePip' | 'openMain' | 'closeIncoming' | 'startDragging';

export interface MockShell extends Shell {
  readonly calls: ShellCall[];
  openLink(link: Link): void;
  refuse(code: IntentErrorCode): void;
  takeShortcuts(taken: ShortcutAction[]): void;
}

export function mockShell(fixture: string, link: Link | null): MockShell {
  const pipListeners = new Set<(open: boolean) => void>();
  const linkListeners = new Set<(link: Link) => void>();
  const refusedListeners = new Set<(code: IntentErrorCode) => void>();
  const takenListeners = new Set<(taken: ShortcutAction[]) => void>();
  const calls: ShellCall[] = [];
  const done = (call: ShellCall): Promise<void> => {
    calls.push(call);
    if (call === 'openPip' || call === 'closePip') {
      for (const listener of pipListeners) listener(call === 'openPip');
    }
    return Promise.resolve();
  };
  const listened = <T>(listeners: Set<T>, listener: T): Promise<Stop> => {
    listeners.add(listener);
    return Promise.resolve(() => listeners.delete(listener));
  };
  return {
    calls,
    openPip: () => done('openPip'),
    closePip: () => done('closePip'),
    openMain: () => done('openMain'),
    closeIncoming: () => done('closeIncoming'),
    startDragging: () => done('startDragging'),
    about: (): Promise<AboutView> => Promise.resolve(abouts[fixture] ?? abouts.full),
    onPip: (listener) => listened(pipListeners, listener),
    onLink: (listener) => {
      if (link) listener(link);
      return listened(linkListeners, listener);
    },
    onRefused: (listener) => listened(refusedListeners, listener),
    onShortcutsTaken: (listener) => listened(takenListeners, listener),
    takeShortcuts(taken) {
      for (const listener of takenListeners) listener(taken);
    },
    refuse(code) {
      for (const listener of refusedListeners) listener(code);
    },
    openLink(link) {
      for (const listener of linkListeners) listener(link);
    },
  };
}
