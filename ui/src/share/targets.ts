// What of the list can be chosen and what is chosen from the start.

import type { ScreenKind } from '../lib/bindings/ScreenKind';
import type { ScreenView } from '../lib/bindings/ScreenView';

export interface Section {
  kind: ScreenKind;
  targets: ScreenView[];
}

/** Screens before windows, each in the order of the system. */
export function sections(targets: readonly ScreenView[]): Section[] {
  return (['monitor', 'window'] as const).map((kind) => ({
    kind,
    targets: targets.filter((target) => target.kind === kind),
  }));
}

/** What stays chosen when the list changes: what was, while it is there, else the main screen. */
export function stillChosen(targets: readonly ScreenView[], chosen: string | null): string | null {
  if (chosen !== null && targets.some(({ id }) => id === chosen)) return chosen;
  const monitors = targets.filter(({ kind }) => kind === 'monitor');
  return (monitors.find(({ primary }) => primary) ?? monitors[0])?.id ?? null;
}
