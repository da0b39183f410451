// What past calls mean to the person.

import type { HistoryEntry } from './bindings/HistoryEntry';

/** Somebody called, and this person neither answered nor declined. */
export function wasMissed({ direction, outcome }: HistoryEntry): boolean {
  return direction === 'incoming' && outcome !== 'answered' && outcome !== 'declined';
}
