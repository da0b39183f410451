// An app made up in the page: a fixture that answers to intents as far as looking at the
// window needs it. Tests, screenshots and `npm run dev` run on it.

import type { CallMedia } from '../bindings/CallMedia';
import type { CallView } from '../bindings/CallView';
import type { EndReasonView } from '../bindings/EndReasonView';
import type { IceServer } from '../bindings/IceServer';
import type { Intent } from '../bindings/Intent';
import type { IntentError } from '../bindings/IntentError';
import type { Levels } from '../bindings/Levels';
import type { Snapshot } from '../bindings/Snapshot';
import { isRelay } from '../../settings/ice';
import { chooseMode } from '../video/canary';
import { TilePlayer } from '../video/tile-player';
import type { Backend, Link, WindowLabel } from './backend';
import { fixtures, levelsFor } from './fixtures';
import { CALL, participant } from './fixtures/calls';
import { pastOf } from './fixtures/figures';
import { RECORDED, recording } from './fixtures/recordings';
import { OWN_SCREEN } from './fixtures/shares';
import { bare, here, lived } from './fixtures/people';
import { mockShell, type MockShell } from './mock-shell';
import { paintTile } from './painter';

export interface MockOptions {
  fixture?: string;
  /** Overrides the setting of the fixture. */
  theme?: Snapshot['settings']['theme'];
  /** Plays tiles from a real socket instead of painting them: `ws://127.0.0.1:PORT`. */
  endpoint?: string | null;
  /** Which of the app's windows this is. */
  label?: WindowLabel;
  /** What a link asks for from the start. */
  link?: Link | null;
}

export interface MockBackend extends Backend {
  readonly shell: MockShell;
  readonly intents: Intent[];
  /** What the next intent is rejected with. */
  failNext: IntentError | null;
  push(change: (snapshot: Snapshot) => Snapshot): void;
  pushLevels(levels: Levels): void;
}

export function mockBackend({ fixture = 'contacts', theme, endpoint, label = 'main', link = null }: MockOptions = {}): MockBackend {
  const first = fixtures[fixture] ?? bare;
  let snapshot: Snapshot = theme ? { ...first, settings: { ...first.settings, theme } } : first;
  const listeners = new Set<(snapshot: Snapshot) => void>();
  const levelListeners = new Set<(levels: Levels) => void>();

  const backend: MockBackend = {
    label,
    shell: mockShell(fixture, link),
    intents: [],
    failNext: null,
    push(change) {
      snapshot = { ...change(snapshot), revision: snapshot.revision + 1 };
      for (const listener of listeners) listener(snapshot);
    },
    pushLevels(levels) {
      for (const listener of levelListeners) listener(levels);
    },
    snapshot: () => Promise.resolve(snapshot),
    onSnapshot(listener) {
      listeners.add(listener);
      for (const before of past(first)) listener(before);
      return Promise.resolve(() => listeners.delete(listener));
    },
    onLevels(listener) {
      levelListeners.add(listener);
      const timer = setInterval(() => { listener(levelsFor(fixture, snapshot, performance.now())); }, 100);
      return Promise.resolve(() => {
        clearInterval(timer);
        levelListeners.delete(listener);
      });
    },
    dispatch(intent) {
      backend.intents.push(intent);
      const error = backend.failNext ?? refusal(intent);
      backend.failNext = null;
      // Rejected as the app does it: with a plain object.
      if (error) return Promise.reject(error);
      backend.push((before) => answer(before, intent, first));
      return Promise.resolve();
    },
    recording: (call) => Promise.resolve(call === RECORDED || call === CALL ? recording : null),
    saveRecording: (call, format) => Promise.resolve(`/home/alice/Downloads/tincan-call-${call.slice(0, 8)}.${format}`),
    chooseVideoMode: () =>
      endpoint ? chooseMode({ search: location.search, stored: null }) : Promise.resolve('h264'),
    playTile(request) {
      if (!endpoint) return paintTile(request.canvas, request.tile);
      const player = new TilePlayer({ ...request, endpoint: () => Promise.resolve({ url: endpoint, token: 'mock' }) });
      return () => { player.close(); };
    },
  };
  return backend;
}

/** What was pushed before the page began to look: two minutes of figures. */
function past(now: Snapshot): Snapshot[] {
  const { call } = now;
  const minutes = call?.stats.map(pastOf) ?? [];
  const seconds = Math.max(0, ...minutes.map(({ length }) => length));
  return Array.from({ length: seconds }, (_, second) => ({
    ...now,
    call: call && { ...call, stats: minutes.flatMap((one) => one[second] ?? []) },
  }));
}

/** What the app would not take. */
function refusal(intent: Intent): IntentError | null {
  if (intent.type !== 'updateSettings') return null;
  const isGood = (server: IceServer): boolean =>
    server.urls.every((url) => /^(stun|turn)s?:[^/]/.test(url)) &&
    (!isRelay(server) || (server.username !== '' && server.credential !== ''));
  const message = 'not the address of a STUN or TURN server';
  return intent.settings.iceServers.every(isGood) ? null : { code: 'badIceServer', message };
}

function call(to: string[], media: CallMedia, connected: boolean): Snapshot['call'] {
  const base = (connected ? fixtures.connected : fixtures.ringing)?.call;
  if (!base) return null;
  const changes = connected ? {} : { connected: false, tile: null, device: null };
  return {
    ...base,
    media,
    connectedAt: connected ? Date.now() : null,
    echo: null,
    participants: to.map((name) => participant(name, { camera: media === 'video', ...changes })),
    camera: { on: media === 'video', live: media === 'video', problem: null },
  };
}

