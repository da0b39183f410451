// What went wrong or came to an end, why, and what to do.

import type { DeviceKind } from '../bindings/DeviceKind';
import type { DeviceProblem } from '../bindings/DeviceProblem';
import type { EndReasonView } from '../bindings/EndReasonView';
import type { Failure } from '../bindings/Failure';
import type { IntentErrorCode } from '../bindings/IntentErrorCode';
import type { NoticeKind } from '../bindings/NoticeKind';
import type { Refusal } from '../bindings/Refusal';
import type { SessionProblem } from '../bindings/SessionProblem';
import { network } from './network';
import { shared } from './shared';

const BAD_NAME = 'A name has 2 to 32 letters (a to z), digits, dots, dashes or underscores.';
const BAD_ADDRESS = 'This is not an address. It looks like 192.168.1.20:4780.';
export function keyChanged(name: string): string {
  return `The key of ${name} has changed. They may have a new computer, or somebody may be in between: compare the safety number before you talk.`;
}

const CALL_OVER = 'That call is over already.';

/** A headline and what it means; `who` is the other side. */
export const endReasons = {
  hungUp: () => ['Call ended', 'You hung up.'],
  remoteHungUp: (who) => ['Call ended', `${who} hung up.`],
  cancelled: () => ['Call cancelled', 'You hung up before there was an answer.'],
  remoteCancelled: (who) => ['Missed call', `${who} hung up before you could answer.`],
  declined: (who) => ['Call declined', `You declined the call from ${who}.`],
  remoteDeclined: (who) => ['Call declined', `${who} cannot take the call right now.`],
  remoteBusy: (who) => ['Busy', `${who} is in another call. Try again later.`],
  noAnswer: (who) => ['No answer', `${who} did not answer.`],
  missed: (who) => ['Missed call', `${who} called and you did not answer in time.`],
  remoteOffline: (who) => ['Not online', `${who} is not connected. Try again later.`],
  unknownAccount: (who) => ['Nobody there', `There is no “${who}” on this server.`],
  notAContact: (who) => ['Not a contact yet', `${who} has not accepted your request yet.`],
  answeredElsewhere: () => ['Answered elsewhere', 'You took this call on another device.'],
  declinedElsewhere: () => ['Declined elsewhere', 'You declined this call on another device.'],
  connectionLost: () => ['Connection lost', 'The connection broke and did not come back. Check your network, then call again.'],
  connectionFailed: (who) => ['Could not connect', `No way to reach ${who} was found. A firewall or VPN on either side may be blocking calls.`],
  untrusted: (who) => ['Call stopped for your safety', `A message was not signed with the key of ${who}. Somebody may be trying to listen in. Compare safety numbers before you call again.`],
  remoteUntrusted: (who) => ['Call stopped for your safety', `The app of ${who} could not verify this call. Compare safety numbers before you call again.`],
  serverUnreachable: () => ['Could not call', 'The server cannot be reached. Check your network, then call again.'],
  internal: () => ['Something went wrong', 'Tincan had to end the call. Calling again usually helps.'],
} satisfies Record<EndReasonView, (who: string) => readonly [title: string, text: string]>;

const refusals = {
  unsupportedVersion: 'The server speaks another version of Tincan. Update the app or the server.',
  nameTaken: 'Somebody already has this name. Pick another one.',
  wrongKey: 'This name belongs to a key that is not on this computer. Pick another name, or sign in where you first used it.',
  unknownAccount: 'The server does not know this name any more. Try again to take it anew.',
  badProof: 'The server could not verify your key. Try again.',
  malformed: 'The server did not understand this app. Update the app or the server.',
  tooMany: 'Too many attempts. Wait a minute, then try again.',
  replaced: 'This account was opened in another window on this device.',
  unavailable: 'The server is stopping or busy. Try again in a moment.',
} satisfies Record<Refusal, string>;

export const sessionProblems = {
  unreachable: () => 'Nothing answers at this address. Check it, and that the other computer is on.',
  badAddress: () => BAD_ADDRESS,
  badName: () => BAD_NAME,
  refused: ({ code }: { code: Refusal }) => refusals[code],
  keyStore: () => 'Your identity key could be neither read nor stored. Unlock your keyring, then try again.',
} satisfies { [K in SessionProblem['kind']]: (problem: Extract<SessionProblem, { kind: K }>) => string };

export function sessionProblem(problem: SessionProblem): string {
  switch (problem.kind) {
    case 'refused':
      return sessionProblems.refused(problem);
    case 'unreachable':
    case 'badAddress':
    case 'badName':
    case 'keyStore':
      return sessionProblems[problem.kind]();
  }
}

export const failures = {
  unknownAccount: 'There is nobody by this name on this server.',
  oneself: 'That is you. Add somebody else.',
  tooMany: 'Too many requests at once. Wait a moment, then try again.',
  unknownCall: CALL_OVER,
  outOfBounds: 'The server did not accept this request.',
  storage: 'The server could not save this. Try again later.',
} satisfies Record<Failure, string>;

export const intentErrors = {
  badName: BAD_NAME,
  badIceServer: 'A relay is written as turn:host:3478, with a user name and a password; a STUN server as stun:host:3478.',
  offline: 'The server is not connected. Try again in a moment.',
  inCall: 'You are in a call. Hang up first.',
  noRelay: network.noRelay,
  noCall: CALL_OVER,
  noScreen: shared.unshareable,
  closing: 'Tincan is closing.',
} satisfies Record<IntentErrorCode, string>;

const speakerProblems = {
  missing: 'No speaker found. You cannot hear others; plug one in.',
  busy: 'Another program uses your speaker. Close it, or choose another.',
  refused: 'The system does not let Tincan play sound. Allow it in the system settings.',
  lost: 'Your speaker stopped. Plug it in again, or choose another.',
  unsupported: 'This speaker does not work with Tincan. Choose another.',
};

export const deviceProblems = {
  microphone: {
    missing: 'No microphone found. Others cannot hear you; plug one in.',
    busy: 'Another program uses your microphone. Close it, or choose another.',
    refused: 'The system does not let Tincan use your microphone. Allow it in the system settings.',
    lost: 'Your microphone stopped. Plug it in again, or choose another.',
    unsupported: 'This microphone does not work with Tincan. Choose another.',
  },
  speaker: speakerProblems,
  ringer: speakerProblems,
  camera: {
    missing: 'No camera found. Others see a test picture.',
    busy: 'Another program uses your camera. Close it, and yours is back by itself, or choose another.',
    refused: 'The system does not let Tincan use your camera. Allow it in the system settings.',
    lost: 'Your camera stopped. Plug it in again, or choose another.',
    unsupported: 'This camera does not work with Tincan. Choose another.',
  },
} satisfies Record<DeviceKind, Record<DeviceProblem, string>>;

export function notice(kind: NoticeKind): string {
  switch (kind.kind) {
    case 'device':
      return deviceProblems[kind.device][kind.problem];
    case 'deviceReplaced':
      return `Your ${kind.device} is gone. ${kind.name} is used until it is back.`;
    case 'keyInFile':
      return 'There is no keyring here, so your identity key lies in a file that only you can read.';
    case 'keyChanged':
      return keyChanged(kind.name);
    case 'missedWhileBusy':
      return `${kind.from} called while you were in a call.`;
    case 'failed':
      return failures[kind.code];
    case 'notSaved':
      return 'Your settings could not be saved. They hold until you close Tincan.';
  }
}
