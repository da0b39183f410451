// A window on the made-up app, and how tests look into it.

import { cleanup, render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { tick } from 'svelte';
import { afterEach, beforeAll, vi } from 'vitest';
import { App } from '../src/lib/app.svelte';
import type { WindowLabel } from '../src/lib/backend/backend';
import { mockBackend, type MockBackend } from '../src/lib/backend/mock';
import Root from '../src/Root.svelte';

let app: App | null = null;
export const user = userEvent.setup();

export async function show(fixture: string, label: WindowLabel = 'main'): Promise<MockBackend> {
  const backend = mockBackend({ fixture, label });
  app = new App(backend);
  render(Root, { app });
  await app.start();
  await tick();
  return backend;
}

export const id = (testid: string): HTMLElement => screen.getByTestId(testid);
export const gone = (testid: string): boolean => screen.queryByTestId(testid) === null;
export const lastIntent = (backend: MockBackend): unknown => backend.intents.at(-1);

// The modules of all screens are compiled at the first import, which takes a while.
beforeAll(() => vi.setConfig({ testTimeout: 15_000 }));
afterEach(() => {
  app?.stop();
  cleanup();
  vi.useRealTimers();
});
