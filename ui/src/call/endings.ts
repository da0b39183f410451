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
  internal: true,
} satisfies Record<EndReasonView, boolean>;

export function endsOnStage(reason: EndReasonView): boolean {
  return ON_STAGE[reason];
}

/** What a person is likely to want next. Where another call would end alike, none is offered. */
const NEXT = {
  hungUp: 'close',
  remoteHungUp: 'close',
  cancelled: 'close',
  remoteCancelled: 'call',
  declined: 'close',
  remoteDeclined: 'close',
  remoteBusy: 'close',
  noAnswer: 'call',
  missed: 'call',
  remoteOffline: 'close',
  unknownAccount: 'nothing',
  notAContact: 'nothing',
  answeredElsewhere: 'nothing',
  declinedElsewhere: 'close',
  connectionLost: 'repair',
  connectionFailed: 'repair',
  untrusted: 'compare',
  remoteUntrusted: 'compare',
  serverUnreachable: 'repair',
  internal: 'call',
} satisfies Record<EndReasonView, Next>;

/** `close` and `call`: either can be done, and that is first. `repair`: call, or see what is wrong. */
export type Next = 'close' | 'call' | 'repair' | 'compare' | 'nothing';

export function nextAfter(reason: EndReasonView): Next {
  return NEXT[reason];
}

/** Endings that are a danger, not a nuisance. */
export function isAlarming(reason: EndReasonView): boolean {
  return reason === 'untrusted' || reason === 'remoteUntrusted';
}