function end(snapshot: Snapshot, reason: EndReasonView, who: string[], media: CallMedia): Snapshot {
  return { ...snapshot, call: null, incoming: [], ended: { call: CALL, with: who, media, reason, talkedS: 0 } };
}

/** A change of the call, if there is one. */
function inCall(snapshot: Snapshot, changes: Partial<CallView>): Snapshot {
  return snapshot.call ? { ...snapshot, call: { ...snapshot.call, ...changes } } : snapshot;
}

/** The system's dialog, where there is one, chooses at once. */
function shared({ screens, settings }: Snapshot, id: string | null): Partial<CallView> {
  const target = screens.targets.find((one) => one.id === id);
  const { name, kind, width, height } = target ?? { name: 'Screen 1', kind: 'monitor', width: 1920, height: 1080 };
  return {
    share: { kind: 'sharing', name, targetKind: kind, width, height, sound: settings.shareSound, showingCamera: false },
    shareProblem: null,
    selfTile: OWN_SCREEN,
  };
}

function answer(snapshot: Snapshot, intent: Intent, first: Snapshot): Snapshot {
  switch (intent.type) {
    case 'signIn':
      return { ...lived, session: { kind: 'online', name: intent.name, device: CALL, server: here } };
    case 'signOut':
      return { ...bare, session: { kind: 'signedOut', server: here, name: null, problem: null } };
    case 'addContact':
      return { ...snapshot, requests: [...snapshot.requests, { name: intent.name, direction: 'outgoing' }] };
    case 'answerRequest':
      return { ...snapshot, requests: snapshot.requests.filter(({ name }) => name !== intent.name) };
    case 'removeContact':
      return {
        ...snapshot,
        contacts: snapshot.contacts.filter(({ name }) => name !== intent.name),
        requests: snapshot.requests.filter(({ name }) => name !== intent.name),
      };
    case 'call':
      return { ...snapshot, ended: null, call: call(intent.to, intent.media, false) };
    case 'accept': {
      const from = snapshot.incoming.find((one) => one.call === intent.call)?.from ?? 'bob';
      return { ...snapshot, incoming: [], call: call([from], intent.media, true) };
    }
    case 'decline': {
      const from = snapshot.incoming.find((one) => one.call === intent.call);
      return end(snapshot, 'declined', [from?.from ?? 'bob'], from?.media ?? 'audio');
    }
    case 'hangUp': {
      const others = snapshot.call?.participants.map(({ account }) => account) ?? [];
      return end(snapshot, 'hungUp', others, snapshot.call?.media ?? 'audio');
    }
    case 'setMicrophone':
      return inCall(snapshot, { microphone: { on: intent.on, live: intent.on, problem: null } });
    case 'holdMicrophone': {
      const on = !snapshot.call?.microphone.on;
      return inCall(snapshot, { microphone: { on, live: on, problem: null } });
    }
    case 'setCamera': {
      const camera = { on: intent.on, live: intent.on, problem: null };
      return inCall(snapshot, { camera, paused: false, selfTile: intent.on ? 'self' : null });
    }
    case 'pauseCamera':
      return inCall(snapshot, { paused: intent.on && snapshot.call?.camera.on === true });
    case 'setPictureQuality':
      return { ...snapshot, settings: { ...snapshot.settings, pictureQuality: intent.quality } };
    case 'setVolume': {
      const { account, percent: volume } = intent;
      const others = snapshot.call?.participants ?? [];
      return inCall(snapshot, { participants: others.map((one) => (one.account === account ? { ...one, volume } : one)) });
    }
    case 'chooseDevice': {
      const kind = `${intent.device}s` as const;
      const choice = { ...snapshot.devices[kind], chosen: intent.id };
      return { ...snapshot, devices: { ...snapshot.devices, [kind]: choice } };
    }
    case 'testMicrophone':
      return { ...snapshot, devices: { ...snapshot.devices, testingMicrophone: intent.on } };
    case 'sampleSound':
      return { ...snapshot, devices: { ...snapshot.devices, sample: intent.on ? 'recording' : 'off' } };
    case 'previewCamera':
      return { ...snapshot, devices: { ...snapshot.devices, previewingCamera: intent.on } };
    case 'updateSettings':
      return { ...snapshot, settings: intent.settings };
    case 'dismissEnded':
      return { ...snapshot, ended: null };
    case 'dismissNotice':
      return { ...snapshot, notices: snapshot.notices.filter(({ id }) => id !== intent.id) };
    case 'checkConnection':
      // A fixture that has a check of its own keeps it.
      return { ...snapshot, check: first.check ?? { state: 'running', done: [], of: 6 } };
    case 'cancelConnectionCheck':
      return { ...snapshot, check: null };
    case 'watchScreens':
    case 'listScreens': {
      // Nothing has been found yet where the fixture says so.
      const watching = intent.type === 'watchScreens' ? intent.on && first.screens.watching : snapshot.screens.watching;
      return { ...snapshot, screens: { ...snapshot.screens, watching } };
    }
    case 'shareScreen':
      return inCall(snapshot, shared(snapshot, intent.target));
    case 'stopSharing':
      return inCall(snapshot, { share: { kind: 'off' }, selfTile: snapshot.call?.camera.on ? 'self' : null });
    case 'showWhileSharing':
      return snapshot.call?.share.kind === 'sharing'
        ? inCall(snapshot, {
            share: { ...snapshot.call.share, showingCamera: intent.camera },
            selfTile: intent.camera ? 'self' : OWN_SCREEN,
          })
        : snapshot;
    case 'retryConnection':
    case 'reconnectNow':
    case 'refreshDevices':
    case 'testSound':
      return snapshot;
  }
}
