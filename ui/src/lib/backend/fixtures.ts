// A snapshot for every state that the window can show, by name: unit tests, screenshots and
// the mock backend use them.

import type { Levels } from '../bindings/Levels';
import type { SessionProblem } from '../bindings/SessionProblem';
import type { Snapshot } from '../bindings/Snapshot';
import { calls, endings } from './fixtures/calls';
import { checks, networks } from './fixtures/network';
import { shares } from './fixtures/shares';
import { shells } from './fixtures/shells';
import { bare, devices, echo, elsewhere, here, lived, NOW } from './fixtures/people';

function signedOut(problem: SessionProblem | null = null, server = here): Snapshot {
  const name = problem ? 'alice' : null;
  return { ...bare, session: { kind: 'signedOut', server, name, problem } };
}

const unreachable: SessionProblem = { kind: 'unreachable', detail: 'connection refused (os error 111)' };

export const fixtures: Record<string, Snapshot> = {
  'signed-out': signedOut(),
  'signed-out-name-taken': signedOut({ kind: 'refused', code: 'nameTaken' }),
  'signed-out-wrong-key': signedOut({ kind: 'refused', code: 'wrongKey' }),
  'signed-out-unreachable': signedOut(unreachable, elsewhere),
  'signed-out-bad-name': signedOut({ kind: 'badName' }),
  'signed-out-bad-address': signedOut({ kind: 'badAddress' }, elsewhere),
  'signed-out-key-store': signedOut({ kind: 'keyStore', detail: 'the keyring is locked' }),
  'signing-in': { ...bare, session: { kind: 'signingIn', name: 'alice', server: here } },
  empty: bare,
  contacts: lived,
  contact: lived,
  'contact-key-changed': lived,
  calls: lived,
  offline: {
    ...lived,
    contacts: lived.contacts.map((contact) => ({ ...contact, presence: 'offline' as const })),
    session: { kind: 'offline', name: 'alice', server: elsewhere, problem: unreachable, retryAt: NOW + 8000 },
  },
  ...calls,
  ...endings,
  ...shares,
  ...shells,
  ...networks,
  ...checks,
  echo: { ...lived, contacts: [echo, ...lived.contacts] },
  'echo-alone': { ...bare, contacts: [echo] },
  settings: { ...lived, devices: { ...devices, testingMicrophone: true, previewingCamera: true } },
  notices: {
    ...lived,
    notices: [
      { id: 1, kind: { kind: 'missedWhileBusy', from: 'jonas' } },
      { id: 2, kind: { kind: 'device', device: 'microphone', problem: 'lost' } },
      { id: 3, kind: { kind: 'keyInFile' } },
    ],
  },
  'call-notices': {
    ...calls['no-devices'],
    notices: [
      { id: 1, kind: { kind: 'keyInFile' } },
      { id: 2, kind: { kind: 'device', device: 'microphone', problem: 'missing' } },
      { id: 3, kind: { kind: 'device', device: 'camera', problem: 'missing' } },
      { id: 4, kind: { kind: 'failed', code: 'storage' } },
      { id: 5, kind: { kind: 'device', device: 'speaker', problem: 'missing' } },
      { id: 6, kind: { kind: 'missedWhileBusy', from: 'jonas' } },
    ],
  },
};

/** Levels that go with a fixture, at a moment in milliseconds. */
export function levelsFor(name: string, snapshot: Snapshot, at: number): Levels {
  const wave = (shift: number): number => 0.45 + 0.25 * Math.sin(at / 130 + shift) + 0.15 * Math.sin(at / 57 + shift);
  const speaking = name === 'speaking' || name === 'group';
  const hears = snapshot.devices.testingMicrophone || (snapshot.call?.microphone.on ?? false);
  return {
    microphone: hears ? wave(0) : 0,
    chain: snapshot.devices.testingMicrophone ? { input: wave(0) - 0.1, output: wave(0), echoDb: 31.4, noiseDb: 14.2, gainDb: 6.8 } : null,
    speaking: hears && !speaking,
    participants: (snapshot.call?.participants ?? []).map(({ account, connected }, index) => ({
      account,
      level: connected && speaking && index === 0 ? wave(1) : 0,
      speaking: connected && speaking && index === 0,
    })),
  };
}
