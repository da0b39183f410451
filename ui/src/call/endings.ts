// Where an ending is told: over the whole window if a call was on screen, else on a card.

import type { EndReasonView } from '../lib/bindings/EndReasonView';

const ON_STAGE = {
  hungUp: true,
  remoteHungUp: true,
  cancelled: true,
  remoteCancelled: false,
  declined: false,
  remoteDeclined: true,
  remoteBusy: true,
  noAnswer: true,
  missed: false,
  remoteOffline: true,
  unknownAccount: true,
  notAContact: true,
  answeredElsewhere: false,
  declinedElsewhere: false,
  connectionLost: true,
  connectionFailed: true,
  untrusted: true,
  remoteUntrusted: true,
  serverUnreachable: true,
  expired: false,
  internal: true,
} satisfies Record<EndReasonView, boolean>;

export function endsOnStage(reason: EndReasonView): boolean {
  return ON_STAGE[reason];
}

/** Endings that are a danger, not a nuisance. */
export function isAlarming(reason: EndReasonView): boolean {
  return reason === 'untrusted' || reason === 'remoteUntrusted';
}
