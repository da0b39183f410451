// Words about sharing a screen, on both sides.

import type { ScreenKind } from '../bindings/ScreenKind';
import type { ScreenUnavailable } from '../bindings/ScreenUnavailable';
import type { ShareProblem } from '../bindings/ShareProblem';
import { possessive } from '../format';
import { shared } from './shared';

export const share = {
  button: 'Share screen',
  begin: 'Share your screen',
  stop: 'Stop sharing',
  /** The same in two parts: a narrow window shows the first alone. */
  stopFirst: 'Stop',
  stopRest: ' sharing',
  menu: 'What to share',
  choose: 'Choose a screen or window',
  change: 'Change what you share',
  chooseInDialog: 'Choose in the system’s dialog',
  pickerTitle: 'Share your screen',
  pickerLead: 'Everybody in the call sees what you choose, with your pointer.',
  submit: 'Share',
  again: (name: string) => `Share ${name} again`,
  size: (width: number, height: number) => `${width} × ${height}`,
  primary: 'Main screen',
  looking: 'Looking for screens and windows',
  nothing: 'Nothing to share was found',
  nothingLead: 'Open the window that you want to share: it shows up here at once.',
  noWindows: 'No window is open.',
  unavailable: 'Your screen cannot be shared here',
  you: (name: string) => `You are sharing ${name}`,
  youWithSound: (name: string) => `You are sharing ${name} and its sound`,
  sound: 'Share the sound, too',
  soundOfWindow: 'What this window’s program plays.',
  soundOfAll: 'What your programs play. The call itself is left out.',
  withoutSound: 'Leave the sound out',
  yourCamera: (name: string) => `You share ${name}, but show your camera`,
  starting: (name: string) => `Starting to share ${name}`,
  inDialog: 'Choose in the system’s dialog what to share',
  showCamera: 'Show camera',
  showScreen: 'Show screen',
  ownTile: 'What the others see',
  theirs: (who: string) => `${possessive(who)} screen`,
  zoom: 'Size of the shared screen',
  fit: 'Fit',
  fitLong: 'Fit the window',
  actual: '1:1',
  actualLong: '1:1, actual size',
  enlarge: (who: string) => `Show ${possessive(who)} screen large`,
  news: (who: string) => `${who} shares a screen.`,
} as const;

export const screenKinds = {
  monitor: 'Screens',
  window: 'Windows',
} satisfies Record<ScreenKind, string>;

/** Why nothing can be shared here, and what to do about it. */
export function screenUnavailable(reason: ScreenUnavailable): string {
  switch (reason.kind) {
    case 'noDisplay':
      return 'Tincan is not connected to a desktop, so there is no screen to share.';
    case 'noPortal':
      return `On this desktop, programs share the screen through a portal, and none answers. Install the package ${reason.package}, sign out and in again, and try once more.`;
    case 'unsupported':
      return 'Tincan cannot read the screen of this system.';
  }
}

/** What ended the sharing, and what to do. */
export const shareProblems = {
  closed: 'Sharing ended: what you shared was closed, or the system stopped it. Share again to go on.',
  refused: 'The system does not let Tincan share your screen. Allow it in the system settings, then share again.',
  noPortal: 'Your desktop offers no way to share the screen. Open “Share screen” to see what is missing.',
  unsupported: shared.unshareable,
} satisfies Record<ShareProblem, string>;
