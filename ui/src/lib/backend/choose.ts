// The app behind the window if there is one, else a made-up one for a plain browser.

import type { Theme } from '../bindings/Theme';
import type { Backend, Link, WindowLabel } from './backend';
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
    link: linkOf(query),
    label: LABELS.find((label) => label === query.get('window')),
  });
}

/** `?link=call:bob` or `?link=invite:zoe@calls.example.org`. */
function linkOf(query: URLSearchParams): Link | null {
  const [, kind, name = '', server = null] = /^(call|invite):([^@]+)(?:@(.+))?$/.exec(query.get('link') ?? '') ?? [];
  return kind === 'call' || kind === 'invite' ? { kind, name, server } : null;
}
