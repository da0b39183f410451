// The desktop's side of the app: commands and events that are not about a call.

import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import { getCurrentWindow } from '@tauri-apps/api/window';
import type { AboutView } from '../bindings/AboutView';
import type { IntentErrorCode } from '../bindings/IntentErrorCode';
import type { ShortcutAction } from '../bindings/ShortcutAction';
import type { Link, Shell, WindowLabel } from './backend';

export function tauriShell(): Shell {
  return {
    openPip: () => invoke('open_pip'),
    closePip: () => invoke('close_pip'),
    openMain: () => invoke('open_main'),
    closeIncoming: () => invoke('close_incoming'),
    startDragging: () => getCurrentWindow().startDragging(),
    about: () => invoke<AboutView>('about'),
    onPip: (listener) => listen<{ open: boolean }>('pip', ({ payload }) => { listener(payload.open); }),
    onLink: (listener) => listen<Link>('link', ({ payload }) => { listener(payload); }),
    onShortcutsTaken: (listener) => listen<ShortcutAction[]>('shortcuts-taken', ({ payload }) => { listener(payload); }),
    onRefused: (listener) => listen<IntentErrorCode>('refused', ({ payload }) => { listener(payload); }),
  };
}

export function currentLabel(): WindowLabel {
  const { label } = getCurrentWindow();
  return label === 'pip' || label === 'incoming' ? label : 'main';
}
