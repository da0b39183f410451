// The one place that holds what the window shows: the last snapshot and the last levels.

import { createContext } from 'svelte';
import { isIntentError, type Backend, type Link, type Stop } from './backend/backend';
import type { Intent } from './bindings/Intent';
import type { IntentErrorCode } from './bindings/IntentErrorCode';
import type { Levels } from './bindings/Levels';
import type { Snapshot } from './bindings/Snapshot';
import { NO_FIGURES, remember } from './figures';
import type { VideoMode } from './video/protocol';

const SILENCE: Levels = { microphone: 0, speaking: false, participants: [], chain: null };

/** Something asked for in this window that was not carried out. */
export interface LocalNotice {
  id: number;
  code: IntentErrorCode;
}

/** How long a notice about one's own click stays. */
export const LOCAL_NOTICE_MS = 6000;

export class App {
  snapshot = $state.raw<Snapshot | null>(null);
  levels = $state.raw<Levels>(SILENCE);
  /** Of the current call. */
  figures = $state.raw(NO_FIGURES);
  videoMode = $state.raw<VideoMode | null>(null);
  /** Picture-in-picture is open. */
  pipOpen = $state(false);
  /** What a link asked for and nobody has answered yet. */
  link = $state.raw<Link | null>(null);
  localNotices = $state.raw<LocalNotice[]>([]);
  readonly backend: Backend;
  #nextNotice = 0;
  #stops: Stop[] = [];

  constructor(backend: Backend) {
    this.backend = backend;
  }

  async start(): Promise<void> {
    const { backend } = this;
    // Listening comes first, so that nothing falls between the first snapshot and the next.
    this.#stops = await Promise.all([
      backend.onSnapshot((snapshot) => { this.#show(snapshot); }),
      backend.onLevels((levels) => (this.levels = levels)),
      backend.shell.onPip((open) => (this.pipOpen = open)),
      backend.shell.onLink((link) => (this.link = link)),
      backend.shell.onRefused((code) => { this.notice(code); }),
    ]);
    // The window of a ringing call shows no pictures.
    if (backend.label !== 'incoming') void backend.chooseVideoMode().then((mode) => (this.videoMode = mode));
    this.#show(await backend.snapshot());
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }

  /** Asks for something; if it is not carried out, a notice says why. */
  send = async (intent: Intent): Promise<void> => {
    const code = await this.ask(intent);
    if (code) this.notice(code);
  };

  /** Asks for something; the caller shows why it was not carried out, if so. */
  ask = async (intent: Intent): Promise<IntentErrorCode | null> => {
    try {
      await this.backend.dispatch(intent);
      return null;
    } catch (error) {
      if (isIntentError(error)) return error.code;
      throw error;
    }
  };

  togglePip = (): void => {
    const { shell } = this.backend;
    (this.pipOpen ? shell.closePip() : shell.openPip()).catch(console.error);
  };

  dismissLocal = (id: number): void => {
    this.localNotices = this.localNotices.filter((notice) => notice.id !== id);
  };

  #show(snapshot: Snapshot): void {
    // The answer to the first question may be older than what was pushed meanwhile.
    if (this.snapshot && snapshot.revision < this.snapshot.revision) return;
    this.snapshot = snapshot;
    this.figures = remember(this.figures, snapshot.call);
  }

  /** Tells for a while that something was not carried out. */
  notice(code: IntentErrorCode): void {
    const id = this.#nextNotice++;
    this.localNotices = [...this.localNotices.filter((notice) => notice.code !== code), { id, code }];
    setTimeout(() => { this.dismissLocal(id); }, LOCAL_NOTICE_MS);
  }
}

export const [useApp, provideApp] = createContext<App>();
