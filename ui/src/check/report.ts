// What a check found, as rows to read and as a text to pass on.

import type { CheckFinding } from '../lib/bindings/CheckFinding';
import type { CheckResult } from '../lib/bindings/CheckResult';
import type { RelayCheck } from '../lib/bindings/RelayCheck';
import { natWords, t } from '../lib/strings';

/** How a row is meant: as it should be, not as it should be, or a plain fact. */
export type Mood = 'good' | 'bad' | 'fact';

export interface Row {
  id: string;
  label: string;
  value: string;
  mood: Mood;
}

/** Calls connect, and break up. */
export function isLossy({ verdict, lossy }: CheckResult): boolean {
  return (verdict === 'direct' || verdict === 'someRelayed') && lossy;
}

const milliseconds = (ms: number): string => `${Math.round(ms)} ms`;

function found(finding: CheckFinding, words: (value: string) => string = (value) => value): string {
  return finding.kind === 'known' ? words(finding.value) : t.check.unknown(finding.why);
}

function relay(id: string, label: string, check: RelayCheck): Row {
  switch (check.kind) {
    case 'reached':
      return { id, label, value: t.check.reached(milliseconds(check.roundTripMs)), mood: 'good' };
    case 'notConfigured':
      return { id, label, value: t.check.notOffered, mood: 'fact' };
    case 'failed':
      return { id, label, value: t.check.failed(check.why), mood: 'bad' };
  }
}

function nat(value: string): string {
  return (natWords as Record<string, string>)[value] ?? value;
}

export function rows(result: CheckResult): Row[] {
  const fact = (id: string, label: string, value: string): Row => ({ id, label, value, mood: 'fact' });
  const { loss, roundTripMs, localAddresses } = result;
  return [
    relay('relay-udp', t.check.relayUdp, result.relayUdp),
    relay('relay-tcp', t.check.relayTcp, result.relayTcp),
    relay('relay-tls', t.check.relayTls, result.relayTls),
    fact('loss', t.check.loss, loss === null ? t.check.notMeasured : `${(loss * 100).toFixed(loss > 0 ? 1 : 0)} %`),
    fact('round-trip', t.check.roundTrip, roundTripMs === null ? t.check.notMeasured : milliseconds(roundTripMs)),
    fact('nat', t.check.nat, found(result.nat, nat)),
    fact('public-v4', t.check.publicV4, found(result.publicV4)),
    fact('public-v6', t.check.publicV6, found(result.publicV6)),
    fact('local', t.check.local, localAddresses.join('\n') || t.check.none),
  ];
}

/** The same to be passed on, with the time at which it held. */
export function reportText(result: CheckResult, at: Date): string {
  const lines = rows(result).map(({ label, value }) => `${label}: ${value.replaceAll('\n', ', ')}`);
  return [`${t.check.reportTitle}, ${at.toISOString()}`, result.sentence, '', ...lines, ''].join('\n');
}

/** Puts text where other programs can paste it from; false if the system does not let it. */
export async function copy(text: string): Promise<boolean> {
  return navigator.clipboard.writeText(text).then(() => true, () => false);
}
