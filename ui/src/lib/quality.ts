// The figures of a call in one word.

import type { CallView } from './bindings/CallView';
import type { ParticipantStats } from './bindings/ParticipantStats';

export type Quality = 'good' | 'fair' | 'poor';

// ITU-T G.114 calls 150 ms one way good and 400 ms the end of what is usable; loss above some
// 5 % is seen and heard in spite of concealment.
const FAIR = { roundTripMs: 300, loss: 0.02, concealed: 0.03 };
const POOR = { roundTripMs: 800, loss: 0.06, concealed: 0.1 };

function exceeds(stats: ParticipantStats, bound: typeof FAIR): boolean {
  return (
    (stats.roundTripMs ?? 0) > bound.roundTripMs || stats.loss > bound.loss || stats.concealed > bound.concealed
  );
}

/** The worst of all participants; null before there are figures. */
export function quality(stats: readonly ParticipantStats[]): Quality | null {
  if (stats.length === 0) return null;
  if (stats.some((one) => exceeds(one, POOR))) return 'poor';
  return stats.some((one) => exceeds(one, FAIR)) ? 'fair' : 'good';
}

/** As {@link quality}; the figures of the last second do not yet know of a connection that wavers. */
export function callQuality({ phase, participants, stats }: CallView): Quality | null {
  if (phase.kind === 'reconnecting') return null;
  return participants.some(({ link }) => link.kind !== 'good') ? 'poor' : quality(stats);
}
