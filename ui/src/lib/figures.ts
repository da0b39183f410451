// What a call's figures have been for the last minutes, for plots: the app pushes one second at
// a time, and the page keeps what it has seen.

import type { ParticipantStats } from './bindings/ParticipantStats';
import type { CallView } from './bindings/CallView';

/** Seconds kept for each participant. */
export const KEPT = 120;

export interface FigureHistory {
  call: string | null;
  /** By account, oldest first. */
  of: Readonly<Record<string, readonly ParticipantStats[]>>;
}

export const NO_FIGURES: FigureHistory = { call: null, of: {} };

/** Adds what is new in a snapshot; another call begins anew. */
export function remember(before: FigureHistory, call: CallView | null): FigureHistory {
  if (!call) return before.call === null ? before : NO_FIGURES;
  const known = before.call === call.call ? before.of : {};
  const of: Record<string, readonly ParticipantStats[]> = { ...known };
  let changed = before.call !== call.call;
  for (const stats of call.stats) {
    const past = known[stats.account] ?? [];
    if (past.at(-1)?.at === stats.at) continue;
    of[stats.account] = [...past, stats].slice(-KEPT);
    changed = true;
  }
  return changed ? { call: call.call, of } : before;
}
