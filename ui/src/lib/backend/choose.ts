// The app behind the window if there is one, else a made-up one for a plain browser.

import type { Theme } from '../bindings/Theme';
import type { Backend, WindowLabel } from './backend';
import { isInsideApp, tauriBackend } from './tauri';

const LABELS: readonly WindowLabel[] = ['main', 'pip', 'incoming'];
const THEMES: readonly string[] = ['system', 'light', 'dark'] satisfies Theme[];

export async function chooseBackend(): Promise<Backend> {
  if (isInsideApp()) return tauriBackend();
  const { mockBackend } = await import('./mock');
  const query = new URLSearchParams(location.search);
  const theme = query.get('theme') ?? '';
  return mockBackend({
    fixture: query.get('fixture') ?? undefined,
    theme: THEMES.includes(theme) ? (theme as Theme) : undefined,
    endpoint: query.get('endpoint'),
    label: LABELS.find((label) => label === query.get('window')),
  });
}
