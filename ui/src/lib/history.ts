// What past calls mean to the person.

import type { CallMedia } from './bindings/CallMedia';
import type { HistoryEntry } from './bindings/HistoryEntry';

/** Somebody called, and this person neither answered nor declined. */
export function wasMissed({ direction, outcome }: HistoryEntry): boolean {
  return direction === 'incoming' && outcome !== 'answered' && outcome !== 'declined';
}

/** How somebody is called back: as they called last in vain; with sound alone if that is not known. */
export function callBackMedia(history: readonly HistoryEntry[], from: string): CallMedia {
  return history.find((entry) => wasMissed(entry) && entry.with.includes(from))?.media ?? 'audio';
}
