// The app behind the window: its commands and events, by name.

import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { Levels } from '../bindings/Levels';
import type { Recording } from '../bindings/Recording';
import type { Snapshot } from '../bindings/Snapshot';
import type { VideoEndpoint } from '../bindings/VideoEndpoint';
import { chooseMode } from '../video/canary';
import { TilePlayer } from '../video/tile-player';
import type { Backend } from './backend';
import { currentLabel, tauriShell } from './tauri-shell';

export function tauriBackend(): Backend {
  return {
    label: currentLabel(),
    shell: tauriShell(),
    snapshot: () => invoke<Snapshot>('snapshot'),
    onSnapshot: (listener) => listen<Snapshot>('snapshot', ({ payload }) => { listener(payload); }),
    onLevels: (listener) => listen<Levels>('levels', ({ payload }) => { listener(payload); }),
    dispatch: (intent) => invoke('dispatch', { intent }),
    recording: (call) => invoke<Recording | null>('recording', { call }),
    saveRecording: (call, format) => invoke<string | null>('save_recording', { call, format }),
    async chooseVideoMode() {
      const stored = localStorage.getItem('tincan.video');
      const mode = await chooseMode({ search: location.search, stored });
      // The sockets name their mode too: pictures must not wait for this report to succeed.
      await invoke('decoder_chosen', { webcodecs: mode === 'h264' }).catch(console.error);
      return mode;
    },
    playTile(request) {
      const player = new TilePlayer({
        ...request,
        endpoint: () => invoke<VideoEndpoint>('video_endpoint'),
      });
      return () => { player.close(); };
    },
  };
}

/** Whether this page runs inside the app. */
export function isInsideApp(): boolean {
  return '__TAURI_INTERNALS__' in window;
}
