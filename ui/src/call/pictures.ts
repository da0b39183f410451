// Who sends which picture, and which of them is shown large.

import type { CallView } from '../lib/bindings/CallView';
import type { ParticipantView } from '../lib/bindings/ParticipantView';

/** Whether there is a picture of theirs to see: of them or of their screen. */
export function sendsPicture({ camera, screen }: ParticipantView): boolean {
  return camera || screen;
}

/** Whether one's own picture is a screen now. */
export function sendsScreen({ share }: CallView): boolean {
  return share.kind === 'sharing' && !share.showingCamera;
}

/** Whose screen is shown large: the one asked for while they share, else the first. */
export function largeScreen(participants: readonly ParticipantView[], wanted: string | null): string | null {
  const sharers = participants.filter(({ screen, tile }) => screen && tile !== null).map(({ account }) => account);
  return sharers.find((account) => account === wanted) ?? sharers[0] ?? null;
}

/** The one to show where there is room for one: a screen, else who speaks, else a picture. */
export function featured(participants: readonly ParticipantView[], spoke: string | null): ParticipantView | undefined {
  const screen = largeScreen(participants, spoke);
  return (
    participants.find(({ account }) => account === screen) ??
    participants.find(({ account }) => account === spoke) ??
    participants.find(sendsPicture) ??
    participants[0]
  );
}
