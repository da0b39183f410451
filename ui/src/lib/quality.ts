// The quality of a call in one word.

import type { CallView } from './bindings/CallView';
import type { Quality } from './bindings/Quality';

/** From bad to good. */
const ORDER: readonly Quality[] = ['poor', 'fair', 'good', 'excellent'];

/**
 * The worst of all participants; null before there are figures and while the connection is being
 * restored. The figures of the last second do not yet know of a connection that wavers.
 */
export function callQuality({ phase, participants, stats }: CallView): Quality | null {
  if (phase.kind === 'reconnecting') return null;
  if (participants.some(({ link }) => link.kind !== 'good')) return 'poor';
  return ORDER.find((grade) => stats.some(({ quality }) => quality === grade)) ?? null;
}
